//! Limits of this crate, each with the reason for its number.
//!
//! In: nothing. Out: constants. May touch: nothing. Invariant: what is printed for a range stays readable.

/// Addresses of one range that get a line of their own in the zone: a /24, the largest range that one zone of the
/// reverse tree holds.
pub const ZONE_LINES_MAX: u128 = 256;

//! Names of the parts of a request's trace.
//!
//! In: a trace's id, a part. Out: the part's id; the part that took longest. May touch: nothing.
//! Invariant: whoever knows trace and part knows the id, so that a log line and a waterfall name the same span.

use crate::AttemptTimings;

/// The id of a span (16 hex digits, as W3C Trace Context has them): a part of the request `trace_id`, or with no part
/// all of it.
#[must_use]
pub fn span_id(trace_id: &str, part: &str) -> String {
    let bytes = trace_id.bytes().chain([0]).chain(part.bytes());
    let number = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |number, byte| {
        (number ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{:016x}", number.max(1))
}

impl AttemptTimings {
    /// The part of the request that took longest; nothing where none was reached.
    #[must_use]
    pub fn longest_part(&self) -> &'static str {
        let parts = [
            ("dns", self.dns_us),
            ("connect", self.connect_us),
            ("tls", self.tls_us),
            ("first_byte", self.first_byte_us),
            ("body", self.body_us),
        ];
        let known = parts
            .iter()
            .filter_map(|(name, us)| Some((*us.as_ref()?, *name)));
        known.max().map_or("", |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_one_id_of_sixteen_digits() {
        let ids = ["", "body", "tls"].map(|part| span_id("07070707", part));
        assert!(ids.iter().all(|id| id.len() == 16));
        assert!(ids[0] != ids[1] && ids[1] != ids[2]);
        assert_eq!(ids[1], span_id("07070707", "body"));
        let times = AttemptTimings {
            connect_us: Some(5),
            body_us: Some(9),
            ..AttemptTimings::default()
        };
        assert_eq!(times.longest_part(), "body");
        assert_eq!(AttemptTimings::default().longest_part(), "");
    }
}

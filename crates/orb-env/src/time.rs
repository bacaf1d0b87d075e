//! Points in time as types: monotonic, wall, and the pair that survives a restart.
//!
//! In: plain numbers. Out: ordered values with arithmetic that saturates.
//! May touch: nothing. Must not touch: clocks.
//! Invariant: arithmetic never wraps and never panics.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since the machine booted, suspend included (`CLOCK_BOOTTIME`). Only comparable within one boot.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Mono(pub u64);

impl Mono {
    /// The far end of time: a clock that never fires.
    pub const NEVER: Mono = Mono(u64::MAX);

    /// This instant moved later; saturates at [`Mono::NEVER`].
    #[must_use]
    pub fn plus(self, span: Duration) -> Mono {
        Mono(self.0.saturating_add(micros(span)))
    }

    /// This instant moved earlier; saturates at boot.
    #[must_use]
    pub fn minus(self, span: Duration) -> Mono {
        Mono(self.0.saturating_sub(micros(span)))
    }

    /// Time from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Mono) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Microseconds since the Unix epoch, as the machine believes. May jump either way.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Wall(pub i64);

impl Wall {
    /// Time from `earlier` to this instant; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Wall) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This instant moved later; saturates.
    #[must_use]
    pub fn plus(self, span: Duration) -> Wall {
        Wall(
            self.0
                .saturating_add(i64::try_from(micros(span)).unwrap_or(i64::MAX)),
        )
    }
}

/// Which boot of which machine a [`Mono`] belongs to.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct BootId(pub [u8; 16]);

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BootId({self})")
    }
}

impl From<BootId> for String {
    fn from(id: BootId) -> String {
        id.to_string()
    }
}

/// Reads hexadecimal digits, hyphens allowed; anything else gives the zero id, which no machine has.
impl From<String> for BootId {
    fn from(text: String) -> BootId {
        let digits: Vec<u8> = text
            .bytes()
            .filter_map(|b| char::from(b).to_digit(16))
            .map(|d| d as u8)
            .collect();
        let mut id = [0; 16];
        if digits.len() == 32 {
            for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
                *byte = pair[0] << 4 | pair[1];
            }
        }
        BootId(id)
    }
}

/// One moment on every clock: what is stored, because a later process may be on another boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The boot `mono` counts from.
    pub boot: BootId,
    /// Monotonic time.
    pub mono: Mono,
    /// Wall time.
    pub wall: Wall,
}

impl Stamp {
    /// When a stored deadline comes, seen from `now`.
    ///
    /// On the same boot it is the stored instant. On another boot nothing tells how long the machine was
    /// off, so the whole remainder the deadline had at `stored_at` counts from `now`.
    #[must_use]
    pub fn deadline(stored_at: Stamp, due: Mono, now: Stamp) -> Mono {
        if stored_at.boot == now.boot {
            due
        } else {
            now.mono.plus(due.since(stored_at.mono))
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_of_another_boot_waits_its_whole_remainder() {
        let stored = Stamp {
            boot: BootId([1; 16]),
            mono: Mono(1_000),
            wall: Wall(0),
        };
        let same = Stamp {
            boot: BootId([1; 16]),
            mono: Mono(5_000),
            wall: Wall(9),
        };
        let other = Stamp {
            boot: BootId([2; 16]),
            mono: Mono(7),
            wall: Wall(9),
        };
        assert_eq!(Stamp::deadline(stored, Mono(3_000), same), Mono(3_000));
        assert_eq!(Stamp::deadline(stored, Mono(3_000), other), Mono(2_007));
        assert_eq!(Stamp::deadline(stored, Mono(500), other), Mono(7));
    }

    #[test]
    fn boot_ids_survive_text() {
        let id = BootId([0xab; 16]);
        assert_eq!(BootId::from(String::from(id)), id);
        assert_eq!(
            BootId::from("abababab-abab-abab-abab-abababababab\n".to_owned()),
            id
        );
        assert_eq!(BootId::from("nonsense".to_owned()), BootId::default());
    }
}

//! Instants as the reader's clock on the wall shows them.
//!
//! In: an instant. Out: local date and time. May touch: the system's time zone, read once.
//! Invariant: without a known time zone it is UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use orb_env::Wall;

/// The system's time zone.
#[derive(Clone, Debug)]
pub(crate) struct LocalTime(TimeZone);

impl LocalTime {
    /// Reads the time zone of this machine, or of `TZ`.
    pub(crate) fn of_system() -> LocalTime {
        LocalTime(TimeZone::try_system().unwrap_or(TimeZone::UTC))
    }

    /// Such as `2026-11-22 10:41:07`.
    pub(crate) fn text(&self, at: Wall) -> String {
        match Timestamp::from_microsecond(at.0) {
            Ok(instant) => instant
                .to_zoned(self.0.clone())
                .strftime("%Y-%m-%d %H:%M:%S")
                .to_string(),
            Err(_) => format!("{} µs since 1970", at.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_where_the_reader_is() {
        let text = |zone: &str| {
            let zone = TimeZone::posix(zone).unwrap();
            LocalTime(zone).text(Wall(1_795_000_000_000_000))
        };
        assert_eq!(text("UTC0"), "2026-11-18 11:06:40");
        assert_eq!(text("CET-1"), "2026-11-18 12:06:40");
        assert!(
            LocalTime(TimeZone::UTC)
                .text(Wall(i64::MAX))
                .ends_with("1970")
        );
    }
}

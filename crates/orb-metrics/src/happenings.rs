//! What can happen to a crawl that somebody wants to read of: each kind once, with its line in the log and its counter.
//!
//! In: nothing. Out: names, severities, messages; counts by kind. May touch: its own counters.
//! Invariant: `happened!` is the one way such a line comes about, and the same line is what is counted: log and metric
//! cannot tell different stories. A name, once given, keeps its meaning.

use std::sync::atomic::{AtomicU64, Ordering};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Part of a crawl's life.
    Info,
    /// Something went wrong and is being dealt with.
    Warn,
    /// Somebody must act.
    Error,
}

macro_rules! happenings {
    ($($kind:ident $severity:ident $name:literal $message:literal;)*) => {
        /// See the module.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Happening {
            $(#[doc = concat!("`", $name, "`: ", $message, ".")] $kind,)*
        }

        impl Happening {
            /// Every kind, in the order of their counters.
            pub const ALL: &'static [Happening] = &[$(Happening::$kind),*];

            /// Its name in logs and metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Happening::$kind => $name),* }
            }

            /// How much it matters.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Happening::$kind => Severity::$severity),* }
            }

            /// What the log says.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Happening::$kind => $message),* }
            }
        }
    };
}

happenings! {
    CrawlOpened Info "crawl_opened" "crawl opened";
    SettingsChanged Info "settings_changed" "settings differ from those of the run before";
    CrawlEnded Info "crawl_ended" "crawl ended";
    OrderGiven Info "order_given" "order given";
    OrderNotHeeded Error "order_not_heeded" "order could not be heeded";
    OptOutsTaken Info "opt_outs_taken" "opt-outs taken up";
    OptOutsUnreadable Error "opt_outs_unreadable" "list of opt-outs could not be taken up";
    RequestSlow Info "request_slow" "request took long";
    RequestInTrouble Info "request_in_trouble" "request ended in trouble";
    SiteParked Warn "site_parked" "parked for its crawl delay";
    PolitenessBreached Error "politeness_breached" "a request began before its site's pause was over";
    SitemapDamaged Warn "sitemap_damaged" "first sitemap of a slot that could not be read to its end";
    RowLost Error "row_lost" "attempt row could not be written";
    SlotUndone Warn "slot_undone" "slot was undone to its last committed group";
    CommitFailed Error "commit_failed" "group could not be committed";
    JobFailed Error "job_failed" "helper job failed";
    ShardEnded Error "shard_ended" "shard ended";
    DiskFull Warn "disk_full" "disk is nearly full, intake stops until there is room";
    DiskHasRoom Info "disk_has_room" "disk has room again, intake goes on";
    UploadsBehind Warn "uploads_behind" "uploads are behind, intake stops until fewer files wait";
    UploadsCaughtUp Info "uploads_caught_up" "uploads have caught up, intake goes on";
    ClockJumped Warn "clock_jumped" "the wall clock was set";
    Panicked Error "panicked" "panicked";
}

impl Happening {
    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Happening> {
        let mut all = Happening::ALL.iter().copied();
        all.find(|kind| kind.name() == name)
    }
}

/// Tells that something happened: `happened!(SiteParked, site = %site)`. The caller's crate has `tracing`.
#[macro_export]
macro_rules! happened {
    ($kind:ident $(, $($fields:tt)+)?) => {{
        const KIND: $crate::Happening = $crate::Happening::$kind;
        const LEVEL: tracing::Level = match KIND.severity() {
            $crate::Severity::Info => tracing::Level::INFO,
            $crate::Severity::Warn => tracing::Level::WARN,
            $crate::Severity::Error => tracing::Level::ERROR,
        };
        tracing::event!(LEVEL, event = KIND.name(), message = KIND.message(), $($($fields)+)?)
    }};
}

/// How often each kind happened in this process.
#[derive(Debug, Default)]
pub struct HappeningCounts([AtomicU64; Happening::ALL.len()]);

impl HappeningCounts {
    /// Counts one.
    pub fn count(&self, kind: Happening) {
        self.0[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Each kind's name and count.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let counts = Happening::ALL.iter().zip(&self.0);
        counts.map(|(kind, count)| (kind.name(), count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found_again() {
        for kind in Happening::ALL {
            assert_eq!(Happening::named(kind.name()), Some(*kind));
            let plain = |letter: char| letter.is_ascii_lowercase() || letter == '_';
            assert!(kind.name().chars().all(plain), "{}", kind.name());
        }
        let counts = HappeningCounts::default();
        counts.count(Happening::OrderGiven);
        let given = counts.all().find(|(name, _)| *name == "order_given");
        assert_eq!(given, Some(("order_given", 1)));
        assert_eq!(counts.all().map(|(_, count)| count).sum::<u64>(), 1);
    }
}

//! The definitions: name, kind, unit, labels and meaning of every metric.
//!
//! In: nothing. Out: constants. May touch: nothing.
//! Invariant: a name, once given, keeps its meaning; base units only; every label has a closed set of values.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often something took how long.
    Histogram,
}

impl Kind {
    /// Its name in the text formats.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A label, and where its values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// The closed set its values are of.
    pub values: &'static str,
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, without what kind and unit add.
    pub name: &'static str,
    /// What kind it is.
    pub kind: Kind,
    /// `seconds`, `bytes`, `ratio`, or nothing for what is counted.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it means.
    pub help: &'static str,
}

impl Definition {
    /// The name with its unit, as samples of a gauge carry it.
    #[must_use]
    pub fn family(&self) -> String {
        match self.unit {
            "" => self.name.to_owned(),
            unit => format!("{}_{unit}", self.name),
        }
    }

    /// The name as queries know it: of a counter with `_total`.
    #[must_use]
    pub fn queried(&self) -> String {
        match self.kind {
            Kind::Counter => self.family() + "_total",
            Kind::Gauge | Kind::Histogram => self.family(),
        }
    }
}

macro_rules! definitions {
    ($($id:ident = $kind:ident $name:literal $unit:literal [$($label:ident of $values:literal),*] $help:literal;)*) => {
        $(#[doc = $help]
        pub static $id: Definition = Definition {
            name: $name,
            kind: Kind::$kind,
            unit: $unit,
            labels: &[$(Label { name: stringify!($label), values: $values }),*],
            help: $help,
        };)*
        /// Every metric, in the order it is written.
        pub static ALL: &[&Definition] = &[$(&$id),*];
    };
}

definitions! {
    BUILD = Gauge "orb_build_info" "" [version of "the version that runs", commit of "the commit it was built from, or unknown"] "1, with the version of the program.";
    PHASE = Gauge "orb_crawl_phase" "" [phase of "running, paused, disk_full, uploads_behind, stopping, stopped, finished"] "1 for what the crawl does now, 0 for the others.";
    LIMITING = Gauge "orb_crawl_limited_by" "" [cause of "what `orb status` names as limiting"] "1 for what keeps the crawl from going faster now, 0 for the others.";
    RUN = Gauge "orb_crawl_run" "seconds" [] "Length of this run so far.";
    DISCOVERED = Gauge "orb_urls_discovered" "" [] "Distinct URLs the crawl knows, over all runs of its folder.";
    URLS = Gauge "orb_urls" "" [state of "pending, in_flight, done, failed, excluded"] "URLs by state, over all runs of the folder. Their sum is orb_urls_discovered.";
    EXCLUDED = Gauge "orb_urls_excluded" "" [reason of "reasons of `orb why`"] "Excluded URLs by reason.";
    IMBALANCE = Gauge "orb_books_imbalance" "" [] "URLs discovered less URLs in any state. Never anything but 0.";
    STOPPED = Counter "orb_links_stopped" "" [cause of "causes of `orb status`, links not taken"] "Links stopped before they were known, each time they were seen; over all runs of the folder.";
    SITES = Gauge "orb_sites" "" [state of "known, pending, waiting, active, parked, backed_off"] "Sites: known at all, with URLs pending, waiting for their clock, with a request under way, set aside, asked less because their server is in trouble (of those looked at in this run).";
    PAGES = Counter "orb_pages" "" [] "Pages archived in this run: outcomes captured and not_modified.";
    REQUESTS = Counter "orb_requests" "" [] "Requests of any kind in this run, robots.txt included.";
    AGAIN = Counter "orb_pages_again" "" [changed of "yes, no"] "Pages fetched again in this run, by whether they had changed.";
    SITEMAPS = Counter "orb_sitemaps" "" [read of "whole, damaged"] "Sitemap files read in this run, by whether they could be read to their end.";
    SITEMAP_MOVES = Counter "orb_pages_moved_by_sitemaps" "" [how of "put_off, forward"] "Pages fetched later in this run because a sitemap says that they are as they were, or sooner because it says that they changed.";
    SITEMAP_URLS = Counter "orb_sitemap_urls" "" [] "Lines of sitemaps read in this run that name a URL of their own site.";
    ATTEMPTS = Counter "orb_attempts" "" [outcome of "outcomes of attempts"] "Attempts at URLs in this run, by how they ended.";
    TROUBLES = Counter "orb_attempts_in_trouble" "" [reason of "reasons of `orb why`"] "Attempts of this run that did not go well, by reason.";
    WIRE = Counter "orb_wire" "bytes" [] "Bytes received and sent in this run.";
    ARCHIVED = Counter "orb_archived" "bytes" [] "Bytes appended to the archive in this run.";
    UPLOADED = Counter "orb_uploaded" "bytes" [] "Bytes that the object store acknowledged in this run, indexes and repeated ones included.";
    UPLOADED_FILES = Counter "orb_uploaded_files" "" [] "WARC files that arrived in the object store in this run, proven, their indexes before them.";
    UPLOAD_FAILURES = Counter "orb_upload_failures" "" [] "Uploads of this run that failed and were, or are to be, tried again.";
    UPLOAD_BACKLOG = Gauge "orb_upload_backlog" "bytes" [what of "now, max"] "WARC files that are closed and not in the object store yet, and the size at which fetching stops.";
    UPLOAD_BACKLOG_FILES = Gauge "orb_upload_backlog_files" "" [] "The same as a number of files.";
    WAITING = Gauge "orb_requests_waiting" "" [waits_for of "dns, address"] "Requests that wait for a name server, or for the clock of an address.";
    IN_FLIGHT_MAX = Gauge "orb_requests_in_flight_max" "" [] "Requests that may be under way at once.";
    STAGE = Histogram "orb_request_stage_duration" "seconds" [stage of "dns, connect, tls, first_byte, body"] "How long the parts of requests took, those that failed included.";
    COMMIT = Histogram "orb_commit_duration" "seconds" [] "From a commit group's sealing until it was durable.";
    LATE = Gauge "orb_sites_late" "seconds" [] "How long the site that has been due longest has waited for its turn.";
    BUSIEST = Gauge "orb_busiest_share" "ratio" [of of "address, site"] "Share of the last full minute's requests that went to one address, and of the URLs queued in it that are of one site; 0 while there are few.";
    EVENTS = Counter "orb_events" "" [event of "the events below"] "What the log tells of by an event's name, in this run, whether it is written or not.";
    CPU = Counter "orb_cpu" "seconds" [stage of "stages of `orb bench crawl`"] "CPU time of this run by stage of the work.";
    BUSY = Gauge "orb_shards_busy" "ratio" [of of "mean, busiest"] "Share of the last second in which the crawling threads worked.";
    DISK = Gauge "orb_disk" "bytes" [what of "used, max, free, free_min"] "Size of the folder and its cap (0: none), room of the file system and the mark at which fetching stops.";
    MEMORY_MAX = Gauge "orb_memory_max" "bytes" [] "Cap on the memory of the process.";
    PROCESS_CPU = Counter "process_cpu" "seconds" [] "User and system time of the process.";
    PROCESS_MEMORY = Gauge "process_resident_memory" "bytes" [] "Resident memory of the process.";
    PROCESS_FILES = Gauge "process_open_fds" "" [] "Open file descriptors.";
    PROCESS_FILES_MAX = Gauge "process_max_fds" "" [] "File descriptors that may be open.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_no_more_than_they_must() {
        let mut names: Vec<String> = ALL.iter().map(|one| one.queried()).collect();
        for (name, one) in names.iter().zip(ALL) {
            assert!(
                name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
                "{name}"
            );
            assert!(
                !one.name.ends_with("_total") && one.help.ends_with('.'),
                "{name}"
            );
            assert!(
                ["", "seconds", "bytes", "ratio"].contains(&one.unit),
                "{name}"
            );
            let hosts = ["url", "host", "site", "domain", "address"];
            assert!(
                one.labels.iter().all(|label| !hosts.contains(&label.name)),
                "{name}"
            );
        }
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
    }
}

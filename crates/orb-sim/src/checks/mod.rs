//! The promises, checked from outside: on the servers' log, on the files, on the stores' rows.
//!
//! In: what a finished scenario left. Out: [`Findings`].
//! May touch: files and stores, for reading. Must not touch: counters of the crawl.
//! Invariant: every check counts what it looked at, so that a check that saw nothing shows.

mod archive;
mod books;
mod pauses;
mod robots;

use std::collections::BTreeMap;
use std::sync::Arc;

use orb_api::{Books, CommitRow, CrawlDir, with_causes};
use orb_audit::{AuditSettings, StoredState};
use orb_crawl::CrawlIdentity;
use orb_env::Disk;
use orb_frontier::SlotSnapshot;
use orb_shard::SlotId;
use orb_simweb::{SimWeb, Truth, TruthRules};
use orb_store::{ModelOpener, StoreOpener};
use orb_url::{CrawlUrl, Site};

use crate::disk::WitnessedDisk;
use crate::limits::VIOLATIONS_NAMED_MAX;
use crate::run::LifeLog;
use crate::scenario::Scenario;
use crate::server_log::{ServerLog, Visit};

/// A broken promise: which, and what was seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Broken {
    /// Name of the promise.
    pub promise: &'static str,
    /// What was seen.
    pub seen: String,
}

/// What was looked at, and what was found broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Counts of what was checked.
    pub counts: BTreeMap<&'static str, u64>,
    /// The first broken promises.
    pub violations: Vec<Broken>,
}

impl Findings {
    pub(crate) fn count(&mut self, name: &'static str, count: u64) {
        *self.counts.entry(name).or_default() += count;
    }

    pub(crate) fn violate(&mut self, promise: &'static str, seen: String) {
        if self.violations.len() < VIOLATIONS_NAMED_MAX {
            self.violations.push(Broken { promise, seen });
        }
    }

    /// Whether something of `promise` is broken.
    #[must_use]
    pub fn breaks(&self, promise: &str) -> bool {
        self.violations
            .iter()
            .any(|broken| broken.promise == promise)
    }

    /// The audit's own verdicts. After a crash that nobody has recovered from yet it counts what lies past the
    /// committed lengths, and condemns the rest as ever.
    pub(crate) fn audit(
        &mut self,
        disk: &WitnessedDisk,
        dir: &CrawlDir,
        stores: &ModelOpener,
        awaiting_recovery: bool,
    ) {
        let settings = match AuditSettings::stored(disk, dir) {
            Ok(settings) => AuditSettings {
                awaiting_recovery,
                ..settings
            },
            // A process that was killed before it had made the folder left nothing to judge.
            Err(_) if awaiting_recovery => return,
            Err(error) => return self.violate("audit", with_causes(&error)),
        };
        let reader: Arc<dyn Disk> = Arc::new(disk.clone());
        let state = match StoredState::open(reader, dir, stores) {
            Ok(state) => state,
            Err(error) => return self.violate("audit", with_causes(&error)),
        };
        let report = match orb_audit::audit(disk, dir, &settings, Some(&state), &mut |_| {}) {
            Ok(report) => report,
            Err(error) => return self.violate("audit", with_causes(&error)),
        };
        for verdict in &report.verdicts {
            self.count("audit verdicts", 1);
            self.count(
                "audit verdicts unknown",
                u64::from(!verdict.unseen.is_empty()),
            );
            for violation in &verdict.named {
                let when = if awaiting_recovery {
                    " after a crash"
                } else {
                    ""
                };
                self.violate(
                    "audit",
                    format!("{}{when}: {violation}", verdict.promise.name()),
                );
            }
        }
    }

    /// After a crash: every group that the `commits` log names is in its store.
    pub(crate) fn named_groups_are_stored(
        &mut self,
        disk: &WitnessedDisk,
        dir: &CrawlDir,
        stores: &ModelOpener,
    ) {
        for slot in (0..4).map(SlotId) {
            let text = disk.read_all(&dir.commits_of(slot)).unwrap_or_default();
            let rows = text.split_inclusive(|&byte| byte == b'\n');
            let named = rows.filter_map(|row| serde_json::from_slice::<CommitRow>(row).ok());
            let Some(last) = named.map(|row| row.group).max() else {
                continue;
            };
            let stored = stores
                .open(&dir.store(slot))
                .ok()
                .and_then(|store| SlotSnapshot::read(store.as_ref()).ok().flatten())
                .map_or(0, |snapshot| snapshot.group);
            self.count("named groups", last);
            if stored < last {
                self.violate(
                    "durable",
                    format!("slot {slot}: group {last} was named, {stored} is stored"),
                );
            }
        }
    }
}

/// What a scenario left.
pub(crate) struct Aftermath<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) web: &'a Arc<SimWeb>,
    pub(crate) disk: &'a WitnessedDisk,
    pub(crate) dir: &'a CrawlDir,
    pub(crate) stores: &'a ModelOpener,
    pub(crate) lives: &'a [LifeLog],
    pub(crate) server: &'a ServerLog,
}

impl Aftermath<'_> {
    /// What this crawl must find, sitemaps included where it reads them.
    fn truth(&self) -> Truth {
        self.web.truth_for(TruthRules {
            sitemaps: self.scenario.config.frontier.sitemaps.enabled,
            sitemap_files: true,
            forbidden_sitemaps: false,
            ..TruthRules::default()
        })
    }

    /// Checks everything; returns the books, summed.
    pub(crate) fn judge(&self, findings: &mut Findings) -> Books {
        self.judge_servers(findings);
        findings.audit(self.disk, self.dir, self.stores, false);
        let fates = books::judge(self, findings);
        archive::judge(self, &fates, findings);
        self.features(findings);
        fates.books
    }

    /// What servers felt.
    pub(crate) fn judge_servers(&self, findings: &mut Findings) {
        pauses::judge(self, findings);
        robots::judge(self, findings);
    }

    /// What every scenario shall have: an address shared by slots, links across slots, several segments.
    fn features(&self, findings: &mut Findings) {
        let Ok(Some(identity)) = CrawlIdentity::read(self.disk, self.dir) else {
            return;
        };
        let Ok(slots) = identity.slot_map() else {
            return;
        };
        let key = identity.crawl_key();
        let mut by_address: BTreeMap<_, Vec<SlotId>> = BTreeMap::new();
        for visit in &self.server.visits {
            let slot = slots.slot_of_site(&key, &Site::of_host(&visit.host));
            by_address.entry(visit.address).or_default().push(slot);
        }
        let shared = by_address
            .values()
            .filter(|used| used.iter().any(|slot| slot != &used[0]));
        findings.count("addresses shared by slots", shared.count() as u64);
    }

    fn url(&self, visit: &Visit) -> String {
        let scheme = if visit.secure { "https" } else { "http" };
        let text = format!("{scheme}://{}{}", visit.host, visit.target);
        CrawlUrl::parse(&text).map_or(text, |url| url.as_str().to_owned())
    }
}

//! A crawl that runs or stopped: what is known of its sites, as a question for `orb-plan`.
//!
//! In: a crawl's folder, or its control socket. Out: facts; the question of the whole crawl, and that of the rest.
//! May touch: attempt rows and site rows, reading only; the socket. Must not touch: the state.
//! Invariant: bounded reading: of each slot the newest rows, which is said when there are more.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

use orb_api::{AttemptRow, CrawlDir, SiteOrder, Status, ViewQuery};
use orb_crawl::{CrawlIdentity, World, read_status};
use orb_frontier::each_site;
use orb_gate::PolitenessConfig;
use orb_plan::{KnownSite, Learnt, Pace, Sites};
use orb_serve::{ClientError, Request, ask};

use crate::exit::Failure;
use crate::folder::{self};
use crate::limits::ATTEMPT_BYTES_READ_MAX;
use crate::world::KernelWorld;

/// What is known of a crawl.
pub(crate) struct Facts {
    /// How it stands.
    pub(crate) status: Status,
    /// What its attempt rows tell.
    pub(crate) learnt: Learnt,
    /// Whether there are older rows that were not read.
    pub(crate) partial: bool,
    /// URLs that wait, by site; what is waiting elsewhere has no name.
    pending: BTreeMap<String, u64>,
    /// Politeness of its last run.
    pub(crate) politeness: PolitenessConfig,
}

impl Facts {
    /// Asks the running crawl, or reads the folder.
    pub(crate) fn read(dir: &CrawlDir) -> Result<Facts, Failure> {
        let world = KernelWorld::for_reading();
        let identity = CrawlIdentity::read(world.disk().as_ref(), dir)?;
        let identity = identity.ok_or_else(|| Failure::usage_text("the folder holds no crawl"))?;
        let runs: Vec<f64> = identity
            .runs
            .iter()
            .map(|run| run.started.wall.0 as f64 / 1e6)
            .collect();
        let politeness = identity
            .runs
            .last()
            .map(|run| run.politeness.clone())
            .unwrap_or_default();
        let (status, pending) = match running(dir)? {
            Some(known) => known,
            None => stopped(dir, &world, &identity)?,
        };
        let (learnt, partial) = attempts(dir, Learnt::of_runs(&runs), identity.slots)?;
        Ok(Facts {
            status,
            learnt,
            partial,
            pending,
            politeness,
        })
    }

    /// Whether it runs.
    pub(crate) fn runs(&self) -> bool {
        self.status.pid.is_some()
    }

    /// The sites as a plan made at the start would have known them: everything found so far, nothing done.
    pub(crate) fn whole(&self) -> Sites {
        let per_page = self.learnt.requests_per_page();
        let mut sites = Vec::new();
        for (name, site) in self.learnt.sites() {
            let waits = self.pending.get(name).copied().unwrap_or(0);
            sites.push(KnownSite {
                pages: (site.requests - site.robots + waits) as f64 / per_page,
                robots: site.robots as f64,
                exchange: site.exchange(),
                delay: site.delay(),
                address: site.address,
            });
        }
        sites.extend(self.never_asked(per_page));
        Sites::Known(sites)
    }

    /// The sites with what is left of them.
    pub(crate) fn rest(&self) -> Sites {
        let per_page = self.learnt.requests_per_page();
        let mut sites = self.never_asked(per_page);
        for (name, waits) in &self.pending {
            if let Some(site) = self.learnt.site(name) {
                sites.push(KnownSite {
                    pages: *waits as f64 / per_page,
                    robots: 0.0,
                    exchange: site.exchange(),
                    delay: site.delay(),
                    address: site.address,
                });
            }
        }
        Sites::Known(sites)
    }

    /// Sites with URLs waiting that no row tells about: those without a name, and those not asked yet.
    fn never_asked(&self, per_page: f64) -> Vec<KnownSite> {
        let exchange = self.learnt.exchange();
        let delay = Pace::of(&self.politeness).delay(exchange);
        let first = self.learnt.addresses() as u32;
        let known: u64 = self.pending.values().sum();
        let in_all = self.status.states.pending + self.status.states.in_flight;
        let nameless = in_all.saturating_sub(known);
        let nameless_sites = (self
            .status
            .sites_pending
            .saturating_sub(self.pending.len() as u64))
        .clamp(u64::from(nameless > 0), nameless);
        let named = self
            .pending
            .iter()
            .filter(|(name, _)| self.learnt.site(name).is_none())
            .map(|(_, waits)| *waits as f64);
        let even = nameless as f64 / nameless_sites.max(1) as f64;
        let rest = std::iter::repeat_n(even, usize::try_from(nameless_sites).unwrap_or(0));
        named
            .chain(rest)
            .zip(first..)
            .map(|(waits, address)| KnownSite {
                pages: waits / per_page,
                robots: 1.0,
                exchange,
                delay,
                address,
            })
            .collect()
    }
}

/// How a crawl stands, and what waits of each of its sites.
type Standing = (Status, BTreeMap<String, u64>);

/// The running crawl's status, and the sites with most waiting.
fn running(dir: &CrawlDir) -> Result<Option<Standing>, Failure> {
    let query = ViewQuery {
        order: SiteOrder::Pending,
        sites_max: 200,
        ..ViewQuery::default()
    };
    match ask(&dir.socket(), &Request::View(query)) {
        Ok(reply) => {
            let view = reply.view.ok_or_else(|| {
                Failure::usage_text(
                    reply
                        .error
                        .unwrap_or_else(|| "the crawl tells nothing of its sites".into()),
                )
            })?;
            let sites = view.sites.into_iter().filter(|site| site.parked.is_none());
            let pending = sites.map(|site| (site.site, site.pending)).collect();
            Ok(Some((view.status, pending)))
        }
        Err(ClientError::NotRunning) => Ok(None),
        Err(error) => Err(Failure::usage(error)),
    }
}

/// The status on disk, and every site with something waiting.
fn stopped(
    dir: &CrawlDir,
    world: &KernelWorld,
    identity: &CrawlIdentity,
) -> Result<(Status, BTreeMap<String, u64>), Failure> {
    let _lock = folder::lock_silent(dir)?;
    let mut status = read_status(world, dir)?;
    let mut pending = BTreeMap::new();
    for slot in identity.slot_map()?.slot_ids() {
        let store = world
            .stores(64 << 20)
            .open(&dir.store(slot))
            .map_err(Failure::storage)?;
        each_site(store.as_ref(), &mut |site| {
            status.sites += 1;
            if site.tally.pending > 0 && site.tally.parked.is_none() {
                let pages = u64::from(site.tally.pending);
                pending.insert(site.row.name.as_str().to_owned(), pages);
            }
        })
        .map_err(Failure::storage)?;
    }
    status.sites_pending = pending.len() as u64;
    Ok((status, pending))
}

/// Reads the newest attempt rows of every slot; the second value says whether there are older ones.
fn attempts(dir: &CrawlDir, mut learnt: Learnt, slots: u8) -> Result<(Learnt, bool), Failure> {
    let mut partial = false;
    for slot in 0..slots {
        let Ok(mut file) = File::open(dir.attempts_of(slot)) else {
            continue; // a slot that never asked has no rows
        };
        let bytes = file.metadata().map_err(Failure::storage)?.len();
        let skip = bytes.saturating_sub(ATTEMPT_BYTES_READ_MAX);
        file.seek(SeekFrom::Start(skip)).map_err(Failure::storage)?;
        partial |= skip > 0;
        let mut lines = BufReader::new(file).split(b'\n');
        if skip > 0 {
            lines.next(); // begins somewhere inside a row
        }
        // Marks of undone groups and the torn row of a crawl that runs are no rows.
        let rows = lines.map_while(Result::ok);
        for row in rows.filter_map(|line| serde_json::from_slice::<AttemptRow>(&line).ok()) {
            learnt.add(&row);
        }
    }
    Ok((learnt, partial))
}

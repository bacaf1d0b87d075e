//! Running an open crawl: on one thread a shard, or all shards as one future.
//!
//! In: an open crawl. Out: how it ended.
//! May touch: threads, runtimes. Invariant: both ways run the same shards, desk and coordinator.

use std::future::Future;
use std::sync::Arc;
use std::thread;

use futures_util::future::{Either, join_all, select};
use futures_util::stream::FuturesUnordered;
use orb_api::Summary;
use orb_fetch::{Fetcher, Guard};
use orb_metrics::happened;
use orb_page::ScanOptions;
use tokio::sync::{mpsc, oneshot};

use crate::coordinator::Coordinator;
use crate::desk::{Desk, DeskHandle};
use crate::errand::{ErrandMessage, Routes};
use crate::heeding::Effects;
use crate::index::index_all;
use crate::opening::{OpenCrawl, mark_clean};
use crate::page::PageReader;
use crate::questions::{Question, QuestionRoutes};
use crate::shard::{Shard, ShardEnd};
use crate::shared::Shared;
use crate::slot::Slot;
use crate::steady::Steady;
use crate::tally::Tally;
use crate::under_way::UnderWay;
use crate::uploads::{Ending, UploadThread};
use crate::watch::Watch;
use crate::{CrawlError, Wish};

/// Why a crawl ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Nothing left to do.
    Finished,
    /// The page limit was reached.
    PagesMax,
    /// The byte limit was reached.
    BytesMax,
    /// The run's time was over.
    DurationMax,
    /// Somebody asked for it.
    Stopped,
    /// Somebody asked for it at once.
    Aborted,
}

/// How a crawl ended.
#[derive(Clone, Debug)]
pub struct CrawlEnd {
    /// Counts.
    pub summary: Summary,
    /// Why.
    pub why: EndReason,
    /// Whether everything under way was finished and committed.
    pub clean: bool,
}

impl CrawlEnd {
    /// Whether it came to its end cleanly, and nobody waits for it.
    fn is_by_itself(&self) -> bool {
        self.clean && !matches!(self.why, EndReason::Stopped | EndReason::Aborted)
    }
}

type ShardResult = Result<ShardEnd, CrawlError>;

/// What one shard is made of; made on its own thread, since sockets stay there.
struct ShardParts {
    index: u16,
    shared: Arc<Shared>,
    slots: Vec<Slot>,
    desk: DeskHandle,
    routes: Routes,
    inbox: mpsc::Receiver<ErrandMessage>,
    questions: mpsc::Receiver<Question>,
}

impl ShardParts {
    fn build(self) -> Result<Shard, CrawlError> {
        let ShardParts {
            index,
            shared,
            slots,
            desk,
            routes,
            inbox,
            questions,
        } = self;
        let problem = |problem: String| CrawlError::Shard {
            shard: index,
            problem,
        };
        let env = shared
            .world
            .shard_env(index)
            .map_err(|error| problem(error.to_string()))?;
        let tls = shared.world.tls(&shared.config.fetch).map_err(problem)?;
        let config = &shared.config;
        let guard = Guard::new(config.guard.allow.clone(), config.guard.deny.clone());
        let fetcher = Fetcher::new(config.fetch.clone(), config.dns.clone(), guard, &env, tls)
            .map_err(|error| problem(error.to_string()))?;
        let reader = PageReader {
            limits: config.fetch.decode_limits(),
            requisites: config.limits.requisites,
            world: Arc::clone(&shared.world),
            clock: Arc::clone(&env.clock),
            keeps_text: config.archive.keep == crate::Keep::Text,
            marks: config.frontier.novelty,
            maps: config.frontier.sitemaps.enabled,
            tells_text: config.archive.text_marks,
            scan: ScanOptions {
                requisites: config.limits.requisites,
                links_max: config.limits.links_per_page_max as usize,
                text: config.archive.keep == crate::Keep::Text
                    || config.frontier.novelty
                    || config.archive.text_marks,
                token: config.identity.product.clone(),
            },
        };
        Ok(Shard {
            index,
            steady: Steady::from(env.clock.stamp()),
            env,
            fetcher,
            desk,
            routes,
            inbox,
            questions,
            slots,
            reader,
            watch: Watch::default(),
            work: FuturesUnordered::new(),
            under_way: UnderWay::default(),
            reading: 0,
            warned_of_dns: false,
            wish: Wish::Run,
            stopping: false,
            stop_since: None,
            closing: false,
            tally: Tally::new(Arc::clone(&shared.world)),
            fatal: None,
            orders: shared.steering.follow(),
            in_force: shared.steering.in_force(),
            effects: Effects::default(),
            shared,
        })
    }

    /// Runs the shard; when it cannot go on, the others are asked to stop.
    async fn run(self) -> ShardResult {
        let control = self.shared.control.clone();
        let result = match self.build() {
            Ok(shard) => shard.run().await,
            Err(error) => Err(error),
        };
        if let Err(error) = &result {
            happened!(ShardEnded, error = %orb_api::with_causes(error));
            control.ask(Wish::Stop);
        }
        result
    }
}

fn deal(shared: &Arc<Shared>, slots: Vec<Slot>) -> (Desk, Vec<ShardParts>) {
    let clock = shared.world.clock();
    let (desk, handle) = Desk::new(
        &shared.config.politeness,
        clock,
        shared.opened.mono,
        shared.shards,
    );
    let (routes, inboxes) = Routes::new(shared.shards);
    let (asking, questions) = QuestionRoutes::new(
        shared.shards,
        shared.slots,
        shared.key,
        &shared.dir.root().display().to_string(),
        &shared.software,
    );
    shared.control.open_questions(Some(asking));
    let steering = Arc::clone(&shared.steering);
    shared.control.open_steering(Some(steering));
    let mut parts: Vec<ShardParts> = inboxes
        .into_iter()
        .zip(questions)
        .enumerate()
        .map(|(index, (inbox, questions))| ShardParts {
            index: index as u16,
            shared: Arc::clone(shared),
            slots: Vec::new(),
            desk: handle.clone(),
            routes: routes.clone(),
            inbox,
            questions,
        })
        .collect();
    for slot in slots {
        let shard = shared.slots.shard_of(slot.id, shared.shards);
        parts[usize::from(shard)].slots.push(slot);
    }
    (desk, parts)
}

async fn oversee(
    shared: &Arc<Shared>,
    desk: Desk,
    shards: impl Future<Output = Vec<ShardResult>>,
) -> Result<CrawlEnd, CrawlError> {
    let coordinator = std::pin::pin!(Coordinator::new(shared).run(shards));
    let desk = std::pin::pin!(desk.run());
    let (results, why, summary) = match select(coordinator, desk).await {
        Either::Left((done, _)) => done,
        Either::Right(((), coordinator)) => coordinator.await,
    };
    shared.control.open_questions(None);
    shared.control.open_steering(None);
    let mut clean = true;
    for result in results {
        clean &= result? == ShardEnd::Clean;
    }
    if clean {
        // First: whatever ends the process while indexes are made, the crawl itself is done.
        mark_clean(shared.world.disk().as_ref(), &shared.dir)?;
    }
    let end = CrawlEnd {
        summary,
        why,
        clean,
    };
    if end.is_by_itself() {
        // Somebody who asks for a stop does not wait for it.
        index_all(shared);
    }
    Ok(end)
}

impl OpenCrawl {
    /// Runs every shard on a thread of its own; this thread answers for addresses and looks on.
    ///
    /// # Errors
    /// What ended the crawl. The state on disk is that of the last committed groups.
    pub fn run_threads(self) -> Result<CrawlEnd, CrawlError> {
        let shards = self.shards;
        let (shared, slots) = self.open_slots(shards)?;
        let uploads = UploadThread::start(&shared)?;
        let (desk, parts) = deal(&shared, slots);
        let mut ends = Vec::new();
        let mut threads = Vec::new();
        for part in parts {
            let (tell, told) = oneshot::channel();
            let index = part.index;
            let spawn = thread::Builder::new()
                .name(format!("orb-shard-{index}"))
                .spawn(move || {
                    let result = match runtime(index) {
                        Ok(runtime) => runtime.block_on(part.run()),
                        Err(error) => Err(error),
                    };
                    tell.send(result).ok(); // the coordinator waits for it unless the process is ending
                });
            threads.push(spawn.map_err(|error| CrawlError::Shard {
                shard: index,
                problem: error.to_string(),
            })?);
            let control = shared.control.clone();
            ends.push(async move {
                // A thread that panicked tells nothing; the others must not wait for it.
                told.await.unwrap_or_else(|_| {
                    control.ask(Wish::Stop);
                    Err(CrawlError::Bug { shard: index })
                })
            });
        }
        let end = runtime(u16::MAX)?.block_on(oversee(&shared, desk, join_all(ends)));
        for thread in threads {
            thread.join().ok(); // its result was told, or it panicked and that was told
        }
        if let Some(uploads) = uploads {
            let ended = end.as_ref().is_ok_and(CrawlEnd::is_by_itself);
            shared.shelf.end(if ended {
                Ending::WhenEmpty
            } else {
                Ending::Now
            });
            uploads.join();
        }
        end
    }

    /// Runs every shard as part of this one future: simulation.
    ///
    /// # Errors
    /// What ended the crawl. The state on disk is that of the last committed groups.
    pub async fn run_inline(self, shards: u16) -> Result<CrawlEnd, CrawlError> {
        let (shared, slots) = self.open_slots(shards)?;
        let (desk, parts) = deal(&shared, slots);
        oversee(
            &shared,
            desk,
            join_all(parts.into_iter().map(ShardParts::run)),
        )
        .await
    }
}

fn runtime(shard: u16) -> Result<tokio::runtime::Runtime, CrawlError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CrawlError::Shard {
            shard,
            problem: error.to_string(),
        })
}

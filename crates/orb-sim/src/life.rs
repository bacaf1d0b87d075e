//! One process: opened, watched at every poll, and ended as planned or by itself.
//!
//! In: a crawl's setup and a plan. Out: how the process ended.
//! May touch: the crawl's public handle. Must not touch: its insides.
//! Invariant: nothing of a killed process is polled again.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use orb_crawl::{Control, CrawlEnd, CrawlError, CrawlSetup, EndReason, Wish};
use orb_env::{DiskFaults, MemoryDisk, Sleep};
use orb_url::Seed;

use crate::limits::POLLS_MAX;
use crate::time::{ProcessClock, TrueTime};

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LifeEnd {
    /// Nothing was left to do.
    Finished,
    /// It stopped as asked; whether everything was committed.
    Stopped(bool),
    /// The disk killed it.
    Killed,
    /// It gave up and said why.
    Failed(String),
    /// It panicked.
    Panicked(String),
    /// It neither finished nor ended in the time it was given; what it said of itself last.
    Wedged(String),
    /// It was polled again and again without end.
    Spinning,
}

/// What happens to a process from outside while it runs.
pub(crate) struct Fortune {
    pub(crate) disk: MemoryDisk,
    pub(crate) control: Control,
    /// When it counts as wedged.
    pub(crate) deadline: Sleep,
    /// What the operator asks, and when.
    pub(crate) wish: Option<(Sleep, Wish)>,
    /// When the wall clock steps, and by how much.
    pub(crate) step: Option<(Sleep, i64)>,
    /// When somebody makes room on a full disk, and what the disk is like then.
    pub(crate) room: Option<(Sleep, DiskFaults)>,
    pub(crate) clock: Arc<ProcessClock>,
}

type Crawling = Pin<Box<dyn Future<Output = Result<CrawlEnd, CrawlError>>>>;

struct Watched {
    crawl: Option<Crawling>,
    fortune: Fortune,
    polls: u64,
}

impl Watched {
    fn strike(&mut self, cx: &mut Context<'_>) {
        let fortune = &mut self.fortune;
        if let Some((at, wish)) = &mut fortune.wish
            && at.as_mut().poll(cx).is_ready()
        {
            fortune.control.ask(*wish);
            fortune.wish = None;
        }
        if let Some((at, micros)) = &mut fortune.step
            && at.as_mut().poll(cx).is_ready()
        {
            fortune.clock.jump_wall(*micros);
            fortune.step = None;
        }
        if let Some((at, faults)) = &mut fortune.room
            && at.as_mut().poll(cx).is_ready()
        {
            fortune.disk.set_faults(*faults);
            fortune.room = None;
        }
    }

    /// Drops the crawl as the end of a process would: at once, whatever its destructors think of it.
    fn drop_crawl(&mut self) {
        let crawl = self.crawl.take();
        catch_unwind(AssertUnwindSafe(|| drop(crawl))).ok(); // its end was already told
    }
}

impl Future for Watched {
    type Output = LifeEnd;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LifeEnd> {
        let this = &mut *self;
        this.polls += 1;
        this.strike(cx);
        let Some(crawl) = &mut this.crawl else {
            return Poll::Pending;
        };
        let polled = catch_unwind(AssertUnwindSafe(|| crawl.as_mut().poll(cx)));
        let end = match polled {
            Err(panic) => LifeEnd::Panicked(text_of(panic.as_ref())),
            Ok(_) if this.fortune.disk.is_killed() => LifeEnd::Killed,
            Ok(Poll::Ready(result)) => told(result),
            Ok(Poll::Pending) if this.polls > POLLS_MAX => LifeEnd::Spinning,
            Ok(Poll::Pending) => match this.fortune.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    let status = this.fortune.control.status();
                    LifeEnd::Wedged(serde_json::to_string(&status).unwrap_or_default())
                }
                Poll::Pending => return Poll::Pending,
            },
        };
        this.drop_crawl();
        Poll::Ready(end)
    }
}

fn told(result: Result<CrawlEnd, CrawlError>) -> LifeEnd {
    match result {
        Ok(CrawlEnd {
            why: EndReason::Finished,
            clean: true,
            ..
        }) => LifeEnd::Finished,
        Ok(CrawlEnd {
            why: EndReason::Stopped | EndReason::Aborted,
            clean,
            ..
        }) => LifeEnd::Stopped(clean),
        Ok(end) => LifeEnd::Failed(format!("ended as {:?}, clean {}", end.why, end.clean)),
        Err(error) => LifeEnd::Failed(orb_api::with_causes(&error)),
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no text")
        .to_owned()
}

/// Seeds that are still to be taken in; empty once they were.
pub(crate) type Seeds = Vec<Seed>;

/// Opens the folder, takes `seeds` in, and runs the crawl to whatever end comes first.
pub(crate) async fn live(
    setup: CrawlSetup,
    shards: u16,
    seeds: &mut Seeds,
    fortune: Fortune,
) -> LifeEnd {
    let disk = fortune.disk.clone();
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let mut crawl = orb_crawl::open(setup)?;
        if !seeds.is_empty() {
            crawl.add_seeds(seeds.iter().cloned())?;
            seeds.clear();
        }
        Ok::<_, CrawlError>(crawl)
    }));
    let crawl = match opened {
        Err(panic) => return LifeEnd::Panicked(text_of(panic.as_ref())),
        Ok(_) if disk.is_killed() => return LifeEnd::Killed,
        Ok(Err(error)) => return LifeEnd::Failed(orb_api::with_causes(&error)),
        Ok(Ok(crawl)) => crawl,
    };
    Watched {
        crawl: Some(Box::pin(crawl.run_inline(shards))),
        fortune,
        polls: 0,
    }
    .await
}

/// A wait of `span` of true time.
pub(crate) fn after(time: &Arc<TrueTime>, span: Duration) -> Sleep {
    time.sleep_until(time.now() + span.as_micros() as u64)
}

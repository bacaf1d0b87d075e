//! Uploads while crawling: closed segments wait on a shelf, and one thread takes them to the object store.
//!
//! In: names of segments that are whole and indexed. Out: objects, room on the disk, a tally for the status.
//! May touch: the store, the ledger, closed segments; on a thread of its own. Must not touch: slots.
//! Invariant: a store that is slow, away or broken never harms a crawl: segments wait here, and intake stops when too
//! much of them does (`room.rs`).

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use futures_util::future::{Either, select};
use orb_api::Uploads;
use orb_env::Mono;
use orb_objects::{Meter, UploadError};
use tokio::sync::{Notify, watch};

use crate::CrawlError;
use crate::bringing::{Bringer, Brought};
use crate::limits::{UPLOAD_PATIENCE, UPLOAD_RETRY_FIRST, UPLOAD_RETRY_LONGEST};
use crate::shared::Shared;

/// When the uploads end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Not yet: the crawl goes on.
    #[default]
    No,
    /// When nothing waits any more.
    WhenEmpty,
    /// At once: what is under way is gone on with by the next run.
    Now,
}

/// Closed segments that wait for their upload.
#[derive(Default)]
pub(crate) struct Shelf {
    inner: Mutex<Inner>,
    bell: Notify,
    ending: watch::Sender<Ending>,
}

#[derive(Default)]
struct Inner {
    /// Names and bytes; the oldest of a slot first, since names sort by age.
    waiting: BTreeMap<String, u64>,
    /// What no trying again would bring: left where it is until the next opening.
    set_aside: u64,
    meter: Option<Arc<Meter>>,
    tally: Uploads,
}

impl Shelf {
    /// A shelf of segments for the store at `to`.
    pub(crate) fn for_store(to: String, waiting_max_bytes: u64, meter: Arc<Meter>) -> Shelf {
        let tally = Uploads {
            to,
            waiting_max_bytes,
            ..Uploads::default()
        };
        let inner = Inner {
            meter: Some(meter),
            tally,
            ..Inner::default()
        };
        Shelf {
            inner: Mutex::new(inner),
            ..Shelf::default()
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anybody takes what is put here.
    pub(crate) fn is_wanted(&self) -> bool {
        self.inner().meter.is_some()
    }

    /// Puts a segment that is whole, and has its index, among those that wait. Blocking: a look at the file.
    pub(crate) fn put(&self, shared: &Shared, name: &str) {
        if !self.is_wanted() {
            return;
        }
        let path = shared.dir.warc().join(name);
        // One that is not here has gone its way.
        let bytes = shared
            .world
            .disk()
            .read(&path)
            .and_then(|file| file.bytes());
        if let Ok(bytes) = bytes {
            self.inner().waiting.insert(name.to_owned(), bytes);
            self.bell.notify_one();
        }
    }

    /// Bytes that wait.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        self.inner().waiting.values().sum()
    }

    /// What the status says; nothing without a store.
    pub(crate) fn tally(&self) -> Option<Uploads> {
        let inner = self.inner();
        let meter = inner.meter.as_ref()?;
        let mut tally = inner.tally.clone();
        tally.waiting = inner.waiting.len() as u64 + inner.set_aside;
        tally.waiting_bytes = inner.waiting.values().sum();
        tally.sent_bytes = meter.sent_bytes.load(Ordering::Relaxed);
        Some(tally)
    }

    pub(crate) fn end(&self, ending: Ending) {
        self.ending.send_replace(ending);
    }

    fn first(&self) -> Option<String> {
        self.inner().waiting.keys().next().cloned()
    }

    fn brought(&self, name: &str, brought: Brought) {
        let mut inner = self.inner();
        inner.waiting.remove(name);
        inner.tally.failing = None;
        if let Brought::Now(bytes) = brought {
            inner.tally.arrived += 1;
            inner.tally.arrived_bytes += bytes;
        }
    }

    fn failed(&self, name: &str, error: &UploadError) {
        let mut inner = self.inner();
        inner.tally.failures += 1;
        inner.tally.failing = Some(orb_api::with_causes(error));
        if !error.may_pass() {
            inner.waiting.remove(name);
            inner.set_aside += 1;
        }
    }
}

/// The thread that takes segments from the shelf.
pub(crate) struct UploadThread(JoinHandle<()>);

impl UploadThread {
    /// Starts it, if there is a store.
    pub(crate) fn start(shared: &Arc<Shared>) -> Result<Option<UploadThread>, CrawlError> {
        let bringer = shared.bringer.lock();
        let bringer = bringer.unwrap_or_else(PoisonError::into_inner).take();
        let Some(bringer) = bringer else {
            return Ok(None);
        };
        let failed = |error: std::io::Error| UploadError::Setup {
            to: bringer.uploader().store().place().to_string(),
            detail: error.to_string(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let taking = Taking {
            pause: UPLOAD_RETRY_FIRST,
            moved: None,
            shared: Arc::clone(shared),
            bringer,
        };
        let thread = std::thread::Builder::new()
            .name("orb-uploads".to_owned())
            .spawn(move || runtime.block_on(taking.run()));
        let thread = thread.map_err(|error| UploadError::Setup {
            to: shared.config.archive.store.clone(),
            detail: error.to_string(),
        })?;
        Ok(Some(UploadThread(thread)))
    }

    /// Waits for it to end as the shelf was told to.
    pub(crate) fn join(self) {
        self.0.join().ok(); // its bug was told by the hook; segments it did not take are here
    }
}

/// Takes one segment after the other.
struct Taking {
    shared: Arc<Shared>,
    bringer: Bringer,
    /// Before the next try, after a failure.
    pause: Duration,
    /// Bytes that were sent, and since when they are no more: looked at once the crawl is done.
    moved: Option<(u64, Mono)>,
}

impl Taking {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let end = std::pin::pin!(ended(&shared));
        let work = std::pin::pin!(self.work());
        if let Either::Right(_) = select(work, end).await {
            tracing::info!("uploads left off: the next run or `orb archive upload` goes on");
        }
    }

    async fn work(&mut self) {
        let shared = Arc::clone(&self.shared);
        let shelf = &shared.shelf;
        let mut ending = shelf.ending.subscribe();
        loop {
            let Some(name) = shelf.first() else {
                if *ending.borrow_and_update() == Ending::WhenEmpty {
                    return;
                }
                let bell = std::pin::pin!(shelf.bell.notified());
                let change = std::pin::pin!(ending.changed());
                select(bell, change).await;
                continue;
            };
            if self.take(&name).await {
                continue;
            }
            if *ending.borrow() == Ending::WhenEmpty && self.is_stuck() {
                tracing::warn!(
                    "the object store does not take what waits; `orb archive upload` goes on when it does"
                );
                return;
            }
        }
    }

    /// Brings one segment; `false` when it has to be tried again, after a pause.
    async fn take(&mut self, name: &str) -> bool {
        let shelf = &self.shared.shelf;
        match self.bringer.bring(name).await {
            Ok(brought) => {
                shelf.brought(name, brought);
                self.pause = UPLOAD_RETRY_FIRST;
                if let Brought::Now(bytes) = brought {
                    tracing::info!(segment = name, bytes, "segment uploaded");
                }
                true
            }
            Err(error) => {
                shelf.failed(name, &error);
                let text = orb_api::with_causes(&error);
                if !error.may_pass() {
                    tracing::error!(segment = name, error = text, "segment stays here");
                    return true;
                }
                tracing::warn!(
                    segment = name,
                    error = text,
                    "upload failed, it is tried again"
                );
                let clock = self.shared.world.clock();
                clock.sleep_until(clock.mono().plus(self.pause)).await;
                self.pause = (self.pause * 2).min(UPLOAD_RETRY_LONGEST);
                false
            }
        }
    }

    /// Whether nothing was sent since the first failure after the crawl's end, for so long that nobody should wait any more.
    fn is_stuck(&mut self) -> bool {
        let sent = self.bringer.uploader().meter();
        let sent = sent.sent_bytes.load(Ordering::Relaxed);
        let now = self.shared.world.clock().mono();
        let (before, since) = self.moved.unwrap_or((sent, now));
        let since = if sent == before { since } else { now };
        self.moved = Some((sent, since));
        now.since(since) >= UPLOAD_PATIENCE
    }
}

/// When the uploads are to end at once: somebody asked for the crawl's end, or the crawl failed.
async fn ended(shared: &Shared) {
    let mut ending = shared.shelf.ending.subscribe();
    let now = std::pin::pin!(ending.wait_for(|ending| *ending == Ending::Now));
    let hurry: std::pin::Pin<&mut dyn Future<Output = ()>> =
        std::pin::pin!(shared.control.hurried());
    select(now, hurry).await;
}

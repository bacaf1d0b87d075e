//! Questions to a running crawl: what a watcher sees, what is known of a URL or site.
//!
//! In: a question from outside the shards. Out: the answer of the shard that owns the slot.
//! May touch: channels to shards. Must not touch: anything a slot owns.
//! Invariant: questions are bounded and never awaited by a shard; one that finds no room is refused at once.

use std::sync::Arc;

use orb_api::{SiteFacts, SiteLine, UrlFacts, ViewQuery};
use orb_shard::{SlotId, SlotMap};
use orb_url::{CrawlKey, CrawlUrl, Site};
use tokio::sync::{mpsc, oneshot};

use crate::limits::QUESTIONS_WAITING_MAX;

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The crawl is opening, or has ended.
    #[error("the crawl is starting or ending; ask again")]
    NotRunning,
    /// Too many questions wait, or the shard ended before it answered.
    #[error("the crawl has no time for this question; ask again")]
    Busy,
    /// Store or sieve could not be read.
    #[error("the crawl could not read its state; its log says why")]
    Unreadable,
}

/// Who waits for an answer.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, QuestionError>>;

/// A question on its way to a shard.
#[derive(Debug)]
pub(crate) enum Question {
    /// The sites of all its slots, the first of an order.
    Sites(Arc<ViewQuery>, Reply<Vec<SiteLine>>),
    /// A URL of one of its slots.
    Url(SlotId, CrawlUrl, Reply<UrlFacts>),
    /// A site of one of its slots.
    Site(SlotId, Site, Reply<SiteFacts>),
    /// Heed all orders up to this one, and tell how many URLs changed their state by it.
    Heed(u64, Reply<u64>),
}

/// The ways to the shards of a running crawl, and what it is called.
#[derive(Clone, Debug)]
pub(crate) struct QuestionRoutes {
    shards: Arc<[mpsc::Sender<Question>]>,
    slots: SlotMap,
    key: CrawlKey,
    /// Folder, as the process names it.
    pub(crate) folder: Arc<str>,
    /// Name and version of the program.
    pub(crate) version: Arc<str>,
}

impl QuestionRoutes {
    pub(crate) fn new(
        shards: u16,
        slots: SlotMap,
        key: CrawlKey,
        folder: &str,
        version: &str,
    ) -> (QuestionRoutes, Vec<mpsc::Receiver<Question>>) {
        let channels = (0..shards).map(|_| mpsc::channel(QUESTIONS_WAITING_MAX));
        let (senders, receivers): (Vec<_>, Vec<_>) = channels.unzip();
        let routes = QuestionRoutes {
            shards: senders.into(),
            slots,
            key,
            folder: folder.into(),
            version: version.into(),
        };
        (routes, receivers)
    }

    /// The first sites of every shard; those of a shard that has no time or has ended are missing.
    pub(crate) async fn sites(&self, query: ViewQuery) -> Vec<SiteLine> {
        let query = Arc::new(query);
        let mut answers = Vec::new();
        for shard in 0..self.shards.len() {
            let (reply, answer) = oneshot::channel();
            if self.send(shard, Question::Sites(Arc::clone(&query), reply)) {
                answers.push(answer);
            }
        }
        let mut lines = Vec::new();
        for answer in answers {
            if let Ok(Ok(more)) = answer.await {
                lines.extend(more);
            }
        }
        crate::site_lines::merged(lines, &query)
    }

    pub(crate) async fn url(&self, url: &CrawlUrl) -> Result<UrlFacts, QuestionError> {
        let slot = self.slots.slot_of_url(&self.key, url);
        self.ask(slot, |reply| Question::Url(slot, url.clone(), reply))
            .await
    }

    pub(crate) async fn site(&self, site: &Site) -> Result<SiteFacts, QuestionError> {
        let slot = self.slots.slot_of_site(&self.key, site);
        self.ask(slot, |reply| Question::Site(slot, site.clone(), reply))
            .await
    }

    /// Every shard heeds the orders up to this one. Waits for room: an order must reach them all.
    pub(crate) async fn heeded(&self, order: u64) -> Option<u64> {
        let mut answers = Vec::new();
        for shard in self.shards.iter() {
            let (reply, answer) = oneshot::channel();
            shard.send(Question::Heed(order, reply)).await.ok()?;
            answers.push(answer);
        }
        let mut moved = 0;
        for answer in answers {
            moved += answer.await.ok()?.ok()?;
        }
        Some(moved)
    }

    async fn ask<T>(
        &self,
        slot: SlotId,
        question: impl FnOnce(Reply<T>) -> Question,
    ) -> Result<T, QuestionError> {
        let (reply, answer) = oneshot::channel();
        let shard = self.slots.shard_of(slot, self.shards.len() as u16);
        if !self.send(usize::from(shard), question(reply)) {
            return Err(QuestionError::Busy);
        }
        answer.await.unwrap_or(Err(QuestionError::Busy))
    }

    fn send(&self, shard: usize, question: Question) -> bool {
        self.shards[shard].try_send(question).is_ok()
    }
}

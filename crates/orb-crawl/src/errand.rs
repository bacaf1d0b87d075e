//! Errands: robots hops that lead to another site are that site's own requests, under its own clock.
//!
//! In: a URL and who asks. Out: one answer for each asker, or none in time.
//! May touch: channels between shards. Must not touch: clocks.
//! Invariant: errands are bounded; one that cannot wait counts as unreachable; equal URLs are fetched once.

use orb_shard::SlotId;
use orb_url::{CrawlUrl, Origin};
use tokio::sync::{mpsc, oneshot};

use crate::limits::HOPS_WAITING_MAX;

/// What a robots request brought.
#[derive(Clone, Debug)]
pub(crate) enum HopResult {
    /// It leads on.
    Redirect(CrawlUrl),
    /// A final answer: status and decoded body.
    Answer(u16, std::sync::Arc<[u8]>),
    /// No answer.
    Unreachable,
}

/// The result, and the attempt that brought it.
#[derive(Clone, Debug)]
pub(crate) struct HopAnswer {
    pub(crate) result: HopResult,
    pub(crate) attempt: String,
}

/// A hop to be fetched by the slot that owns its site.
#[derive(Debug)]
pub(crate) struct Errand {
    pub(crate) url: CrawlUrl,
    /// Whose robots.txt it is.
    pub(crate) origin: Origin,
    /// How often its asker has failed so far: another address of the hop's host is tried each time.
    pub(crate) turn: usize,
    pub(crate) replies: Vec<oneshot::Sender<HopAnswer>>,
}

/// Gives one answer to everybody who asked; an asker that waited too long is gone.
pub(crate) fn tell(answer: &HopAnswer, replies: Vec<oneshot::Sender<HopAnswer>>) {
    for reply in replies {
        reply.send(answer.clone()).ok();
    }
}

/// An errand on its way.
#[derive(Debug)]
pub(crate) struct ErrandMessage {
    pub(crate) slot: SlotId,
    pub(crate) errand: Errand,
}

/// The ways to every shard's inbox.
#[derive(Clone)]
pub(crate) struct Routes(Vec<mpsc::Sender<ErrandMessage>>);

impl Routes {
    pub(crate) fn new(shards: u16) -> (Routes, Vec<mpsc::Receiver<ErrandMessage>>) {
        let (senders, receivers) = (0..shards).map(|_| mpsc::channel(HOPS_WAITING_MAX)).unzip();
        (Routes(senders), receivers)
    }

    /// Sends an errand to the shard that owns `slot`; a full inbox drops it, and the asker hears nothing.
    pub(crate) fn send(
        &self,
        shard: u16,
        slot: SlotId,
        url: CrawlUrl,
        origin: Origin,
        turn: usize,
    ) -> oneshot::Receiver<HopAnswer> {
        let (reply, answer) = oneshot::channel();
        let errand = Errand {
            url,
            origin,
            turn,
            replies: vec![reply],
        };
        // A dropped message drops the reply's sender, which the asker sees at once.
        self.0[usize::from(shard)]
            .try_send(ErrandMessage { slot, errand })
            .ok();
        answer
    }
}

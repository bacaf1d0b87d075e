//! The desk of the address clocks: one owner answers every shard.
//!
//! In: questions. Out: grants, or when to ask again. May touch: `AddressClocks`.
//! Invariant: one question, one answer; the channel holds all questions that can be out, so no send waits.

use std::net::IpAddr;
use std::sync::Arc;

use orb_env::{Clock, Mono};
use orb_gate::{AddressClocks, Answer, PolitenessConfig};
use tokio::sync::{mpsc, oneshot};

use crate::limits::QUESTIONS_PER_SHARD;

enum Message {
    Ask(IpAddr, oneshot::Sender<Answer>),
    Bytes(u64),
}

/// A shard's way to the desk.
#[derive(Clone)]
pub(crate) struct DeskHandle {
    to: mpsc::Sender<Message>,
    counts_bytes: bool,
}

/// The owner.
pub(crate) struct Desk {
    clocks: AddressClocks,
    clock: Arc<dyn Clock>,
    from: mpsc::Receiver<Message>,
}

impl Desk {
    pub(crate) fn new(
        politeness: &PolitenessConfig,
        clock: Arc<dyn Clock>,
        opened: Mono,
        shards: u16,
    ) -> (Desk, DeskHandle) {
        let (to, from) = mpsc::channel(QUESTIONS_PER_SHARD * usize::from(shards.max(1)));
        let counts_bytes = politeness.bytes_per_second_max > 0;
        let desk = Desk {
            clocks: AddressClocks::new(politeness.clone(), opened),
            clock,
            from,
        };
        (desk, DeskHandle { to, counts_bytes })
    }

    /// Answers until every handle is gone.
    pub(crate) async fn run(mut self) {
        while let Some(message) = self.from.recv().await {
            let now = self.clock.mono();
            match message {
                // Whoever asked may have gone; the time lapses.
                Message::Ask(address, reply) => drop(reply.send(self.clocks.ask(address, now))),
                Message::Bytes(bytes) => self.clocks.spent_bytes(bytes, now),
            }
        }
    }
}

impl DeskHandle {
    /// Asks for a time for one request to `address`; `None` when the desk is closed.
    pub(crate) async fn ask(&self, address: IpAddr) -> Option<Answer> {
        let (reply, answer) = oneshot::channel();
        self.to.send(Message::Ask(address, reply)).await.ok()?;
        answer.await.ok()
    }

    /// Counts received bytes against the cap, if there is one.
    pub(crate) fn spent(&self, bytes: u64) {
        if self.counts_bytes {
            // A full channel means thousands of questions wait; these bytes are few beside them.
            self.to.try_send(Message::Bytes(bytes)).ok();
        }
    }
}

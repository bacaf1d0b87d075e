//! Asks the crawl how it stands, again and again, from a thread of its own.
//!
//! In: what is looked at, wishes. Out: replies, to whoever draws. May touch: the control socket.
//! Invariant: keys never wait for the crawl; a crawl that answers late is asked again only when it has answered.

use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use orb_api::ViewQuery;
use orb_serve::{Client, ClientError, Reply, Request};

use super::eyes::Happening;
use crate::limits::{ERRANDS_MAX, VIEW_EVERY};

/// What to do for the person at the keys.
pub(crate) enum Errand {
    /// Look at this from now on.
    Look(Box<Sight>),
    /// Tell the crawl this.
    Tell(Request),
}

/// What is looked at.
#[derive(Clone, Default)]
pub(crate) struct Sight {
    pub(crate) query: ViewQuery,
    pub(crate) site: Option<String>,
}

/// Begins to ask the crawl that listens on `socket`; ends when the errands' other end is gone.
pub(crate) fn start(
    socket: &Path,
    sight: Sight,
    happenings: SyncSender<Happening>,
) -> Result<SyncSender<Errand>, AskerError> {
    let client = Client::connect(socket)?;
    let (errands, todo) = sync_channel(ERRANDS_MAX);
    let mut asker = Asker {
        client,
        sight,
        happenings,
    };
    thread::Builder::new()
        .name("orb-view-asker".into())
        .spawn(move || asker.run(&todo))?;
    Ok(errands)
}

/// Why nobody asks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskerError {
    /// There is no crawl to ask.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No thread could be had.
    #[error("start a thread for the view")]
    Thread(#[from] io::Error),
}

/// Nobody waits for more: the view is down, or the crawl has gone.
struct Over;

struct Asker {
    client: Client,
    sight: Sight,
    happenings: SyncSender<Happening>,
}

impl Asker {
    fn run(&mut self, todo: &Receiver<Errand>) {
        let mut done = self.look();
        while done.is_ok() {
            done = match todo.recv_timeout(VIEW_EVERY) {
                Ok(Errand::Look(sight)) => {
                    self.sight = *sight;
                    self.look()
                }
                Ok(Errand::Tell(request)) => self.tell(&request).and_then(|()| self.look()),
                Err(RecvTimeoutError::Timeout) => self.look(),
                Err(RecvTimeoutError::Disconnected) => Err(Over),
            };
        }
    }

    fn look(&mut self) -> Result<(), Over> {
        let request = Request::View(self.sight.query.clone());
        if let Some(view) = self
            .ask(&request, Happening::Silent)?
            .and_then(|reply| reply.view)
        {
            self.send(Happening::View(Box::new(view)))?;
        }
        let Some(site) = self.sight.site.clone() else {
            return Ok(());
        };
        if let Some(facts) = self
            .ask(&Request::Site { site }, Happening::Silent)?
            .and_then(|reply| reply.site)
        {
            self.send(Happening::Site(Box::new(facts)))?;
        }
        Ok(())
    }

    fn tell(&mut self, request: &Request) -> Result<(), Over> {
        self.ask(request, Happening::Refused).map(|_| ())
    }

    /// Asks; what goes wrong is told to whoever draws, a refusal as `refused` words it.
    fn ask(
        &mut self,
        request: &Request,
        refused: fn(String) -> Happening,
    ) -> Result<Option<Reply>, Over> {
        match self.client.ask(request) {
            Ok(reply) if reply.ok => Ok(Some(reply)),
            Ok(reply) => {
                let why = reply.error.unwrap_or_else(|| "the crawl refused".into());
                self.send(refused(why))?;
                Ok(None)
            }
            Err(ClientError::NotRunning) => {
                self.send(Happening::Gone)?;
                Err(Over)
            }
            Err(error) => {
                self.send(Happening::Silent(format!(
                    "the crawl does not answer, asking again: {:#}",
                    anyhow::Error::from(error)
                )))?;
                Ok(None)
            }
        }
    }

    fn send(&self, happening: Happening) -> Result<(), Over> {
        self.happenings.send(happening).map_err(|_| Over)
    }
}

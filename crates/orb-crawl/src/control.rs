//! The operator's hand on a running crawl: wishes in, status out, questions to the shards.
//!
//! In: wishes from signals, the socket, limits; questions. Out: the same to every shard; counts and answers from
//! them. May touch: nothing else. Invariant: a wish only gets stronger, but for pause and resume.

use std::sync::Arc;

use orb_api::{Meters, SiteFacts, Status, UrlFacts, View, ViewQuery};
use orb_url::{CrawlUrl, Site};
use tokio::sync::watch;

use crate::QuestionError;
use crate::pulse::Pulse;
use crate::questions::QuestionRoutes;
use crate::steering::Steering;

/// What the operator wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// Go on.
    #[default]
    Run,
    /// Begin no new request; what is in flight ends and is committed.
    Pause,
    /// End: no new request, finish what is in flight, commit, close cleanly.
    Stop,
    /// End at once: drop what is in flight; the state is as after a kill, and safe.
    Abort,
}

/// Handle to a crawl; clones are handles to the same one.
#[derive(Clone)]
pub struct Control {
    wish: watch::Sender<Wish>,
    /// Whether somebody asked for the end, rather than the crawl coming to it.
    hurried: watch::Sender<bool>,
    status: watch::Sender<Status>,
    pulse: watch::Sender<Pulse>,
    routes: watch::Sender<Option<QuestionRoutes>>,
    steering: watch::Sender<Option<Arc<Steering>>>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("wish", &self.wish())
            .finish_non_exhaustive()
    }
}

impl Default for Control {
    fn default() -> Self {
        Control {
            wish: watch::Sender::new(Wish::Run),
            hurried: watch::Sender::new(false),
            status: watch::Sender::new(Status::default()),
            pulse: watch::Sender::new(Pulse::default()),
            routes: watch::Sender::new(None),
            steering: watch::Sender::new(None),
        }
    }
}

impl Control {
    /// Handle to a crawl that is not started yet.
    #[must_use]
    pub fn new() -> Control {
        Control::default()
    }

    /// Asks for something. Stop and abort cannot be taken back.
    pub fn ask(&self, wish: Wish) {
        if wish >= Wish::Stop {
            self.hurried.send_replace(true);
        }
        self.change(wish);
    }

    /// The crawl has come to its end, and nobody waits for it to be over.
    pub(crate) fn come_to_end(&self) {
        self.change(Wish::Stop);
    }

    /// Whether somebody asked for a stop, be it after the crawl's own end.
    pub(crate) fn is_hurried(&self) -> bool {
        *self.hurried.borrow()
    }

    /// Waits until somebody asks for a stop.
    pub(crate) async fn hurried(&self) {
        let mut hurried = self.hurried.subscribe();
        hurried.wait_for(|hurried| *hurried).await.ok(); // the sender is here, so it does not close
    }

    fn change(&self, wish: Wish) {
        self.wish.send_if_modified(|current| {
            let change = *current != wish && (*current < Wish::Stop || wish > *current);
            if change {
                *current = wish;
            }
            change
        });
    }

    /// The wish in force.
    #[must_use]
    pub fn wish(&self) -> Wish {
        *self.wish.borrow()
    }

    /// Follows the wish.
    #[must_use]
    pub fn wishes(&self) -> watch::Receiver<Wish> {
        self.wish.subscribe()
    }

    /// The last published status.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Follows the status.
    #[must_use]
    pub fn statuses(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// What a watcher sees now. The shards are asked; of one that is ending its part is missing.
    pub async fn view(&self, query: ViewQuery) -> View {
        let mut view = self.meters().view;
        if let Some(routes) = self.routes() {
            view.sites = routes.sites(query).await;
        }
        view
    }

    /// What metrics are made of. Nobody is asked: it is what was published last.
    #[must_use]
    pub fn meters(&self) -> Meters {
        let pulse = self.pulse.borrow().clone();
        let mut view = View {
            status: self.status(),
            resolving: pulse.resolving,
            asking: pulse.asking,
            shards_busy: pulse.shards_busy,
            stages: pulse.stages,
            ..View::default()
        };
        if let Some(routes) = self.routes() {
            view.folder = routes.folder.to_string();
            view.version = routes.version.to_string();
        }
        Meters {
            view,
            latencies: pulse.latencies,
            late_seconds: pulse.late.as_secs_f64(),
            busiest_address: pulse.busiest_address,
            busiest_site: pulse.busiest_site,
            ..Meters::default()
        }
    }

    /// What the crawl knows of `url`: the shard that owns its site is asked.
    ///
    /// # Errors
    /// When the crawl is not running, has no time, or cannot read its state.
    pub async fn url_facts(&self, url: &CrawlUrl) -> Result<UrlFacts, QuestionError> {
        let routes = self.routes().ok_or(QuestionError::NotRunning)?;
        routes.url(url).await
    }

    /// What the crawl knows of `site`.
    ///
    /// # Errors
    /// As [`Control::url_facts`].
    pub async fn site_facts(&self, site: &Site) -> Result<SiteFacts, QuestionError> {
        let routes = self.routes().ok_or(QuestionError::NotRunning)?;
        routes.site(site).await
    }

    /// Waits until every shard heeds the orders up to this one; returns how many URLs changed their state by it.
    /// Nothing when nobody runs, or a shard ended.
    pub(crate) async fn heeded(&self, order: u64) -> Option<u64> {
        self.routes()?.heeded(order).await
    }

    pub(crate) fn steering(&self) -> Option<Arc<Steering>> {
        self.steering.borrow().clone()
    }

    /// From here on orders can be given, or no longer.
    pub(crate) fn open_steering(&self, steering: Option<Arc<Steering>>) {
        self.steering.send_replace(steering);
    }

    fn routes(&self) -> Option<QuestionRoutes> {
        self.routes.borrow().clone()
    }

    /// From here on the shards can be asked, or no longer.
    pub(crate) fn open_questions(&self, routes: Option<QuestionRoutes>) {
        self.routes.send_replace(routes);
    }

    pub(crate) fn publish(&self, status: Status) {
        self.status.send_replace(status);
    }

    pub(crate) fn publish_pulse(&self, pulse: Pulse) {
        self.pulse.send_replace(pulse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_never_taken_back() {
        let control = Control::new();
        control.ask(Wish::Pause);
        assert_eq!(control.wish(), Wish::Pause);
        control.ask(Wish::Run);
        assert_eq!(control.wish(), Wish::Run);
        control.ask(Wish::Stop);
        control.ask(Wish::Run);
        control.ask(Wish::Pause);
        assert_eq!(control.wish(), Wish::Stop);
        control.ask(Wish::Abort);
        control.ask(Wish::Stop);
        assert_eq!(control.wish(), Wish::Abort);
    }
}

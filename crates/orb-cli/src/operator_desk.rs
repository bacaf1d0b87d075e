//! The running crawl behind the control socket.
//!
//! In: requests. Out: wishes to the crawl, its status, its answers. May touch: the crawl's [`Control`].

use std::sync::Arc;

use orb_api::{Act, Meters, OrderWish, Status};
use orb_crawl::{Control, QuestionError, Wish};
use orb_env::Clock;
use orb_metrics::HappeningCounts;
use orb_serve::{Answer, Desk, Reply, Request};
use orb_url::{CrawlUrl, Site};

use crate::last_scrape::Scrapes;
use crate::open_files;

/// Speaks for one crawl.
pub(crate) struct OperatorDesk {
    control: Control,
    counts: Arc<HappeningCounts>,
    /// When metrics were asked for.
    pub(crate) scrapes: Scrapes,
}

impl OperatorDesk {
    /// For this crawl, with the counts of what its log tells of.
    pub(crate) fn new(
        control: Control,
        counts: Arc<HappeningCounts>,
        clock: Arc<dyn Clock>,
    ) -> OperatorDesk {
        let scrapes = Scrapes::new(clock);
        OperatorDesk {
            control,
            counts,
            scrapes,
        }
    }
}

impl Desk for OperatorDesk {
    fn answer(&self, request: Request) -> Answer<'_> {
        Box::pin(async move {
            let done = Reply {
                ok: true,
                ..Reply::default()
            };
            match request {
                Request::Status => Reply::of_status(self.status()),
                Request::Stop => {
                    // A crawl that takes no orders yet, or no longer, ends all the same.
                    self.order(by_socket(Act::Stop {})).await;
                    self.control.ask(Wish::Stop);
                    Reply::of_status(self.status())
                }
                Request::Pause => self.order(by_socket(Act::Pause {})).await,
                Request::Resume => self.order(by_socket(Act::Resume {})).await,
                Request::Meters => {
                    self.scrapes.note();
                    let (files_open, files_max) = open_files::count();
                    let meters = Some(Meters {
                        files_open,
                        files_max,
                        events: self
                            .counts
                            .all()
                            .map(|(name, n)| (name.to_owned(), n))
                            .collect(),
                        ..self.control.meters()
                    });
                    Reply { meters, ..done }
                }
                Request::Order(wish) => self.order(wish).await,
                Request::View(query) => {
                    let mut view = self.control.view(query).await;
                    view.status.pid = Some(std::process::id());
                    let view = Some(view);
                    Reply { view, ..done }
                }
                Request::Url { url } => match CrawlUrl::parse(&url) {
                    Ok(url) => or_refused(self.control.url_facts(&url).await, |facts| Reply {
                        url: Some(facts),
                        ..done
                    }),
                    Err(error) => Reply::refusal(error.to_string()),
                },
                Request::Site { site } => match Site::parse(&site) {
                    Ok(site) => or_refused(self.control.site_facts(&site).await, |facts| Reply {
                        site: Some(facts),
                        ..done
                    }),
                    Err(error) => Reply::refusal(error.to_string()),
                },
            }
        })
    }
}

fn or_refused<T>(answer: Result<T, QuestionError>, reply: impl FnOnce(T) -> Reply) -> Reply {
    answer.map_or_else(|error| Reply::refusal(error.to_string()), reply)
}

impl OperatorDesk {
    fn status(&self) -> Status {
        Status {
            pid: Some(std::process::id()),
            ..self.control.status()
        }
    }

    async fn order(&self, wish: OrderWish) -> Reply {
        match self.control.order(wish).await {
            Ok(order) => Reply {
                order: Some(order),
                ..Reply::of_status(self.status())
            },
            Err(error) => Reply::refusal(orb_api::with_causes(&error)),
        }
    }
}

/// An order of somebody who said no more than a word: a key of the live view, a script.
fn by_socket(act: Act) -> OrderWish {
    OrderWish {
        who: "control socket".to_owned(),
        why: String::new(),
        dry_run: false,
        act,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn desk_of(control: Control) -> OperatorDesk {
        OperatorDesk::new(control, Arc::default(), Arc::new(orb_env::BootClock::new()))
    }

    fn asked(desk: &OperatorDesk, request: Request) -> Reply {
        desk.answer(request)
            .now_or_never()
            .expect("nothing of this waits")
    }

    #[test]
    fn a_crawl_that_takes_no_orders_can_still_be_stopped() {
        let control = Control::new();
        let desk = desk_of(control.clone());
        for request in [Request::Pause, Request::Resume] {
            let refused = asked(&desk, request);
            assert!(!refused.ok && refused.error.unwrap().contains("starting or ending"));
            assert_eq!(control.wish(), Wish::Run);
        }
        let status = asked(&desk, Request::Stop).status.unwrap();
        assert_eq!(control.wish(), Wish::Stop);
        assert_eq!(status.pid, Some(std::process::id()));
    }

    #[test]
    fn questions_to_a_crawl_that_does_not_run_are_refused_in_words() {
        let desk = desk_of(Control::new());
        for (request, words) in [
            (Request::Url { url: "a b".into() }, ""),
            (
                Request::Url {
                    url: "https://a.example/".into(),
                },
                "starting or ending",
            ),
            (
                Request::Site {
                    site: "a.example".into(),
                },
                "starting or ending",
            ),
        ] {
            let reply = asked(&desk, request);
            assert!(!reply.ok && reply.error.unwrap().contains(words));
        }
    }
}

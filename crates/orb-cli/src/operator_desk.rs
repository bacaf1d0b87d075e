//! The running crawl behind the control socket.
//!
//! In: requests. Out: wishes to the crawl, its status, its answers. May touch: the crawl's [`Control`].

use orb_api::Status;
use orb_crawl::{Control, QuestionError, Wish};
use orb_serve::{Answer, Desk, Reply, Request};
use orb_url::{CrawlUrl, Site};

/// Speaks for one crawl.
pub(crate) struct OperatorDesk(pub(crate) Control);

impl Desk for OperatorDesk {
    fn answer(&self, request: Request) -> Answer<'_> {
        Box::pin(async move {
            let done = Reply {
                ok: true,
                ..Reply::default()
            };
            match request {
                Request::Status => Reply::of_status(self.status()),
                Request::Stop => self.wish(Wish::Stop),
                Request::Pause => self.wish(Wish::Pause),
                Request::Resume => self.wish(Wish::Run),
                Request::View(query) => {
                    let mut view = self.0.view(query).await;
                    view.status.pid = Some(std::process::id());
                    let view = Some(view);
                    Reply { view, ..done }
                }
                Request::Url { url } => match CrawlUrl::parse(&url) {
                    Ok(url) => or_refused(self.0.url_facts(&url).await, |facts| Reply {
                        url: Some(facts),
                        ..done
                    }),
                    Err(error) => Reply::refusal(error.to_string()),
                },
                Request::Site { site } => match Site::parse(&site) {
                    Ok(site) => or_refused(self.0.site_facts(&site).await, |facts| Reply {
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
            ..self.0.status()
        }
    }

    fn wish(&self, wish: Wish) -> Reply {
        if wish < Wish::Stop && self.0.wish() >= Wish::Stop {
            return Reply::refusal("the crawl is ending");
        }
        tracing::info!(?wish, "operator asked");
        self.0.ask(wish);
        Reply::of_status(self.status())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn asked(desk: &OperatorDesk, request: Request) -> Reply {
        desk.answer(request)
            .now_or_never()
            .expect("nothing of this waits")
    }

    #[test]
    fn commands_become_wishes() {
        let control = Control::new();
        let desk = OperatorDesk(control.clone());
        for (request, wish) in [
            (Request::Status, Wish::Run),
            (Request::Pause, Wish::Pause),
            (Request::Status, Wish::Pause),
            (Request::Resume, Wish::Run),
            (Request::Stop, Wish::Stop),
        ] {
            assert!(asked(&desk, request.clone()).ok);
            assert_eq!(control.wish(), wish, "{request:?}");
        }
        let refused = asked(&desk, Request::Resume);
        assert_eq!(
            (refused.ok, refused.error.as_deref()),
            (false, Some("the crawl is ending"))
        );
        let status = asked(&desk, Request::Status).status.unwrap();
        assert_eq!(status.pid, Some(std::process::id()));
    }

    #[test]
    fn questions_to_a_crawl_that_does_not_run_are_refused_in_words() {
        let desk = OperatorDesk(Control::new());
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

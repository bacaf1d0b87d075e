//! What is said on the control socket: one JSON object a line, a request and its reply.
//!
//! In: nothing. Out: the types. May touch: nothing.
//! Invariant: names are a contract with scripts.
//!
//! ```text
//! > {"command":"pause"}
//! < {"ok":true,"status":{"phase":"paused",…}}
//! > {"command":"view","order":"slow","sites_max":20}
//! < {"ok":true,"view":{…}}
//! > {"command":"order","act":"exclude","what":"example.com","who":"ann","why":"asked by its owner"}
//! < {"ok":true,"order":{"order":3,"effect":{"urls_min":120,"urls_max":120},"already":false}}
//! > {"command":"url","url":"https://example.com/"}
//! < {"ok":true,"url":{…}}
//! > {"command":"fly"}
//! < {"ok":false,"error":"unknown variant `fly`, expected one of …"}
//! ```

use std::future::Future;
use std::pin::Pin;

use orb_api::{Meters, OrderReply, OrderWish, SiteFacts, Status, UrlFacts, View, ViewQuery};
use serde::{Deserialize, Serialize};

/// One line of a client: what it asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", from = "Said")]
pub enum Request {
    /// Tell how it goes.
    Status,
    /// End cleanly: begin nothing new, finish and commit what is in flight.
    Stop,
    /// Begin nothing new until told to resume.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Tell what metrics are made of.
    Meters,
    /// Give an order, or foresee what it would do.
    Order(OrderWish),
    /// Show what a watcher sees.
    View(ViewQuery),
    /// Tell what is known of a URL.
    Url {
        /// The URL, canonical or not.
        url: String,
    },
    /// Tell what is known of a site.
    Site {
        /// Registrable domain, any host below it, or an IP literal.
        site: String,
    },
}

/// The same as it is read: a unit variant would let unknown fields pass, an empty one does not.
#[derive(Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
enum Said {
    Status {},
    Stop {},
    Pause {},
    Resume {},
    Meters {},
    Order(OrderWish),
    View(ViewQuery),
    Url { url: String },
    Site { site: String },
}

impl From<Said> for Request {
    fn from(said: Said) -> Request {
        match said {
            Said::Status {} => Request::Status,
            Said::Stop {} => Request::Stop,
            Said::Pause {} => Request::Pause,
            Said::Resume {} => Request::Resume,
            Said::Meters {} => Request::Meters,
            Said::Order(wish) => Request::Order(wish),
            Said::View(query) => Request::View(query),
            Said::Url { url } => Request::Url { url },
            Said::Site { site } => Request::Site { site },
        }
    }
}

/// One line back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reply {
    /// Whether it was done. A stop or pause is done when the crawl knows of it, not when it has come to rest.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How the crawl stands, last published: after a request for it, and after a wish.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// What metrics are made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meters: Option<Meters>,
    /// What became of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderReply>,
    /// What a watcher sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<View>,
    /// What is known of the URL asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlFacts>,
    /// What is known of the site asked about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteFacts>,
}

impl Reply {
    /// A reply that says no.
    #[must_use]
    pub fn refusal(error: impl Into<String>) -> Reply {
        Reply {
            ok: false,
            error: Some(error.into()),
            ..Reply::default()
        }
    }

    /// A reply that says yes and tells how the crawl stands.
    #[must_use]
    pub fn of_status(status: Status) -> Reply {
        Reply {
            ok: true,
            status: Some(status),
            ..Reply::default()
        }
    }
}

/// An answer on its way.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// Who speaks for the crawl. Called from the server's thread; must not block. An answer that takes longer than
/// [`crate::limits::ANSWER_TIMEOUT`] is dropped and refused.
pub trait Desk: Send + Sync {
    /// Answers one request, or says why it cannot be.
    fn answer(&self, request: Request) -> Answer<'_>;
}

/// What a client said, or what is wrong with it.
pub(crate) fn heard(line: &[u8]) -> Result<Request, Box<Reply>> {
    serde_json::from_slice(line).map_err(|error| Box::new(Reply::refusal(error.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::{Act, SiteOrder};

    #[test]
    fn requests_are_one_object_each_and_read_back() {
        let query = ViewQuery {
            order: SiteOrder::Slow,
            filter: "a\"b".into(),
            sites_max: 20,
        };
        let url = "https://a.example/".to_owned();
        for request in [
            Request::Status,
            Request::Stop,
            Request::View(query),
            Request::Order(OrderWish {
                who: "ann".into(),
                why: String::new(),
                dry_run: true,
                act: Act::Undo { undoes: 3 },
            }),
            Request::Url { url },
            Request::Site {
                site: "a.example".into(),
            },
        ] {
            let line = serde_json::to_vec(&request).unwrap();
            assert_eq!(heard(&line), Ok(request));
        }
        assert_eq!(
            serde_json::to_string(&Request::Status).unwrap(),
            "{\"command\":\"status\"}"
        );
        assert_eq!(
            heard(b"{\"command\":\"view\"}"),
            Ok(Request::View(ViewQuery::default()))
        );
    }

    #[test]
    fn what_nobody_knows_is_refused() {
        for line in [
            "{}",
            "{\"command\":\"fly\"}",
            "{\"command\":\"pause\",\"x\":1}",
            "{\"command\":\"view\",\"x\":1}",
            "{\"command\":\"order\"}",
            "{\"command\":\"order\",\"act\":\"undo\",\"undoes\":3,\"x\":1}",
            "{\"command\":\"url\"}",
            "{\"command\":\"url\",\"url\":\"a\",\"x\":1}",
        ] {
            assert!(heard(line.as_bytes()).is_err(), "{line}");
        }
    }
}

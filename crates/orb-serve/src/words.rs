//! What is said on the control socket: one JSON object a line, a request and its reply.
//!
//! In: nothing. Out: the types. May touch: nothing.
//! Invariant: names are a contract with scripts.
//!
//! ```text
//! > {"command":"pause"}
//! < {"ok":true,"status":{"phase":"paused",…}}
//! > {"command":"fly"}
//! < {"ok":false,"error":"unknown variant `fly`, expected one of …"}
//! ```

use orb_api::Status;
use serde::{Deserialize, Serialize};

/// What a client may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Tell how it goes.
    Status,
    /// End cleanly: begin nothing new, finish and commit what is in flight.
    Stop,
    /// Begin nothing new until told to resume.
    Pause,
    /// Go on after a pause.
    Resume,
}

/// One line of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is asked for.
    pub command: Command,
}

/// One line back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it was done. A stop or pause is done when the crawl knows of it, not when it has come to rest.
    pub ok: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// How the crawl stands, last published.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<Status>,
}

impl Reply {
    /// A reply that says no.
    #[must_use]
    pub fn refusal(error: impl Into<String>) -> Reply {
        Reply {
            ok: false,
            error: Some(error.into()),
            status: None,
        }
    }
}

/// Who speaks for the crawl. Called from the server's thread; must not block.
pub trait Desk: Send + Sync {
    /// How the crawl stands, last published.
    fn status(&self) -> Status;
    /// Passes a wish on, or says why it cannot be. [`Command::Status`] wishes nothing.
    ///
    /// # Errors
    /// The reason, in words for the person who asked.
    fn ask(&self, command: Command) -> Result<(), String>;
}

/// What a desk says to one line.
pub(crate) fn answer(desk: &dyn Desk, line: &[u8]) -> Reply {
    let request: Request = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => return Reply::refusal(error.to_string()),
    };
    match desk.ask(request.command) {
        Ok(()) => Reply {
            ok: true,
            error: None,
            status: Some(desk.status()),
        },
        Err(reason) => Reply::refusal(reason),
    }
}

//! The control socket of a running crawl, and its status by HTTP.
//!
//! In: a [`Desk`], which speaks for the crawl; requests of people and programs on this machine. Out: replies.
//! May touch: the sockets it binds, its own thread. Must not touch: the crawl; a desk stands between.
//! Invariant: nothing a client sends or leaves out grows memory or holds a place for longer than [`limits`] say,
//! and HTTP only reads.

mod client;
mod control;
pub mod limits;
mod metrics;
mod page;
mod server;
mod socket_path;
mod supervisor;
mod words;

pub use client::{Client, ClientError, ask};
pub use server::{ServeError, Server, Sockets};
pub use supervisor::Supervisor;
pub use words::{Answer, Desk, Reply, Request};

/// The commit that was built, as the repository or who built it said.
pub const COMMIT: &str = match option_env!("ORB_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

//! `orb status`: how a crawl stands.
//!
//! In: a folder. Out: the status of the running crawl by its socket, or that on disk. May touch: socket and folder.
//! Invariant: nobody else works on the folder while it is read from disk.

use clap::Args;
use orb_api::{CrawlDir, Status};
use orb_crawl::read_status;
use orb_serve::{ClientError, Reply, Request, ask};

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg, LockError};
use crate::progress::{phase_name, states_line};
use crate::terminal::{bytes, count, elapsed, say, say_json};
use crate::world::KernelWorld;

/// Arguments of `orb status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  orb status\n  orb status big --json | jq .states")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Tells how the crawl stands.
pub(crate) fn run(args: &StatusArgs) -> Outcome {
    crate::log_file::start_without_file();
    let dir = args.folder.existing()?;
    let status = current(&dir)?;
    if args.json {
        say_json(&status)?;
    } else {
        say(&for_people(&dir, &status));
    }
    Ok(Exit::Fine)
}

/// The status by socket, or from disk when nobody works on the folder.
fn current(dir: &CrawlDir) -> Result<Status, Failure> {
    match ask(&dir.socket(), &Request::Status) {
        Ok(Reply {
            status: Some(status),
            ..
        }) => return Ok(status),
        Ok(reply) => return Err(Failure::usage_text(reply.error.unwrap_or_default())),
        Err(ClientError::NotRunning) => {}
        Err(error) => return Err(Failure::usage(error)),
    }
    let _lock = match folder::lock(dir) {
        Err(LockError::Held { pid, .. }) => {
            let who = pid.map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}"));
            return Err(Failure::usage_text(format!(
                "{who} works on {} and does not answer: it is starting or ending, ask again",
                dir.root().display()
            )));
        }
        lock => lock?,
    };
    let world = KernelWorld::for_reading();
    Ok(read_status(&world, dir)?)
}

fn for_people(dir: &CrawlDir, status: &Status) -> String {
    let who = status.pid.map_or_else(String::new, |pid| {
        format!(", process {pid}, for {}", elapsed(status.seconds))
    });
    let mut out = format!(
        "{}: {}{who}\n  URLs   {}, of {} discovered",
        dir.root().display(),
        phase_name(status.phase),
        states_line(&status.states),
        count(status.discovered)
    );
    let (pages, wire, archived) = (
        count(status.pages),
        bytes(status.bytes_wire),
        bytes(status.bytes_archived),
    );
    if status.pid.is_some() {
        out.push_str(&format!(
            "\n  sites  {}, {} with something pending\n  run    {pages} pages, {} requests, {wire} over the wire, \
             {archived} archived, {} of memory",
            count(status.sites),
            count(status.sites_pending),
            count(status.requests),
            bytes(status.rss_bytes)
        ));
    } else {
        // On disk the counts are the folder's, of all its runs.
        out.push_str(&format!(
            "\n  holds  {pages} pages, {wire} received, {archived} archived"
        ));
    }
    let list = |counts: &std::collections::BTreeMap<String, u64>| -> Option<String> {
        let parts: Vec<String> = counts
            .iter()
            .map(|(name, number)| format!("{name} {}", count(*number)))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    };
    if let Some(outcomes) = list(&status.outcomes) {
        out.push_str(&format!("\n  ended  {outcomes}"));
    }
    if let Some(sightings) = list(&status.sightings.0) {
        out.push_str(&format!("\n  links not taken  {sightings}"));
    }
    out
}

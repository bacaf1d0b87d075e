//! `orb status`: how a crawl stands.
//!
//! In: a folder. Out: the status of the running crawl by its socket, or that on disk. May touch: socket and folder.
//! Invariant: nobody else works on the folder while it is read from disk.

use std::path::Path;
use std::thread;

use clap::Args;
use orb_api::{CrawlDir, SitemapCounts, Status};
use orb_crawl::read_status;
use orb_serve::{ClientError, Reply, Request, ask};

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg, LockError};
use crate::limits::{ENDING_LOOK_EVERY, ENDING_LOOKS_MAX, PROGRESS_EVERY};
use crate::live::curtain::Stream;
use crate::live::{self, AskerError, Parted, Wanted};
use crate::progress::{line, phase_name, states_line};
use crate::signals;
use crate::terminal::{bytes, count, elapsed, harmless, note, say, say_json};
use crate::world::KernelWorld;

/// Arguments of `orb status`.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  orb status\n  orb status big --json | jq .states\n  orb status --watch\n\n\
                  With --watch, `?` explains the keys and every number. Where the output is no terminal, a line \
                  every 5 seconds is\nprinted instead, or with --json an object a line."
)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Go on looking until the crawl ends: the live view on a terminal, plain lines elsewhere.
    #[arg(long)]
    watch: bool,
    /// With --watch: plain lines, even on a terminal.
    #[arg(long, requires = "watch")]
    plain: bool,
}

/// Tells how the crawl stands.
pub(crate) fn run(args: &StatusArgs) -> Outcome {
    crate::log_file::start_without_file();
    let dir = args.folder.existing()?;
    if args.watch
        && let Some(exit) = watch(args, &dir)?
    {
        return Ok(exit);
    }
    let status = current(&dir)?;
    if args.json {
        say_json(&status)?;
    } else {
        say(&for_people(&dir, &status));
    }
    Ok(Exit::Fine)
}

/// Looks on until the crawl ends, which gives `None`, or until one has seen enough.
fn watch(args: &StatusArgs, dir: &CrawlDir) -> Result<Option<Exit>, Failure> {
    let socket = dir.socket();
    let wanted = Wanted {
        plain: args.plain,
        json: args.json,
        quiet: false,
    };
    if !wanted.view_on(Stream::Output) {
        return in_lines(&socket, args.json).map(|()| None);
    }
    signals::end_watcher().map_err(Failure::storage)?;
    match live::show(&socket, Stream::Output) {
        Ok(Parted::Left) => Ok(Some(Exit::Fine)),
        Ok(Parted::Interrupted) => Ok(Some(Exit::Stopped)),
        Ok(Parted::CrawlEnded) => {
            note("orb: the crawl's process has ended");
            wait_for_end(dir);
            Ok(None)
        }
        Ok(Parted::NoTerminal) => in_lines(&socket, false).map(|()| None),
        Err(AskerError::Client(ClientError::NotRunning)) => {
            note("orb: no crawl runs here; this is what the folder holds");
            Ok(None)
        }
        Err(error) => Err(Failure::usage(error)),
    }
}

/// A line every few seconds, as long as somebody answers.
fn in_lines(socket: &Path, json: bool) -> Result<(), Failure> {
    let mut before = None;
    loop {
        let now = match ask(socket, &Request::Status) {
            Ok(Reply {
                status: Some(status),
                ..
            }) => status,
            Ok(reply) => return Err(Failure::usage_text(reply.error.unwrap_or_default())),
            Err(ClientError::NotRunning) => return Ok(()),
            Err(error) => return Err(Failure::usage(error)),
        };
        if json {
            say_json(&now)?;
        } else {
            say(&line(before.as_ref().unwrap_or(&now), &now));
        }
        before = Some(now);
        thread::sleep(PROGRESS_EVERY);
    }
}

/// Between the end of its socket and the end of its process a crawl still holds its folder.
fn wait_for_end(dir: &CrawlDir) {
    for _ in 0..ENDING_LOOKS_MAX {
        if !matches!(folder::lock(dir), Err(LockError::Held { .. })) {
            return;
        }
        thread::sleep(ENDING_LOOK_EVERY);
    }
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
    let _lock = folder::lock_silent(dir)?;
    let world = KernelWorld::for_reading();
    Ok(read_status(&world, dir)?)
}

/// What sitemaps came to, if any were read.
fn put_sitemaps(maps: &SitemapCounts, out: &mut String) {
    if maps.is_none() {
        return;
    }
    let (read, lines) = (count(maps.read), count(maps.urls));
    out.push_str(&format!("\n  sitemaps  {read} read, {lines} lines"));
    if maps.damaged > 0 {
        out.push_str(&format!(", {} damaged", count(maps.damaged)));
    }
    if maps.put_off + maps.forward > 0 {
        let (put_off, forward) = (count(maps.put_off), count(maps.forward));
        out.push_str(&format!(
            "; by lastmod {forward} pages come sooner, {put_off} later"
        ));
    }
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
    if status.again > 0 {
        let useful = status.again_useful as f64 * 100.0 / status.again as f64;
        out.push_str(&format!(
            "\n  fetched again    {}, of which {useful:.0} % had changed",
            count(status.again)
        ));
    }
    put_sitemaps(&status.sitemaps, &mut out);
    if let Some(uploads) = &status.uploads {
        out.push_str(&format!(
            "\n  uploads  {} files in {}, {} ({}) wait",
            count(uploads.arrived),
            uploads.to,
            count(uploads.waiting),
            bytes(uploads.waiting_bytes)
        ));
        if let Some(why) = &uploads.failing {
            out.push_str(&format!("; failing: {}", harmless(why)));
        }
    }
    if let Some(sightings) = list(&status.sightings.0) {
        out.push_str(&format!("\n  links not taken  {sightings}"));
    }
    out
}

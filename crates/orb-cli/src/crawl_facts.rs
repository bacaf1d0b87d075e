//! The facts of a crawl, from its process when one runs, else from its folder.
//!
//! In: a folder. Out: a source of facts and what an explanation needs beside it.
//! May touch: the control socket; the folder under its lock, reading only.
//! Invariant: both sources answer alike, so an explanation does not depend on which it was.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use orb_api::{CrawlDir, Phase, SiteFacts, UrlFacts};
use orb_crawl::{CrawlIdentity, StoppedCrawl};
use orb_env::{Clock, KernelDisk};
use orb_explain::{Crawl, ExplainError, FactError, FactSource, Search, Times};
use orb_gate::PolitenessConfig;
use orb_serve::{Client, ClientError, Reply, Request};
use orb_url::{CrawlUrl, Site};

use crate::exit::Failure;
use crate::folder::{self, FolderLock};
use crate::last_run::LastRun;
use crate::limits::SEARCH_SHOWN_BYTES_MIN;
use crate::local_time::LocalTime;
use crate::terminal::{bytes, note};
use crate::world::KernelWorld;

/// A crawl that can be asked.
pub(crate) struct AskedCrawl {
    dir: CrawlDir,
    phase: Phase,
    politeness: Option<PolitenessConfig>,
    attempts_max: Option<u8>,
    source: Source,
}

enum Source {
    Running(Box<Client>),
    Stopped(
        Box<StoppedCrawl>,
        #[expect(dead_code, reason = "held, not read: nobody begins to crawl meanwhile")]
        FolderLock,
    ),
}

impl AskedCrawl {
    /// Finds out whether the crawl runs, and opens it for questions.
    pub(crate) fn open(dir: &CrawlDir) -> Result<AskedCrawl, Failure> {
        let (source, phase) = match running(dir)? {
            Some((client, phase)) => (Source::Running(Box::new(client)), phase),
            None => (stopped(dir)?, Phase::Stopped),
        };
        let identity = CrawlIdentity::read(&KernelDisk, dir)?;
        let run = identity.and_then(|identity| identity.runs.into_iter().last());
        Ok(AskedCrawl {
            dir: dir.clone(),
            phase,
            attempts_max: run.as_ref().map(|run| run.attempts_max),
            politeness: run.map(|run| run.politeness),
            source,
        })
    }

    /// Explains something of it: `explain` is handed the crawl, its facts, the times, and a place for progress.
    pub(crate) fn tell<T>(
        mut self,
        explain: impl FnOnce(
            &Crawl<'_>,
            &mut dyn FactSource,
            &Times<'_>,
            &mut dyn FnMut(Search),
        ) -> Result<T, ExplainError>,
        page: impl FnOnce(&T, &Times<'_>) -> String,
    ) -> Result<(T, String), Failure> {
        let zone = LocalTime::of_system();
        let local = |at| zone.text(at);
        let times = Times {
            now: orb_env::BootClock::new().wall(),
            local: &local,
        };
        let crawl = Crawl {
            disk: &KernelDisk,
            dir: &self.dir,
            phase: self.phase,
            politeness: self.politeness.as_ref(),
            attempts_max: self.attempts_max,
        };
        let running = crawl.running();
        let mut progress = Progress::default();
        let told = explain(&crawl, &mut self.source, &times, &mut |search| {
            progress.tell(search);
        });
        progress.end();
        let told = told.map_err(|error| failed(error, running))?;
        let page = page(&told, &times);
        Ok((told, page))
    }
}

/// What a crawl that runs cannot answer can be asked again; what a folder does not hold is damage.
fn failed(error: ExplainError, running: bool) -> Failure {
    match error {
        error @ ExplainError::Facts { .. } if running => Failure::usage(error),
        error => Failure::storage(error),
    }
}

fn running(dir: &CrawlDir) -> Result<Option<(Client, Phase)>, Failure> {
    let asked = Client::connect(&dir.socket())
        .and_then(|mut client| Ok((client.ask(&Request::Status)?, client)));
    match asked {
        Ok((reply, client)) => match reply.status {
            Some(status) => Ok(Some((client, status.phase))),
            None => Err(Failure::usage_text(reply.error.unwrap_or_default())),
        },
        Err(ClientError::NotRunning) => Ok(None),
        Err(error) => Err(Failure::usage(error)),
    }
}

fn stopped(dir: &CrawlDir) -> Result<Source, Failure> {
    let lock = folder::lock_silent(dir)?;
    let run = LastRun::read(dir).unwrap_or_else(|| {
        note("orb: the settings of the last run are not kept here: scope and rules are judged by the defaults");
        LastRun::default()
    });
    let rules = run.rules();
    let world = Arc::new(KernelWorld::for_reading());
    let crawl = StoppedCrawl::open(world, dir.clone(), run.config, rules)?;
    Ok(Source::Stopped(Box::new(crawl), lock))
}

impl FactSource for Source {
    fn url_facts(&mut self, url: &CrawlUrl) -> Result<UrlFacts, FactError> {
        match self {
            Source::Running(client) => {
                let url = url.as_str().to_owned();
                let reply = client.ask(&Request::Url { url })?;
                answered(reply, |reply| reply.url)
            }
            Source::Stopped(crawl, _) => Ok(crawl.url_facts(url)?),
        }
    }

    fn site_facts(&mut self, site: &Site) -> Result<SiteFacts, FactError> {
        match self {
            Source::Running(client) => {
                let site = site.as_str().to_owned();
                let reply = client.ask(&Request::Site { site })?;
                answered(reply, |reply| reply.site)
            }
            Source::Stopped(crawl, _) => Ok(crawl.site_facts(site)?),
        }
    }
}

fn answered<T>(reply: Reply, part: impl FnOnce(Reply) -> Option<T>) -> Result<T, FactError> {
    let error = reply.error.clone();
    let refused = || error.unwrap_or_else(|| "an answer without what was asked for".to_owned());
    part(reply).ok_or_else(|| refused().into())
}

/// Tells how far a long search is, on a terminal.
#[derive(Default)]
struct Progress {
    percent: Option<u64>,
}

impl Progress {
    fn tell(&mut self, search: Search) {
        if search.bytes_total < SEARCH_SHOWN_BYTES_MIN || !io::stderr().is_terminal() {
            return;
        }
        let percent = search.bytes_done * 100 / search.bytes_total.max(1);
        if self.percent != Some(percent) {
            self.percent = Some(percent);
            let total = bytes(search.bytes_total);
            let mut out = io::stderr().lock();
            write!(out, "\rorb: searching {total} of attempt rows: {percent} %").ok(); // nobody to tell it to
        }
    }

    fn end(&self) {
        if self.percent.is_some() {
            writeln!(io::stderr().lock()).ok(); // as above
        }
    }
}

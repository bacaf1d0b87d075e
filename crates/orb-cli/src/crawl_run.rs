//! One run of a crawl, from settings to its end: what `orb crawl` and `orb demo` share.
//!
//! In: a folder, settings, seeds. Out: how it ended. May touch: the folder, signals, logs, sockets.
//! Must not touch: how the result is shown.
//! Invariant: nothing is written before settings, seeds and rules were read and found good.

use std::net::SocketAddr;
use std::sync::Arc;

use orb_api::CrawlDir;
use orb_crawl::{Control, CrawlEnd, CrawlSetup, OpenCrawl, OrderBook, World};
use orb_env::{Disk, KernelDisk};
use orb_frontier::UrlRules;
use orb_metrics::{HappeningCounts, happened};
use orb_serve::{Desk, Server, Sockets};

use crate::exit::Failure;
use crate::identity::{introduce, software};
use crate::last_run::LastRun;
use crate::operator_desk::OperatorDesk;
use crate::progress::{Telling, Way};
use crate::seeds::Seeds;
use crate::settings_args::InForce;
use crate::steer::opt_out_list;
use crate::supervised::Supervised;
use crate::terminal::{count, note};
use crate::world::KernelWorld;
use crate::{folder, log_file, open_files, signals};

/// What a run is made of.
pub(crate) struct CrawlRun {
    pub(crate) dir: CrawlDir,
    pub(crate) settings: InForce,
    pub(crate) rules: UrlRules,
    /// The lines `rules` were read from.
    pub(crate) rule_lines: Vec<String>,
    pub(crate) seeds: Seeds,
    /// Where the status is answered by HTTP.
    pub(crate) listen: Option<SocketAddr>,
    /// How it tells of itself; with nothing there are no notes either, but warnings stay.
    pub(crate) way: Way,
    /// Value of `ORB_LOG`.
    pub(crate) log_filter: Option<String>,
}

/// Runs it to its end.
pub(crate) fn run(mut run: CrawlRun) -> Result<CrawlEnd, Failure> {
    let config = &mut run.settings.config;
    if let Some(list) = opt_out_list(config) {
        config.opt_outs = list.to_string_lossy().into_owned();
    }
    let own_only = introduce(config).map_err(Failure::usage)?;
    let resumes = run.dir.identity().exists();
    if !run.seeds.any() && !resumes {
        run.seeds.finish()?;
        return Err(no_seeds(&run));
    }
    let fitted = open_files::fit(config, open_files::raise())?;
    let world: Arc<dyn World> = Arc::new(KernelWorld::for_crawl(config)?);
    let _lock = folder::lock(&run.dir)?;
    let logs = run.dir.logs();
    KernelDisk.create_dir_all(&logs).map_err(Failure::storage)?;
    let log_filter = run.log_filter.as_deref();
    let counts = log_file::start(world.as_ref(), &logs, log_filter)?;
    for text in fitted
        .into_iter()
        .chain(own_only.map(|ranges| only(&ranges)))
    {
        note(&format!("orb: {text}"));
    }

    let control = Control::new();
    signals::steer(control.clone()).map_err(Failure::storage)?;
    let setup = CrawlSetup {
        dir: run.dir.clone(),
        config: run.settings.config.clone(),
        rules: std::mem::take(&mut run.rules),
        world: Arc::clone(&world),
        control: control.clone(),
        software: software(),
    };
    let mut crawl = orb_crawl::open(setup)?;
    let last = LastRun::of(&run.settings.config, &run.rule_lines);
    last.tell_changes(LastRun::read(&run.dir).as_ref());
    last.keep(&run.dir);
    crawl.add_seeds(&mut run.seeds)?;
    let seeds = run.seeds.finish()?;
    if !crawl.has_seeds()? {
        return Err(no_seeds(&run));
    }
    happened!(
        CrawlOpened,
        seeds = seeds.good,
        bad_seeds = seeds.bad,
        resumes
    );
    if run.way != Way::Nothing {
        note(&beginning(&run, resumes, seeds.good));
    }
    tell_of_a_pause(&run.dir)?;

    attended(crawl, &run, control, counts, world.as_ref())
}

/// Runs an opened crawl with everybody at its side: those who ask, those who are told.
fn attended(
    crawl: OpenCrawl,
    run: &CrawlRun,
    control: Control,
    counts: Arc<HappeningCounts>,
    world: &dyn World,
) -> Result<CrawlEnd, Failure> {
    let sockets = Sockets {
        control: run.dir.socket(),
        page: run.listen,
    };
    let desk = Arc::new(OperatorDesk::new(control.clone(), counts, world.clock()));
    let server = Server::start(&sockets, Arc::clone(&desk) as Arc<dyn Desk>, world.clock())
        .map_err(Failure::usage)?;
    if let Some(address) = server.page() {
        note(&format!(
            "orb: status at http://{address}/status, metrics at http://{address}/metrics"
        ));
    }
    let supervised = Supervised::start(control.clone());
    let telling =
        Telling::start(run.way, control.clone(), run.dir.socket()).map_err(Failure::storage)?;
    let end = crawl.run_threads();
    drop(telling);
    drop(supervised);
    if let Ok(end) = &end {
        happened!(CrawlEnded, why = ?end.why, pages = end.summary.pages);
        desk.scrapes.wait_for_one_more(&control);
    }
    drop(server);
    let end = end?;
    Ok(end)
}

fn tell_of_a_pause(dir: &CrawlDir) -> Result<(), Failure> {
    if OrderBook::read(Arc::new(KernelDisk), &dir.orders())?.is_paused() {
        let dir = dir.root().display();
        note(&format!(
            "orb: the crawl was paused and stays so; `orb resume {dir}` lets it go on"
        ));
    }
    Ok(())
}

fn no_seeds(run: &CrawlRun) -> Failure {
    let bad = run.seeds.counts().bad;
    let dir = run.dir.root().display();
    if bad > 0 {
        let them = if bad == 1 {
            "the one given is bad".to_owned()
        } else {
            format!("all {bad} given are bad")
        };
        return Failure::usage_text(format!("no seed to begin with: {them}"));
    }
    Failure::usage_text(format!(
        "no seed to begin with, and {dir} holds no crawl to resume: give URLs, or --seeds FILE"
    ))
}

fn only(ranges: &[ipnet::IpNet]) -> String {
    let list: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    format!(
        "no --contact: only addresses of {} are contacted",
        list.join(", ")
    )
}

fn beginning(run: &CrawlRun, resumes: bool, seeds: u64) -> String {
    let dir = run.dir.root().display();
    match (resumes, seeds) {
        (false, seeds) => format!("orb: a new crawl in {dir}, from {} seeds", count(seeds)),
        (true, 0) => format!("orb: going on with the crawl in {dir}"),
        (true, seeds) => format!(
            "orb: going on with the crawl in {dir}, and {} seeds more",
            count(seeds)
        ),
    }
}

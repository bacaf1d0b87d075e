//! `orb plan`: what a crawl can reach, what binds it, how long it takes and what it needs; or plan against fact.
//!
//! In: seeds and settings, or a crawl's folder. Out: a forecast. May touch: what `plan` does; no web server.

use std::path::{Path, PathBuf};

use clap::Args;
use orb_api::CrawlDir;
use orb_env::{Disk, KernelDisk};
use orb_plan::{Bound, Forecast, PageKind, Question, Sites, forecast};
use serde::Serialize;

use crate::bench::surroundings::Surroundings;
use crate::exit::{Exit, Failure, Outcome};
use crate::machine::Machine;
use crate::plan::asking::{AskingArgs, millis, rules};
use crate::plan::basis::{Basis, Source};
use crate::plan::calibration;
use crate::plan::under_way::Facts;
use crate::plan::words::{self, bound_name, rate, span_text};
use crate::seeds::Seeds;
use crate::settings_args::SettingsArgs;
use crate::terminal::{bytes, count, harmless, say, say_json};
use crate::{disk_probe, folder, open_files, own_sites, settings};

/// Arguments of `orb plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb plan --seeds domains.txt                     how long will it take, and what does it need?
  orb plan --sites 1000000 --delay 10s --threads 16 --pages-per-site 100
  orb plan example.org --pages-per-site 5000 --exchange-time 120ms
  orb plan big                                     the crawl in the folder big: plan against fact, and the rest

Nothing is fetched. Costs are measured once on this machine, which takes a few seconds, and kept in the user's cache
folder. What is assumed is marked, with the flag that gives it.")]
pub(crate) struct PlanArgs {
    /// Where the crawl would begin: URLs or domains; or the folder of a crawl that runs or stopped.
    #[arg(value_name = "URL|DIR")]
    what: Vec<String>,
    #[command(flatten)]
    asking: AskingArgs,
    /// Where the crawl would lie: its disk is probed and its room looked at.
    #[arg(long, value_name = "DIR", default_value = folder::DEFAULT)]
    out: PathBuf,
    /// Measure this machine again.
    #[arg(long)]
    measure: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// `--json` before a crawl.
#[derive(Serialize)]
struct Planned<'a> {
    forecast: &'a Forecast,
    /// How long it takes if sites are more or less unlike in size than said.
    by_spread: &'a [BySpread],
    basis: &'a [Basis],
}

/// How long it takes if sites are so unlike in size.
#[derive(Serialize)]
struct BySpread {
    spread: f64,
    seconds: f64,
}

/// `--json` of a crawl under way.
#[derive(Serialize)]
struct Compared<'a> {
    plan: &'a Forecast,
    fact: Fact,
    rest: &'a Forecast,
    basis: &'a [Basis],
}

/// What came of a crawl so far.
#[derive(Serialize)]
struct Fact {
    runs: bool,
    pages: u64,
    requests: u64,
    robots_requests: u64,
    seconds: f64,
    pages_per_second: f64,
    seconds_of_half: Option<f64>,
    seconds_of_nine_tenths: Option<f64>,
    pending: u64,
    /// What limits it now, as its status says.
    limiting: orb_api::Limiting,
}

/// Plans.
pub(crate) fn run(args: &PlanArgs) -> Outcome {
    crate::log_file::start_without_file();
    if let ([what], false) = (&args.what[..], args.asking.names_sites())
        && Path::new(what).is_dir()
    {
        let dir = CrawlDir::new(what);
        if !dir.identity().exists() {
            return Err(Failure::usage_text(format!(
                "{what} is a folder without a crawl; to plan one, give URLs, --seeds FILE or --sites N"
            )));
        }
        return compare(args, &dir);
    }
    let mut in_force = args
        .settings
        .in_force(settings::from_process(), &Machine::this())?;
    own_sites::check_scope(&in_force)?;
    let mut seeds = Seeds::open(&args.what, &args.asking.seeds)?;
    own_sites::claim(&mut in_force, &mut seeds)?;
    let mut config = in_force.config;
    open_files::fit(&mut config, open_files::raise())?;
    let measured = calibration::costs(&args.out, args.measure)?;
    let (question, mut basis) = args.asking.question(seeds, &config, measured.costs())?;
    basis.push(cost_basis(&question, Source::Measured, measured.source()));
    let by_spread = by_spread(&question);
    let forecast = forecast(&question);
    if args.json {
        say_json(&Planned {
            forecast: &forecast,
            by_spread: &by_spread,
            basis: &basis,
        })?;
        return Ok(Exit::Fine);
    }
    let free = KernelDisk
        .room(&disk_probe::nearest_folder(&args.out))
        .ok()
        .map(|room| room.free_bytes);
    say(&format!(
        "{}\n\n{}\n{}{}\n{}\n{}",
        words::head(&forecast),
        words::ceilings(&forecast, &question),
        words::way(&forecast),
        hangs_on(&by_spread),
        words::needs(&forecast, &question, free),
        words::basis(&basis).trim_end(),
    ));
    Ok(Exit::Fine)
}

/// The forecast's time with sites all alike, less unlike, more unlike. With one site or known sizes there is no choice.
fn by_spread(question: &Question) -> Vec<BySpread> {
    if matches!(question.sites, Sites::Described { count, .. } if count < 2) {
        return Vec::new();
    }
    let of = |spread| {
        let seconds = forecast(&question.with_spread(spread)?).seconds;
        Some(BySpread { spread, seconds })
    };
    [0.0, 0.5, 1.0, 1.5].into_iter().filter_map(of).collect()
}

fn hangs_on(by_spread: &[BySpread]) -> String {
    if by_spread.is_empty() {
        return String::new();
    }
    let each = by_spread
        .iter()
        .map(|one| format!("{} at spread {}", span_text(one.seconds), one.spread));
    format!(
        "  The end hangs on the largest sites: {}.\n",
        each.collect::<Vec<_>>().join(", ")
    )
}

fn cost_basis(question: &Question, source: Source, how: String) -> Basis {
    let costs = &question.machine;
    let page = &question.page;
    let cpu = costs.cpu_of(page.wire_bytes, page.handshake_share);
    Basis::new("CPU a page", format!("{:.2} ms", cpu * 1e3), source, how)
}

/// The crawl of a folder: what a plan says, what is so, and the rest.
fn compare(args: &PlanArgs, dir: &CrawlDir) -> Outcome {
    let facts = Facts::read(dir)?;
    let in_force = args
        .settings
        .in_force(settings::from_process(), &Machine::this())?;
    let mut config = in_force.config;
    config.politeness.clone_from(&facts.politeness);
    let learnt = &facts.learnt;
    let pages = learnt.pages.max(1) as f64;
    let in_all = facts
        .status
        .bounds
        .pages_in_all
        .max(facts.status.pages)
        .max(1) as f64;
    let (machine, costs_from) = costs_of(args, dir, &facts)?;
    let question = |sites: Sites| Question {
        sites,
        page: PageKind {
            wire_bytes: facts.status.bytes_wire as f64 / facts.status.pages.max(1) as f64,
            requests_per_page: learnt.requests_per_page(),
            handshake_share: 0.0,
        },
        rules: rules(&config, None),
        machine,
    };
    let mut whole = question(facts.whole());
    // A plan of the whole ends where everything found is had; limits are for what is still to come.
    (
        whole.rules.pages_max,
        whole.rules.bytes_max,
        whole.rules.seconds_max,
    ) = (0, 0, 0.0);
    let mut left = question(facts.rest());
    left.rules.pages_max = left.rules.pages_max.saturating_sub(in_all as u64);
    let (plan, rest) = (forecast(&whole), forecast(&left));
    let basis = learnt_basis(&facts, &whole, pages, costs_from);
    let fact = Fact {
        runs: facts.runs(),
        pages: learnt.pages,
        requests: learnt.requests,
        robots_requests: learnt.robots,
        seconds: learnt.seconds(),
        pages_per_second: learnt.pages as f64 / learnt.seconds().max(1e-3),
        seconds_of_half: learnt.seconds_of_share(0.5),
        seconds_of_nine_tenths: learnt.seconds_of_share(0.9),
        pending: facts.status.states.pending + facts.status.states.in_flight,
        limiting: facts.status.limiting,
    };
    if args.json {
        say_json(&Compared {
            plan: &plan,
            fact,
            rest: &rest,
            basis: &basis,
        })?;
        return Ok(Exit::Fine);
    }
    say(&format!(
        "{}\n{}\n{}",
        comparison(dir, &plan, &fact),
        remaining(&rest, &fact),
        words::basis(&basis).trim_end()
    ));
    Ok(Exit::Fine)
}

/// Costs: from the cache, from the running crawl's own account, or measured now.
fn costs_of(
    args: &PlanArgs,
    dir: &CrawlDir,
    facts: &Facts,
) -> Result<(orb_plan::MachineCosts, (Source, String)), Failure> {
    let cached = calibration::cached(&Surroundings::here(dir.root()));
    let status = &facts.status;
    if let (true, false, None) = (facts.runs() && status.requests > 0, args.measure, &cached) {
        // Measuring would take a core from the crawl, and the crawl knows better.
        let requests = status.requests as f64;
        let costs = orb_plan::MachineCosts {
            cpu_per_request: status.cpu_seconds / requests,
            cpu_per_byte: 0.0,
            cpu_per_handshake: 0.0,
            archived_per_request: status.bytes_archived as f64 / requests,
            archived_per_byte: 0.0,
            other_per_request: 1_000.0,
            memory_base_bytes: status.rss_bytes as f64,
            disk_bytes_per_second: f64::MAX,
        };
        return Ok((costs, (Source::Learnt, "the crawl's own account".into())));
    }
    let measured = match cached {
        Some(measured) if !args.measure => measured,
        _ => calibration::costs(dir.root(), args.measure)?,
    };
    Ok((measured.costs(), (Source::Measured, measured.source())))
}

fn learnt_basis(
    facts: &Facts,
    question: &Question,
    pages: f64,
    (source, how): (Source, String),
) -> Vec<Basis> {
    let learnt = &facts.learnt;
    let from = if facts.partial {
        format!("the newest {} attempt rows", count(learnt.requests))
    } else {
        format!("all {} attempt rows", count(learnt.requests))
    };
    let sites = learnt.sites().count().max(1);
    let mut exchanges: Vec<f64> = learnt.sites().map(|(_, site)| site.exchange()).collect();
    exchanges.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (exchanges.len() as f64 * share) as usize;
        exchanges.get(place).copied().unwrap_or(0.0)
    };
    let mut sizes: Vec<u64> = learnt.sites().map(|(_, site)| site.pages).collect();
    sizes.sort_unstable();
    let largest = sizes.last().copied().unwrap_or(0);
    let learnt_row =
        |name, value: String, how: String| Basis::new(name, value, Source::Learnt, how);
    vec![
        learnt_row("sites asked", count(sites as u64), from),
        learnt_row(
            "pages a site",
            format!("{:.1}", pages / sites as f64),
            format!("so far; the largest has {}", count(largest)),
        ),
        learnt_row(
            "exchange time",
            millis(learnt.exchange()),
            format!(
                "mean; by site {} to {} (tenths)",
                millis(at(0.1)),
                millis(at(0.9))
            ),
        ),
        learnt_row(
            "requests a page",
            format!("{:.2}", learnt.requests_per_page()),
            "robots.txt left out".into(),
        ),
        learnt_row(
            "robots.txt a site",
            format!("{:.2}", learnt.robots_per_site()),
            "one for each origin, and redirects".into(),
        ),
        learnt_row(
            "bytes a page",
            bytes(question.page.wire_bytes as u64),
            "received and sent".into(),
        ),
        learnt_row(
            "sites an address",
            format!("{:.1}", sites as f64 / learnt.addresses().max(1) as f64),
            format!("{} addresses", count(learnt.addresses() as u64)),
        ),
        cost_basis(question, source, how),
    ]
}

fn comparison(dir: &CrawlDir, plan: &Forecast, fact: &Fact) -> String {
    let state = if fact.runs { "runs" } else { "does not run" };
    let mut out = format!(
        "{} {state}; it has crawled for {}\n\nPlan against fact                 plan             fact   fact/plan\n",
        harmless(&dir.root().display().to_string()),
        span_text(fact.seconds)
    );
    let mut row = |what: &str, planned: f64, is: Option<f64>, text: &dyn Fn(f64) -> String| {
        let Some(is) = is else { return };
        let ratio = if planned > 0.0 {
            format!("{:.2}", is / planned)
        } else {
            "-".into()
        };
        out.push_str(&format!(
            "  {what:20} {:>16} {:>16} {ratio:>11}\n",
            text(planned),
            text(is)
        ));
    };
    let whole = |value: f64| count(value.round() as u64);
    let so_far = plan.pages_at(fact.seconds);
    row("pages so far", so_far, Some(fact.pages as f64), &whole);
    let planned = plan.seconds_at(fact.pages as f64);
    row("time for them", planned, Some(fact.seconds), &span_text);
    let share = |share: f64| plan.seconds_at(fact.pages as f64 * share);
    row("half of them", share(0.5), fact.seconds_of_half, &span_text);
    row(
        "nine tenths",
        share(0.9),
        fact.seconds_of_nine_tenths,
        &span_text,
    );
    row(
        "pages a second",
        fact.pages as f64 / planned.max(1e-3),
        Some(fact.pages_per_second),
        &rate,
    );
    let bound = plan
        .moment_at(fact.seconds)
        .map_or(Bound::Politeness, |now| now.bound);
    let now = serde_json::to_value(fact.limiting).ok();
    let now = now
        .as_ref()
        .and_then(serde_json::Value::as_str)
        .unwrap_or("unknown");
    let now = if fact.runs { now } else { "nothing runs" };
    out.push_str(&format!(
        "  {:20} {:>16} {now:>16}\n",
        "what binds now",
        bound_name(bound)
    ));
    out
}

fn remaining(rest: &Forecast, fact: &Fact) -> String {
    if fact.pending == 0 {
        return "Nothing is left of what was found.\n".into();
    }
    format!(
        "The rest: {} URLs on {} sites, about {} pages more in {}, bound by {}; nine tenths of them after {}.\n\
         Links not read yet may add to it.\n",
        count(fact.pending),
        count(rest.sites.round() as u64),
        count(rest.pages.round() as u64),
        span_text(rest.seconds),
        bound_name(rest.binds),
        span_text(rest.seconds_at(rest.pages * 0.9)),
    )
}

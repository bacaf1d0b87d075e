//! `orb exclude`, `orb opt-out`, `orb seeds add`, `orb orders`: steering a crawl.
//!
//! In: arguments. Out: what became of the order. May touch: what `steer` does; the list of opt-outs.

pub(crate) mod site_orders;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use orb_api::{Act, Effect, Order, OrderReply, count};
use orb_crawl::OrderBook;
use orb_env::{KernelDisk, Wall};
use orb_frontier::Excluded;
use orb_url::Seed;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg};
use crate::limits::SEEDS_AT_ONCE;
use crate::local_time::LocalTime;
use crate::machine::Machine;
use crate::seeds::Seeds;
use crate::settings;
use crate::settings_args::SettingsArgs;
use crate::steer::{OrderArgs, list_opt_out, opt_out_list};
use crate::terminal::{harmless, note, say, say_json};

/// `orb exclude …`
#[derive(Debug, Subcommand)]
pub(crate) enum ExcludeCommand {
    /// Take domains or URL patterns out of a crawl, running or not.
    Add(AddArgs),
    /// Take an exclusion back: what it took out is queued again.
    Undo(UndoArgs),
    /// List what is excluded.
    List(TrailArgs),
}

/// Arguments of `orb exclude add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb exclude add example.com --out big --dry-run            (how many URLs would go)
  orb exclude add example.com --out big --why \"ticket 4711\"
  orb exclude add 'https://shop.example.com/cart/*' --out big

A running crawl begins no request for it from the moment this comes back. A site keeps its queue under a mark, and
`orb exclude undo` brings it back whole; URLs that a pattern or a part of a site covers end as excluded when their turn
comes, and come back too. Links found meanwhile are counted, not kept. For a whole site the dry run is exact, else it
is a bound. `orb why URL` tells which order excluded it.")]
pub(crate) struct AddArgs {
    /// Domains (with everything below them) or URL patterns with `*`.
    #[arg(value_name = "DOMAIN|PATTERN", required = true)]
    what: Vec<String>,
    #[command(flatten)]
    order: OrderArgs,
}

/// Arguments of `orb exclude undo`, and of what takes other orders back.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// Number of the order, as `orb orders` tells it.
    #[arg(value_name = "ORDER")]
    number: u64,
    #[command(flatten)]
    order: OrderArgs,
}

/// Arguments of `orb orders` and `orb exclude list`.
#[derive(Debug, Args)]
pub(crate) struct TrailArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Print each order as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `orb opt-out`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb opt-out example.com --why \"mail of 2026-11-22\"
  orb opt-out example.com --out big --dry-run
  orb opt-out example.com --undo

The domain goes into a list that all crawls of this machine share (`opt_outs`; by default orb/opt-outs.jsonl in your
configuration folder). Running crawls follow it within a second, later ones read it when they begin, and each keeps it
in its own folder, wherever that goes.")]
pub(crate) struct OptOutArgs {
    /// Domains, with everything below them.
    #[arg(value_name = "DOMAIN", required = true)]
    domains: Vec<String>,
    /// The site may be crawled again.
    #[arg(long)]
    undo: bool,
    /// The list [default: the setting `opt_outs`].
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    #[command(flatten)]
    order: OrderArgs,
}

/// `orb seeds …`
#[derive(Debug, Subcommand)]
pub(crate) enum SeedsCommand {
    /// Add seeds to a crawl, running or not.
    Add(SeedsArgs),
}

/// Arguments of `orb seeds add`.
#[derive(Debug, Args)]
pub(crate) struct SeedsArgs {
    /// URLs, or domains.
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// File with a URL, domain or `rank,domain` on each line, as for `orb crawl`; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    seeds: Vec<PathBuf>,
    #[command(flatten)]
    order: OrderArgs,
}

#[derive(Serialize)]
struct Told<'a> {
    what: &'a str,
    dry_run: bool,
    #[serde(flatten)]
    reply: OrderReply,
}

/// Runs `orb exclude …`.
pub(crate) fn exclude(command: &ExcludeCommand) -> Outcome {
    crate::log_file::start_without_file();
    match command {
        ExcludeCommand::Add(args) => {
            for what in &args.what {
                let act = Act::Exclude { what: what.clone() };
                let reply = args.order.give(act)?;
                tell(&args.order, what, "excluded", reply)?;
            }
            Ok(Exit::Fine)
        }
        ExcludeCommand::Undo(args) => undo(args),
        ExcludeCommand::List(args) => trail(args, |book, order| {
            let excludes = matches!(order.act, Act::Exclude { .. } | Act::OptOut { .. });
            excludes && !book.is_undone(order.order)
        }),
    }
}

/// Takes an order back.
pub(super) fn undo(args: &UndoArgs) -> Outcome {
    let act = Act::Undo {
        undoes: args.number,
    };
    let reply = args.order.give(act)?;
    let what = format!("order {}", args.number);
    tell(&args.order, &what, "taken back", reply)?;
    Ok(Exit::Fine)
}

/// Runs `orb opt-out`.
pub(crate) fn opt_out(args: &OptOutArgs) -> Outcome {
    crate::log_file::start_without_file();
    let list = match &args.list {
        Some(list) => Some(list.clone()),
        None => {
            let settings = SettingsArgs::with_sets(&[]);
            let settings = settings.in_force(settings::from_process(), &Machine::this())?;
            opt_out_list(&settings.config)
        }
    };
    let list = list.ok_or_else(|| {
        Failure::usage_text(
            "there is no configuration folder for the list of opt-outs; name it with --list",
        )
    })?;
    let dir = match args.order.dir() {
        Ok(dir) => Some(dir),
        // Nobody named it: the list alone is meant.
        Err(_) if args.order.out == Path::new(folder::DEFAULT) => None,
        Err(failure) => return Err(failure),
    };
    for domain in &args.domains {
        let what = Excluded::read(domain).map_err(Failure::usage)?;
        let what = what.line().to_owned();
        let foreseen = match &dir {
            Some(dir) => opt_out_of(
                args,
                OrderBook::read(Arc::new(KernelDisk), &dir.orders())?,
                &what,
            )
            .map(|act| crate::steer::give(dir, act, &args.order.why, true))
            .transpose()?,
            None => None,
        };
        if !args.order.dry_run {
            let known = OrderBook::read(Arc::new(KernelDisk), &list)?;
            if let Some(act) = opt_out_of(args, known, &what) {
                list_opt_out(&list, act, &args.order.why)?;
            }
            if let Some(dir) = &dir {
                let own = OrderBook::read(Arc::new(KernelDisk), &dir.orders())?;
                if let Some(act) = opt_out_of(args, own, &what) {
                    crate::steer::give(dir, act, &args.order.why, false)?;
                }
            }
        }
        let reply = foreseen.unwrap_or(OrderReply {
            order: None,
            effect: Effect::default(),
            already: false,
        });
        let done = if args.undo {
            "may be crawled again"
        } else {
            "opted out"
        };
        tell(&args.order, &what, done, reply)?;
    }
    if !args.order.dry_run {
        let list = list.display();
        note(&match &dir {
            Some(dir) => format!("orb: written to {list} and {}", dir.root().display()),
            None => format!(
                "orb: written to {list}; crawls that follow that list take it up, and no folder was named"
            ),
        });
    }
    Ok(Exit::Fine)
}

/// What brings a book to what is asked; nothing where it says so already.
fn opt_out_of(args: &OptOutArgs, book: OrderBook, domain: &str) -> Option<Act> {
    let standing = book
        .opt_outs()
        .get(domain)
        .map(|(out, order)| (*out, order.order));
    match (standing, args.undo) {
        (Some((true, _)), false) | (Some((false, _)) | None, true) => None,
        (_, false) => Some(Act::OptOut {
            what: domain.to_owned(),
        }),
        (Some((true, order)), true) => Some(Act::Undo { undoes: order }),
    }
}

/// Runs `orb seeds …`.
pub(crate) fn seeds(command: &SeedsCommand) -> Outcome {
    let SeedsCommand::Add(args) = command;
    crate::log_file::start_without_file();
    let mut seeds = Seeds::open(&args.urls, &args.seeds)?;
    let mut taken = 0;
    loop {
        let lines: Vec<String> = seeds.by_ref().take(SEEDS_AT_ONCE).map(line_of).collect();
        if lines.is_empty() {
            break;
        }
        taken += lines.len() as u64;
        args.order.give(Act::Seeds { seeds: lines })?;
    }
    seeds.finish()?;
    if taken == 0 {
        return Err(Failure::usage_text(
            "no seed to add: give URLs, or --seeds FILE",
        ));
    }
    let effect = Effect::at_most(taken);
    let reply = OrderReply {
        order: None,
        effect,
        already: false,
    };
    if args.order.json {
        say_json(&reply)?;
    } else {
        let would = if args.order.dry_run { "would be " } else { "" };
        let seeds = if taken == 1 { "seed" } else { "seeds" };
        say(&format!("{} {seeds} {would}added", count(taken)));
    }
    Ok(Exit::Fine)
}

fn line_of(seed: Seed) -> String {
    let place = if seed.bare_domain {
        seed.url.host()
    } else {
        seed.url.as_str()
    };
    match seed.rank.filter(|_| seed.bare_domain) {
        Some(rank) => format!("{rank},{place}"),
        None => place.to_owned(),
    }
}

/// Runs `orb orders`.
pub(crate) fn orders(args: &TrailArgs) -> Outcome {
    trail(args, |_, _| true)
}

fn trail(args: &TrailArgs, shown: impl Fn(&OrderBook, &Order) -> bool) -> Outcome {
    let dir = args.folder.existing()?;
    let book = OrderBook::read(Arc::new(KernelDisk), &dir.orders())?;
    let zone = LocalTime::of_system();
    for order in book.orders().iter().filter(|order| shown(&book, order)) {
        if args.json {
            say_json(order)?;
            continue;
        }
        let at = zone.text(Wall(order.at_us));
        let why = match order.why.as_str() {
            "" => String::new(),
            why => format!(": {why}"),
        };
        let line = format!(
            "{:>5}  {at}  {}  by {}{why}",
            order.order,
            words(order),
            order.who
        );
        say(&harmless(&line));
    }
    Ok(Exit::Fine)
}

fn words(order: &Order) -> String {
    match &order.act {
        Act::Exclude { what } => format!("exclude {what}"),
        Act::OptOut { what } => format!("opt-out {what}"),
        Act::Undo { undoes } => format!("undo {undoes}"),
        Act::Seeds { seeds } => format!("seeds, {} of them", count(seeds.len() as u64)),
        Act::SeedsTaken { of } => format!("seeds of order {of} taken in"),
        Act::Rate { site, delay_ms } => {
            let pause = humantime::format_duration(Duration::from_millis(*delay_ms));
            format!("rate {site} {pause}")
        }
        Act::Budget { site, pages } => match pages {
            Some(pages) => format!("budget {site} pages={pages}"),
            None => format!("budget {site} default"),
        },
        Act::Priority { site, steps } => format!("priority {site} {steps}"),
        act => act.name().to_owned(),
    }
}

pub(super) fn tell(
    args: &OrderArgs,
    what: &str,
    done: &str,
    reply: OrderReply,
) -> Result<(), Failure> {
    if args.json {
        let dry_run = args.dry_run;
        return say_json(&Told {
            what,
            dry_run,
            reply,
        });
    }
    let what = harmless(what);
    if reply.already {
        say(&format!("{what}: so it was before{}", number(&reply)));
        return Ok(());
    }
    let Effect { urls_min, urls_max } = reply.effect;
    let urls = match (urls_min, urls_max) {
        (min, max) if min == max => format!("{} URLs", count(max)),
        (_, max) => format!("at most {} URLs", count(max)),
    };
    if args.dry_run {
        say(&format!("{what} would be {done}: {urls}"));
    } else {
        say(&format!("{what}: {done}, {urls}{}", number(&reply)));
    }
    Ok(())
}

pub(super) fn number(reply: &OrderReply) -> String {
    reply
        .order
        .map_or_else(String::new, |order| format!(" (order {order})"))
}

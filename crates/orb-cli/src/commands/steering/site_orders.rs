//! `orb rate`, `orb budget`, `orb priority`: orders for single sites.
//!
//! In: arguments. Out: what became of the order. May touch: what `steer` does.

use std::time::Duration;

use clap::{Args, Subcommand};
use orb_api::{Act, OrderReply};
use orb_frontier::PRIORITY_MAX;

use crate::commands::steering::{UndoArgs, number, tell, undo};
use crate::exit::{Exit, Failure, Outcome};
use crate::steer::OrderArgs;
use crate::terminal::{harmless, say, say_json};

/// `orb rate …`
#[derive(Debug, Subcommand)]
pub(crate) enum RateCommand {
    /// Give a site a longer pause between two requests.
    Set(RateArgs),
    /// Take such an order back: what held before it holds again.
    Undo(UndoArgs),
}

/// Arguments of `orb rate set`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  orb rate set example.com 10s --why \"its owner asked\"

It only makes a crawl slower: the pause is the largest of this, the settings, the site's crawl-delay and back-off. 0s
takes it back.")]
pub(crate) struct RateArgs {
    /// The site: its registrable domain, or any host of it.
    #[arg(value_name = "DOMAIN")]
    site: String,
    /// The pause, such as 10s.
    #[arg(value_name = "PAUSE", value_parser = humantime::parse_duration)]
    pause: Duration,
    #[command(flatten)]
    order: OrderArgs,
}

/// `orb budget …`
#[derive(Debug, Subcommand)]
pub(crate) enum BudgetCommand {
    /// Say how many URLs of a site the crawl takes up.
    Set(BudgetArgs),
    /// Take such an order back: what held before it holds again.
    Undo(UndoArgs),
}

/// Arguments of `orb budget set`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb budget set example.com pages=500 --why \"enough of its shop\" --dry-run
  orb budget set example.com default

It stands in for `frontier.pages_per_site_max` at this one site, seeds and redirects included; 0 sets no bound. What is
queued beyond it is cut as its turn comes, and counted as excluded (budget). Where a budget grows, what the old one had
cut comes back by itself, to be fetched after what the site has; what other budgets cut (`frontier.novelty`) comes back by
`orb frontier restore`. The dry run tells at most how many URLs change their state.")]
pub(crate) struct BudgetArgs {
    /// The site: its registrable domain, or any host of it.
    #[arg(value_name = "DOMAIN")]
    site: String,
    /// `pages=N`, or `default` for what the settings say.
    #[arg(value_name = "pages=N|default", value_parser = pages)]
    budget: Budget,
    #[command(flatten)]
    order: OrderArgs,
}

/// What `orb budget set` was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Budget(Option<u64>);

fn pages(text: &str) -> Result<Budget, String> {
    if text == "default" {
        return Ok(Budget(None));
    }
    let number = text.strip_prefix("pages=").and_then(|n| n.parse().ok());
    number
        .map(|number| Budget(Some(number)))
        .ok_or_else(|| "write pages=N, such as pages=500, or default".to_owned())
}

/// `orb priority …`
#[derive(Debug, Subcommand)]
pub(crate) enum PriorityCommand {
    /// Put a site before others that are due as well, or behind them.
    Set(PriorityArgs),
    /// Take such an order back: what held before it holds again.
    Undo(UndoArgs),
}

/// Arguments of `orb priority set`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb priority set example.com high --why \"wanted by tomorrow\"
  orb priority set example.com -- -5

Where more sites are due than can be visited, the one that has waited longest is first; each step counts as a second and a
half of waiting more, or less. `high` is 20 steps, `low` -20, `normal` none. Pauses stay as they are, and nobody
starves: who has waited half a minute longer is first all the same.")]
pub(crate) struct PriorityArgs {
    /// The site: its registrable domain, or any host of it.
    #[arg(value_name = "DOMAIN")]
    site: String,
    /// `high`, `normal`, `low`, or steps from -20 to 20.
    #[arg(value_name = "PRIORITY", value_parser = steps)]
    priority: i8,
    #[command(flatten)]
    order: OrderArgs,
}

fn steps(text: &str) -> Result<i8, String> {
    let steps = match text {
        "high" => Some(PRIORITY_MAX),
        "normal" => Some(0),
        "low" => Some(-PRIORITY_MAX),
        number => number.parse().ok(),
    };
    let known = steps.filter(|steps| (-PRIORITY_MAX..=PRIORITY_MAX).contains(steps));
    known.ok_or_else(|| format!("high, normal, low, or -{PRIORITY_MAX} to {PRIORITY_MAX}"))
}

/// Runs `orb rate …`.
pub(crate) fn rate(command: &RateCommand) -> Outcome {
    crate::log_file::start_without_file();
    let args = match command {
        RateCommand::Set(args) => args,
        RateCommand::Undo(args) => return undo(args),
    };
    let delay_ms = u64::try_from(args.pause.as_millis()).map_err(Failure::usage)?;
    let site = args.site.clone();
    let reply = args.order.give(Act::Rate { site, delay_ms })?;
    let pause = humantime::format_duration(args.pause);
    let words = format!("at least {pause} between two requests");
    tell_words(&args.order, &args.site, &words, &reply)
}

/// Runs `orb budget …`.
pub(crate) fn budget(command: &BudgetCommand) -> Outcome {
    crate::log_file::start_without_file();
    let args = match command {
        BudgetCommand::Set(args) => args,
        BudgetCommand::Undo(args) => return undo(args),
    };
    let (site, Budget(pages)) = (args.site.clone(), args.budget);
    let reply = args.order.give(Act::Budget { site, pages })?;
    let done = match pages {
        Some(0) => "taken up without a bound".to_owned(),
        Some(1) => "taken up with one URL at most".to_owned(),
        Some(pages) => format!("taken up with {} URLs at most", orb_api::count(pages)),
        None => "taken up as the settings say".to_owned(),
    };
    tell(&args.order, &args.site, &done, reply)?;
    Ok(Exit::Fine)
}

/// Runs `orb priority …`.
pub(crate) fn priority(command: &PriorityCommand) -> Outcome {
    crate::log_file::start_without_file();
    let args = match command {
        PriorityCommand::Set(args) => args,
        PriorityCommand::Undo(args) => return undo(args),
    };
    let (site, steps) = (args.site.clone(), args.priority);
    let reply = args.order.give(Act::Priority { site, steps })?;
    let words = match steps {
        0 => "its turn comes as that of others".to_owned(),
        1.. => format!("{steps} steps before others that are due"),
        _ => format!("{} steps behind others that are due", steps.unsigned_abs()),
    };
    tell_words(&args.order, &args.site, &words, &reply)
}

fn tell_words(order: &OrderArgs, site: &str, words: &str, reply: &OrderReply) -> Outcome {
    if order.json {
        say_json(reply)?;
    } else if reply.already {
        say(&format!(
            "{}: so it was before{}",
            harmless(site),
            number(reply)
        ));
    } else if order.dry_run {
        say("the order can be given");
    } else {
        say(&format!("{}: {words}{}", harmless(site), number(reply)));
    }
    Ok(Exit::Fine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_and_priorities_are_read_as_the_contract_writes_them() {
        assert_eq!(pages("pages=500"), Ok(Budget(Some(500))));
        assert_eq!(pages("default"), Ok(Budget(None)));
        assert!(pages("500").is_err() && pages("pages=-1").is_err());
        let known = ["high", "normal", "low", "-5", "20"].map(steps);
        assert_eq!(known, [20, 0, -20, -5, 20].map(Ok));
        assert!(steps("21").is_err() && steps("-21").is_err() && steps("urgent").is_err());
    }
}

//! The command line as a whole.
//!
//! In: arguments. Out: the chosen command, run. May touch: nothing itself.
//! Invariant: names and meanings of commands and flags are a contract with scripts.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::steering::site_orders;
use crate::commands::{
    archive, audit, bench, completions, config, control, crawl, demo, doctor, export, fetch,
    frontier, history, identity, inspect, man, pdf, plan, read, robots, simweb, state, status,
    steering, trace, url, why,
};
use crate::exit::Outcome;
use crate::help_text::flowing;

/// A polite web crawler that archives what it fetched and can prove how it behaved.
#[derive(Debug, Parser)]
#[command(
    name = "orb",
    version,
    arg_required_else_help = true,
    propagate_version = true,
    after_help = "Begin with `orb demo`: it needs nothing and ends by itself. `orb crawl --help` has examples."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Crawl from seeds, or go on with the crawl a folder holds.
    Crawl(Box<crawl::CrawlArgs>),
    /// Tell how a crawl stands, running or not.
    Status(status::StatusArgs),
    /// End a running crawl cleanly.
    Stop(control::StopArgs),
    /// Let a running crawl begin nothing new until `orb resume`.
    Pause(control::PauseArgs),
    /// Let a paused crawl go on.
    Resume(control::PauseArgs),
    /// Take domains or URL patterns out of a crawl, or bring them back.
    #[command(subcommand)]
    Exclude(steering::ExcludeCommand),
    /// Leave a site alone, in every crawl of this machine from now on.
    OptOut(steering::OptOutArgs),
    /// Add seeds to a crawl.
    #[command(subcommand)]
    Seeds(steering::SeedsCommand),
    /// Slow a crawl down at one site.
    #[command(subcommand)]
    Rate(site_orders::RateCommand),
    /// Say how many URLs of one site a crawl takes up.
    #[command(subcommand)]
    Budget(site_orders::BudgetCommand),
    /// Put one site before others that are due, or behind them.
    #[command(subcommand)]
    Priority(site_orders::PriorityCommand),
    /// List the orders given to a crawl: what, who, when and why.
    Orders(steering::TrailArgs),
    /// Judge from a crawl's folder whether it kept its promises.
    Audit(audit::AuditArgs),
    /// Check a stopped crawl's state, or move partitions between folders.
    #[command(subcommand)]
    State(state::StateCommand),
    /// Tell what became of a URL, and why.
    Why(why::WhyArgs),
    /// Tell where the time of single requests went.
    Trace(trace::TraceArgs),
    /// Look into a part of a crawl.
    #[command(subcommand)]
    Inspect(inspect::InspectCommand),
    /// Look into archive files: verify, repair, index, print, extract.
    #[command(subcommand)]
    Archive(archive::ArchiveCommand),
    /// List the captures of a URL in an archive.
    History(history::HistoryArgs),
    /// Write what the pages of an archive say, as Markdown or text, one JSON line a page.
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Fetch one URL through the gate and tell how it went.
    Fetch(Box<fetch::FetchArgs>),
    /// Read one page: title, links, text.
    Read(Box<read::ReadArgs>),
    /// Read a PDF from standard input; the process of its own that `orb read` and `orb export` start.
    #[command(hide = true)]
    ReadPdf,
    /// Test URLs against robots.txt.
    #[command(subcommand)]
    Robots(robots::RobotsCommand),
    /// Tell who the crawler says it is; print what to publish about it.
    #[command(subcommand)]
    Identity(identity::IdentityCommand),
    /// Bring back what budgets cut of a stopped crawl.
    #[command(subcommand)]
    Frontier(frontier::FrontierCommand),
    /// Explain what becomes of a URL.
    #[command(subcommand)]
    Url(url::UrlCommand),
    /// Find settings: what is in force, what each means, a file to begin with.
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Examine this machine, its network and the settings before a crawl, and say how to mend what is wrong.
    Doctor(Box<doctor::DoctorArgs>),
    /// Tell before a crawl how long it takes and what it needs, or hold plan against fact.
    Plan(Box<plan::PlanArgs>),
    /// Serve a synthetic web on this machine, to crawl and to measure with.
    Simweb(simweb::SimwebArgs),
    /// Crawl a synthetic web for less than a minute and show what comes of it.
    Demo(demo::DemoArgs),
    /// Measure what the program costs on this machine, beside what it must.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print completions for a shell.
    Completions(completions::CompletionsArgs),
    /// Print manual pages, or write them all to a folder.
    Man(man::ManArgs),
}

/// Parses the arguments and runs the command. Help, version and wrong usage end the process here.
pub(crate) fn run() -> Outcome {
    let matches = flowing(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match cli.command {
        Command::Crawl(args) => crawl::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Stop(args) => control::stop(&args),
        Command::Pause(args) => control::pause(&args),
        Command::Resume(args) => control::resume(&args),
        Command::Exclude(command) => steering::exclude(&command),
        Command::OptOut(args) => steering::opt_out(&args),
        Command::Seeds(command) => steering::seeds(&command),
        Command::Rate(command) => site_orders::rate(&command),
        Command::Budget(command) => site_orders::budget(&command),
        Command::Priority(command) => site_orders::priority(&command),
        Command::Orders(args) => steering::orders(&args),
        Command::Audit(args) => audit::run(&args),
        Command::State(command) => state::run(&command),
        Command::Frontier(command) => frontier::run(&command),
        Command::Why(args) => why::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Inspect(command) => inspect::run(&command),
        Command::Archive(command) => archive::run(&command),
        Command::History(args) => history::run(&args),
        Command::Export(command) => export::run(&command),
        Command::Fetch(args) => fetch::run(&args),
        Command::Read(args) => read::run(&args),
        Command::ReadPdf => pdf::run(),
        Command::Robots(command) => robots::run(&command),
        Command::Identity(command) => identity::run(&command),
        Command::Url(command) => url::run(&command),
        Command::Config(command) => config::run(&command),
        Command::Doctor(args) => doctor::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Simweb(args) => simweb::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What scripts depend on.
    const UNDERSTOOD: &[&str] = &[
        "orb crawl",
        "orb crawl https://a.example/ b.example --out d --max-pages 10 --max-bytes 1GB --max-depth 2 \
         --max-duration 10m --delay 1s --threads 2 --requisites --contact me@example.org --dns 127.0.0.1:53 \
         --allow-net 127.0.0.0/8 --ca ca.pem --exclude x.txt --listen 127.0.0.1:7700 --json --quiet --scope any \
         --set fetch.keep_alive=false --set memory_max=1GiB --config orb.toml",
        "orb crawl --seeds - --seeds more.txt.gz",
        "orb status --json",
        "orb status some-folder",
        "orb status --watch",
        "orb status some-folder --watch --plain",
        "orb crawl https://a.example/ --plain",
        "orb demo --plain",
        "orb stop --out some-folder --wait",
        "orb pause some-folder",
        "orb resume some-folder",
        "orb pause some-folder --why later",
        "orb exclude add a.example https://b.example/x/* --out some-folder --why asked --dry-run --json",
        "orb exclude undo 3 --out some-folder",
        "orb exclude list some-folder --json",
        "orb opt-out a.example --why asked --out some-folder --dry-run",
        "orb opt-out a.example --undo --list opt-outs.jsonl",
        "orb seeds add https://a.example/ --seeds - --out some-folder",
        "orb rate set a.example 10s --out some-folder",
        "orb rate undo 4 --out some-folder --dry-run",
        "orb budget set a.example pages=500 --why enough --dry-run --json",
        "orb budget set a.example default --out some-folder",
        "orb budget undo 4",
        "orb priority set a.example high --out some-folder",
        "orb priority set a.example low",
        "orb priority undo 4 --json",
        "orb orders some-folder --json",
        "orb audit some-folder --json",
        "orb why https://a.example/x",
        "orb why a.example/x some-folder --json",
        "orb why a.example/x --out some-folder",
        "orb trace 3f2a --out some-folder",
        "orb trace --slow --failed --site a.example --max 5 --json",
        "orb inspect site a.example some-folder --json",
        "orb history https://a.example/ some-folder old.warc.gz --json",
        "orb archive verify some-folder --json --jobs 2",
        "orb archive repair a.warc.gz --out repaired",
        "orb archive reindex a.warc.gz --to a.cdxj",
        "orb archive reindex old --out old/index --name old --jobs 2",
        "orb archive reindex some-folder --zipnum cluster",
        "orb archive cat some-folder --url https://a.example/ --type response --head",
        "orb archive extract a.warc.gz --offset 42 --to page.html",
        "orb export markdown some-folder --for ai-train,search --to lines --json",
        "orb export text a.warc.gz --to lines --for own --all-kinds --jobs 2",
        "orb fetch https://a.example/ --json --dns 127.0.0.1:53",
        "orb read page.html --url https://a.example/ --json",
        "orb robots test https://a.example/x --agent FooBot --file robots.txt --json",
        "orb identity show --contact me@example.org --json",
        "orb identity page --form dns --address 192.0.2.0/28 --domain crawl.example.org",
        "orb url explain ../x --base https://a.example/y/ --json",
        "orb config show --json",
        "orb plan a.example --pages-per-site 20 --exchange-time 100ms..2s --delay 2s --json",
        "orb plan some-folder",
        "orb doctor --out big --json",
        "orb simweb --sites 10 --pages-per-site 5 --json",
        "orb demo --json",
        "orb bench crawl --rows http-kept-large,https-new-small --runs 3 --sites 10 --quick --json",
        "orb bench archive --pages docs --runs 3 --out bench --json",
        "orb config show politeness.site_delay --changed --profile broad",
        "orb config init - --contact me@example.org --profile archive --force",
        "orb config keys politeness",
        "orb config profiles --json",
        "orb config schema",
        "orb completions bash",
        "orb man crawl",
        "orb man config show",
        "orb man --out pages",
        "orb export duplicates some-folder --to copies.jsonl --clusters --memory 128MiB --json",
        "orb archive upload some-folder --to s3://bucket/prefix --list",
        "orb crawl a.example --revisits-of earlier",
    ];

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_the_contract_is_understood() {
        for line in UNDERSTOOD {
            Cli::try_parse_from(line.split_whitespace())
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn wrong_usage_is_refused_with_a_suggestion() {
        let refusal = |line: &str| {
            Cli::try_parse_from(line.split_whitespace())
                .unwrap_err()
                .to_string()
        };
        assert!(refusal("orb crowl").contains("crawl"));
        assert!(refusal("orb crawl --max-page 3").contains("--max-pages"));
        assert!(refusal("orb status a --out b").contains("cannot be used with"));
        assert!(refusal("orb crawl --max-bytes lots").contains("no number"));
    }
}

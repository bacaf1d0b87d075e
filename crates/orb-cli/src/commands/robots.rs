//! `orb robots test`: what robots.txt says of one URL.
//!
//! In: a URL, an agent, a file or the site's own. Out: the verdict with its line. May touch: the file, or the network
//! through the gate.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use orb_robots::limits::ROBOTS_BYTES_MAX;
use orb_robots::{GroupUsed, ProductToken, Robots, Verdict};
use orb_url::CrawlUrl;
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::one_by_one::OneByOne;
use crate::settings_args::SettingsArgs;
use crate::terminal::{harmless, note, say, say_json};

/// Matching rules told of; those that decide nothing come last.
const RULES_SHOWN_MAX: usize = 20;

/// `orb robots …`
#[derive(Debug, Subcommand)]
pub(crate) enum RobotsCommand {
    /// Tell whether an agent may fetch a URL, and which line says so.
    Test(Box<TestArgs>),
}

/// Arguments of `orb robots test`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb robots test https://example.com/private/x --file robots.txt --agent FooBot
  orb robots test https://example.com/ --contact you@example.org --json

Judged by RFC 9309: the group that names the agent, else `*`; the longest match wins.
Without --file the site's own robots.txt is fetched.")]
pub(crate) struct TestArgs {
    /// The URL to test; with --file a path such as /private/x is enough.
    url: String,
    /// The agent's name; a version behind `/` is left out.
    #[arg(long, value_name = "NAME", default_value = "orbweaver")]
    agent: String,
    /// A robots.txt on disk; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// What is printed. Names are a contract with scripts.
#[derive(Serialize)]
struct Tested {
    verdict: &'static str,
    line: Option<u32>,
    rule: Option<String>,
    /// `named`, `anyone` (the group for `*`) or `none`.
    group: &'static str,
    /// Every rule that matches, the deciding one first.
    matching: Vec<Matching>,
    crawl_delay_seconds: Option<f64>,
    /// Preferences about the use of this very path.
    usage: Vec<String>,
    oddities: Vec<String>,
}

/// A rule that matches.
#[derive(Serialize)]
struct Matching {
    line: Option<u32>,
    rule: Option<String>,
}

/// Runs `orb robots …`.
pub(crate) fn run(command: &RobotsCommand) -> Outcome {
    let RobotsCommand::Test(args) = command;
    let name = args.agent.split(['/', ' ']).next().unwrap_or("");
    let token = ProductToken::new(name).map_err(Failure::usage)?;
    let (path, robots) = match &args.file {
        Some(file) => (
            path_of(&args.url)?,
            Robots::parse(&read_file(file)?, &token),
        ),
        None => {
            let url = CrawlUrl::parse(&args.url).map_err(Failure::usage)?;
            let found = OneByOne::new(&args.settings)?.robots(&url);
            note(&format!("orb: {}", found.answer));
            (url.path_and_query().to_owned(), found.rules(&token))
        }
    };
    let tested = tested(&robots, &path);
    if args.json {
        say_json(&tested)?;
    } else {
        say_tested(&tested, name);
    }
    Ok(Exit::Fine)
}

fn tested(robots: &Robots, path: &str) -> Tested {
    let verdict = robots.access(path);
    let matching = robots.matching(path, RULES_SHOWN_MAX).into_iter();
    Tested {
        verdict: verdict.access.as_str(),
        line: verdict.line,
        rule: verdict.rule,
        group: match robots.group() {
            GroupUsed::Named => "named",
            GroupUsed::Anyone => "anyone",
            GroupUsed::Nobody => "none",
        },
        matching: matching
            .map(|Verdict { line, rule, .. }| Matching { line, rule })
            .collect(),
        crawl_delay_seconds: robots.crawl_delay().map(|delay| delay.as_secs_f64()),
        usage: robots
            .usage_of(path)
            .iter()
            .map(|line| format!("line {}: {line}", line.line))
            .collect(),
        oddities: robots.oddities().iter().map(ToString::to_string).collect(),
    }
}

fn say_tested(tested: &Tested, agent: &str) {
    let words = |line: Option<u32>, rule: &Option<String>| match (rule, line) {
        (Some(rule), Some(line)) => format!("line {line}: {}", harmless(rule)),
        _ => "no rule matches".to_owned(),
    };
    let why = words(tested.line, &tested.rule);
    say(&format!("{}  ({why})", tested.verdict));
    match tested.group {
        "named" => say(&format!("  by the group that names {agent}")),
        "anyone" => say("  by the group for everyone (`*`)"),
        _ => {}
    }
    for weaker in tested.matching.iter().skip(1) {
        let rule = words(weaker.line, &weaker.rule);
        say(&format!("  matches too, but decides nothing: {rule}"));
    }
    if let Some(seconds) = tested.crawl_delay_seconds {
        say(&format!("  crawl-delay: {seconds} s"));
    }
    for line in &tested.usage {
        say(&format!("  preference, {}", harmless(line)));
    }
    let oddities = tested.oddities.iter();
    oddities.for_each(|oddity| note(&format!("orb: robots.txt: {oddity}")));
}

fn path_of(text: &str) -> Result<String, Failure> {
    let url = if text.starts_with('/') && !text.starts_with("//") {
        CrawlUrl::parse(&format!("http://localhost{text}"))
    } else {
        CrawlUrl::parse(text)
    };
    Ok(url.map_err(Failure::usage)?.path_and_query().to_owned())
}

/// Reads a little more than is looked at, so that a file that is too long is known to be.
fn read_file(path: &Path) -> Result<Vec<u8>, Failure> {
    let source: io::Result<Box<dyn Read>> = if path == Path::new("-") {
        Ok(Box::new(io::stdin()))
    } else {
        File::open(path).map(|file| Box::new(file) as Box<dyn Read>)
    };
    let mut bytes = Vec::new();
    source
        .and_then(|source| {
            source
                .take(ROBOTS_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| {
            Failure::usage(
                anyhow::Error::new(error).context(format!("{} cannot be read", path.display())),
            )
        })?;
    Ok(bytes)
}

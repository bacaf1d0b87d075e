//! `orb url explain`: the canonical form of a URL and every key it is filed under.
//!
//! In: a text, perhaps a base. Out: the keys, or why it is no URL. May touch: nothing.

use clap::{Args, Subcommand};
use orb_url::{
    CrawlUrl, Explained, Removed, Rewriter, Rule, UrlError, UrlRewrites, explain, explain_rewritten,
};
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{say, say_json};

/// `orb url …`
#[derive(Debug, Subcommand)]
pub(crate) enum UrlCommand {
    /// Tell the canonical form of a URL, its site and its keys.
    Explain(ExplainArgs),
    /// List the rules by which --strip-tracking and --strip-sessions take parts of links away.
    Rules,
}

/// Arguments of `orb url explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb url explain 'HTTP://Www.Example.COM:80/a/../b?q=1#top'
  orb url explain ../c --base https://example.com/a/b/ --json
  orb url explain 'https://example.com/a?id=1&utm_source=mail&gclid=2' --strip-tracking

The fingerprint is that under the published zero key; each crawl has a key of its own.
A text that is no URL is an answer too: exit code 0, with `error` saying why.")]
pub(crate) struct ExplainArgs {
    /// The URL, or with --base a reference as a page writes it.
    url: String,
    /// What the reference is relative to.
    #[arg(long, value_name = "URL")]
    base: Option<String>,
    /// Take away what names a campaign, a click or a share (`utm_source`, `fbclid`), and tell by
    /// which rule.
    #[arg(long)]
    strip_tracking: bool,
    /// Take away what names a visit (`PHPSESSID`, `;jsessionid=`), and tell by which rule.
    #[arg(long)]
    strip_sessions: bool,
    /// One more rule: `KIND SCOPE PLACE NAME VALUE what it is`; `orb url rules` shows many.
    #[arg(long = "strip-rule", value_name = "RULE")]
    strip_rules: Vec<String>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Refused {
    error: String,
}

/// Runs `orb url …`.
pub(crate) fn run(command: &UrlCommand) -> Outcome {
    match command {
        UrlCommand::Explain(args) => run_explain(args),
        UrlCommand::Rules => {
            for rule in Rewriter::rules_of_the_program() {
                say(&rule_line(&rule));
            }
            Ok(Exit::Fine)
        }
    }
}

fn run_explain(args: &ExplainArgs) -> Outcome {
    let base = match &args.base {
        None => None,
        Some(base) => Some(CrawlUrl::parse(base).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context("--base is no URL"))
        })?),
    };
    let rewriter = Rewriter::new(&UrlRewrites {
        strip_tracking: args.strip_tracking,
        strip_sessions: args.strip_sessions,
        rules: args.strip_rules.clone(),
    })
    .map_err(|error| Failure::usage(anyhow::Error::new(error)))?;
    let explained = if rewriter.is_idle() {
        explain(&args.url, base.as_ref())
    } else {
        explain_rewritten(&args.url, base.as_ref(), &rewriter)
    };
    print(explained, args.json)
}

fn print(explained: Result<Explained, UrlError>, json: bool) -> Outcome {
    match explained {
        Ok(explained) if json => say_json(&explained)?,
        Ok(explained) => {
            say(&format!(
                "canonical    {}\nsurt         {}\nhost         {}\nsite         {}\nfingerprint  {}",
                explained.canonical,
                explained.surt,
                explained.host,
                explained.site,
                explained.fingerprint
            ));
            match explained.removed.as_deref() {
                None => {}
                Some([]) => say("removed      nothing"),
                Some(removed) => removed.iter().map(removed_line).for_each(|line| say(&line)),
            }
        }
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            if json {
                say_json(&Refused { error })?
            } else {
                say(&format!("error        {error}"))
            }
        }
    }
    Ok(Exit::Fine)
}

fn removed_line(removed: &Removed) -> String {
    let Removed {
        part,
        kind,
        rule,
        scope,
        about,
    } = removed;
    let kind = kind.as_str();
    let scope = if scope == "*" { "every site" } else { scope };
    // An operator's own words come from the command line and are no page's.
    format!("removed      {part}  ({kind} rule {rule} for {scope}: {about})")
}

fn rule_line(rule: &Rule) -> String {
    format!(
        "{:9} {:16} {:8} {:18} {}",
        rule.kind().as_str(),
        rule.scope(),
        rule.place(),
        rule.name(),
        rule.about()
    )
}

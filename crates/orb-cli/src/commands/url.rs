//! `orb url explain`: the canonical form of a URL and every key it is filed under.
//!
//! In: a text, perhaps a base. Out: the keys, or why it is no URL. May touch: nothing.

use clap::{Args, Subcommand};
use orb_url::{CrawlUrl, explain};
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::terminal::{say, say_json};

/// `orb url …`
#[derive(Debug, Subcommand)]
pub(crate) enum UrlCommand {
    /// Tell the canonical form of a URL, its site and its keys.
    Explain(ExplainArgs),
}

/// Arguments of `orb url explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb url explain 'HTTP://Www.Example.COM:80/a/../b?q=1#top'
  orb url explain ../c --base https://example.com/a/b/ --json

The fingerprint is that under the published zero key; each crawl has a key of its own.
A text that is no URL is an answer too: exit code 0, with `error` saying why.")]
pub(crate) struct ExplainArgs {
    /// The URL, or with --base a reference as a page writes it.
    url: String,
    /// What the reference is relative to.
    #[arg(long, value_name = "URL")]
    base: Option<String>,
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
    let UrlCommand::Explain(args) = command;
    let base = match &args.base {
        None => None,
        Some(base) => Some(CrawlUrl::parse(base).map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context("--base is no URL"))
        })?),
    };
    match explain(&args.url, base.as_ref()) {
        Ok(explained) if args.json => say_json(&explained)?,
        Ok(explained) => say(&format!(
            "canonical    {}\nsurt         {}\nhost         {}\nsite         {}\nfingerprint  {}",
            explained.canonical,
            explained.surt,
            explained.host,
            explained.site,
            explained.fingerprint
        )),
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            if args.json {
                say_json(&Refused { error })?
            } else {
                say(&format!("error        {error}"))
            }
        }
    }
    Ok(Exit::Fine)
}

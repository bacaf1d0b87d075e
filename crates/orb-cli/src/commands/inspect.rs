//! `orb inspect site DOMAIN`: how a site stands, and whether it is slow or we are.
//!
//! In: a domain, a folder. Out: a report. May touch: what `crawl_facts` does.

use clap::{Args, Subcommand};
use orb_explain::{SiteReport, inspect, understand_site};

use crate::crawl_facts::AskedCrawl;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::FolderArg;
use crate::terminal::{note, say, say_json};

/// `orb inspect …`
#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// Tell how a site stands, what it answers, and whether it is slow or we are.
    Site(SiteArgs),
}

/// Arguments of `orb inspect site`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb inspect site example.com
  orb inspect site example.com big --json | jq .whose

Works on a running crawl and on one that is not. `whose` is the answer to \"is it the site or is it us\": the parts of
its requests, summed by whose time they are.")]
pub(crate) struct SiteArgs {
    /// The site: its registrable domain, or any host or URL of it.
    #[arg(value_name = "DOMAIN")]
    site: String,
    #[command(flatten)]
    folder: FolderArg,
    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs `orb inspect …`.
pub(crate) fn run(command: &InspectCommand) -> Outcome {
    let InspectCommand::Site(args) = command;
    crate::log_file::start_without_file();
    let (site, assumed) = understand_site(&args.site).map_err(Failure::usage)?;
    for words in assumed {
        note(&format!("orb: {words}"));
    }
    let dir = args.folder.existing()?;
    let (report, page) = AskedCrawl::open(&dir)?.tell(
        |crawl, facts, times, progress| inspect(crawl, facts, &site, times, progress),
        SiteReport::page,
    )?;
    if args.json {
        say_json(&report)?;
    } else {
        say(&page);
    }
    Ok(Exit::Fine)
}

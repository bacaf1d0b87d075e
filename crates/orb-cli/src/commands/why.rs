//! `orb why URL`: what became of a URL, and why.
//!
//! In: a URL as a person writes it, a folder. Out: an explanation. May touch: what `crawl_facts` does.

use clap::Args;
use orb_explain::{Explanation, explain, understand_url};

use crate::crawl_facts::AskedCrawl;
use crate::exit::{Exit, Failure, Outcome};
use crate::folder::FolderArg;
use crate::terminal::{say, say_json};

/// Arguments of `orb why`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb why https://example.com/page
  orb why example.com/page big --json | jq .verdict

Works on a running crawl and on one that is not. The first line says what became of the URL; the rest is what that
follows from: how it was found, what each rule says of it, where it waits and for what, each request with its time in
parts, where its record lies. Exit code 0 whenever there is an answer, `never found` too; 2 when it is no URL.")]
pub(crate) struct WhyArgs {
    /// The URL; without a scheme https is assumed, or http when only that is known.
    #[arg(value_name = "URL")]
    url: String,
    #[command(flatten)]
    folder: FolderArg,
    /// Print the explanation as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Explains the URL.
pub(crate) fn run(args: &WhyArgs) -> Outcome {
    crate::log_file::start_without_file();
    let given = understand_url(&args.url).map_err(Failure::usage)?;
    let dir = args.folder.existing()?;
    let (told, page) = AskedCrawl::open(&dir)?.tell(
        |crawl, facts, times, progress| explain(crawl, facts, &given, times, progress),
        Explanation::page,
    )?;
    if args.json {
        say_json(&told)?;
    } else {
        say(&page);
    }
    Ok(Exit::Fine)
}

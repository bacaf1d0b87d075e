//! Checks, generated pages and long runs of the workspace: `cargo xtask tidy`, `docs`, `long NAME`.
//!
//! In: the command line and the files of the checkout this program was built from.
//! Out: findings as `path:line: what is wrong and what to do`, or the exit code of a long run.
//! May touch: files of the checkout (reading, but for the pages that `docs` makes), child processes.
//! Must not touch: the network, any orb crate. It judges the workspace and therefore builds without it.

mod alerts;
mod architecture;
mod docs;
mod finding;
mod floors;
mod layout;
mod long;
mod manifests;
mod sources;
mod tidy;
mod tree;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;

const USAGE: &str = "usage: cargo xtask tidy            check the rules of the house
       cargo xtask docs            make the pages of docs/reference/ from the program
       cargo xtask alerts          check and test the alerts of docs/alerts/
       cargo xtask long list       name the long runs
       cargo xtask long NAME [ARG…]  do one of them, with further arguments";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn run(words: &[&str]) -> anyhow::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("xtask has no folder above it")?;
    match words {
        ["tidy"] => tidy::run(root),
        ["docs"] => docs::run(root),
        ["alerts"] => alerts::run(root),
        ["long", "list"] => {
            print!("{}", long::list());
            Ok(ExitCode::SUCCESS)
        }
        ["long", name, arguments @ ..] => long::run(root, name, arguments),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => anyhow::bail!("no such task\n{USAGE}"),
    }
}

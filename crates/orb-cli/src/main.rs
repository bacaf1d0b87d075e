//! The program `orb`: command line, settings, terminal output.
//!
//! In: arguments, the environment, files, signals. Out: a crawl's folder, lines for people and scripts, an exit code.
//! May touch: everything below it; the only reader of settings files and environment. Must not touch: how a crawl
//! works; programs wire and hold no logic.
//! Invariant: every way out is one of [`exit::Exit`], a panic too.

mod bench;
mod cli;
mod commands;
mod crawl_facts;
mod crawl_run;
mod disk_probe;
mod doctor;
mod exit;
mod folder;
mod help_text;
mod identity;
mod last_run;
mod last_scrape;
mod limits;
mod live;
mod local_time;
mod log_file;
mod log_line;
mod log_writer;
mod machine;
mod one_by_one;
mod open_files;
mod operator_desk;
mod own_sites;
mod plan;
mod progress;
mod progress_bar;
mod seed_file;
mod seeds;
mod setting_names;
mod settings;
mod settings_args;
mod signals;
mod steer;
mod supervised;
mod terminal;
mod url_rules;
mod web_process;
mod world;
mod zip_entry;

use std::process::ExitCode;

/// Short strings come and go by the million here; the system's allocator took a ninth of a crawl's CPU time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    exit::guarded(cli::run)
}

//! `orb-powercut MOUNTPOINT [--seed N] [--lies PERCENT]`: a mounted file system whose power can be cut.
//!
//! In: lines of standard input. Out: a line of JSON for each. May touch: the mount point, /dev/fuse; it wants root.
//! Must not touch: any file below the mount point of its own accord.
//! Invariant: standard input's end unmounts and ends it; nothing is kept on a disk.
//!
//! `cut` takes the mount away, loses what was not synced, and mounts what is left. Nobody may have files open there then:
//! kill the process under test first. With `--lies` that share of syncs is acknowledged and not done, so that whoever
//! believes that a run here can fail may see it fail.

mod mounted;
mod platter;

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use fuser::{BackgroundSession, Config, MountOption, spawn_mount};

use mounted::Mounted;
use platter::Platter;

struct Arguments {
    at: PathBuf,
    seed: u64,
    lies_percent: u64,
}

fn arguments() -> Option<Arguments> {
    let mut read = Arguments {
        at: PathBuf::new(),
        seed: 1,
        lies_percent: 0,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--seed" => read.seed = words.next()?.parse().ok()?,
            "--lies" => read.lies_percent = words.next()?.parse().ok()?,
            _ => read.at = PathBuf::from(word),
        }
    }
    (!read.at.as_os_str().is_empty()).then_some(read)
}

fn mount(platter: &Arc<Mutex<Platter>>, at: &Path) -> std::io::Result<BackgroundSession> {
    let mut config = Config::default();
    config.mount_options = vec![MountOption::FSName("orb-powercut".into())];
    spawn_mount(Mounted::new(Arc::clone(platter)), at, &config)
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        eprintln!("usage: orb-powercut MOUNTPOINT [--seed N] [--lies PERCENT]");
        return ExitCode::from(2);
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("orb-powercut: {}: {error}", arguments.at.display());
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> std::io::Result<()> {
    let platter = Platter::new(arguments.seed, arguments.lies_percent);
    let platter = Arc::new(Mutex::new(platter));
    let mut session = mount(&platter, &arguments.at)?;
    say("{\"mounted\":true}")?;
    for line in std::io::stdin().lock().lines() {
        if line?.trim() != "cut" {
            say("{\"error\":\"the one command is: cut\"}")?;
            continue;
        }
        session.umount_and_join()?;
        let lost = platter.lock().unwrap_or_else(PoisonError::into_inner).cut();
        session = mount(&platter, &arguments.at)?;
        say(&lost.to_string())?;
    }
    session.umount_and_join()
}

fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

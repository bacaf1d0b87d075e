//! `cargo xtask long frontier-kills [ROUNDS] [SEED]`: a frontier killed again and again, and judged each time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{fs, thread};

use orb_api::with_causes;
use orb_drill::kills::{Checked, Judge, KillSettings, WRITE_POINTS, work};
use orb_env::{BootClock, Clock, Entropy, Mono, SeededEntropy};

/// Threads that each kill their own child.
const WORKERS: u64 = 2;

/// Kills of one folder before a fresh one is begun.
const ROUNDS_OF_FOLDER: u64 = 40;

/// The latest moment of a kill at random, after the child was started: openings are met as well as work.
const RANDOM_MILLIS_MAX: u64 = 400;

/// The farthest write that a child is killed at.
const WRITES_MAX: u64 = 120;

#[derive(Default)]
struct Totals {
    random: u64,
    at_writes: BTreeMap<String, u64>,
    finished: u64,
    folders: u64,
    last: Checked,
    urls: u64,
    undone: u64,
    clocks: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |at: usize, otherwise: u64| {
        words
            .get(at)
            .and_then(|word| word.parse().ok())
            .unwrap_or(otherwise)
    };
    if let ["child", dir, ..] = words[..] {
        let settings = KillSettings {
            dir: dir.into(),
            seed: number(2, 0),
        };
        return match work(&settings, number(3, 0)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("child: {}", with_causes(&error));
                ExitCode::from(2)
            }
        };
    }
    let (rounds, seed) = (number(0, 1_000), number(1, 1));
    let begun = BootClock::new().mono();
    let place = std::env::temp_dir().join(format!("orb-kills-{}", std::process::id()));
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let place = place.join(worker.to_string());
            thread::spawn(move || {
                kill_and_judge(
                    &place,
                    rounds / WORKERS,
                    seed + worker * 1_000_003,
                    worker == 0,
                )
            })
        })
        .collect();
    let mut code = ExitCode::SUCCESS;
    let mut totals = Totals::default();
    for worker in workers {
        match worker.join() {
            Ok(Ok(of_worker)) => totals.add(of_worker),
            Ok(Err(error)) => {
                eprintln!("{error}");
                code = ExitCode::FAILURE;
            }
            Err(_) => code = ExitCode::FAILURE,
        }
    }
    totals.tell(BootClock::new().mono().since(begun));
    if code == ExitCode::SUCCESS {
        fs::remove_dir_all(&place).ok();
    } else {
        eprintln!("what is left lies in {}", place.display());
    }
    code
}

impl Totals {
    fn add(&mut self, other: Totals) {
        self.random += other.random;
        self.finished += other.finished;
        self.folders += other.folders;
        self.urls += other.urls;
        self.undone += other.undone;
        self.clocks += other.clocks;
        for (kind, count) in other.at_writes {
            *self.at_writes.entry(kind).or_default() += count;
        }
    }

    fn tell(&self, took: Duration) {
        let at_writes: u64 = self.at_writes.values().sum();
        println!(
            "{} kills in {:.0} s, {} folders: {} at random moments, {at_writes} at writes; {} runs ended before their kill",
            self.random + at_writes,
            took.as_secs_f64(),
            self.folders,
            self.random,
            self.finished
        );
        for kind in WRITE_POINTS {
            println!("  {kind}: {}", self.at_writes.get(kind).unwrap_or(&0));
        }
        println!(
            "checked: {} times a URL that had been absorbed, each in one state; {} times a site's next request; {} \
             requests that no group covered were told to the clocks",
            self.urls, self.clocks, self.undone
        );
    }
}

fn kill_and_judge(place: &Path, rounds: u64, seed: u64, tells: bool) -> Result<Totals, String> {
    let entropy = SeededEntropy::new(seed);
    let mut totals = Totals::default();
    let mut folder: Option<(KillSettings, Judge, u64)> = None;
    let mut round = 0;
    while round < rounds {
        let fresh = || -> Result<_, String> {
            let settings = KillSettings {
                dir: place.join("folder"),
                seed: seed + round,
            };
            fs::remove_dir_all(&settings.dir).ok();
            let judge = Judge::new(&settings).map_err(|error| with_causes(&error))?;
            Ok((settings, judge, 0))
        };
        let (settings, judge, used) = match &mut folder {
            Some((settings, judge, used)) if *used < ROUNDS_OF_FOLDER => (settings, judge, used),
            _ => {
                totals.folders += 1;
                let (settings, judge, used) = folder.insert(fresh()?);
                (settings, judge, used)
            }
        };
        *used += 1;
        let dies_at = if round % 2 == 1 {
            1 + entropy.below(WRITES_MAX)
        } else {
            0
        };
        let wait =
            (dies_at == 0).then(|| Duration::from_micros(entropy.below(RANDOM_MILLIS_MAX * 1_000)));
        let sprung = settings.dir.join("sprung");
        fs::remove_file(&sprung).ok();
        let mut child = start(settings, dies_at).map_err(|error| error.to_string())?;
        let ended = end(&mut child, wait).map_err(|error| format!("round {round}: {error}"))?;
        match (ended, dies_at) {
            (Ended::Itself, _) => totals.finished += 1,
            (Ended::Killed, 0) => totals.random += 1,
            (Ended::Killed, _) => {
                let kind = fs::read_to_string(&sprung).unwrap_or_else(|_| "unknown".into());
                *totals.at_writes.entry(kind).or_default() += 1;
            }
        }
        let checked = judge.check().map_err(|error| {
            format!(
                "round {round} of seed {seed}, folder seed {}, dies at {dies_at}: {}",
                settings.seed,
                with_causes(&error)
            )
        })?;
        totals.urls += checked.urls;
        totals.undone += checked.undone;
        totals.clocks += checked.clocks;
        totals.last = checked;
        if ended == Ended::Itself {
            *used = ROUNDS_OF_FOLDER;
        } else {
            round += 1;
        }
        if tells && round % 25 == 0 {
            println!(
                "round {} of {}: {checked:?}",
                round * WORKERS,
                rounds * WORKERS
            );
        }
    }
    Ok(totals)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Itself,
    Killed,
}

fn start(settings: &KillSettings, dies_at: u64) -> std::io::Result<Child> {
    let program: PathBuf = std::env::current_exe()?;
    Command::new(program)
        .arg("child")
        .arg(&settings.dir)
        .args([settings.seed.to_string(), dies_at.to_string()])
        .stdin(Stdio::null())
        .spawn()
}

/// Waits for the child's end, and kills it after `wait`.
fn end(child: &mut Child, wait: Option<Duration>) -> Result<Ended, String> {
    let clock = BootClock::new();
    let begun: Mono = clock.mono();
    let text = |error: std::io::Error| error.to_string();
    loop {
        if let Some(status) = child.try_wait().map_err(text)? {
            return match status.code() {
                Some(0) => Ok(Ended::Itself),
                None => Ok(Ended::Killed),
                Some(code) => Err(format!("the child ended with code {code}")),
            };
        }
        let since = clock.mono().since(begun);
        if wait.is_some_and(|wait| since >= wait) {
            child.kill().map_err(text)?;
            let status = child.wait().map_err(text)?;
            return Ok(if status.code() == Some(0) {
                Ended::Itself
            } else {
                Ended::Killed
            });
        }
        if since > Duration::from_secs(120) {
            child.kill().map_err(text)?;
            return Err("the child neither ended nor died within two minutes".into());
        }
        thread::sleep(Duration::from_micros(500));
    }
}

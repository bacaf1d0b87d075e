//! `orb-sim`: tries seeds and prints counts; with `--verbose` replays one and tells what happened.
//!
//! In: `--seeds N --from S --threads T --quick`, `--power-cuts N`, or `--seed K --verbose`. Out: counts; exit code 1 names the seed that failed.
//! May touch: threads, the terminal. Must not touch: how a seed is tried.
//! Invariant: the counts do not depend on the number of threads.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use orb_sim::{Scale, Tally, Trial, try_every_write, try_power_cuts, try_seed};

struct Arguments {
    seeds: u64,
    from: u64,
    threads: u64,
    scale: Scale,
    verbose: bool,
    every_write: bool,
    power_cuts: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut read = Arguments {
        seeds: 100,
        from: 0,
        threads: 2,
        scale: Scale::Full,
        verbose: false,
        every_write: false,
        power_cuts: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let text = words.next().ok_or(format!("{word} needs a number"))?;
            text.parse::<u64>()
                .map_err(|_| format!("{word}: `{text}` is no number"))
        };
        match word.as_str() {
            "--seeds" => read.seeds = number()?,
            "--from" => read.from = number()?,
            "--threads" => read.threads = number()?.clamp(1, 64),
            "--seed" => (read.from, read.seeds, read.threads) = (number()?, 1, 1),
            "--quick" => read.scale = Scale::Quick,
            "--every-write" => (read.from, read.every_write) = (number()?, true),
            "--power-cuts" => (read.seeds, read.power_cuts) = (number()?, true),
            "--verbose" => read.verbose = true,
            "--log" => log_to_stderr(),
            _ => return Err(format!("unknown argument {word}")),
        }
    }
    Ok(read)
}

/// The crawl's own log, for whoever follows one seed.
fn log_to_stderr() {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(std::io::stderr)
        .without_time()
        .with_ansi(false)
        .init();
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!(
                "{problem}\nusage: orb-sim [--seeds N] [--from S] [--threads T] [--seed K] [--every-write K] [--power-cuts N] [--quick] [--verbose] [--log]"
            );
            return ExitCode::from(2);
        }
    };
    if arguments.every_write {
        let done = try_every_write(arguments.from, 1);
        println!("{done:#?}");
        return if done.broken.is_none() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    if arguments.power_cuts {
        return cut_power(&arguments);
    }
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let trial = try_seed(arguments.from + number, arguments.scale);
                    if arguments.verbose {
                        print!("{}", story(&trial));
                    }
                    if !trial.broken.is_empty() {
                        failed.store(true, Ordering::Relaxed);
                        eprint!("{}", failure(&trial));
                    }
                    total
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .add(&trial);
                }
            });
        }
    });
    print!(
        "{}",
        total.into_inner().unwrap_or_else(PoisonError::into_inner)
    );
    if failed.into_inner() {
        return ExitCode::FAILURE;
    }
    println!("all promises hold, every seed replayed identically");
    ExitCode::SUCCESS
}

/// Tries seeds of [`try_power_cuts`] until one breaks.
fn cut_power(arguments: &Arguments) -> ExitCode {
    let (next, cuts) = (AtomicU64::new(0), AtomicU64::new(0));
    let failed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let seed = arguments.from + number;
                    let done = try_power_cuts(seed);
                    cuts.fetch_add(done.cuts, Ordering::Relaxed);
                    if !done.broken.is_empty() {
                        failed.store(true, Ordering::Relaxed);
                        eprintln!("seed {seed}: {:#?}", done.broken);
                    }
                }
            });
        }
    });
    let cuts = cuts.into_inner();
    if failed.into_inner() {
        return ExitCode::FAILURE;
    }
    println!(
        "{} crawls, power cut {cuts} times: all promises hold",
        arguments.seeds
    );
    ExitCode::SUCCESS
}

fn failure(trial: &Trial) -> String {
    let mut text = format!(
        "seed {} failed (trace {:016x})\n",
        trial.seed,
        trial.log.trace_hash()
    );
    for broken in &trial.broken {
        text.push_str(&format!("  {}: {}\n", broken.promise, broken.seen));
    }
    text
}

fn story(trial: &Trial) -> String {
    let mut text = format!(
        "seed {} trace {:016x}\n",
        trial.seed,
        trial.log.trace_hash()
    );
    for (number, life) in trial.log.lives.iter().enumerate() {
        text.push_str(&format!("process {number}: {life:?}\n"));
    }
    let seconds = |micros: u64| micros as f64 / 1e6;
    for visit in &trial.log.server.visits {
        text.push_str(&format!(
            "{:12.6} {:12.6} p{} {} {} {}{} {}{}{}\n",
            seconds(visit.begun),
            seconds(visit.ended),
            visit.life,
            visit.address,
            if visit.secure { "https" } else { "http" },
            visit.host,
            visit.target,
            visit.status,
            if visit.whole { "" } else { " broken off" },
            if visit.reused { " reused" } else { "" },
        ));
    }
    text.push_str(&format!("{:?}\n", trial.log.books));
    text
}

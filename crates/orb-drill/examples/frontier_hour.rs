//! `cargo xtask long frontier-hour [SITES] [MINUTES] [PAUSE SECONDS] [DIR]`: an hour of virtual time.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use orb_drill::{HourFindings, HourSettings, HourTold, hour};

// The program's own allocator, so that memory is the program's too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| {
        words
            .get(at)
            .and_then(|word| word.parse().ok())
            .unwrap_or(otherwise)
    };
    let (sites, minutes, pause) = (number(0, 1_000_000), number(1, 60), number(2, 70));
    let made = std::env::temp_dir().join(format!("orb-hour-{}", std::process::id()));
    let dir = words.get(3).map_or(made, PathBuf::from);
    if dir.exists() {
        eprintln!(
            "{} is there already: name a folder that is not",
            dir.display()
        );
        return ExitCode::from(2);
    }
    let requests = minutes * 60 / pause + 1;
    let settings = HourSettings {
        dir: dir.clone(),
        sites,
        // A few more than can be asked for, so that URLs last.
        pages_per_site: u16::try_from(requests + 8).unwrap_or(u16::MAX),
        span: Duration::from_secs(minutes * 60),
        delay: Duration::from_secs(pause),
        exchange: Duration::from_millis(200),
        memory_bytes: 2 << 30,
        seed: 1,
    };
    println!(
        "{sites} sites, {minutes} minutes, a pause of {pause} s, requests of 200 ms, in {}",
        dir.display()
    );
    let mut said = 0.0;
    let mut told = |told: HourTold| {
        if told.seconds >= said + 10.0 {
            said = told.seconds;
            println!(
                "{:.0} s: {:.1} virtual minutes, {} requests, {} MB resident",
                told.seconds,
                told.virtual_seconds / 60.0,
                told.fetches,
                told.rss_bytes / 1_000_000
            );
        }
    };
    let found = hour(&settings, &mut told);
    std::fs::remove_dir_all(&dir).ok();
    match found {
        Ok(found) => tell(&found, pause as f64),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn tell(found: &HourFindings, pause: f64) -> ExitCode {
    println!(
        "{} requests ({} of them robots.txt) in {:.0} s of real time; politeness allows {:.0}: {:.2} %; slowest minute {:.2} %",
        found.fetches,
        found.robots,
        found.seconds,
        found.ceiling,
        found.part * 100.0,
        found.part_of_slowest_minute * 100.0
    );
    println!(
        "shortest pause {:.6} s; {} links fed back; {} URLs known, {} pending",
        found.shortest_pause_seconds, found.links, found.urls, found.pending
    );
    println!(
        "{:.0} s of CPU, {} MB resident at most (of it {} MB pretence), {} MB written",
        found.account.cpu_seconds,
        found.account.rss_peak_bytes / 1_000_000,
        found.pretence_bytes / 1_000_000,
        found.account.written_bytes / 1_000_000
    );
    println!("requests by minute: {:?}", found.minutes);
    for (kind, spent) in found.costs.by_kind() {
        println!("  {kind}: {:.1} s of CPU", spent.as_secs_f64());
    }
    let kept = found.part >= 0.97 && found.shortest_pause_seconds >= pause;
    println!(
        "{}",
        if kept {
            "kept: 97 % and no pause too short"
        } else {
            "NOT kept"
        }
    );
    if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! `cargo xtask long NAME`: runs that take too long for every change, by name.
//!
//! In: a name and further arguments. Out: the run's own output and exit code.
//! May touch: child processes, in the workspace's root. Must not touch: how a run works; each is a command.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

/// A long run. Further arguments of the caller are appended to `command`.
struct LongRun {
    name: &'static str,
    /// What it proves and about how long it takes.
    about: &'static str,
    command: &'static [&'static str],
}

/// One row per run; add yours here.
const RUNS: &[LongRun] = &[
    LongRun {
        name: "sim",
        about: "whole crawls in virtual time, 1,000 seeds, each run twice",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-sim",
            "--",
            "--seeds",
            "1000",
        ],
    },
    LongRun {
        name: "power-cuts",
        about: "10,000 small crawls in virtual time that lose power up to four times each: unsynced writes lost, re-ordered, torn",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-sim",
            "--",
            "--power-cuts",
            "10000",
        ],
    },
    LongRun {
        name: "power-cut-mount",
        about: "a crawl by the real program and store on a mounted disk that loses what was not synced, power cut 100 times; root, /dev/fuse, ten minutes",
        command: &["xtask/power/run.py"],
    },
    LongRun {
        name: "kills",
        about: "whole crawls by the real program and store, SIGKILL 1,000 times at random, judged after each; root, an hour; every writing call: orb-sim --every-write SEED",
        command: &["xtask/power/run.py", "--kill-only", "--rounds", "1000"],
    },
    LongRun {
        name: "urls",
        about: "10 million made links by the short way and by the URL Standard's parser; a folder of pages adds theirs",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-url",
            "--example",
            "links_equal",
            "--",
        ],
    },
    LongRun {
        name: "url-cost",
        about: "nanoseconds a link from text to canonical URL and keys; takes a folder of pages, --links=FILE",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-url",
            "--example",
            "link_cost",
            "--",
        ],
    },
    LongRun {
        name: "traps",
        about: "a crawl of the trap web, judged by its truth: real pages reached, share of traps; a minute",
        command: &["xtask/traps/run.py"],
    },
    LongRun {
        name: "view-cost",
        about: "CPU time of the same crawl with and without the live view, in 10 pairs; wants two quiet cores",
        command: &["xtask/view/cost.py"],
    },
    LongRun {
        name: "real-pages",
        about: "9,808 real pages by nginx against wget, warcio and fastwarc, forged, and killed 20 times; root, half an hour",
        command: &["xtask/real/run.sh"],
    },
    LongRun {
        name: "read-quality",
        about: "main content of labelled pages, ours and Debian's, beside dom_smoothie, and its cost; takes an unpacked usr/share/doc",
        command: &["xtask/read/quality.sh"],
    },
    LongRun {
        name: "page-cost",
        about: "what reading a page costs, beside lol_html, html5ever and dom_smoothie; takes --pages DIR, --runs N; two minutes",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-cli",
            "--features",
            "bench-peers",
            "--",
            "bench",
            "page",
        ],
    },
    LongRun {
        name: "page-differential",
        about: "links, title, base and text of pages made by chance, beside html5ever; takes --minutes N, --seed N, a folder of pages; half an hour",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-page",
            "--example",
            "page_differential",
            "--",
        ],
    },
    LongRun {
        name: "page-splits",
        about: "real pages read in pieces, ten thousand random splits of each, held against the page read whole; takes --pages N, --splits N, --seed N, a folder of pages; two minutes",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-page",
            "--example",
            "page_splits",
            "--",
        ],
    },
    LongRun {
        name: "page-blow-up",
        about: "time of shapes that break parsers at 10, 100 and 1,000 KB, scanned and read; fails where a cost grows faster than the page; half a minute",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-read",
            "--example",
            "blow_up",
        ],
    },
    LongRun {
        name: "plan",
        about: "what `orb plan` says against what comes of it: many small sites, few big ones, slow ones; six minutes",
        command: &["xtask/plan/run.py"],
    },
    LongRun {
        name: "disk-full",
        about: "a crawl on a disk that gets full twice: it stops, says so, goes on by itself, nothing is lost; root, two minutes",
        command: &["xtask/disk/full.py"],
    },
    LongRun {
        name: "uploads",
        about: "a crawl into an S3 server (moto) by a line that breaks, killed and gone on with: every file arrives once, room here bounded; needs PyPI moto[server], boto3; four minutes",
        command: &["xtask/uploads/run.py"],
    },
    LongRun {
        name: "servers",
        about: "nginx, Apache, lighttpd, Caddy, HAProxy by HTTP, TLS 1.2, TLS 1.3: every payload is what curl downloads; half a minute",
        command: &["xtask/servers/run.py"],
    },
    LongRun {
        name: "containment",
        about: "guarded addresses in every notation, by every way in, in a network namespace: not one packet, by the crawler's own guard and by a firewall's rules alone; root, nft, two minutes",
        command: &["xtask/containment/run.py"],
    },
    LongRun {
        name: "restart-gaps",
        about: "a crawl killed 1,000 times, the pauses of sites and addresses measured at the servers; takes --rounds N, --seed N; 20 minutes",
        command: &["xtask/restarts/run.py"],
    },
    LongRun {
        name: "wildcard",
        about: "five million sub-domains of one domain beside 200 good sites: share of requests, pauses at the servers, memory; six minutes",
        command: &["xtask/wildcard/run.py"],
    },
    LongRun {
        name: "tarpits",
        about: "a thousand good sites beside ten thousand servers that never finish: they give as many pages as alone; four minutes",
        command: &["xtask/tarpits/run.py"],
    },
    LongRun {
        name: "desk-cost",
        about: "what metrics, traces and logs cost a page, in instructions; takes --off FILE, a program that tells nothing; valgrind, three minutes",
        command: &["xtask/desk/cost.py"],
    },
    LongRun {
        name: "walks",
        about: "from an alert of a real Prometheus down to the one slow fetch: servers, dns, disk, flood; root, ten minutes",
        command: &["xtask/desk/walks.py"],
    },
    LongRun {
        name: "steering",
        about: "100,000 queued sites steered while they are crawled, judged at the servers; kills in the middle of orders; /metrics by strict parsers; four minutes",
        command: &["xtask/steering/run.py"],
    },
    LongRun {
        name: "fuzz",
        about: "the readers of robots.txt, heads, chunks, codings and DNS answers under cargo-fuzz; takes SECONDS, TARGET...; 15 minutes each",
        command: &["fuzz/run.sh"],
    },
    LongRun {
        name: "frontier-kills",
        about: "a small frontier killed 1,000 times, at random moments and at its writes, and judged each time; takes ROUNDS, SEED; two minutes",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-drill",
            "--example",
            "frontier_kills",
            "--",
        ],
    },
    LongRun {
        name: "frontier-hour",
        about: "an hour of virtual time on 1,000,000 sites with a pause of 70 s: is politeness all that limits?; takes SITES, MINUTES, PAUSE, DIR; an hour or two",
        command: &[
            "cargo",
            "run",
            "--release",
            "-p",
            "orb-drill",
            "--example",
            "frontier_hour",
            "--",
        ],
    },
];

/// The table as text, one run a line.
pub(crate) fn list() -> String {
    let mut text = String::new();
    for run in RUNS {
        writeln!(
            text,
            "{:12} {}\n{:12} $ {}",
            run.name,
            run.about,
            "",
            run.command.join(" ")
        )
        .expect("writing to a string does not fail");
    }
    text
}

/// Does the run called `name` with its command followed by `arguments`, and passes its exit code on.
pub(crate) fn run(root: &Path, name: &str, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let run = find(name)?;
    println!("$ {} {}", run.command.join(" "), arguments.join(" "));
    exit_code(root, run.command, arguments).map(ExitCode::from)
}

/// A child that a signal ended counts as 1.
fn exit_code(root: &Path, command: &[&str], arguments: &[&str]) -> anyhow::Result<u8> {
    let (program, fixed) = command.split_first().context("the run has no command")?;
    let status = Command::new(program)
        .args(fixed)
        .args(arguments)
        .current_dir(root)
        .status()
        .with_context(|| format!("start {program}"))?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(1))
}

fn find(name: &str) -> anyhow::Result<&'static LongRun> {
    RUNS.iter()
        .find(|run| run.name == name)
        .with_context(|| format!("no long run is called `{name}`; there are:\n{}", list()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_by_their_name_only() {
        for run in RUNS {
            assert_eq!(find(run.name).unwrap().command, run.command);
            assert!(list().contains(run.name));
        }
        let error = find("simm").err().unwrap().to_string();
        assert!(
            error.contains("`simm`") && error.contains("sim "),
            "{error}"
        );
    }

    #[test]
    fn names_are_unique_and_commands_are_not_empty() {
        for (index, run) in RUNS.iter().enumerate() {
            assert!(!run.command.is_empty(), "{}", run.name);
            assert!(
                RUNS[..index].iter().all(|other| other.name != run.name),
                "{}",
                run.name
            );
        }
    }

    #[test]
    fn the_exit_code_of_the_run_is_passed_on() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let command = ["sh", "-c", "exit $1", "sh"];
        assert_eq!(exit_code(root, &command, &["0"]).unwrap(), 0);
        assert_eq!(exit_code(root, &command, &["3"]).unwrap(), 3);
        assert!(exit_code(root, &["/no/such/program"], &[]).is_err());
    }
}

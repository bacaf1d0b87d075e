//! One run of a row of `orb bench crawl`.
//!
//! In: a row, where to pin, a folder. Out: what the run measured. May touch: two child processes, that folder.
//! Must not touch: the crawl while it runs; it is asked nothing, so that it does nothing else.
//! Invariant: nothing of a run is left in the folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use std::io::Read;

use orb_api::Summary;
use orb_env::{BootClock, Clock, Mono};
use serde_json::Value;

use super::cores::{Pins, busy_seconds};
use super::crawl_rows::{CrawlRow, WebSize};
use super::interrupt::Interrupt;
use super::process::{self, Account};
use super::report::Run;
use super::targets::{PAGES_PER_CPU_SECOND, RSS_PEAK_BYTES};
use crate::exit::Failure;
use crate::limits::PROGRESS_EVERY;
use crate::terminal::note;
use crate::web_process::WebProcess;

/// Share of a pinned core that others may take before a run is called doubtful.
const ELSEWHERE_SHARE_MAX: f64 = 0.05;

/// Parts of the crawler's CPU time that its web may take: more, and the web sets the pace.
const WEB_SHARE_MAX: f64 = 0.5;

/// Where and how rows are run.
pub(crate) struct Bench {
    pub(crate) pins: Pins,
    pub(crate) size: WebSize,
    pub(crate) folder: PathBuf,
    pub(crate) interrupt: Interrupt,
}

/// A crawl that has ended.
pub(crate) struct Ended {
    pub(crate) summary: Summary,
    pub(crate) stages: Vec<(String, f64)>,
    pub(crate) account: Account,
}

/// Counters of the machine before and after a run.
#[derive(Clone, Copy, Debug)]
struct Counters {
    at: Mono,
    crawler_core: Option<f64>,
    web_core: Option<f64>,
    web_cpu: f64,
    connections: Option<u64>,
}

impl Counters {
    fn now(bench: &Bench, web: &WebProcess) -> Counters {
        Counters {
            at: BootClock::new().mono(),
            crawler_core: bench.pins.crawler.and_then(busy_seconds),
            web_core: bench.pins.web.and_then(busy_seconds),
            web_cpu: Account::of(web.id()).cpu_seconds,
            connections: connections(&fs::read_to_string("/proc/net/snmp").unwrap_or_default()),
        }
    }
}

/// `ActiveOpens` of RFC 4022: connections this machine has begun.
fn connections(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split(' ').position(|name| name == "ActiveOpens")?;
    values.split(' ').nth(place)?.parse().ok()
}

impl Bench {
    /// Runs `row` once; `None` when the end was asked for meanwhile.
    pub(crate) fn run(&self, row: CrawlRow) -> Result<Option<Run>, Failure> {
        let web = self.web(row, self.size)?;
        let before = Counters::now(self, &web);
        let out = self.folder.join("crawl");
        let program = std::env::current_exe().map_err(Failure::storage)?;
        let mut command = Command::new(program);
        command
            .args(row.crawl_arguments(&web.served, &out))
            .env_clear();
        let ended = self.crawl(command)?;
        let after = Counters::now(self, &web);
        drop(web);
        self.clean()?;
        Ok(ended.map(|ended| figures(&ended, before, after)))
    }

    /// Serves the web of `row` on its core.
    pub(crate) fn web(&self, row: CrawlRow, size: WebSize) -> Result<WebProcess, Failure> {
        let out = self.folder.join("web");
        Pins::on(self.pins.web, || {
            WebProcess::start(&out, &row.web_arguments(size))
        })
    }

    /// Runs a crawl to its end on its core; `None` when the end was asked for.
    pub(crate) fn crawl(&self, mut command: Command) -> Result<Option<Ended>, Failure> {
        let errors = self.folder.join("crawl.err");
        let error_file = File::create(&errors).map_err(Failure::storage)?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(error_file);
        let mut child = Pins::on(self.pins.crawler, || {
            command.spawn().map_err(Failure::storage)
        })?;
        let stdout = child.stdout.take();
        let reading = thread::spawn(move || {
            let mut text = String::new();
            stdout.map(|mut stdout| stdout.read_to_string(&mut text));
            text
        });
        let (status, account) = self.watch(&mut child)?;
        let text = reading.join().unwrap_or_default();
        if self.interrupt.asked() {
            self.clean()?;
            return Ok(None);
        }
        if !status.success() {
            return Err(crawl_failed(status, &errors));
        }
        let line = text.lines().last().unwrap_or_default();
        let summary = serde_json::from_str(line).map_err(Failure::bug)?;
        Ok(Some(Ended {
            summary,
            stages: stages(&serde_json::from_str(line).map_err(Failure::bug)?),
            account,
        }))
    }

    fn watch(&self, child: &mut Child) -> Result<(ExitStatus, Account), Failure> {
        let clock = BootClock::new();
        let begun = clock.mono();
        let mut told = begun;
        let id = child.id();
        let meanwhile = || {
            let now: Mono = clock.mono();
            if now.since(told) >= PROGRESS_EVERY {
                told = now;
                note(&format!(
                    "orb:   {:.0} s, {:.1} s of CPU so far",
                    now.since(begun).as_secs_f64(),
                    Account::of(id).cpu_seconds
                ));
            }
            !self.interrupt.asked()
        };
        process::wait(child, meanwhile).map_err(Failure::storage)
    }

    /// Removes what a run left.
    pub(crate) fn clean(&self) -> Result<(), Failure> {
        for name in ["crawl", "web"] {
            let folder = self.folder.join(name);
            if folder.exists() {
                fs::remove_dir_all(&folder).map_err(Failure::storage)?;
            }
        }
        Ok(())
    }
}

fn crawl_failed(status: ExitStatus, errors: &Path) -> Failure {
    let text = fs::read_to_string(errors).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    let last: Vec<&str> = lines.into_iter().rev().collect();
    Failure::usage_text(format!(
        "the crawl ended with {status}: {}",
        last.join("; ")
    ))
}

/// `stages` of the summary, absent in versions that do not account for them.
fn stages(line: &Value) -> Vec<(String, f64)> {
    let Some(stages) = line.get("stages").and_then(Value::as_object) else {
        return Vec::new();
    };
    stages
        .iter()
        .filter_map(|(name, spent)| Some((name.clone(), spent.get("cpu_seconds")?.as_f64()?)))
        .collect()
}

fn figures(ended: &Ended, before: Counters, after: Counters) -> Run {
    let summary = &ended.summary;
    let pages = summary.pages.max(1) as f64;
    let cpu = ended.account.cpu_seconds;
    let web_cpu = after.web_cpu - before.web_cpu;
    let mut run = Run::default();
    let mut measure = |name: &'static str, value: f64| run.measures.insert(name, value);
    measure("pages", summary.pages as f64);
    measure("seconds", summary.seconds);
    measure(
        "seconds_of_process",
        after.at.since(before.at).as_secs_f64(),
    );
    measure("pages_per_second", pages / summary.seconds.max(0.001));
    measure("cpu_seconds", cpu);
    measure(PAGES_PER_CPU_SECOND, pages / cpu.max(0.001));
    measure("cpu_ms_per_page", cpu * 1_000.0 / pages);
    measure(RSS_PEAK_BYTES, summary.rss_peak_bytes as f64);
    measure("wire_bytes_per_page", summary.bytes_wire as f64 / pages);
    measure(
        "archived_bytes_per_page",
        summary.bytes_archived as f64 / pages,
    );
    measure("web_cpu_ms_per_page", web_cpu * 1_000.0 / pages);
    measure("web_cpu_share", web_cpu / cpu.max(0.001));
    if let Some(written) = ended.account.written_bytes.filter(|written| *written > 0) {
        measure("written_bytes_per_page", written as f64 / pages);
    }
    if let (Some(before), Some(after)) = (before.connections, after.connections) {
        measure(
            "connections_per_page",
            after.saturating_sub(before) as f64 / pages,
        );
    }
    let seconds = after.at.since(before.at).as_secs_f64().max(0.001);
    let elsewhere = |before: Option<f64>, after: Option<f64>, ours: f64| {
        Some(((after? - before? - ours) / seconds).max(0.0))
    };
    let on_crawler = elsewhere(before.crawler_core, after.crawler_core, cpu);
    let on_web = elsewhere(before.web_core, after.web_core, web_cpu);
    for (name, share) in [
        ("elsewhere_share_of_crawler_core", on_crawler),
        ("elsewhere_share_of_web_core", on_web),
    ] {
        if let Some(share) = share {
            measure(name, share);
        }
    }
    run.warnings = doubts(summary, web_cpu / cpu.max(0.001), [on_crawler, on_web]);
    run.stages = ended.stages.iter().cloned().collect();
    run
}

/// What makes a run doubtful.
fn doubts(summary: &Summary, web_share: f64, elsewhere: [Option<f64>; 2]) -> Vec<String> {
    let mut doubts = Vec::new();
    let open = summary.states.pending + summary.states.in_flight;
    if open > 0 || summary.states.failed > 0 {
        doubts.push(format!(
            "the crawl left {open} URLs open and failed {}: it should fetch every page",
            summary.states.failed
        ));
    }
    if web_share > WEB_SHARE_MAX {
        doubts.push(format!(
            "the web took {:.0} % of the crawler's CPU time: it may have set the pace",
            web_share * 100.0
        ));
    }
    for (core, share) in ["crawler's", "web's"].into_iter().zip(elsewhere) {
        if let Some(share) = share.filter(|share| *share > ELSEWHERE_SHARE_MAX) {
            doubts.push(format!(
                "other work took {:.0} % of the {core} core",
                share * 100.0
            ));
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(pages: u64, cpu: f64) -> Ended {
        Ended {
            summary: Summary {
                pages,
                seconds: 20.0,
                bytes_archived: pages * 67_000,
                rss_peak_bytes: 90_000_000,
                ..Summary::default()
            },
            stages: vec![("scan".into(), 2.0)],
            account: Account {
                cpu_seconds: cpu,
                written_bytes: Some(pages * 70_000),
            },
        }
    }

    fn counters(crawler: f64, web: f64, web_cpu: f64, connections: u64) -> Counters {
        Counters {
            at: Mono(if crawler > 0.0 { 20_000_000 } else { 0 }),
            crawler_core: Some(crawler),
            web_core: Some(web),
            web_cpu,
            connections: Some(connections),
        }
    }

    #[test]
    fn a_run_is_measured_by_the_page() {
        let run = figures(
            &ended(20_000, 16.0),
            counters(0.0, 50.0, 1.0, 10),
            counters(16.2, 53.0, 3.0, 2_010),
        );
        let measure = |name: &str| (run.measures[name] * 1e6).round() / 1e6;
        assert_eq!(measure("pages_per_cpu_second"), 1_250.0);
        assert_eq!(measure("pages_per_second"), 1_000.0);
        assert_eq!(measure("cpu_ms_per_page"), 0.8);
        assert_eq!(measure("written_bytes_per_page"), 70_000.0);
        assert_eq!(measure("archived_bytes_per_page"), 67_000.0);
        assert_eq!(measure("web_cpu_share"), 0.125);
        assert_eq!(measure("connections_per_page"), 0.1);
        assert_eq!(measure("elsewhere_share_of_crawler_core"), 0.01);
        assert_eq!(run.stages["scan"], 2.0);
    }

    /// What others did on the pinned cores is told when it matters.
    #[test]
    fn a_doubtful_run_says_why() {
        let calm = figures(
            &ended(20_000, 16.0),
            counters(0.0, 0.0, 0.0, 0),
            counters(16.5, 2.5, 2.0, 0),
        );
        assert_eq!(calm.warnings, Vec::<String>::new());
        let mut busy = ended(20_000, 16.0);
        busy.summary.states.pending = 3;
        let run = figures(
            &busy,
            counters(0.0, 0.0, 0.0, 0),
            counters(18.0, 12.0, 9.0, 0),
        );
        assert_eq!(
            run.warnings,
            [
                "the crawl left 3 URLs open and failed 0: it should fetch every page",
                "the web took 56 % of the crawler's CPU time: it may have set the pace",
                "other work took 10 % of the crawler's core",
                "other work took 15 % of the web's core",
            ]
        );
    }

    #[test]
    fn stages_are_read_where_they_are_told() {
        let line = |text: &str| stages(&serde_json::from_str(text).unwrap());
        assert!(line(r#"{"pages":1}"#).is_empty());
        assert_eq!(
            line(r#"{"stages":{"scan":{"cpu_seconds":0.5,"times":3},"odd":7}}"#),
            [("scan".to_owned(), 0.5)]
        );
    }

    #[test]
    fn connections_are_counted_by_the_kernel() {
        let snmp = "Ip: A B\nIp: 1 2\nTcp: RtoMin ActiveOpens PassiveOpens\nTcp: 200 77 88\n";
        assert_eq!(connections(snmp), Some(77));
        assert_eq!(connections(""), None);
    }
}

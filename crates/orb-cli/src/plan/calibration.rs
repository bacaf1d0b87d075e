//! What work costs on this machine: four short crawls of a synthetic web on one core, and a disk probe.
//!
//! In: the user's cache folder, or a few seconds of this machine. Out: costs, with when and how they were had.
//! May touch: that one cache file, a temporary folder, child processes. Must not touch: the network but loopback.
//! Invariant: costs of another version or another build are not used; nothing is left in the temporary folder.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use orb_api::Summary;
use orb_plan::{MachineCosts, Sample, Samples};
use serde::{Deserialize, Serialize};

use crate::bench::surroundings::Surroundings;
use crate::disk_probe;
use crate::exit::Failure;
use crate::limits::{CALIBRATION_PAGES, CALIBRATION_RUN_MAX};
use crate::terminal::note;
use crate::web_process::WebProcess;

/// What was measured, as it lies in the cache folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// Version of the program.
    pub(crate) version: String,
    /// `release` or `debug`.
    pub(crate) build: String,
    /// When, UTC.
    pub(crate) date: String,
    /// Processor it was taken on.
    pub(crate) processor: String,
    /// Folder whose disk was probed.
    pub(crate) disk_folder: PathBuf,
    /// The counts.
    pub(crate) samples: Samples,
}

impl Measured {
    /// The costs.
    pub(crate) fn costs(&self) -> MachineCosts {
        MachineCosts::of(&self.samples)
    }

    /// Where the costs come from, in words.
    pub(crate) fn source(&self) -> String {
        let build = if self.build == "release" {
            ""
        } else {
            " (a debug build; a release is several times faster)"
        };
        format!(
            "on {} by orb {}{build}; --measure renews it",
            self.date, self.version
        )
    }
}

/// Costs from the cache, or measured now.
///
/// - `folder`: whose disk is probed.
/// - `renew`: measure even if the cache has them.
pub(crate) fn costs(folder: &Path, renew: bool) -> Result<Measured, Failure> {
    let here = Surroundings::here(folder);
    let cached = if renew { None } else { cached(&here) };
    let folder = disk_probe::nearest_folder(folder);
    let mut measured = match cached {
        Some(measured) if measured.disk_folder == folder => return Ok(measured),
        Some(measured) => measured,
        None => {
            note("orb: measuring what work costs on this machine, a few seconds, once");
            Measured {
                version: here.version,
                build: here.build.to_owned(),
                date: here.date,
                processor: here.processor,
                disk_folder: PathBuf::new(),
                samples: crawls()?,
            }
        }
    };
    if let Ok(speed) = disk_probe::measure(&folder) {
        measured.samples.disk_bytes_per_second = speed.bytes_per_second;
        measured.samples.sync_seconds = speed.sync_seconds;
        measured.disk_folder = folder;
    }
    keep(&measured);
    Ok(measured)
}

/// Costs of this version, build and processor, if they were measured before.
pub(crate) fn cached(here: &Surroundings) -> Option<Measured> {
    let text = fs::read_to_string(cache_file()?).ok()?;
    let measured: Measured = serde_json::from_str(&text).ok()?;
    let same = measured.version == here.version
        && measured.build == here.build
        && measured.processor == here.processor;
    same.then_some(measured)
}

/// A cache that cannot be written costs the same seconds again, and is no reason to fail.
fn keep(measured: &Measured) {
    let Some(file) = cache_file() else { return };
    let write = || -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = serde_json::to_string_pretty(measured).map_err(io::Error::other)?;
        fs::write(&file, text)
    };
    if let Err(error) = write() {
        note(&format!(
            "orb: {} cannot be written ({error}), so the next plan measures again",
            file.display()
        ));
    }
}

/// `orb/costs.json` in the user's cache folder (XDG Base Directory Specification).
fn cache_file() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    let cache = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    Some(cache?.join("orb/costs.json"))
}

/// A folder of ours among the temporary ones; removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn make() -> io::Result<Scratch> {
        let name = format!("orb-calibration-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok(); // what the system holds on to goes with its next clean-up
    }
}

/// The crawls that costs are taken from.
fn crawls() -> Result<Samples, Failure> {
    let scratch = Scratch::make().map_err(Failure::storage)?;
    let folder = &scratch.0;
    let plain = ["--https-share", "0"];
    let secure = ["--https-share", "1"];
    let small = web(folder, "small", &plain)?;
    let empty = crawl(folder, &small, 1, true)?;
    let small = crawl(folder, &small, CALIBRATION_PAGES, true)?;
    let large = crawl(
        folder,
        &web(folder, "large", &plain)?,
        CALIBRATION_PAGES / 3,
        true,
    )?;
    let tls = crawl(
        folder,
        &web(folder, "small", &secure)?,
        CALIBRATION_PAGES / 2,
        false,
    )?;
    Ok(Samples {
        empty,
        small,
        large,
        tls,
        ..Samples::default()
    })
}

fn web(folder: &Path, size: &str, more: &[&str]) -> Result<WebProcess, Failure> {
    let mut arguments: Vec<String> = [
        "--sites",
        "150",
        "--pages-per-site",
        "30",
        "--faults",
        "none",
    ]
    .map(str::to_owned)
    .to_vec();
    arguments.extend(["--size".to_owned(), size.to_owned()]);
    arguments.extend(more.iter().map(|&word| word.to_owned()));
    WebProcess::start(&folder.join("web"), &arguments)
}

/// One crawl on one core, as fast as the web answers.
fn crawl(folder: &Path, web: &WebProcess, pages: u64, keep_alive: bool) -> Result<Sample, Failure> {
    let out = folder.join("crawl");
    let program = std::env::current_exe().map_err(Failure::storage)?;
    let served = &web.served;
    let ended = Command::new(program)
        .env_clear()
        .args([
            "crawl",
            "--json",
            "--quiet",
            "--scope",
            "any",
            "--threads",
            "1",
        ])
        .args(["--delay", "0s", "--set", "politeness.address_delay=0s"])
        .args(["--set", "politeness.site_delay_factor=0"])
        .args(["--set", &format!("fetch.keep_alive={keep_alive}")])
        .args(["--max-pages", &pages.to_string()])
        .args([
            "--max-duration",
            &format!("{}s", CALIBRATION_RUN_MAX.as_secs()),
        ])
        .args([
            "--dns",
            &served.dns.to_string(),
            "--allow-net",
            &served.range,
        ])
        .arg("--ca")
        .arg(&served.ca)
        .arg("--seeds")
        .arg(&served.seeds)
        .arg("--out")
        .arg(&out)
        .stdin(Stdio::null())
        .output()
        .map_err(Failure::storage)?;
    let text = String::from_utf8_lossy(&ended.stdout);
    let summary: Option<Summary> = text
        .lines()
        .last()
        .and_then(|line| serde_json::from_str(line).ok());
    let summary = summary.ok_or_else(|| {
        let words = String::from_utf8_lossy(&ended.stderr);
        Failure::usage_text(format!(
            "the crawl that measures costs ended with {}: {}",
            ended.status,
            words.trim().replace('\n', "; ")
        ))
    })?;
    let sample = Sample {
        requests: requests(&summary),
        wire_bytes: summary.bytes_wire as f64,
        cpu_seconds: summary.cpu_seconds,
        archived_bytes: summary.bytes_archived as f64,
        other_bytes: bytes_of(&out).saturating_sub(bytes_of(&out.join("warc"))) as f64,
        rss_bytes: summary.rss_peak_bytes as f64,
    };
    fs::remove_dir_all(&out).map_err(Failure::storage)?;
    Ok(sample)
}

/// Requests of a run; from what they came to where the summary does not count them.
fn requests(summary: &Summary) -> f64 {
    let settled = summary.states.done + summary.states.failed;
    summary.requests.max(settled).max(summary.pages) as f64
}

/// Bytes that a folder takes on its disk, preallocated holes left out.
pub(crate) fn bytes_of(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_of(&entry.path()),
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

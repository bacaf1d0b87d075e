//! `orb doctor`: does this machine, its network and these settings suit a crawl?
//!
//! In: settings, a folder. Out: findings; each says why it matters and how to mend it. May touch: what `doctor` does.

use std::path::PathBuf;

use clap::Args;
use orb_api::CrawlDir;
use orb_crawl::CrawlConfig;
use orb_fetch::TrustAnchors;
use serde::Serialize;

use crate::doctor::finding::{Finding, Level};
use crate::doctor::folder_state::FolderSeen;
use crate::doctor::probes::{dns, machine, place, times};
use crate::doctor::{
    clock, cores, descriptors, disk, folder_state, identity, ipv6, kernel, memory, names, ports,
    trust,
};
use crate::exit::{Exit, Failure, Outcome};
use crate::machine::Machine;
use crate::settings_args::SettingsArgs;
use crate::terminal::{say, say_json};
use crate::{folder, settings};

/// Arguments of `orb doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb doctor --contact you@your-domain
  orb doctor --out /data/big --threads 16 --set memory_max=24GiB

Takes some seconds. Asks the configured DNS servers and nobody else; writes one temporary file of at most 64 MiB where
the crawl would lie. Give it the settings the crawl will have.

Exit codes:
  0  nothing that stands in the way      1  at least one problem
  2  wrong arguments or settings")]
pub(crate) struct DoctorArgs {
    /// The crawl's folder, there or not.
    #[arg(long, value_name = "DIR", default_value = folder::DEFAULT)]
    out: PathBuf,
    /// A name that the DNS servers should know.
    #[arg(long, value_name = "HOST", default_value = "example.com")]
    dns_name: String,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// `--json`.
#[derive(Serialize)]
struct Examined {
    /// The worst level among the findings.
    level: Level,
    findings: Vec<Finding>,
}

/// Examines.
pub(crate) fn run(args: &DoctorArgs) -> Outcome {
    crate::log_file::start_without_file();
    let in_force = args
        .settings
        .in_force(settings::from_process(), &Machine::this())?;
    let findings = examine(args, &in_force.config)?;
    let worst = findings
        .iter()
        .map(|finding| finding.level)
        .max()
        .unwrap_or(Level::Ok);
    if args.json {
        say_json(&Examined {
            level: worst,
            findings,
        })?;
    } else {
        for finding in &findings {
            say(&finding.text());
        }
        say(&closing(&findings));
    }
    Ok(if worst == Level::Problem {
        Exit::CheckFailed
    } else {
        Exit::Fine
    })
}

fn examine(args: &DoctorArgs, config: &CrawlConfig) -> Result<Vec<Finding>, Failure> {
    let dir = CrawlDir::new(&args.out);
    let (seen, last_run) = place::folder(&dir);
    let heard = dns::ask(&config.dns.servers, &args.dns_name).map_err(Failure::usage)?;
    let anchors = TrustAnchors::load(&config.fetch.ca_files);
    let anchors = anchors
        .map(drop)
        .map_err(|error| format!("{:#}", anyhow::Error::new(error)));
    let may_probe = !matches!(seen, FolderSeen::Held { .. } | FolderSeen::Unwritable(_));

    let mut findings = identity::judge(config, &heard.reverse);
    findings.extend(names::judge(&heard.servers, &args.dns_name));
    findings.push(ipv6::judge(dns::ipv6_source()));
    findings.push(trust::judge(&anchors, config.fetch.ca_files.len()));
    findings.extend(clock::judge(&times::watch(last_run)));
    findings.push(folder_state::judge(
        &seen,
        &args.out.display().to_string(),
        place::others_may_read(dir.root()),
    ));
    findings.extend(disk::judge(&place::disk(&dir, config, may_probe)));
    findings.extend(memory::judge(&machine::memory(config)));
    findings.push(cores::judge(&machine::cores(config)));
    findings.push(descriptors::judge(&machine::descriptors(config)));
    findings.push(ports::judge(&machine::ports(config)));
    findings.extend(kernel::judge(&machine::kernel(config)));
    Ok(findings)
}

fn closing(findings: &[Finding]) -> String {
    let count = |level| findings.iter().filter(|one| one.level == level).count();
    let several = |number: usize, word: &str| match number {
        1 => format!("1 {word}"),
        number => format!("{number} {word}s"),
    };
    let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
    let rest = format!(
        "{}, {}, {} in order",
        several(warnings, "warning"),
        several(count(Level::Note), "note"),
        count(Level::Ok)
    );
    match problems {
        0 => format!("\nNothing stands in the way: {rest}."),
        problems => format!("\n{}: {rest}.", several(problems, "problem")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_line_counts() {
        let fine = Finding::ok("a", "b", "c");
        let bad = Finding::problem("a", "b", "c", "d");
        let all = [fine.clone(), bad.clone(), bad];
        assert_eq!(
            closing(&all),
            "\n2 problems: 0 warnings, 0 notes, 1 in order."
        );
        assert_eq!(
            closing(&[fine]),
            "\nNothing stands in the way: 0 warnings, 0 notes, 1 in order."
        );
    }
}

//! A crawl's meters as samples of the metrics that are defined.
//!
//! In: meters. Out: samples. May touch: nothing.
//! Invariant: every label is a name out of a closed list; whatever else meters hold is left out.

use orb_api::{Limiting, Meters, Outcome, Phase, Reason, Stage, Status, Uploads};
use orb_metrics as of;
use orb_metrics::Sample;

/// Every phase by its name in JSON.
const PHASES: [(Phase, &str); 7] = [
    (Phase::Running, "running"),
    (Phase::Paused, "paused"),
    (Phase::DiskFull, "disk_full"),
    (Phase::UploadsBehind, "uploads_behind"),
    (Phase::Stopping, "stopping"),
    (Phase::Stopped, "stopped"),
    (Phase::Finished, "finished"),
];

/// Everything that can limit a crawl, by its name in JSON.
const LIMITS: [(Limiting, &str); 13] = [
    (Limiting::Unknown, "unknown"),
    (Limiting::Politeness, "politeness"),
    (Limiting::Addresses, "addresses"),
    (Limiting::Cpu, "cpu"),
    (Limiting::Dns, "dns"),
    (Limiting::Servers, "servers"),
    (Limiting::InFlight, "in_flight"),
    (Limiting::Rate, "rate"),
    (Limiting::Disk, "disk"),
    (Limiting::Uploads, "uploads"),
    (Limiting::Memory, "memory"),
    (Limiting::Paused, "paused"),
    (Limiting::Nothing, "nothing"),
];

/// Why links are stopped before they are known.
const CAUSES: [&str; 14] = [
    "scope",
    "depth",
    "redirect_limit",
    "rule",
    "opt_out",
    "full",
    "frontier_full",
    "moved",
    "nofollow",
    "bad_url",
    "too_many_links",
    "sitemap_elsewhere",
    "sitemap_full",
    "sitemap_nesting",
];

/// All samples of one moment.
pub(crate) fn samples(meters: &Meters) -> Vec<Sample> {
    let mut out = vec![Sample::count(
        &of::BUILD,
        &[env!("CARGO_PKG_VERSION"), crate::COMMIT],
        1,
    )];
    standing(&meters.view.status, &mut out);
    urls(&meters.view.status, &mut out);
    run(&meters.view.status, &mut out);
    work(meters, &mut out);
    process(meters, &mut out);
    out
}

fn standing(status: &Status, out: &mut Vec<Sample>) {
    for (phase, name) in PHASES {
        let now = u64::from(phase == status.phase);
        out.push(Sample::count(&of::PHASE, &[name], now));
    }
    for (limit, name) in LIMITS {
        let now = u64::from(limit == status.limiting);
        out.push(Sample::count(&of::LIMITING, &[name], now));
    }
    out.push(Sample::real(&of::RUN, &[], status.seconds));
}

fn urls(status: &Status, out: &mut Vec<Sample>) {
    let states = &status.states;
    let excluded = states.excluded.values().sum();
    let all = [
        ("pending", states.pending),
        ("in_flight", states.in_flight),
        ("done", states.done),
        ("failed", states.failed),
        ("excluded", excluded),
    ];
    out.push(Sample::count(&of::DISCOVERED, &[], status.discovered));
    let mut sum = 0;
    for (state, count) in all {
        sum += count;
        out.push(Sample::count(&of::URLS, &[state], count));
    }
    let imbalance = status.discovered as f64 - sum as f64;
    out.push(Sample::real(&of::IMBALANCE, &[], imbalance));
    for reason in Reason::ALL {
        if let Some(count) = states.excluded.get(reason) {
            out.push(Sample::count(&of::EXCLUDED, &[reason.name()], *count));
        }
    }
    for cause in CAUSES {
        let count = status.sightings.0.get(cause).copied().unwrap_or(0);
        out.push(Sample::count(&of::STOPPED, &[cause], count));
    }
    for (state, count) in [
        ("known", status.sites),
        ("pending", status.sites_pending),
        ("waiting", status.sites_waiting),
        ("active", status.sites_active),
        ("parked", status.sites_parked),
        ("backed_off", status.sites_backed_off),
    ] {
        out.push(Sample::count(&of::SITES, &[state], count));
    }
}

fn run(status: &Status, out: &mut Vec<Sample>) {
    let kept = status.again.saturating_sub(status.again_useful);
    let maps = &status.sitemaps;
    out.extend([
        Sample::count(&of::PAGES, &[], status.pages),
        Sample::count(&of::REQUESTS, &[], status.requests),
        Sample::count(&of::AGAIN, &["yes"], status.again_useful),
        Sample::count(&of::AGAIN, &["no"], kept),
        Sample::count(
            &of::SITEMAPS,
            &["whole"],
            maps.read.saturating_sub(maps.damaged),
        ),
        Sample::count(&of::SITEMAPS, &["damaged"], maps.damaged),
        Sample::count(&of::SITEMAP_URLS, &[], maps.urls),
        Sample::count(&of::SITEMAP_MOVES, &["put_off"], maps.put_off),
        Sample::count(&of::SITEMAP_MOVES, &["forward"], maps.forward),
        Sample::count(&of::WIRE, &[], status.bytes_wire),
        Sample::count(&of::ARCHIVED, &[], status.bytes_archived),
    ]);
    let none = Uploads::default();
    let uploads = status.uploads.as_ref().unwrap_or(&none);
    out.extend([
        Sample::count(&of::UPLOADED, &[], uploads.sent_bytes),
        Sample::count(&of::UPLOADED_FILES, &[], uploads.arrived),
        Sample::count(&of::UPLOAD_FAILURES, &[], uploads.failures),
        Sample::count(&of::UPLOAD_BACKLOG, &["now"], uploads.waiting_bytes),
        Sample::count(&of::UPLOAD_BACKLOG, &["max"], uploads.waiting_max_bytes),
        Sample::count(&of::UPLOAD_BACKLOG_FILES, &[], uploads.waiting),
    ]);
    for outcome in Outcome::ALL {
        let count = status.outcomes.get(outcome.name()).copied().unwrap_or(0);
        out.push(Sample::count(&of::ATTEMPTS, &[outcome.name()], count));
    }
    for reason in Reason::ALL.iter().filter(|reason| **reason != Reason::None) {
        let count = status.reasons.get(reason.name()).copied().unwrap_or(0);
        out.push(Sample::count(&of::TROUBLES, &[reason.name()], count));
    }
}

fn work(meters: &Meters, out: &mut Vec<Sample>) {
    let (view, spreads) = (&meters.view, &meters.latencies);
    out.extend([
        Sample::count(&of::WAITING, &["dns"], view.resolving),
        Sample::count(&of::WAITING, &["address"], view.asking),
        Sample::count(&of::IN_FLIGHT_MAX, &[], view.status.bounds.in_flight_max),
        Sample::spread(&of::COMMIT, &[], spreads.commit),
        Sample::spread(&of::STAGE, &["dns"], spreads.dns),
        Sample::spread(&of::STAGE, &["connect"], spreads.connect),
        Sample::spread(&of::STAGE, &["tls"], spreads.tls),
        Sample::spread(&of::STAGE, &["first_byte"], spreads.first_byte),
        Sample::spread(&of::STAGE, &["body"], spreads.body),
    ]);
    for stage in Stage::ALL {
        let used = view.stages.get(&stage).copied().unwrap_or_default();
        out.push(Sample::real(&of::CPU, &[stage.name()], used.cpu_seconds));
    }
    let busy = &view.shards_busy;
    let mean = busy.iter().sum::<f64>() / busy.len().max(1) as f64;
    let busiest = busy.iter().copied().fold(0.0, f64::max);
    out.push(Sample::real(&of::BUSY, &["mean"], mean));
    out.push(Sample::real(&of::BUSY, &["busiest"], busiest));
    out.push(Sample::real(&of::LATE, &[], meters.late_seconds));
    for (whose, share) in [
        ("address", meters.busiest_address),
        ("site", meters.busiest_site),
    ] {
        out.push(Sample::real(&of::BUSIEST, &[whose], share));
    }
    for kind in of::Happening::ALL {
        let count = meters.events.get(kind.name()).copied().unwrap_or(0);
        out.push(Sample::count(&of::EVENTS, &[kind.name()], count));
    }
}

fn process(meters: &Meters, out: &mut Vec<Sample>) {
    let status = &meters.view.status;
    let bounds = &status.bounds;
    out.extend([
        Sample::count(&of::DISK, &["used"], bounds.disk_used_bytes),
        Sample::count(&of::DISK, &["max"], bounds.disk_max_bytes),
        Sample::count(&of::DISK, &["free"], bounds.disk_free_bytes),
        Sample::count(&of::DISK, &["free_min"], bounds.disk_free_min_bytes),
        Sample::count(&of::MEMORY_MAX, &[], bounds.memory_max_bytes),
        Sample::real(&of::PROCESS_CPU, &[], status.cpu_seconds),
        Sample::count(&of::PROCESS_MEMORY, &[], status.rss_bytes),
        Sample::count(&of::PROCESS_FILES, &[], meters.files_open),
        Sample::count(&of::PROCESS_FILES_MAX, &[], meters.files_max),
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::View;

    /// Faults: S8, S11. Whatever a crawl holds of strangers' text, none of it is in its metrics.
    #[test]
    fn no_host_url_or_cause_that_nobody_defined_is_written() {
        let mut view = View {
            folder: "/home/secret.example".into(),
            ..View::default()
        };
        view.status.discovered = 3;
        view.status
            .sightings
            .0
            .insert("secret.example\"\n".into(), 9);
        view.status.reasons.insert("secret.example".into(), 9);
        let meters = Meters {
            view,
            ..Meters::default()
        };
        let text = orb_metrics::open_metrics(samples(&meters));
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("\norb_books_imbalance 3.0\n"), "{text}");
        assert!(text.len() < 32_000, "{} bytes", text.len());
        for one in of::ALL {
            assert!(
                text.contains(&format!("# TYPE {} ", one.family()))
                    || one.name == "orb_urls_excluded",
                "{}",
                one.name
            );
        }
    }

    /// Whatever a crawl holds, its metrics are so many numbers and no more: a million sites make none longer than this.
    #[test]
    fn the_largest_page_of_metrics_is_far_below_a_megabyte() {
        let mut meters = Meters::default();
        let spread = &mut meters.latencies;
        for each in [
            &mut spread.commit,
            &mut spread.dns,
            &mut spread.connect,
            &mut spread.tls,
            &mut spread.first_byte,
            &mut spread.body,
        ] {
            for power in 0..40 {
                let took = std::time::Duration::from_micros(1 << power);
                each.note_traced(took, [0xff; 16], i64::MAX / 2);
            }
        }
        let status = &mut meters.view.status;
        for reason in Reason::ALL {
            status.states.excluded.insert(*reason, u64::MAX / 100);
            let name = reason.name().to_owned();
            status.reasons.insert(name, u64::MAX / 100);
        }
        for count in [
            &mut status.sites,
            &mut status.sites_pending,
            &mut status.sites_waiting,
            &mut status.pages,
            &mut status.requests,
            &mut status.bytes_wire,
            &mut status.states.pending,
        ] {
            *count = u64::MAX / 100;
        }
        let busy = vec![0.123_456_789; 1_024];
        meters.view.shards_busy = busy;
        let text = orb_metrics::open_metrics(samples(&meters));
        let series = text.lines().filter(|line| !line.starts_with('#')).count();
        assert!(
            text.len() < 60_000 && series < 500,
            "{} bytes, {series} series",
            text.len()
        );
    }

    #[test]
    fn names_are_those_of_json() {
        for (phase, name) in PHASES {
            assert_eq!(
                serde_json::to_string(&phase).unwrap(),
                format!("\"{name}\"")
            );
        }
        for (limit, name) in LIMITS {
            assert_eq!(
                serde_json::to_string(&limit).unwrap(),
                format!("\"{name}\"")
            );
        }
    }
}

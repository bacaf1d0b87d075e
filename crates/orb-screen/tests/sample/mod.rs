//! A crawl under way, drawn on a terminal that is a buffer.
//!
//! In: sizes, views. Out: text. May touch: nothing.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "part of tests: a failure is their way to fail, and each file of tests uses its part"
)]

use orb_api::{
    Bounds, Limiting, Outcome, Phase, Reason, SiteLine, SitePhase, Stage, StageUse, States, Status,
    View,
};
use orb_screen::ratatui::Terminal;
use orb_screen::ratatui::backend::TestBackend;
use orb_screen::ratatui::buffer::Buffer;
use orb_screen::ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use orb_screen::{Look, Role, Screen};

pub(crate) const BLOCKS: Look = Look {
    colour: true,
    unicode: true,
};
pub(crate) const ASCII: Look = Look {
    colour: false,
    unicode: false,
};

/// What `screen` shows at a size.
pub(crate) fn buffer(screen: &mut Screen, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| screen.draw(frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// The same as lines of text without the spaces at their ends.
pub(crate) fn text(screen: &mut Screen, width: u16, height: u16) -> String {
    let buffer = buffer(screen, width, height);
    let mut out = String::new();
    for line in buffer.content().chunks(usize::from(width.max(1))) {
        let line: String = line.iter().map(|cell| cell.symbol()).collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

pub(crate) fn press(screen: &mut Screen, code: KeyCode) -> Vec<orb_screen::Action> {
    screen.key(KeyEvent::new(code, KeyModifiers::NONE))
}

pub(crate) fn site(name: &str, phase: SitePhase, pending: u64, troubles: u64) -> SiteLine {
    SiteLine {
        site: name.into(),
        phase,
        pending,
        requests: pending + troubles,
        pages: pending / 2,
        troubles,
        mean_ms: 123.4,
        last_outcome: Some(if troubles > 0 {
            Outcome::Retry
        } else {
            Outcome::Captured
        }),
        last_reason: (troubles > 0).then_some(Reason::Timeout),
        delay_ms: 1_000,
        next_in_ms: if phase == SitePhase::Waiting { 420 } else { 0 },
        parked: (phase == SitePhase::Parked).then_some(Reason::RobotsUnreachable),
    }
}

/// A crawl `seconds` old.
pub(crate) fn view(seconds: f64) -> View {
    View {
        status: status(seconds),
        folder: "demo/crawl".into(),
        version: "0.1.0".into(),
        sites: vec![
            site("example.com", SitePhase::Visiting, 1_200, 0),
            site("example.org", SitePhase::Waiting, 340, 0),
            site("slow.example.net", SitePhase::Waiting, 20, 12),
            site("closed.example", SitePhase::Parked, 5, 31),
            site("done.example", SitePhase::Idle, 0, 0),
        ],
        resolving: 1,
        asking: 2,
        shards_busy: vec![0.78, 0.66],
        stages: [
            (Stage::Network, 0.34),
            (Stage::Scan, 0.2),
            (Stage::Archive, 0.11),
            (Stage::Frontier, 0.2),
            (Stage::Commit, 0.1),
            (Stage::Other, 0.05),
        ]
        .map(|(stage, cpu_seconds)| {
            let used = StageUse {
                cpu_seconds,
                times: 1,
            };
            (stage, used)
        })
        .into(),
    }
}

fn status(seconds: f64) -> Status {
    let step = seconds as u64;
    let states = States {
        pending: 9_214,
        in_flight: 12,
        done: 3_100 + step,
        failed: 7,
        excluded: [(Reason::Robots, 120), (Reason::GuardedAddress, 11)].into(),
    };
    let excluded: u64 = states.excluded.values().sum();
    let named = |pairs: &[(&str, u64)]| {
        pairs
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count))
            .collect()
    };
    Status {
        phase: Phase::Running,
        pid: Some(4_711),
        seconds,
        discovered: states.pending + states.in_flight + states.done + states.failed + excluded,
        states,
        sightings: orb_api::Sightings(named(&[("scope", 18_000), ("seen", 21)])),
        sites: 300,
        sites_pending: 292,
        pages: 200 * step + (step % 5) * 30,
        requests: 230 * step,
        again: 0,
        again_useful: 0,
        sitemaps: orb_api::SitemapCounts::default(),
        outcomes: named(&[
            ("captured", 2_800),
            ("redirect", 210),
            ("gone", 44),
            ("retry", 31),
        ]),
        bytes_wire: 12_300_000 * step,
        bytes_archived: 12_000_000 * step,
        rss_bytes: 123_000_000,
        reasons: named(&[("timeout", 30), ("dns", 1)]),
        sites_active: 12,
        sites_waiting: 280,
        sites_parked: 3,
        sites_backed_off: 7,
        cpu_seconds: 1.3 * seconds,
        bounds: Bounds {
            memory_max_bytes: 512_000_000,
            disk_max_bytes: 10_000_000_000,
            disk_used_bytes: 1_200_000_000,
            disk_free_bytes: 58_000_000_000,
            pages_max: 20_000,
            pages_in_all: 200 * step,
            in_flight_max: 512,
            ..Bounds::default()
        },
        limiting: Limiting::Politeness,
        eta_seconds: Some(83.0),
        uploads: None,
    }
}

/// A view that has watched such a crawl for a while.
pub(crate) fn watched(role: Role, look: Look) -> Screen {
    let mut screen = Screen::new(role, look);
    for half in 0..=60 {
        screen.take(view(f64::from(half) / 2.0));
    }
    screen
}

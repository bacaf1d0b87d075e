//! Whatever a crawl tells, whatever keys are pressed, whatever the terminal's size: it is drawn.

mod sample;

use std::collections::BTreeMap;

use orb_api::{Bounds, Limiting, Phase, Reason, SitePhase, Stage, StageUse, States, Status, View};
use orb_screen::ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use orb_screen::{Look, Role, Screen};
use proptest::prelude::*;

/// Numbers with a liking for the ends of their range.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..100_000_u64, Just(u64::MAX), any::<u64>()]
}

/// Real numbers, those that are none included.
fn real() -> impl Strategy<Value = f64> {
    prop_oneof![
        0.0..1e6,
        any::<f64>(),
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(-1.0)
    ]
}

fn phase() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![
        Phase::Running,
        Phase::Paused,
        Phase::DiskFull,
        Phase::Stopping,
        Phase::Stopped,
        Phase::Finished,
    ])
}

fn limiting() -> impl Strategy<Value = Limiting> {
    prop::sample::select(vec![
        Limiting::Unknown,
        Limiting::Politeness,
        Limiting::Addresses,
        Limiting::Cpu,
        Limiting::Dns,
        Limiting::Servers,
        Limiting::InFlight,
        Limiting::Rate,
        Limiting::Disk,
        Limiting::Uploads,
        Limiting::Memory,
        Limiting::Paused,
        Limiting::Nothing,
    ])
}

fn names() -> impl Strategy<Value = BTreeMap<String, u64>> {
    prop::collection::btree_map(".{0,20}", number(), 0..12)
}

prop_compose! {
    fn status()(
        phase in phase(),
        limiting in limiting(),
        seconds in real(),
        cpu_seconds in real(),
        eta_seconds in prop::option::of(real()),
        numbers in prop::collection::vec(number(), 20),
        outcomes in names(),
        reasons in names(),
        sightings in names(),
    ) -> Status {
        let excluded = Reason::ALL.iter().copied().zip([numbers[0] / 64; 9]).collect();
        Status {
            phase,
            seconds,
            discovered: numbers[1],
            states: States {
                pending: numbers[2],
                in_flight: numbers[3],
                done: numbers[4],
                failed: numbers[5],
                excluded,
            },
            sightings: orb_api::Sightings(sightings),
            sites: numbers[6],
            pages: numbers[7],
            requests: numbers[8],
            bytes_wire: numbers[9],
            bytes_archived: numbers[10],
            rss_bytes: numbers[11],
            sites_waiting: numbers[12],
            sites_parked: numbers[13],
            sites_backed_off: numbers[2],
            bounds: Bounds {
                memory_max_bytes: numbers[14],
                disk_max_bytes: numbers[15],
                disk_used_bytes: numbers[16],
                pages_max: numbers[17],
                duration_max_seconds: numbers[18],
                in_flight_max: numbers[19],
                ..Bounds::default()
            },
            outcomes,
            reasons,
            cpu_seconds,
            limiting,
            eta_seconds,
            ..Status::default()
        }
    }
}

prop_compose! {
    fn view()(
        status in status(),
        folder in ".{0,200}",
        sites in prop::collection::vec((".{0,80}", number(), real()), 0..30),
        busy in prop::collection::vec(real(), 0..20),
        cpu in prop::collection::vec(real(), 10),
    ) -> View {
        let sites = sites.into_iter().enumerate().map(|(place, (name, count, mean_ms))| {
            let phase = [SitePhase::Idle, SitePhase::Waiting, SitePhase::Parked][place % 3];
            orb_api::SiteLine { mean_ms, delay_ms: count, next_in_ms: count, ..sample::site(&name, phase, count / 2, count % 3) }
        });
        let stages = Stage::ALL.into_iter().zip(cpu);
        View {
            status,
            folder,
            sites: sites.collect(),
            shards_busy: busy,
            stages: stages.map(|(stage, cpu_seconds)| (stage, StageUse { cpu_seconds, times: 1 })).collect(),
            ..View::default()
        }
    }
}

fn key() -> impl Strategy<Value = KeyEvent> {
    let codes = prop_oneof![
        prop::sample::select("jkgGsSpxlq?/yn \u{e9}\u{4e16}".chars().collect::<Vec<_>>())
            .prop_map(KeyCode::Char),
        prop::sample::select(vec![
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::PageDown,
            KeyCode::PageUp,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
        ]),
    ];
    codes.prop_map(|code| KeyEvent::new(code, KeyModifiers::NONE))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_view_is_drawn_at_every_size(
        steps in prop::collection::vec((prop::option::of(view()), prop::collection::vec(key(), 0..4)), 1..4),
        (width, height) in prop_oneof![(0..260_u16, 0..80_u16), (20..90_u16, 5..30_u16)],
        colour in any::<bool>(),
        unicode in any::<bool>(),
        watches in any::<bool>(),
    ) {
        let role = if watches { Role::Watch } else { Role::Crawl };
        let mut screen = Screen::new(role, Look { colour, unicode });
        for (view, keys) in steps {
            if let Some(view) = view {
                screen.take(view);
            }
            for key in keys {
                screen.key(key);
            }
            let buffer = sample::buffer(&mut screen, width, height);
            prop_assert!(buffer.content().iter().all(|cell| !cell.symbol().contains(|letter: char| letter.is_control())));
        }
    }
}

//! The verdict `exclusions`, shown to notice what breaks it.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod folder;

use folder::{Folder, WALL, fails_only, passes};
use orb_api::{Act, Order};
use orb_audit::{Promise, Report};
use orb_env::Disk;

/// A small site (requests at 1.0, 2.1, 3.2 and 4.3 s), and orders at these times.
fn report(orders: &[(i64, Act)]) -> Report {
    let mut folder = Folder::new();
    folder.small_site();
    let mut lines = String::new();
    for (number, (ms, act)) in orders.iter().enumerate() {
        let order = Order {
            order: number as u64 + 1,
            at_us: WALL + ms * 1_000,
            who: "ann".into(),
            why: String::new(),
            act: act.clone(),
        };
        lines.push_str(&serde_json::to_string(&order).unwrap());
        lines.push('\n');
    }
    let path = folder.dir.orders();
    folder.disk.replace(&path, lines.as_bytes()).unwrap();
    folder.report(true)
}

fn exclude(what: &str) -> Act {
    let what = what.to_owned();
    Act::Exclude { what }
}

#[test]
fn requests_up_to_a_second_after_an_exclusion_are_kept_promises() {
    passes(&report(&[]));
    passes(&report(&[(3_400, exclude("a.example"))]));
    passes(&report(&[(0, exclude("b.example"))]));
    passes(&report(&[(0, exclude("https://a.example/zzz*"))]));
    // A pattern that matches robots.txt too says nothing of it.
    passes(&report(&[(0, exclude("*/robots.txt"))]));
}

#[test]
fn a_request_after_that_is_noticed_until_the_order_is_taken_back() {
    let opt_out = Act::OptOut {
        what: "a.example".into(),
    };
    for act in [
        opt_out,
        exclude("a.example"),
        exclude("https://a.example/c*"),
    ] {
        let broken = report(&[(3_200, act.clone())]);
        fails_only(&broken, Promise::Exclusions, "asked_after_exclusion");
        let text = broken.to_string();
        assert!(
            text.contains("slot-00.jsonl:4 asked_after_exclusion https://a.example/c?d"),
            "{text}"
        );
        passes(&report(&[(2_900, act), (3_000, Act::Undo { undoes: 1 })]));
    }
}

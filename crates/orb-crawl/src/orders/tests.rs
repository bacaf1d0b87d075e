//! Tests of the book of orders.
//!
//! In: orders, files cut anywhere. Out: what is in force. May touch: a disk in memory. Invariant: as the book's.

use super::*;
use orb_env::MemoryDisk;

fn book(disk: &MemoryDisk) -> OrderBook {
    OrderBook::read(Arc::new(disk.clone()), Path::new("/c/state/orders.jsonl")).unwrap()
}

fn give(book: &mut OrderBook, act: Act) -> u64 {
    let Prepared::Give(act) = book.prepare(act).unwrap() else {
        panic!("it holds already")
    };
    book.give(Wall(7), "ann", "because", act).unwrap()
}

fn exclude(what: &str) -> Act {
    let what = what.to_owned();
    Act::Exclude { what }
}

#[test]
fn what_is_in_force_is_what_the_lines_say_after_a_restart_too() {
    let disk = MemoryDisk::new();
    let mut first = book(&disk);
    give(&mut first, Act::Pause {});
    give(&mut first, exclude("A.example"));
    give(&mut first, exclude("https://b.example/x/*"));
    give(&mut first, Act::Undo { undoes: 3 });
    give(
        &mut first,
        Act::Rate {
            site: "www.c.example".into(),
            delay_ms: 9_000,
        },
    );
    let read = book(&disk);
    assert_eq!(read.in_force(), first.in_force());
    let state = read.in_force();
    assert!(state.paused && state.number == 5);
    let site = Site::of_host("a.example");
    let exclusion = state.exclusions.of_site(&site).unwrap();
    assert_eq!(&*exclusion.words, "a.example (order 2 by ann: because)");
    let named: Vec<_> = state.named_after(0).cloned().collect();
    assert_eq!(named, [site, Site::of_host("c.example")]);
    let b = Site::of_host("b.example");
    assert_eq!(
        state.taken_back,
        [TakenBack {
            order: 4,
            site: Some(b)
        }]
    );
    assert_eq!(
        state.rate(&Site::of_host("c.example")),
        Some(Duration::from_secs(9))
    );
}

#[test]
fn the_last_word_on_a_site_holds_and_taking_it_back_leaves_the_one_before() {
    let disk = MemoryDisk::new();
    let mut book = book(&disk);
    let site = || "www.a.example".to_owned();
    let budget = |pages| Act::Budget {
        site: site(),
        pages,
    };
    give(&mut book, budget(Some(10)));
    give(&mut book, budget(Some(20)));
    let again = book.prepare(budget(Some(20))).unwrap();
    assert_eq!(again, Prepared::InForce(2));
    let (delay_ms, steps) = (5_000, -3);
    give(
        &mut book,
        Act::Rate {
            site: site(),
            delay_ms,
        },
    );
    give(
        &mut book,
        Act::Priority {
            site: site(),
            steps,
        },
    );
    let wish = |book: &OrderBook| book.in_force().wishes.of("a.example");
    let all = wish(&book);
    let told = (all.pages_max, all.delay, all.priority);
    assert_eq!(told, (Some(20), Some(Duration::from_secs(5)), -3));
    give(&mut book, Act::Undo { undoes: 2 });
    give(&mut book, Act::Undo { undoes: 3 });
    let left = wish(&book);
    assert_eq!(
        (left.pages_max, left.delay, left.priority),
        (Some(10), None, -3)
    );
    give(&mut book, budget(None));
    assert_eq!(wish(&book).pages_max, None);
    let state = book.in_force();
    assert_eq!(state.named_after(5).count(), 2, "only what is new");
    assert_eq!(state.budgeted_after(5).count(), 1);
    let steps = 21;
    let too_far = Act::Priority {
        site: site(),
        steps,
    };
    assert!(matches!(book.prepare(too_far), Err(OrderError::Refused(_))));
    assert!(book.prepare(Act::Undo { undoes: 2 }).is_err());
}

#[test]
fn a_line_cut_anywhere_is_an_order_that_was_not_given() {
    let disk = MemoryDisk::new();
    let mut whole = book(&disk);
    give(&mut whole, exclude("a.example"));
    let first = disk.read_all(&whole.path).unwrap().len();
    give(&mut whole, exclude("b.example"));
    let all = disk.read_all(&whole.path).unwrap();
    for cut in first..all.len() - 1 {
        let disk = MemoryDisk::new();
        disk.append(&whole.path)
            .unwrap()
            .append(&all[..cut])
            .unwrap();
        let mut read = book(&disk);
        assert_eq!(read.orders().len(), 1, "cut at {cut}");
        assert_eq!(give(&mut read, exclude("c.example")), 2);
        assert_eq!(book(&disk).orders(), read.orders(), "cut at {cut}");
    }
}

#[test]
fn orders_without_sense_are_refused_and_those_in_force_are_named() {
    let disk = MemoryDisk::new();
    let mut book = book(&disk);
    give(&mut book, exclude("a.example"));
    give(&mut book, Act::Pause {});
    assert_eq!(
        book.prepare(exclude("A.example.")).unwrap(),
        Prepared::InForce(1)
    );
    let opt_out = Act::OptOut {
        what: "a.example".into(),
    };
    assert_eq!(give(&mut book, opt_out.clone()), 3, "an opt-out says more");
    assert_eq!(book.prepare(opt_out).unwrap(), Prepared::InForce(3));
    give(&mut book, Act::Undo { undoes: 1 });
    for act in [
        Act::Undo { undoes: 1 },
        Act::Undo { undoes: 2 },
        Act::Undo { undoes: 99 },
        exclude("no domain"),
        Act::OptOut {
            what: "*.pdf".into(),
        },
        Act::Seeds { seeds: vec![] },
        Act::Seeds {
            seeds: vec!["http://".into()],
        },
        Act::SeedsTaken { of: 1 },
    ] {
        let refused = book.prepare(act.clone());
        assert!(matches!(refused, Err(OrderError::Refused(_))), "{act:?}");
    }
    let outs = book.opt_outs();
    assert!(outs["a.example"].0);
}

#[test]
fn an_exclusion_that_could_not_be_held_is_refused() {
    let disk = MemoryDisk::new();
    let mut book = book(&disk);
    let pattern = |number: usize| exclude(&format!("https://a.example/{number}/*"));
    let acts = (0..10_000).map(|number| (String::new(), String::new(), pattern(number)));
    book.give_all(Wall(7), acts.collect()).unwrap();
    let refusal = book.prepare(pattern(10_000)).unwrap_err();
    assert!(refusal.to_string().contains("10000"), "{refusal}");
    assert!(
        book.prepare(exclude("b.example")).is_ok(),
        "domains have room of their own"
    );
}

#[test]
fn a_line_that_is_no_order_is_told_from_a_torn_one() {
    for (lines, foreign) in [
        ("", None),
        ("example.com\n", Some(1)),
        ("{\"order\":1,\"at_us\":7\n", None),
        ("{\"order\":1,\"at_us\":7", None),
        ("{\"order\":1}\nx", Some(1)),
    ] {
        let disk = MemoryDisk::new();
        let path = Path::new("/c/state/orders.jsonl");
        disk.append(path).unwrap().append(lines.as_bytes()).unwrap();
        assert_eq!(book(&disk).foreign_line(), foreign, "{lines}");
    }
}

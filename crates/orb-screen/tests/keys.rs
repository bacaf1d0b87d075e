//! What keys do, as a table.
#![allow(
    clippy::unwrap_used,
    reason = "part of tests: a failure is their way to fail"
)]

mod sample;

use orb_api::{Phase, SiteOrder};
use orb_screen::ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use orb_screen::{Action, Role, Screen};
use sample::{BLOCKS, press, text, view, watched};

/// Keys as one writes them: letters, and names in angle brackets.
fn type_in(screen: &mut Screen, keys: &str) -> Vec<Action> {
    let mut actions = Vec::new();
    for word in keys.split_whitespace() {
        let (code, modifiers) = match word {
            "<enter>" => (KeyCode::Enter, KeyModifiers::NONE),
            "<esc>" => (KeyCode::Esc, KeyModifiers::NONE),
            "<back>" => (KeyCode::Backspace, KeyModifiers::NONE),
            "<down>" => (KeyCode::Down, KeyModifiers::NONE),
            "<up>" => (KeyCode::Up, KeyModifiers::NONE),
            "<end>" => (KeyCode::End, KeyModifiers::NONE),
            "<page>" => (KeyCode::PageDown, KeyModifiers::NONE),
            control if control.starts_with('^') => (
                KeyCode::Char(control.chars().nth(1).unwrap()),
                KeyModifiers::CONTROL,
            ),
            letter => (
                KeyCode::Char(letter.chars().next().unwrap()),
                KeyModifiers::NONE,
            ),
        };
        actions.extend(screen.key(KeyEvent::new(code, modifiers)));
    }
    actions
}

#[track_caller]
fn check(role: Role, keys: &str, expected: &[Action]) {
    let mut screen = watched(role, BLOCKS);
    assert_eq!(type_in(&mut screen, keys), expected, "{keys}");
}

#[test]
fn what_each_key_asks_the_program_for() {
    use Action::*;
    for role in [Role::Crawl, Role::Watch] {
        check(role, "p", &[Pause]);
        check(role, "x", &[]);
        check(role, "x y", &[Stop]);
        check(role, "x n p", &[Pause]);
        check(role, "x <esc> y", &[]);
        check(role, "x z j y", &[Stop]);
        check(role, "^c", &[Interrupt]);
        check(role, "x ^c", &[Interrupt]);
        check(role, "^z ^l", &[Suspend, Redraw]);
        check(role, "s s S", &[Ask, Ask, Ask]);
        check(role, "? q l q", &[]);
        check(role, "<enter>", &[Ask]);
        check(role, "<enter> <esc> <esc>", &[Ask]);
        check(role, "<enter> j j k", &[Ask, Ask, Ask, Ask]);
        check(role, "<enter> p x y", &[Ask, Pause, Stop]);
        check(role, "/ p q x", &[Ask, Ask, Ask]);
        check(role, "/ a <enter> p", &[Ask, Pause]);
        check(role, "/ a <back> <back> p", &[Ask, Ask, Pause]);
        check(role, "/ a b ^u <esc> p", &[Ask, Ask, Ask, Pause]);
        check(role, "/ a <enter> <esc>", &[Ask, Ask]);
        check(role, "7 ~", &[]);
    }
    check(Role::Watch, "q", &[Leave]);
    check(Role::Watch, "<enter> q", &[Ask, Leave]);
    check(Role::Crawl, "q", &[]);
    check(Role::Crawl, "q q p", &[Pause]);
    check(Role::Crawl, "q k", &[Leave]);
    check(Role::Crawl, "q s", &[Stop]);
    check(Role::Crawl, "q <esc> k p", &[Pause]);
}

#[test]
fn a_paused_crawl_goes_on() {
    let mut screen = watched(Role::Watch, BLOCKS);
    let mut paused = view(31.0);
    paused.status.phase = Phase::Paused;
    screen.take(paused);
    assert_eq!(press(&mut screen, KeyCode::Char('p')), [Action::Resume]);
}

#[test]
fn orders_go_round_and_the_filter_is_asked_for() {
    let mut screen = watched(Role::Watch, BLOCKS);
    assert_eq!(screen.query().order, SiteOrder::Busy);
    type_in(&mut screen, "S");
    assert_eq!(screen.query().order, SiteOrder::Name);
    type_in(&mut screen, "s s");
    assert_eq!(screen.query().order, SiteOrder::Slow);
    type_in(&mut screen, "/ E x . c");
    assert_eq!(screen.query().filter, "ex.c");
    type_in(&mut screen, &"a ".repeat(200));
    assert_eq!(screen.query().filter.len(), 64);
    assert!(screen.query().sites_max > 0);
}

/// The order of a table changes under one's fingers; what was chosen stays chosen.
#[test]
fn the_choice_follows_the_site_not_the_line() {
    let mut screen = watched(Role::Watch, BLOCKS);
    type_in(&mut screen, "j j <enter>");
    assert_eq!(screen.site_wanted(), Some("example.org"));
    let mut turned = view(31.0);
    turned.sites.reverse();
    screen.take(turned);
    assert_eq!(screen.site_wanted(), Some("example.org"));
    type_in(&mut screen, "j");
    assert_eq!(screen.site_wanted(), Some("example.com"));
    // At the end of the table nothing is next.
    assert_eq!(type_in(&mut screen, "j"), []);
    // A site that left the table can still be looked at; the next one is found where it stood.
    let mut fewer = view(32.0);
    fewer.sites.truncate(2);
    fewer.sites.remove(0);
    screen.take(fewer);
    assert_eq!(screen.site_wanted(), Some("example.com"));
    type_in(&mut screen, "<esc> <down> <enter>");
    assert_eq!(screen.site_wanted(), Some("example.org"));
}

#[test]
fn the_chosen_line_stays_in_sight() {
    let mut screen = watched(Role::Watch, BLOCKS);
    let mut many = view(31.0);
    many.sites = (0..100)
        .map(|number| {
            sample::site(
                &format!("s{number:03}.example"),
                orb_api::SitePhase::Idle,
                1,
                0,
            )
        })
        .collect();
    screen.take(many);
    text(&mut screen, 80, 24);
    for (keys, expected) in [
        ("<end>", "s099.example"),
        ("<up> <up>", "s097.example"),
        ("g", "s000.example"),
        ("<page> <page> <page>", "s018.example"),
    ] {
        type_in(&mut screen, keys);
        let shown = text(&mut screen, 80, 24);
        assert!(
            shown.contains(expected),
            "{keys}: {expected} is not in\n{shown}"
        );
    }
}

#[test]
fn released_keys_do_nothing() {
    let mut screen = watched(Role::Watch, BLOCKS);
    let released = KeyEvent::new_with_kind(
        KeyCode::Char('q'),
        KeyModifiers::NONE,
        KeyEventKind::Release,
    );
    assert_eq!(screen.key(released), []);
}

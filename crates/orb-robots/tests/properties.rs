//! Properties over generated files: nothing panics, strangers change nothing, and the index agrees with plain search.

use orb_robots::limits::ROBOTS_BYTES_MAX;
use orb_robots::{Access, ProductToken, Robots};
use proptest::prelude::*;

fn token() -> ProductToken {
    ProductToken::new("orbweaver").expect("letters")
}

/// RFC 9309, 2.2.3, written down without any cleverness: is `pattern` a match for a beginning of `path`?
fn plain_match(pattern: &[u8], path: &[u8]) -> bool {
    // reached[n]: the pattern so far can end at n.
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for (at, &byte) in pattern.iter().enumerate() {
        if byte == b'$' && at + 1 == pattern.len() {
            return reached[path.len()];
        }
        let mut next = vec![false; path.len() + 1];
        for n in 0..=path.len() {
            if byte == b'*' {
                next[n] = reached[n] || n > 0 && next[n - 1];
            } else {
                next[n] = n > 0 && reached[n - 1] && path[n - 1] == byte;
            }
        }
        reached = next;
    }
    reached.contains(&true)
}

/// RFC 9309, 2.2.2: octets, then allow.
fn plain_access(rules: &[(bool, String)], path: &str) -> Access {
    let best = rules
        .iter()
        .filter(|(_, pattern)| {
            !pattern.is_empty() && plain_match(pattern.as_bytes(), path.as_bytes())
        })
        .max_by_key(|(allow, pattern)| (pattern.len(), *allow));
    if best.is_none_or(|(allow, _)| *allow) {
        Access::Allow
    } else {
        Access::Disallow
    }
}

fn body_of(agent: &str, rules: &[(bool, String)]) -> String {
    let mut body = format!("User-agent: {agent}\n");
    for (allow, pattern) in rules {
        body.push_str(if *allow { "Allow: " } else { "Disallow: " });
        body.push_str(pattern);
        body.push('\n');
    }
    body
}

/// Few letters, so that matches, ties and prefixes are common. `$` stands at the end only: in the middle it is
/// spelt as three octets, which the plain search does not do.
fn rules() -> impl Strategy<Value = Vec<(bool, String)>> {
    prop::collection::vec((any::<bool>(), "([/*][ab/?*]{0,7}\\$?)?"), 0..12)
}

fn path() -> impl Strategy<Value = String> {
    "/[ab/?]{0,12}"
}

/// Lines that a group may hold, well-formed and not.
fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        "(Allow|Disallow|disallow ): ?[/*][a-c%*$./]{0,8}",
        "(Sitemap|Crawl-delay|Content-Usage|X): ?[ -~]{0,10}",
        "[ -~]{0,20}",
        "\\PC{0,10}",
    ]
    .prop_filter("no further agents", |line| {
        !line.to_ascii_lowercase().contains("agent")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn no_bytes_panic(body in prop::collection::vec(any::<u8>(), 0..600), path in "\\PC{0,40}") {
        let robots = Robots::parse(&body, &token());
        robots.access(&path);
        prop_assert!(robots.heap_bytes() > 0);
    }

    #[test]
    fn no_text_panics(lines in prop::collection::vec(any_line(), 0..20), path in "\\PC{0,40}") {
        let body = format!("User-agent: *\n{}", lines.join("\n"));
        let robots = Robots::parse(body.as_bytes(), &token());
        prop_assert_eq!(robots.access(&path), robots.access(&path));
    }

    #[test]
    fn the_index_agrees_with_plain_search(rules in rules(), path in path()) {
        let robots = Robots::parse(body_of("*", &rules).as_bytes(), &token());
        let verdict = robots.access(&path);
        prop_assert_eq!(verdict.access, plain_access(&rules, &path), "{:?} {:?}", rules, verdict);
        if let Some(line) = verdict.line {
            let (allow, pattern) = &rules[line as usize - 2];
            prop_assert_eq!(*allow, verdict.access == Access::Allow);
            prop_assert!(plain_match(pattern.as_bytes(), path.as_bytes()));
        }
    }

    #[test]
    fn an_unrelated_group_changes_nothing(
        ours in rules(), theirs in rules(), path in path(), anyone in any::<bool>(), first in any::<bool>()
    ) {
        // A group without rules would share those of the next.
        let ours = [ours, vec![(true, "/zz".into())]].concat();
        let theirs = [theirs, vec![(false, "/".into())]].concat();
        let own = body_of(if anyone { "*" } else { "OrbWeaver/2" }, &ours);
        let other = body_of("strangerbot", &theirs);
        let both = if first { other + &own } else { own.clone() + &other };
        let (alone, joined) = (Robots::parse(own.as_bytes(), &token()), Robots::parse(both.as_bytes(), &token()));
        prop_assert_eq!(alone.access(&path).rule, joined.access(&path).rule);
        prop_assert_eq!(alone.access(&path).access, joined.access(&path).access);
        prop_assert_eq!(alone.crawl_delay(), joined.crawl_delay());
    }

    #[test]
    fn order_of_rules_does_not_matter(rules in rules(), path in path()) {
        let mut turned = rules.clone();
        turned.reverse();
        let access = |rules: &[_]| Robots::parse(body_of("*", rules).as_bytes(), &token()).access(&path).access;
        prop_assert_eq!(access(&rules), access(&turned));
    }

    #[test]
    fn escaping_a_letter_changes_nothing(rules in rules(), path in path()) {
        let escaped = path.replace('a', "%61");
        let robots = Robots::parse(body_of("*", &rules).as_bytes(), &token());
        prop_assert_eq!(robots.access(&path), robots.access(&escaped));
    }
}

#[test]
fn the_limit_is_500_kib() {
    assert_eq!(ROBOTS_BYTES_MAX, 512_000);
}

//! RFC 9309 as a specification: groups, precedence, wildcards, spelling of paths.

use orb_robots::{Access, GroupUsed, ProductToken, Robots, TokenError};

use Access::{Allow, Disallow};

fn parse(body: &str) -> Robots {
    Robots::parse(
        body.as_bytes(),
        &ProductToken::new("ExampleBot").expect("letters"),
    )
}

/// Judges `path` by a file for our agent.
#[track_caller]
fn check_file(body: &str, path: &str, expected: Access) {
    let verdict = parse(body).access(path);
    assert_eq!(
        verdict.access, expected,
        "{path} under\n{body}\n{verdict:?}"
    );
}

/// Judges `path` by rules that apply to everyone.
#[track_caller]
fn check(rules: &str, path: &str, expected: Access) {
    check_file(&format!("User-agent: *\n{rules}\n"), path, expected);
}

/// 2.2.1: a product token is letters, `_` and `-`.
#[test]
fn product_tokens_are_checked() {
    assert_eq!(
        ProductToken::new("orb-weaver_x").unwrap().as_str(),
        "orb-weaver_x"
    );
    assert_eq!(ProductToken::new("").unwrap_err(), TokenError::Empty);
    for (token, found) in [("orb/1.0", '/'), ("orb2", '2'), ("*", '*'), ("örb", 'ö')] {
        assert_eq!(
            ProductToken::new(token).unwrap_err(),
            TokenError::BadCharacter {
                token: token.into(),
                found
            }
        );
    }
    assert!(matches!(
        ProductToken::new(&"a".repeat(65)),
        Err(TokenError::TooLong {
            bytes: 65,
            limit_bytes: 64
        })
    ));
}

/// 2.2.1: the token is compared without case, up to the first character that cannot belong to one.
#[test]
fn agent_lines_name_us_by_token() {
    for named in [
        "ExampleBot",
        "examplebot",
        "EXAMPLEBOT/1.0",
        "ExampleBot * 2",
        "ExampleBot (+https://a.b)",
    ] {
        check_file(&format!("User-agent: {named}\nDisallow: /"), "/a", Disallow);
    }
    for other in [
        "Example",
        "ExampleBots",
        "ExampleBot-News",
        "Bot",
        "Mozilla ExampleBot",
        "",
        "1ExampleBot",
        "**",
    ] {
        check_file(&format!("User-agent: {other}\nDisallow: /"), "/a", Allow);
    }
}

/// 2.2.1: a group that names us is used instead of `*`, wherever the two stand.
#[test]
fn a_named_group_beats_the_star() {
    let named = "User-agent: examplebot\nDisallow: /named\n";
    let anyone = "User-agent: *\nDisallow: /anyone\n";
    for body in [format!("{named}{anyone}"), format!("{anyone}{named}")] {
        check_file(&body, "/named", Disallow);
        check_file(&body, "/anyone", Allow);
    }
    check_file(
        "User-agent: *\nDisallow: /\n\nUser-agent: examplebot\n",
        "/a",
        Allow,
    );
    check_file("User-agent: other\nDisallow: /\n", "/a", Allow);
}

/// 2.2.1: groups of one token are one group, for `*` too.
#[test]
fn groups_of_one_agent_are_merged() {
    let body = "User-agent: examplebot\nDisallow: /foo\n\nUser-agent: barbot\nDisallow: /bar\n\
                \nUser-agent: ExampleBot\nDisallow: /baz\n";
    check_file(body, "/foo", Disallow);
    check_file(body, "/bar", Allow);
    check_file(body, "/baz", Disallow);
    let body =
        "User-agent: *\nDisallow: /a\nUser-agent: x\nDisallow: /b\nUser-agent: *\nDisallow: /c\n";
    check_file(body, "/a", Disallow);
    check_file(body, "/b", Allow);
    check_file(body, "/c", Disallow);
}

/// 2.2.1 and 2.2.4: neighbouring agent lines share a group; blank lines, comments and other records part none.
#[test]
fn agent_lines_share_the_rules_that_follow() {
    for between in [
        "",
        "\n",
        "# note\n",
        "Sitemap: https://a.b/s.xml\n",
        "Crawl-delay: 3\n",
        "Unknown: x\n",
        "Nonsense\n",
    ] {
        let body = format!(
            "User-agent: examplebot\n{between}User-agent: other\n{between}Disallow: /a\n{between}Disallow: /b\n"
        );
        check_file(&body, "/a", Disallow);
        check_file(&body, "/b", Disallow);
    }
    check_file(
        "User-agent: examplebot\nAllow: /x\nUser-agent: other\nDisallow: /",
        "/a",
        Allow,
    );
    check_file(
        "User-agent: examplebot\nDisallow:\nUser-agent: other\nDisallow: /",
        "/a",
        Allow,
    );
}

/// 2.2: rules belong to a group; before the first there is none.
#[test]
fn rules_before_any_agent_are_ignored() {
    check_file("Disallow: /\nUser-agent: *\nDisallow: /b", "/a", Allow);
    check_file("Disallow: /", "/a", Allow);
}

/// 2.2.2: the match with the most octets decides, whatever the order.
#[test]
fn the_longest_match_wins() {
    check("Disallow: /a\nAllow: /a/b", "/a/b/c", Allow);
    check("Allow: /a\nDisallow: /a/b", "/a/b/c", Disallow);
    check("Allow: /a/b\nDisallow: /a", "/a/b/c", Allow);
    check("Allow: /a/b\nDisallow: /a", "/a/c", Disallow);
    check("Allow: /page\nDisallow: /*.htm", "/page.htm", Disallow);
    check("Allow: /page\nDisallow: /*.ph", "/page.php5", Allow);
    check("Allow: /$\nDisallow: /", "/", Allow);
    check("Allow: /$\nDisallow: /", "/page.htm", Disallow);
}

/// 2.2.2: of an allow and a disallow that are equivalent, the allow is used.
#[test]
fn allow_wins_a_tie() {
    check("Allow: /folder\nDisallow: /folder", "/folder/page", Allow);
    check("Disallow: /folder\nAllow: /folder", "/folder/page", Allow);
    check("Disallow: /a*c\nAllow: /abc", "/abc", Allow);
    check("Disallow: /f%6Fo\nAllow: /foo", "/foo", Allow);
}

/// 2.2.2: nothing matches, nothing is forbidden; the path's case counts; an empty pattern is none.
#[test]
fn without_a_match_access_is_allowed() {
    check("", "/a", Allow);
    check("Disallow:", "/a", Allow);
    check("Disallow: \nDisallow: /b", "/a", Allow);
    check("Disallow: /A", "/a", Allow);
    check("Disallow: /a/", "/a", Allow);
    check("Disallow: a", "/a", Allow);
    check("Disallow: https://example.org/a", "/a", Allow);
    check("Disallow: /", "", Disallow);
    check("Disallow: /?q", "?q=1", Disallow);
    check("Disallow: /a", "/a#fragment", Disallow);
    check("Disallow: /*b", "/a#b", Allow);
}

/// 2.2.2: /robots.txt is implicitly allowed.
#[test]
fn robots_txt_itself_is_always_allowed() {
    check("Disallow: /", "/robots.txt", Allow);
    check("Disallow: /robots.txt", "/robots.txt?x=1", Allow);
    check("Disallow: /", "/robots.txt/x", Disallow);
    check("Disallow: /", "/a/robots.txt", Disallow);
    assert_eq!(Robots::disallow_all().access("/robots.txt").access, Allow);
}

/// 2.2.2, its table: octets outside ASCII and escapes of unreserved characters compare by meaning.
#[test]
fn spellings_of_one_path_are_equal() {
    let same: &[&[&str]] = &[
        &["/foo/bar?baz=quz"],
        &[
            "/foo/bar?baz=https://foo.bar",
            "/foo/bar?baz=https%3A%2F%2Ffoo.bar",
            "/foo/bar?baz=https%3a%2f%2ffoo.bar",
        ],
        &[
            "/foo/bar/\u{30c4}",
            "/foo/bar/%E3%83%84",
            "/foo/bar/%e3%83%84",
        ],
        &["/foo/bar/%62%61%7A", "/foo/bar/baz"],
        &["/a b", "/a%20b"],
        &["/caf\u{e9}?x=\u{e9}", "/caf%c3%a9?x=%C3%A9"],
    ];
    for spellings in same {
        for rule in *spellings {
            for path in *spellings {
                check(&format!("Disallow: {rule}"), path, Disallow);
            }
        }
    }
}

/// 2.2.2: an escape of a reserved character is not the character.
#[test]
fn escaped_reserved_characters_stay_themselves() {
    check("Disallow: /a%2Fb", "/a/b", Allow);
    check("Disallow: /a/b", "/a%2Fb", Allow);
    check("Disallow: /a%2fb", "/a%2Fb", Disallow);
    check("Disallow: /*%2F", "/x?u=%2F", Disallow);
    check("Disallow: /*%2F", "/x?u=/", Allow);
    check("Disallow: /x?a=1%26b", "/x?a=1&b", Allow);
    check("Disallow: /*/foo", "/x?u=a/foo", Disallow);
}

/// 2.2.3: `*` is any run of characters, `$` the end, and both can be named by escapes.
#[test]
fn wildcards_and_anchors() {
    for (pattern, matching, others) in [
        ("/", vec!["/", "/a", "/a/b?c"], vec![]),
        ("*", vec!["/", "/a"], vec![]),
        ("/*", vec!["/", "/a"], vec![]),
        ("/$", vec!["/"], vec!["/a", "/?"]),
        (
            "/fish",
            vec!["/fish", "/fish.html", "/fish/salmon", "/fish?id=1"],
            vec!["/Fish", "/catfish", "/desert/fish", "/fis"],
        ),
        ("/fish*", vec!["/fish", "/fish.html"], vec!["/catfish"]),
        (
            "/fish/",
            vec!["/fish/", "/fish/a"],
            vec!["/fish", "/fish.html"],
        ),
        (
            "/*.php",
            vec!["/index.php", "/a/b.php?c", "/a.php/"],
            vec!["/", "/windows.PHP"],
        ),
        (
            "/*.php$",
            vec!["/a.php", "/a.php.php"],
            vec!["/a.php?x", "/a.php5", "/.phpx"],
        ),
        (
            "/fish*.php",
            vec!["/fish.php", "/fishheads/cat.php?p"],
            vec!["/Fish.PHP", "/fis.php"],
        ),
        (
            "*/private/*/x$",
            vec!["/private/a/x", "/a/private/b/c/x"],
            vec!["/private/x", "/private/a/xy"],
        ),
        (
            "/a*b*c",
            vec!["/abc", "/a1b2c3", "/abbc"],
            vec!["/acb", "/ab", "/bac"],
        ),
        ("/a**b", vec!["/ab", "/axb"], vec!["/a"]),
        ("/a*$", vec!["/a", "/abc"], vec!["/b"]),
        ("/a*a$", vec!["/aa", "/aba"], vec!["/a", "/ab"]),
        ("/*ab*b$", vec!["/abb", "/ab-b"], vec!["/ab"]),
        ("/a$b", vec!["/a$b", "/a%24bc"], vec!["/a", "/ab"]),
        ("/a$$", vec!["/a$"], vec!["/a", "/a$b"]),
        (
            "/file-with-a-%2A.html",
            vec!["/file-with-a-*.html", "/file-with-a-%2a.html"],
            vec!["/file-with-a-b.html"],
        ),
        (
            "/foo-%24",
            vec!["/foo-$", "/foo-$x", "/foo-%24"],
            vec!["/foo-"],
        ),
        ("/*?", vec!["/?", "/a?b"], vec!["/a"]),
    ] {
        for path in matching {
            check(&format!("Disallow: {pattern}"), path, Disallow);
        }
        for path in others {
            check(&format!("Disallow: {pattern}"), path, Allow);
        }
    }
}

/// 5.1: the RFC's simple example.
#[test]
fn simple_example() {
    let body = "User-Agent: *\nDisallow: *.gif$\nDisallow: /example/\nAllow: /publications/\n\n\
                User-Agent: foobot\nDisallow:/\nAllow:/example/page.html\nAllow:/example/allowed.gif\n\n\
                User-Agent: barbot\nUser-Agent: bazbot\nDisallow: /example/page.html\n\n\
                User-Agent: quxbot\n";
    let judge = |agent, path| {
        Robots::parse(body.as_bytes(), &ProductToken::new(agent).unwrap())
            .access(path)
            .access
    };
    for (agent, path, expected) in [
        ("foobot", "/example/page.html", Allow),
        ("foobot", "/example/allowed.gif", Allow),
        ("foobot", "/publications/", Disallow),
        ("barbot", "/example/page.html", Disallow),
        ("bazbot", "/example/page.html", Disallow),
        ("bazbot", "/a.gif", Allow),
        ("quxbot", "/example/page.html", Allow),
        ("quxbot", "/a.gif", Allow),
        ("otherbot", "/a.gif", Disallow),
        ("otherbot", "/a.gif?x", Allow),
        ("otherbot", "/example/page.html", Disallow),
        ("otherbot", "/publications/x", Allow),
    ] {
        assert_eq!(judge(agent, path), expected, "{agent} {path}");
    }
}

/// 5.2: the RFC's example of the longest match.
#[test]
fn longest_match_example() {
    let body =
        "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n";
    let robots = Robots::parse(body.as_bytes(), &ProductToken::new("foobot").unwrap());
    let verdict = robots.access("/example/page/disallowed.gif");
    assert_eq!(verdict.access, Disallow);
    assert_eq!(verdict.line, Some(3));
    assert_eq!(
        verdict.rule.as_deref(),
        Some("Disallow: /example/page/disallowed.gif")
    );
}

/// What else matches is told in the order of precedence, and whose group it is.
#[test]
fn matching_rules_explain_a_verdict() {
    let body =
        "User-agent: *\nDisallow: /a\nAllow: /a/b$\nAllow: /*b\nDisallow: /c\nDisallow: /a/b\n";
    let robots = parse(body);
    let lines = |path, max| -> Vec<u32> {
        let matching = robots.matching(path, max);
        matching.iter().filter_map(|verdict| verdict.line).collect()
    };
    assert_eq!(lines("/a/b", 20), [3, 6, 4, 2]);
    assert_eq!(lines("/a/b", 2), [3, 6]);
    assert_eq!(lines("/x", 20), [0; 0]);
    for path in ["/a/b", "/a/bc", "/a", "/c/d", "/x"] {
        assert_eq!(
            lines(path, 1).first().copied(),
            robots.access(path).line,
            "{path}"
        );
    }
    assert_eq!(robots.group(), GroupUsed::Anyone);
    assert_eq!(
        parse("User-agent: nobody\nDisallow: /").group(),
        GroupUsed::Nobody
    );
    assert_eq!(
        parse("User-agent: examplebot\nUser-agent: *\n").group(),
        GroupUsed::Named
    );
}

/// The verdict names the line a person finds in an editor, and the pattern as written.
#[test]
fn verdicts_name_their_line() {
    let body = "# one\r\nUser-agent: *\r\n\r\nDisallow: /%7ejoe/*.%67if$ # no pictures\rAllow: /\nDisallow: /b\nDisallow: /b";
    let robots = parse(body);
    let verdict = robots.access("/~joe/a.gif");
    assert_eq!(
        (verdict.line, verdict.rule.as_deref()),
        (Some(4), Some("Disallow: /%7ejoe/*.%67if$"))
    );
    assert_eq!(robots.access("/x").rule.as_deref(), Some("Allow: /"));
    assert_eq!(
        robots.access("/b").line,
        Some(6),
        "of equal rules the first"
    );
    assert_eq!(parse("").access("/x").line, None);
}

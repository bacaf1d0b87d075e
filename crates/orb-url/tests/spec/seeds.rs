//! Lines of a seeds file.

use orb_url::{Seed, UrlError, is_seed_header, parse_seed_line};

/// `want`: the URL, whether the domain was bare, and the rank; or the code of the refusal.
fn check(line: &str, want: Result<(&str, bool, Option<u32>), &str>) {
    let got = parse_seed_line(line).map(|seed| seed.expect("the line holds a seed"));
    let got = got
        .as_ref()
        .map(|seed| (seed.url.as_str(), seed.bare_domain, seed.rank))
        .map_err(UrlError::code);
    assert_eq!(got, want, "{line:?}");
}

#[test]
fn a_line_is_a_url_or_a_bare_domain() {
    check(
        "http://example.com/a",
        Ok(("http://example.com/a", false, None)),
    );
    check(
        "HTTPS:example.com",
        Ok(("https://example.com/", false, None)),
    );
    check("example.com", Ok(("https://example.com/", true, None)));
    check(
        "example.com:8080",
        Ok(("https://example.com:8080/", true, None)),
    );
    check(
        "example.com:8080/x?y",
        Ok(("https://example.com:8080/x?y", true, None)),
    );
    check(
        "Example.com/x#top",
        Ok(("https://example.com/x", true, None)),
    );
    check(
        "localhost:8080",
        Ok(("https://localhost:8080/", true, None)),
    );
    check("example.com:", Ok(("https://example.com/", true, None)));
    check("192.0.2.1", Ok(("https://192.0.2.1/", true, None)));
    check("[::1]:81/a", Ok(("https://[::1]:81/a", true, None)));
    check(
        "b\u{fc}cher.example",
        Ok(("https://xn--bcher-kva.example/", true, None)),
    );
}

#[test]
fn a_rank_may_stand_before_a_comma() {
    check("1,example.com", Ok(("https://example.com/", true, Some(1))));
    check(
        "1000000 , example.com\r\n",
        Ok(("https://example.com/", true, Some(1_000_000))),
    );
    check(
        "7,http://example.com/a,b",
        Ok(("http://example.com/a,b", false, Some(7))),
    );
    check(
        "http://example.com/1,2",
        Ok(("http://example.com/1,2", false, None)),
    );
    check(
        "3\texample.com",
        Ok(("https://example.com/", true, Some(3))),
    );
    check("3;example.com", Ok(("https://example.com/", true, Some(3))));
    check(
        "https://example.com,1000",
        Ok(("https://example.com/", false, Some(1000))),
    );
    check("example.com,5", Ok(("https://example.com/", true, Some(5))));
    check("4294967296,example.com", Err("bad_rank"));
    check("1,", Err("no_host"));
}

/// What lists hold beside tidy lines.
#[test]
fn domains_are_read_as_lists_write_them() {
    for line in [
        "EXAMPLE.COM",
        "example.com.",
        "*.example.com",
        "  example.com\t",
        "example.com/",
        "1,*.Example.com.\r\n",
    ] {
        let seed = parse_seed_line(line).unwrap().unwrap();
        assert_eq!(seed.url.as_str(), "https://example.com/", "{line:?}");
        assert!(seed.bare_domain, "{line:?}");
    }
    check(
        "http://example.com",
        Ok(("http://example.com/", false, None)),
    );
    check("*", Err("bad_host"));
    check("*.*.com", Err("bad_host"));
    check("http://*.example.com/", Err("bad_host"));
}

#[test]
fn headings_of_tables_are_known() {
    for line in [
        "rank,domain",
        "Rank,Domain",
        "origin,rank",
        "\u{feff}\"rank\",\"domain\"\r",
        "GlobalRank,TldRank,Domain,TLD",
        "url",
        "domain",
    ] {
        assert!(is_seed_header(line), "{line:?}");
    }
    for line in [
        "1,example.com",
        "domain.example",
        "example.com",
        "",
        "# domain",
        "rank",
    ] {
        assert!(!is_seed_header(line), "{line:?}");
    }
}

#[test]
fn comments_blanks_and_marks_are_skipped() {
    for line in [
        "",
        " \t\r\n",
        "#",
        "# http://example.com/",
        "\u{feff}",
        "\u{feff}# a",
        " #a",
    ] {
        assert_eq!(parse_seed_line(line), Ok(None), "{line:?}");
    }
    check(
        "\u{feff}example.com\r",
        Ok(("https://example.com/", true, None)),
    );
    check(
        "\u{feff}1,example.com",
        Ok(("https://example.com/", true, Some(1))),
    );
    check(
        "http://example.com/a # why",
        Ok(("http://example.com/a", false, None)),
    );
    check(
        "http://example.com/a#b",
        Ok(("http://example.com/a", false, None)),
    );
}

#[test]
fn other_lines_are_refused() {
    check("mailto:me@example.com", Err("not_http"));
    check("ftp://example.com/", Err("not_http"));
    check("me@example.com", Err("bad_host"));
    check("rank,domain", Err("bad_host"));
    check("two words", Err("bad_host"));
    check("\"example.com\"", Err("bad_host"));
    check("a\\b", Err("bad_host"));
    check("/a/b", Err("no_host"));
    check("//example.com/", Err("no_host"));
    check("example.com:0", Err("bad_port"));
    check("example.com:65536", Err("bad_port"));
    check("1host:me@example.com", Err("bad_port"));
    check("[::1]x", Err("bad_port"));
    check("[::1", Err("bad_host"));
}

#[test]
fn only_a_bare_domain_falls_back_to_http() {
    let fallback = |line: &str| {
        let seed = parse_seed_line(line).ok().flatten();
        seed.as_ref()
            .and_then(Seed::http_fallback)
            .map(|url| url.to_string())
    };
    assert_eq!(fallback("example.com"), Some("http://example.com/".into()));
    assert_eq!(
        fallback("example.com:8080/a"),
        Some("http://example.com:8080/a".into())
    );
    assert_eq!(fallback("https://example.com/"), None);
}

//! The program from outside: what it prints, what it leaves, how it ends. Without any network.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

mod orb;

use std::fs;

use orb::{Ran, orb, orb_in, orb_with_input};
use serde_json::Value;

#[test]
fn help_names_the_exit_codes_and_every_command() {
    let help = orb(&["crawl", "--help"]);
    assert_eq!(help.code, 0);
    for part in [
        "Exit codes:",
        "stopped by a signal",
        "--allow-net",
        "Examples:",
        "[default: orb-crawl]",
    ] {
        assert!(help.out.contains(part), "{part}: {}", help.out);
    }
    let help = orb(&["--help"]).out;
    for command in [
        "crawl", "status", "stop", "pause", "resume", "audit", "fetch", "read", "robots", "url",
        "config",
    ] {
        assert!(
            help.contains(&format!("\n  {command} ")),
            "{command}: {help}"
        );
    }
    assert!(orb(&["--version"]).out.starts_with("orb "));
}

#[test]
fn wrong_usage_ends_with_2() {
    for line in [
        "crowl",
        "crawl --max-pages many",
        "crawl --delay soon",
        "crawl --scope world",
        "status a --out b",
    ] {
        let ran = orb(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 2, "{line}: {}", ran.err);
        assert!(!ran.err.is_empty(), "{line}");
    }
    assert_eq!(orb(&[]).code, 2);
}

/// Nothing of a run that cannot begin is left behind.
#[test]
fn a_crawl_that_cannot_begin_says_why_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bad.txt"),
        "ftp://a.example/\nmailto:x\n",
    )
    .unwrap();
    fs::write(folder.path().join("exclude.txt"), "# fine\nnot a rule\n").unwrap();
    fs::write(
        folder.path().join("orb.toml"),
        "[politeness]\nsite_delai = \"2s\"\n",
    )
    .unwrap();
    let check = |line: &str, part: &str| {
        let arguments: Vec<&str> = ["crawl", "--out", "c"]
            .into_iter()
            .chain(line.split_whitespace())
            .collect();
        let ran = orb_in(folder.path(), &arguments);
        assert_eq!(ran.code, 2, "{line}: {}", ran.err);
        assert!(ran.err.contains(part), "{line}: {}", ran.err);
        assert!(ran.out.is_empty(), "{line}: {}", ran.out);
        assert!(!folder.path().join("c").exists(), "{line}");
    };
    let own = "--allow-net 127.0.0.0/8";
    check("", "no contact");
    check("https://example.com/", "--contact you@example.org");
    check(
        "https://example.com/ --contact nobody",
        "neither a mail address nor an http(s) page",
    );
    check(
        "https://example.com/ --allow-net 8.0.0.0/8",
        "reaches public addresses",
    );
    check(own, "no seed to begin with, and c holds no crawl to resume");
    check(
        &format!("{own} --seeds missing.txt"),
        "seeds of missing.txt cannot be read: No such file",
    );
    check(&format!("{own} --seeds ."), "seeds of . cannot be read");
    check(
        &format!("{own} --seeds bad.txt"),
        "no seed to begin with: all 2 given are bad",
    );
    check(&format!("{own} --seeds bad.txt"), "bad.txt:1: ");
    check(
        &format!("{own} nonsense://x"),
        "URL 1 of the command line: ",
    );
    check(
        &format!("{own} http://127.0.0.1/ --exclude exclude.txt"),
        "exclude.txt:2: `not a rule`",
    );
    check(
        &format!("{own} http://127.0.0.1/ --config orb.toml"),
        "orb.toml:2:1: unknown setting `politeness.site_delai`, did you mean `politeness.site_delay`?",
    );
    check(
        &format!("{own} http://127.0.0.1/ --set fetch.keep_alive=2"),
        "expected a boolean",
    );
    check(
        &format!("{own} http://127.0.0.1/ --set memory_max=1MiB"),
        "at least 64MiB",
    );
    check(
        &format!("{own} http://127.0.0.1/ --ca missing.pem"),
        "read trust anchors from missing.pem",
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_storage() {
    let ran = orb(&[
        "crawl",
        "http://127.0.0.1/",
        "--allow-net",
        "127.0.0.0/8",
        "--out",
        "/dev/null/crawl",
    ]);
    assert_eq!(ran.code, 4, "{}", ran.err);
    assert!(
        ran.err.contains("cannot work in /dev/null/crawl"),
        "{}",
        ran.err
    );
}

#[test]
fn the_environment_sets_and_is_judged() {
    let ran = orb::command(&["config", "show", "--json"])
        .env("ORB_POLITENESS__SITE_DELAY", "7s")
        .output()
        .unwrap();
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(shown["politeness.site_delay"]["value"], "7s");
    assert_eq!(
        shown["politeness.site_delay"]["from"],
        "ORB_POLITENESS__SITE_DELAY"
    );
    let ran = orb::command(&["config", "show"])
        .env("ORB_POLITENESS__SITE_DELAI", "7s")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("did you mean `ORB_POLITENESS__SITE_DELAY`?")
    );
}

/// What is printed can be used as a settings file, and then says the same again.
#[test]
fn shown_settings_are_a_settings_file() {
    let folder = tempfile::tempdir().unwrap();
    let values = |ran: &Ran| -> Vec<String> {
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
            .lines()
            .map(|line| line.split("  # ").next().unwrap().trim_end().to_owned())
            .collect()
    };
    let first = orb_in(
        folder.path(),
        &[
            "config",
            "show",
            "--delay",
            "3s",
            "--allow-net",
            "127.0.0.0/8",
        ],
    );
    assert!(
        first.out.contains("# --delay") && first.out.contains("# default"),
        "{}",
        first.out
    );
    assert!(
        first.out.contains("politeness.site_delay = \"3s\""),
        "{}",
        first.out
    );
    fs::write(folder.path().join("orb.toml"), &first.out).unwrap();
    let second = orb_in(folder.path(), &["config", "show", "--config", "orb.toml"]);
    assert_eq!(values(&first), values(&second));
}

#[test]
fn a_url_is_explained() {
    let explained = orb(&[
        "url",
        "explain",
        "HTTP://Www.Example.COM:80/a/../b?q=1#top",
        "--json",
    ])
    .json();
    assert_eq!(explained["canonical"], "http://www.example.com/b?q=1");
    assert_eq!(explained["host"], "www.example.com");
    assert_eq!(explained["site"], "example.com");
    assert_eq!(explained["surt"], "com,example,www)/b?q=1");
    assert_eq!(explained["fingerprint"].as_str().unwrap().len(), 16);
    let joined = orb(&[
        "url",
        "explain",
        "../c",
        "--base",
        "https://a.example/x/y/z",
        "--json",
    ])
    .json();
    assert_eq!(joined["canonical"], "https://a.example/x/c");
    let refused = orb(&["url", "explain", "http://[bad", "--json"]);
    assert_eq!(refused.code, 0);
    assert!(refused.json()["error"].is_string());
    assert_eq!(orb(&["url", "explain", "x", "--base", "nonsense"]).code, 2);
}

#[test]
fn robots_rules_are_tested_with_their_line() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("robots.txt"),
        "User-agent: foobot\nDisallow: /p\nAllow: /p/q\n",
    )
    .unwrap();
    let test = |url: &str, agent: &str| {
        orb_in(
            folder.path(),
            &[
                "robots",
                "test",
                url,
                "--agent",
                agent,
                "--file",
                "robots.txt",
                "--json",
            ],
        )
        .json()
    };
    let verdict = test("https://a.example/p/x", "FooBot/2.1");
    assert_eq!(
        (&verdict["verdict"], &verdict["line"]),
        (&"disallow".into(), &2.into())
    );
    assert_eq!(verdict["rule"], "Disallow: /p");
    assert_eq!(test("https://a.example/p/q", "FooBot")["verdict"], "allow");
    let other = test("/p/x", "OtherBot");
    assert_eq!(
        (&other["verdict"], &other["line"]),
        (&"allow".into(), &Value::Null)
    );
    let ran = orb_in(
        folder.path(),
        &["robots", "test", "/", "--file", "none.txt"],
    );
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("none.txt cannot be read"), "{}", ran.err);
}

#[test]
fn a_page_is_read_from_a_file_and_from_standard_input() {
    let html =
        "<title>A  page</title><a href=x rel=nofollow>One</a><a href=/y>Two</a><p>Hello <b>you</b>";
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("page.html"), html).unwrap();
    let read = orb_in(
        folder.path(),
        &[
            "read",
            "page.html",
            "--url",
            "https://a.example/d/p",
            "--json",
        ],
    )
    .json();
    assert_eq!(
        (&read["title"], &read["base"]),
        (&"A page".into(), &"https://a.example/d/p".into())
    );
    let link = |url: &str, rel: &str, text: &str| serde_json::json!({"url": url, "rel": rel, "text": text});
    let links = [
        link("https://a.example/d/x", "nofollow", "One"),
        link("https://a.example/y", "", "Two"),
    ];
    assert_eq!(read["links"], Value::from(links.to_vec()));
    assert!(read["visible_text"].as_str().unwrap().contains("Hello you"));
    let piped = orb_with_input(
        &["read", "-", "--url", "https://a.example/d/p", "--json"],
        html.as_bytes(),
    );
    assert_eq!(piped.json(), read);
    assert_eq!(orb(&["read", "/no/such/file"]).code, 2);
}

#[test]
fn parts_of_a_page_are_printed_alone() {
    let html = "<html lang=en><title>Pots</title><nav><a href=/>Home</a></nav><main><h1>Red pots</h1>\
        <p>They hold a <a href=x>litre</a> of \u{1b}[2J\u{202e}tea and break when they fall.</p></main>";
    let part = |flag: &str| {
        let ran = orb_with_input(
            &["read", "-", "--url", "https://a.example/d/p", flag],
            html.as_bytes(),
        );
        assert_eq!(ran.code, 0, "{}", ran.err);
        ran.out
    };
    assert_eq!(
        part("--markdown"),
        "# Red pots\n\nThey hold a [litre](https://a.example/d/x) of \\[2J\\u{202e}tea and break when they fall.\n"
    );
    assert_eq!(
        part("--text"),
        "Red pots\n\nThey hold a litre of [2J\\u{202e}tea and break when they fall.\n"
    );
    assert_eq!(
        part("--links"),
        "https://a.example/\t\tHome\nhttps://a.example/d/x\t\tlitre\n"
    );
    assert!(part("--facts").contains("\"extraction\": \"marked\""));
    let all: Value = serde_json::from_str(&part("--json")).unwrap();
    assert_eq!(
        (&all["language"], &all["facts"]["links"]),
        (&"eng".into(), &1.into())
    );
    assert_eq!(orb(&["read", "-", "--text", "--markdown"]).code, 2);
}

#[test]
fn commands_about_a_folder_without_a_crawl_say_so() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["status", "stop", "pause", "resume", "audit"] {
        let ran = orb_in(folder.path(), &[command]);
        assert_eq!(ran.code, 2, "{command}");
        assert!(
            ran.err.contains("orb-crawl holds no crawl"),
            "{command}: {}",
            ran.err
        );
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "{command} made something"
        );
    }
}

#[test]
fn completions_are_printed_for_shells() {
    assert!(orb(&["completions", "bash"]).out.contains("_orb"));
    assert!(orb(&["completions", "zsh"]).out.contains("#compdef orb"));
}

/// What a new user does first: a file, a change in it, a look at what is in force.
#[test]
fn a_settings_file_is_begun_edited_and_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let here = |line: &str| orb_in(folder.path(), &line.split(' ').collect::<Vec<_>>());
    let written = here("config init --contact me@example.org --profile polite");
    assert_eq!(written.code, 0, "{}", written.err);
    let refused = here("config init");
    assert_eq!(refused.code, 2);
    assert!(
        refused.err.contains("orb.toml is there already"),
        "{}",
        refused.err
    );
    assert_eq!(here("config init --force --contact nobody").code, 2);
    let changed = here("config show --config orb.toml --changed");
    assert!(
        changed
            .out
            .contains("identity.contact = \"me@example.org\""),
        "{}",
        changed.out
    );
    assert!(changed.out.contains("# profile polite"), "{}", changed.out);
    assert!(!changed.out.contains("# default"), "{}", changed.out);
    let one = here("config show politeness.site_delay --config orb.toml");
    for part in [
        "= \"2s\"",
        "from      profile polite",
        "default   \"1s\"",
        "Pause between",
    ] {
        assert!(one.out.contains(part), "{part}: {}", one.out);
    }
    let unknown = here("config show politeness.site_delai");
    assert_eq!(unknown.code, 2);
    assert!(
        unknown
            .err
            .contains("did you mean `politeness.site_delay`?"),
        "{}",
        unknown.err
    );

    let path = folder.path().join("orb.toml");
    let text = fs::read_to_string(&path).unwrap();
    let edited = text.replace("#fetch.keep_alive = true", "fetch.keep_alife = true");
    fs::write(&path, edited).unwrap();
    let refused = here("config show --config orb.toml");
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .err
            .contains("unknown setting `fetch.keep_alife`, did you mean `fetch.keep_alive`?"),
        "{}",
        refused.err
    );
}

#[test]
fn what_can_be_set_is_told() {
    let keys = orb(&["config", "keys", "politeness"]).out;
    assert!(keys.contains("politeness.site_delay = \"1s\""), "{keys}");
    assert!(!keys.contains("dns.servers"), "{keys}");
    let profiles = orb(&["config", "profiles", "--json"]).json();
    let broad = &profiles["broad"]["values"];
    assert_eq!(broad["frontier.pages_per_site_max"]["value"], 10_000);
    let schema: Value = serde_json::from_str(&orb(&["config", "schema"]).out).unwrap();
    assert!(
        schema["properties"]["politeness"]["properties"]["site_delay"]["description"].is_string()
    );
    let printed = orb(&["config", "init", "-"]);
    assert!(
        printed.out.contains("#identity.contact = \"\""),
        "{}",
        printed.out
    );
    assert_eq!(orb(&["config", "show", "--profile", "brod"]).code, 2);
}

#[test]
fn manual_pages_are_printed_and_written() {
    assert!(
        orb(&["man", "config", "show"])
            .out
            .contains(".TH orb-config-show 1")
    );
    assert_eq!(orb(&["man", "crwl"]).code, 2);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(orb_in(folder.path(), &["man", "--out", "pages"]).code, 0);
    assert!(folder.path().join("pages/orb-crawl.1").exists());
}

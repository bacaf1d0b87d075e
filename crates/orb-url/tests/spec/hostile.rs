//! C4: poison URLs. Each ends as a refusal or as harmless text, the same on every machine.

use orb_url::{BaseUrl, CrawlUrl, Origin, Site, UrlError, explain, parse_seed_line};

/// Gives `text` to everything that takes text; what comes out is visible ASCII, and errors are
/// one short line without control or bidi characters.
fn try_everywhere(text: &str) -> Result<CrawlUrl, UrlError> {
    let page = CrawlUrl::parse("https://page.example/a/b?c").expect("valid");
    let base = BaseUrl::new(&page);
    let parsed = CrawlUrl::parse(text);
    let seed = parse_seed_line(text).map(|seed| seed.map_or(page.clone(), |seed| seed.url));
    let rebased = base
        .rebased(text)
        .map_or(page.join("x"), |base| base.join("x"));
    let origin = Origin::parse(text).map(|origin| origin.root());
    let site = Site::parse(text).map(|_| page.clone());
    let explained = explain(text, Some(&page)).map(|explained| explained.canonical);
    for result in [
        &parsed,
        &seed,
        &rebased,
        &origin,
        &site,
        &explained,
        &page.join(text),
    ] {
        match result {
            Ok(url) => assert_harmless(url, text),
            Err(error) => {
                let line = error.to_string();
                assert!(line.len() < 300, "{line}");
                let is_safe =
                    |c: char| c == '…' || c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
                assert!(line.chars().all(is_safe), "{line:?}");
            }
        }
    }
    parsed
}

fn assert_harmless(url: &CrawlUrl, text: &str) {
    assert!(url.as_str().len() <= 2_048);
    assert!(
        url.as_str().bytes().all(|b| b.is_ascii_graphic()),
        "{text:?}"
    );
    assert!(url.surt().bytes().all(|b| b.is_ascii_graphic()), "{text:?}");
    assert!(!url.authority().contains('@'), "{text:?}");
}

fn check(text: &str, want: Result<&str, &str>) {
    let got = try_everywhere(text);
    let got = got.as_ref().map(CrawlUrl::as_str).map_err(UrlError::code);
    assert_eq!(got, want, "{text:?}");
}

#[test]
fn c4_ten_megabytes_are_refused_wherever_they_stand() {
    let long = "a".repeat(10_000_000);
    for text in [
        format!("https://h/{long}"),
        format!("https://{long}/"),
        format!("https://me:{long}@h/"),
        format!("https://h/#{long}"),
        format!("https://h/{}", "/..".repeat(3_000_000)),
        format!("https://{}", "[".repeat(10_000_000)),
        long.clone(),
        "\0".repeat(10_000_000),
        "\u{202e}".repeat(3_000_000),
    ] {
        let code = try_everywhere(&text).map_err(|error| error.code());
        assert_eq!(code, Err("too_long"));
    }
}

#[test]
fn c4_no_control_or_bidi_character_survives() {
    let controls = (0..=0x20).chain(0x7f..=0xa0);
    let marks = (0x200b..=0x200f)
        .chain(0x202a..=0x202e)
        .chain(0x2060..=0x206f);
    let others = [
        0xad, 0x61c, 0xfeff, 0xfff9, 0xfffd, 0xfffe, 0xe0001, 0xe0041, 0x10_ffff,
    ];
    for c in controls
        .chain(marks)
        .chain(others)
        .filter_map(char::from_u32)
    {
        for text in [
            format!("https://h/{c}a{c}"),
            format!("https://h/?{c}a{c}"),
            format!("https://h/#{c}"),
            format!("https://a{c}b.example/"),
            format!("https://{c}@h/"),
            format!("https://h:{c}80/"),
            format!("{c}https{c}://h/"),
            format!("h{c}.example/{c}"),
            format!("{c}"),
        ] {
            drop(try_everywhere(&text));
        }
    }
    check(
        "https://h/\u{202e}gpj.exe",
        Ok("https://h/%E2%80%AEgpj.exe"),
    );
    check("https://a\u{202e}b/", Err("bad_host"));
    check("https://a\u{7f}b/", Err("bad_host"));
}

#[test]
fn c4_line_breaks_split_nothing() {
    check("https://h/a\r\nHost: evil", Ok("https://h/aHost:%20evil"));
    check(
        "https://h/a%0d%0aHost:%20evil",
        Ok("https://h/a%0D%0AHost:%20evil"),
    );
    check("https://h\r\n.example/", Ok("https://h.example/"));
    check("https://h%0d%0a.example/", Err("bad_host"));
}

#[test]
fn c4_nul_ends_nothing() {
    // At the end of the text the standard drops it.
    check("https://h/a\0b?\0c\0", Ok("https://h/a%00b?%00c"));
    check("https://h/%00", Ok("https://h/%00"));
    check("https://good.example\0.evil.example/", Err("bad_host"));
    check("https://good.example%00.evil.example/", Err("bad_host"));
}

#[test]
fn c4_user_information_never_decides_the_host() {
    check(
        "https://good.example@evil.example/",
        Ok("https://evil.example/"),
    );
    check(
        "https://good.example:443@evil.example:8443/",
        Ok("https://evil.example:8443/"),
    );
    check("https://a@b@evil.example/", Ok("https://evil.example/"));
    check(
        "https://good.example\\@evil.example/",
        Ok("https://good.example/@evil.example/"),
    );
    check("https://@/", Err("no_host"));
    check("https://me:secret@/", Err("no_host"));
}

#[test]
fn c4_port_0_and_ports_beyond_the_range_are_refused() {
    for port in [
        "0",
        "00",
        "65536",
        "99999999999999999999",
        "-1",
        "+80",
        "8 0",
        "0x50",
    ] {
        check(&format!("https://h:{port}/"), Err("bad_port"));
    }
}

#[test]
fn c4_lone_surrogates_stay_escapes_or_are_refused() {
    check("https://h/%ED%a0%80", Ok("https://h/%ED%A0%80"));
    check("https://h/?%uD800", Ok("https://h/?%uD800"));
    check("https://h/\\ud800", Ok("https://h//ud800"));
    check("https://%ED%A0%80.example/", Err("bad_host"));
    check("https://h/&#xD800;", Ok("https://h/&"));
    // Punycode of U+D800.
    check("https://xn--ib9b.example/", Err("bad_host"));
}

#[test]
fn c4_lookalikes_are_other_hosts_and_widths_are_not() {
    check(
        "https://\u{440}aypal.example/",
        Ok("https://xn--aypal-uye.example/"),
    );
    check(
        "https://\u{ff45}xample.\u{ff43}om/",
        Ok("https://example.com/"),
    );
    check("https://example\u{3002}com/", Ok("https://example.com/"));
    check("https://127\u{3002}0.0.\u{ff11}/", Ok("https://127.0.0.1/"));
    check("https://ex\u{ad}ample.com/", Ok("https://example.com/"));
    check("https://\u{2488}com/", Err("bad_host"));
    check("https://xn--/", Err("bad_host"));
}

//! The rules of the canonical form, the parts of a URL, origins and sites, one by one.

use std::net::IpAddr;

use orb_url::{BaseUrl, CrawlUrl, Excerpt, HostFault, Origin, Scheme, Site, UrlError, explain};

/// `want` is the canonical text, or the code of the refusal.
fn check(text: &str, want: Result<&str, &str>) {
    let got = CrawlUrl::parse(text);
    let got = got.as_ref().map(CrawlUrl::as_str).map_err(UrlError::code);
    assert_eq!(got, want, "{text:?}");
}

fn url(text: &str) -> CrawlUrl {
    CrawlUrl::parse(text).expect("the test's URL is valid")
}

#[test]
fn rule_1_only_http_and_https_are_crawled() {
    check("HTTP://Example.COM", Ok("http://example.com/"));
    check("https:example.com", Ok("https://example.com/"));
    check("ftp://example.com/", Err("not_http"));
    check("mailto:someone@example.com", Err("not_http"));
    check("javascript:void(0)", Err("not_http"));
    check("//example.com/", Err("relative"));
    check("page.html", Err("relative"));
    check("", Err("relative"));
}

#[test]
fn rule_2_user_information_and_fragment_are_dropped() {
    check(
        "https://me:secret@example.com/#top",
        Ok("https://example.com/"),
    );
    check(
        "https://me@example.com/a?b#c?d",
        Ok("https://example.com/a?b"),
    );
}

#[test]
fn rule_3_the_default_port_is_dropped_and_port_0_refused() {
    check("http://example.com:80/", Ok("http://example.com/"));
    check("https://example.com:0443/", Ok("https://example.com/"));
    check("https://example.com:80/", Ok("https://example.com:80/"));
    check("https://example.com:/", Ok("https://example.com/"));
    check("https://example.com:0/", Err("bad_port"));
    check("https://example.com:65536/", Err("bad_port"));
    check("https://example.com:http/", Err("bad_port"));
    // The Fetch Standard's bad ports are the gate's business.
    check("https://example.com:25/", Ok("https://example.com:25/"));
}

#[test]
fn rule_4_hosts_are_names_that_dns_can_carry() {
    check("https://example.com./", Ok("https://example.com/"));
    check("https://127.0.0.1./", Ok("https://127.0.0.1/"));
    check("https://0x7f.1/", Ok("https://127.0.0.1/"));
    check("https://[0:0::1]/", Ok("https://[::1]/"));
    check(
        "https://b\u{fc}cher.example/",
        Ok("https://xn--bcher-kva.example/"),
    );
    check(
        "https://under_score.example/",
        Ok("https://under_score.example/"),
    );
    for text in [
        "https://./",
        "https://a..b/",
        "https://.a/",
        "https://example.com../",
    ] {
        check(text, Err("bad_host"));
    }
    let label = "a".repeat(63);
    let name = [label.as_str(); 4].join(".");
    check(
        &format!("https://{label}.com/"),
        Ok(&format!("https://{label}.com/")),
    );
    check(&format!("https://a{label}.com/"), Err("bad_host"));
    check(
        &format!("https://{}/", &name[..253]),
        Ok(&format!("https://{}/", &name[..253])),
    );
    check(&format!("https://{}/", &name[..254]), Err("bad_host"));
    check("https://1.2.3.4.5/", Err("bad_host"));
    check("https://[::1/", Err("bad_host"));
    check("https://a b/", Err("bad_host"));
    check("https:///", Err("no_host"));
}

#[test]
fn rule_5_an_empty_query_is_dropped() {
    check("https://example.com/a?", Ok("https://example.com/a"));
    check("https://example.com/a?#b", Ok("https://example.com/a"));
    check("https://example.com/a??", Ok("https://example.com/a??"));
}

#[test]
fn rule_6_escapes_are_upper_case_and_otherwise_as_the_standard_says() {
    check(
        "https://h/%e4%E4%aF?%c3=%2f",
        Ok("https://h/%E4%E4%AF?%C3=%2F"),
    );
    check("https://h/%zz%a%%aa%", Ok("https://h/%zz%a%%AA%"));
    check("https://h/%41%7e", Ok("https://h/%41%7E"));
    check(
        "https://h/a b/\u{e4}?\u{e4} '",
        Ok("https://h/a%20b/%C3%A4?%C3%A4%20%27"),
    );
    check("https://h/a/%2e%2E/./b", Ok("https://h/b"));
    check("https:\\\\h\\a", Ok("https://h/a"));
    check(" https://h/a\tb\r\n ", Ok("https://h/ab"));
}

#[test]
fn rule_7_the_canonical_form_is_bounded() {
    let longest = format!("https://h/{}", "a".repeat(2_048 - 10));
    check(&longest, Ok(&longest));
    check(&format!("{longest}a"), Err("too_long"));
    check(&format!("{longest}#{}", "f".repeat(10_000)), Ok(&longest));
    // Three bytes each once escaped.
    check(
        &format!("https://h/{}", " ".repeat(700) + "a"),
        Err("too_long"),
    );
}

#[test]
fn parts_are_found() {
    let plain = url("http://example.com/a/b?c=d?e");
    assert_eq!(plain.scheme(), Scheme::Http);
    assert_eq!(plain.host(), "example.com");
    assert_eq!(plain.authority(), "example.com");
    assert_eq!(plain.port(), 80);
    assert_eq!(plain.host_ip(), None);
    assert_eq!(plain.path(), "/a/b");
    assert_eq!(plain.query(), Some("c=d?e"));
    assert_eq!(plain.path_and_query(), "/a/b?c=d?e");

    let address = url("https://[::1]:8443");
    assert_eq!(address.scheme(), Scheme::Https);
    assert_eq!(address.host(), "[::1]");
    assert_eq!(address.authority(), "[::1]:8443");
    assert_eq!(address.port(), 8443);
    assert_eq!(address.host_ip(), "::1".parse::<IpAddr>().ok());
    assert_eq!(address.path(), "/");
    assert_eq!(address.query(), None);
    assert_eq!(
        url("http://10.1/").host_ip(),
        "10.0.0.1".parse::<IpAddr>().ok()
    );
}

#[test]
fn links_are_resolved_against_their_page() {
    let page = url("https://example.com/a/b?c");
    let check = |href: &str, want: Result<&str, &str>| {
        let got = page.join(href);
        let got = got.as_ref().map(CrawlUrl::as_str).map_err(UrlError::code);
        assert_eq!(got, want, "{href:?}");
    };
    check("", Ok("https://example.com/a/b?c"));
    check("#top", Ok("https://example.com/a/b?c"));
    check("?", Ok("https://example.com/a/b"));
    check("d", Ok("https://example.com/a/d"));
    check("../../../d", Ok("https://example.com/d"));
    check("//other.example:80", Ok("https://other.example:80/"));
    check("///other.example/a", Ok("https://other.example/a"));
    check(" /\t\\//other.example", Ok("https://other.example/"));
    check("//", Err("no_host"));
    check("////", Err("no_host"));
    check("https:d", Ok("https://example.com/a/d"));
    check("http:d", Ok("http://d/"));
    check("tel:1", Err("not_http"));
}

/// HTML Standard, 4.2.3: what `<base href>` makes of the page's base.
#[test]
fn a_base_element_moves_the_base() {
    let page = BaseUrl::new(&url("https://example.com/a/b"));
    let moved = page.rebased("/x/y/").expect("a relative base");
    assert_eq!(
        moved.join("z").map(|u| u.to_string()),
        Ok("https://example.com/x/y/z".into())
    );
    let foreign = page
        .rebased("ftp://example.com/")
        .expect("a base of another scheme");
    assert_eq!(foreign.join("z").map_err(|e| e.code()), Err("not_http"));
    let secret = page
        .rebased("https://me:secret@h/")
        .expect("a base with a name");
    assert_eq!(format!("{secret:?}"), "BaseUrl(https://…@h/)");
    assert!(page.rebased("data:text/plain,").is_none());
    assert!(page.rebased("javascript:1").is_none());
    assert!(page.rebased("https://a b/").is_none());
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    let origin = url("https://Example.com:8443/a?b").origin();
    assert_eq!(origin.as_str(), "https://example.com:8443");
    assert_eq!(origin.host(), "example.com");
    assert_eq!(origin.authority(), "example.com:8443");
    assert_eq!((origin.scheme(), origin.port()), (Scheme::Https, 8443));
    assert_eq!(
        origin.robots_url(),
        url("https://example.com:8443/robots.txt")
    );
    assert_eq!(origin.root(), url("https://example.com:8443/"));
    assert_eq!(origin.robots_url().origin(), origin);
    assert_eq!(origin.robots_url().path(), "/robots.txt");
    assert_eq!(Origin::parse("HTTPS://example.com:8443"), Ok(origin));
    assert_eq!(
        Origin::parse("http://[::1]/").map(|o| o.host_ip()),
        Ok("::1".parse().ok())
    );
    let code = |text| Origin::parse(text).map_err(|e| e.code());
    assert_eq!(code("https://example.com/a"), Err("not_origin"));
    assert_eq!(code("example.com"), Err("relative"));
}

#[test]
fn a_site_is_the_registrable_domain_or_the_host_itself() {
    let check = |host: &str, site: &str| {
        assert_eq!(Site::of_host(host).as_str(), site, "{host}");
        assert_eq!(
            url(&format!("http://{host}/")).site().as_str(),
            site,
            "{host}"
        );
    };
    check("www.example.com", "example.com");
    check("a.b.example.co.uk", "example.co.uk");
    check("a.b.github.io", "b.github.io");
    check("WWW.Example.COM.", "example.com");
    check("github.io", "github.io");
    check("co.uk", "co.uk");
    check("localhost", "localhost");
    check("a.unlisted-suffix", "a.unlisted-suffix");
    check("192.0.2.1", "192.0.2.1");
    check("[2001:db8::1]", "[2001:db8::1]");
}

#[test]
fn a_site_can_be_named_by_any_of_its_hosts() {
    let parse = |text| Site::parse(text).map(|site| site.to_string());
    assert_eq!(
        parse("Www.B\u{fc}cher.example"),
        Ok("xn--bcher-kva.example".into())
    );
    assert_eq!(parse("[0::1]"), Ok("[::1]".into()));
    for text in ["", "a/b", "me@a", "a:80", "a?b", "[::1]/[::1]", "a b", "."] {
        let code = Site::parse(text).map_err(|error| error.code());
        assert_eq!(code, Err("bad_host"), "{text:?}");
    }
}

#[test]
fn surt_keys_sort_hosts_from_the_top() {
    let check = |text: &str, key: &str| assert_eq!(url(text).surt(), key);
    check("https://www.example.com/a?b=c", "com,example,www)/a?b=c");
    check("http://www.example.com/a?b=c", "com,example,www)/a?b=c");
    check("http://example.com:8080/", "com,example:8080)/");
    check("http://localhost/", "localhost)/");
    check("http://192.0.2.1:81/", "192.0.2.1:81)/");
    check("http://[2001:db8::1]/A", "[2001:db8::1])/A");
    // Not the key of http://b.a.example/ nor of http://example/)/.
    check("http://a,b.example/", "example,a%2Cb)/");
    check("http://)/", "%29)/");
}

#[test]
fn the_scheme_can_be_changed() {
    let change = |text, scheme| url(text).with_scheme(scheme).map(|u| u.to_string());
    assert_eq!(
        change("https://a/b?c", Scheme::Http),
        Ok("http://a/b?c".into())
    );
    assert_eq!(change("http://a/", Scheme::Http), Ok("http://a/".into()));
    assert_eq!(
        change("https://a:8080/", Scheme::Http),
        Ok("http://a:8080/".into())
    );
    assert_eq!(
        change("https://a:80/", Scheme::Http),
        Ok("http://a/".into())
    );
    let longest = format!("http://h/{}", "a".repeat(2_048 - 9));
    assert!(url(&longest).with_scheme(Scheme::Https).is_err());
}

#[test]
fn stored_text_comes_back_without_parsing() {
    for text in ["http://a/", "https://[::1]:8443/a?b", "https://a.b:1/?"] {
        let back = CrawlUrl::from_stored(text).expect("the form is right");
        assert_eq!(back.as_str(), text);
    }
    for text in [
        "",
        "ftp://a/",
        "http://",
        "http://a",
        "http:///",
        "http://:80/",
        "http://a:/",
        "http://a:0/",
        "http://a:65536/",
        "http://a/#b",
        "http://a/ b",
        "http://a/\u{e4}",
    ] {
        assert_eq!(CrawlUrl::from_stored(text), None, "{text:?}");
    }
    let too_long = format!("http://h/{}", "a".repeat(2_048 - 8));
    assert_eq!(CrawlUrl::from_stored(&too_long), None);
}

#[test]
fn json_holds_plain_strings_and_reading_validates() {
    let page = url("https://www.example.com/a");
    let json = serde_json::to_string(&(&page, page.origin(), page.site())).unwrap();
    assert_eq!(
        json,
        r#"["https://www.example.com/a","https://www.example.com","example.com"]"#
    );
    let back: (CrawlUrl, Origin, Site) = serde_json::from_str(&json).unwrap();
    assert_eq!(back, (page.clone(), page.origin(), page.site()));
    for bad in [r#""ftp://a/""#, r#""a""#, "1"] {
        assert!(serde_json::from_str::<CrawlUrl>(bad).is_err(), "{bad}");
        assert!(serde_json::from_str::<Origin>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<Origin>(r#""https://a/b""#).is_err());
    assert!(serde_json::from_str::<Site>(r#""a/b""#).is_err());
    // The list is not asked again: a stored site survives a change of the list.
    let stored: Site = serde_json::from_str(r#""www.example.com""#).unwrap();
    assert_eq!(stored.as_str(), "www.example.com");
}

#[test]
fn explain_gives_every_key() {
    let page = url("https://example.com/a/");
    let explained = explain("HTTPS://Www.Example.com:8443/%e4#x", None).unwrap();
    assert_eq!(
        serde_json::to_value(&explained).unwrap(),
        serde_json::json!({
            "canonical": "https://www.example.com:8443/%E4",
            "surt": "com,example,www:8443)/%E4",
            "host": "www.example.com",
            "site": "example.com",
            "fingerprint": explained.fingerprint.to_string(),
        })
    );
    let joined = explain("b", Some(&page)).map(|e| e.canonical.to_string());
    assert_eq!(joined, Ok("https://example.com/a/b".into()));
    assert_eq!(explain("b", None).map_err(|e| e.code()), Err("relative"));
}

#[test]
fn an_error_names_the_text_and_what_to_do() {
    let message = |text| CrawlUrl::parse(text).map_err(|e| e.to_string());
    assert_eq!(
        message("example.com/a"),
        Err("example.com/a has no scheme; write it in full, such as https://example.com/".into())
    );
    assert_eq!(
        message("https://me:secret@example.com:0/"),
        Err("port of https://…@example.com:0/ is not a number from 1 to 65535".into())
    );
    let fault = CrawlUrl::parse("https://a..b/");
    assert_eq!(
        fault,
        Err(UrlError::BadHost {
            url: Excerpt::of("https://a..b/"),
            source: HostFault::EmptyLabel
        })
    );
}

/// Queues and caches hold millions of these.
#[test]
fn values_are_small() {
    assert_eq!(size_of::<CrawlUrl>(), 24);
    assert_eq!(size_of::<Origin>(), 24);
    assert_eq!(size_of::<Site>(), 16);
    assert!(size_of::<Result<CrawlUrl, UrlError>>() <= 48);
}

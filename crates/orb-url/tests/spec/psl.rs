//! The public suffix list's own test data, in both of its notations.

use orb_url::{CrawlUrl, Site};

/// Holds one line of the data: the registrable domain of `input` is `want`.
///
/// What has none is its own site here or, with a leading dot, no host; and if it is a suffix,
/// any name under it is a site of its own.
fn check(input: &str, want: Option<&str>) {
    let canonical = |host: &str| CrawlUrl::parse(&format!("http://{host}/"));
    let Ok(host) = canonical(input) else {
        assert_eq!(want, None, "{input}");
        assert!(input.starts_with('.'), "{input}");
        return;
    };
    let site = Site::parse(input).expect("a host is a name");
    assert_eq!(host.site(), site, "{input}");
    match want {
        Some(want) => {
            let want = canonical(want).expect("the answer is a host");
            assert_eq!(site.as_str(), want.host(), "{input}");
        }
        None => {
            assert_eq!(site.as_str(), host.host(), "{input}");
            let below = format!("below.{input}");
            let name = canonical(&below).expect("a host");
            assert_eq!(name.site().as_str(), name.host(), "{below}");
        }
    }
}

fn known(word: &str) -> Option<&str> {
    (word != "null").then_some(word)
}

/// Runs the lines that `read` understands; both files have 78, one of them about no input at all.
fn run(file: &str, read: impl Fn(&str) -> Option<(&str, &str)>) {
    let Some(text) = crate::corpora::read(file) else {
        return;
    };
    let cases: Vec<_> = text.lines().filter_map(read).collect();
    assert_eq!(cases.len(), 78);
    println!("corpora: {} cases", cases.len());
    for (input, want) in cases {
        match known(input) {
            Some(input) => check(input, known(want)),
            None => assert_eq!(known(want), None),
        }
    }
}

#[test]
fn tests_txt_agrees() {
    run("psl/tests.txt", |line| {
        let line = line.trim();
        if line.starts_with("//") {
            return None;
        }
        line.split_once(' ')
    });
}

#[test]
fn test_psl_txt_agrees() {
    run("psl/test_psl.txt", |line| {
        let inner = line.trim().strip_prefix("checkPublicSuffix(")?;
        let (input, want) = inner.strip_suffix(");")?.split_once(", ")?;
        Some((input.trim_matches('\''), want.trim_matches('\'')))
    });
}

//! Which parts of links are taken away, and what the rules must keep to.

use orb_url::{
    BaseUrl, CrawlKey, CrawlUrl, Linker, Rewriter, RuleKind, UrlRewrites, explain_rewritten,
};
use proptest::prelude::*;

use crate::properties::{addresses, config};

fn rewriter(strip_tracking: bool, strip_sessions: bool, rules: &[&str]) -> Rewriter {
    let rules = rules.iter().map(|&rule| rule.to_owned()).collect();
    Rewriter::new(&UrlRewrites {
        strip_tracking,
        strip_sessions,
        rules,
    })
    .expect("the test's rules are rules")
}

fn url(text: &str) -> CrawlUrl {
    CrawlUrl::parse(text).expect("the test's URL is valid")
}

/// What is left of `text` under all rules of the program, which is itself left alone.
fn check(text: &str, want: &str) {
    let rewriter = rewriter(true, true, &[]);
    assert_eq!(rewriter.apply(url(text)).as_str(), want, "{text}");
    assert_eq!(rewriter.rewrite(&url(want)), None, "{want}");
}

#[test]
fn nothing_is_rewritten_unless_asked_for() {
    let idle = Rewriter::new(&UrlRewrites::default()).expect("no rules");
    assert!(idle.is_idle());
    let page = url("https://h/;jsessionid=1?utm_source=a&PHPSESSID=b");
    assert_eq!(idle.rewrite(&page), None);
    assert_eq!(idle.apply(page.clone()), page);
    let tracking = rewriter(true, false, &[]).apply(page.clone());
    assert_eq!(tracking.as_str(), "https://h/;jsessionid=1?PHPSESSID=b");
    let sessions = rewriter(false, true, &[]).apply(page);
    assert_eq!(sessions.as_str(), "https://h/?utm_source=a");
}

#[test]
fn tracking_parameters_are_taken_out_and_the_rest_keeps_its_bytes() {
    check(
        "https://h/a?utm_source=b&c=d&utm_medium=e",
        "https://h/a?c=d",
    );
    check("https://h/a?fbclid=b", "https://h/a");
    check(
        "https://h/a?b&UTM_Source&c=%2F&&gclid=1&d=",
        "https://h/a?b&c=%2F&&d=",
    );
    check(
        "https://h/a?utm=b&xutm_source=c&_utm_",
        "https://h/a?utm=b&xutm_source=c&_utm_",
    );
    check("https://h/utm_source=a", "https://h/utm_source=a");
    check(
        "https://h/a?b=c?utm_source=d",
        "https://h/a?b=c?utm_source=d",
    );
}

#[test]
fn some_rules_are_for_some_sites() {
    check(
        "https://www.youtube.com/watch?v=a&si=b",
        "https://www.youtube.com/watch?v=a",
    );
    check(
        "https://example.com/watch?v=a&si=b",
        "https://example.com/watch?v=a&si=b",
    );
    check(
        "https://notyoutube.com/?si=b",
        "https://notyoutube.com/?si=b",
    );
    check(
        "https://youtube.com.example.org/?si=b",
        "https://youtube.com.example.org/?si=b",
    );
    check(
        "https://www.amazon.co.uk/dp/a?pd_rd_w=b",
        "https://www.amazon.co.uk/dp/a",
    );
    check(
        "https://amazon.example.com/?pd_rd_w=b",
        "https://amazon.example.com/?pd_rd_w=b",
    );
}

#[test]
fn sessions_are_taken_out_of_query_and_path() {
    let hex = "0123456789abcdef0123456789ABCDEF";
    check("https://h/a.php?PHPSESSID=b&c=d", "https://h/a.php?c=d");
    check("https://h/a.jsp;jsessionid=B.c1?d", "https://h/a.jsp?d");
    check("https://h/a;JSESSIONID=b;v=1/c;w", "https://h/a;v=1/c;w");
    check(
        &format!("https://h/t.php?t=1&sid={hex}"),
        "https://h/t.php?t=1",
    );
    check(
        "https://h/t.php?sid=tuesday&s=apples",
        "https://h/t.php?sid=tuesday&s=apples",
    );
    check("https://h/?session_id=0a1b2c3d4e5f6a7b", "https://h/");
    check(
        "https://h/?session_id=spring-conference",
        "https://h/?session_id=spring-conference",
    );
    check(
        "https://h/(S(4hqa0vetpv1vcrilnn1zzq45))/a.aspx",
        "https://h/a.aspx",
    );
    check("https://h/a/(S(4hqa0vetpv1vcrilnn1zzq45))", "https://h/a");
    check("https://h/f(S(x))/(S(x))", "https://h/f(S(x))/(S(x))");
}

#[test]
fn what_comes_out_is_canonical() {
    check(
        "https://h/a/b;jsessionid=1/..;jsessionid=2/c",
        "https://h/a/c",
    );
    check("https://h:8080/;jsessionid=1", "https://h:8080/");
    check("https://[::1]/?utm_source=a&", "https://[::1]/");
}

#[test]
fn an_operator_adds_rules() {
    let own = [
        "# what our shop hangs on",
        "",
        "tracking shop.example query from any what was clicked",
    ];
    let rewriter = rewriter(false, false, &own);
    let rewritten = rewriter.rewrite(&url("https://www.shop.example/a?from=b&gclid=c"));
    let rewritten = rewritten.expect("the rule takes a part");
    assert_eq!(rewritten.url.as_str(), "https://www.shop.example/a?gclid=c");
    let [removed] = &rewritten.removed[..] else {
        panic!("{rewritten:?}");
    };
    assert_eq!((&*removed.part, &*removed.rule), ("from=b", "from"));
    assert_eq!(
        (removed.kind, &*removed.scope),
        (RuleKind::Tracking, "shop.example")
    );
    assert_eq!(removed.about, "what was clicked");
}

#[test]
fn a_line_that_is_no_rule_is_refused_with_what_it_may_be() {
    for (line, word) in [
        ("tracking * query", "five words"),
        ("other * query a any", "kind"),
        ("tracking a.*.b query a any", "scope"),
        ("tracking * fragment a any", "place"),
        ("tracking * query * any", "name"),
        ("tracking * query a*b* any", "name"),
        ("tracking * query a most", "value"),
        ("tracking * query a any \u{1b}[2J", "control"),
    ] {
        let rules = vec![line.to_owned()];
        let error = Rewriter::new(&UrlRewrites {
            rules,
            ..UrlRewrites::default()
        });
        let error = error.expect_err(line).to_string();
        assert!(error.contains(word) && !error.contains('\u{1b}'), "{error}");
    }
}

/// The list is read whole, holds no rule twice, and says what each is for.
#[test]
fn the_rules_of_the_program_are_rules() {
    let rules: Vec<_> = Rewriter::rules_of_the_program().collect();
    assert!(rules.len() > 100);
    let mut keys: Vec<_> = rules
        .iter()
        .map(|rule| (rule.name(), rule.scope(), rule.place()))
        .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), rules.len());
    assert!(rules.iter().all(|rule| !rule.about().is_empty()));
}

#[test]
fn explain_tells_which_rule_removed_what() {
    let rewriter = rewriter(true, false, &[]);
    let explained = explain_rewritten("https://example.com/a?gclid=1&b", None, &rewriter).unwrap();
    assert_eq!(explained.canonical.as_str(), "https://example.com/a?b");
    assert_eq!(explained.surt, "com,example)/a?b");
    assert_eq!(
        serde_json::to_value(&explained.removed).unwrap(),
        serde_json::json!([{
            "part": "gclid=1",
            "kind": "tracking",
            "rule": "gclid",
            "scope": "*",
            "about": "click on a Google ad",
        }])
    );
    let plain = explain_rewritten("https://example.com/", None, &rewriter).unwrap();
    assert_eq!(plain.removed, Some(vec![]));
}

fn tagged() -> impl Strategy<Value = String> {
    let part = prop::sample::select(
        &[
            "utm_source=a",
            "gclid",
            ";jsessionid=1",
            ";sid=a",
            "&",
            "?",
            "a=b",
            "/",
            "..",
            "(S(",
            "4hqa0vetpv1vcrilnn1zzq45",
            "))",
            ";",
            "PHPSESSID=1",
            "%2e",
        ][..],
    );
    prop::collection::vec(part, 0..12).prop_map(|parts| format!("https://h/{}", parts.concat()))
}

proptest! {
    #![proptest_config(config(4_000))]

    #[test]
    fn rewriting_twice_is_rewriting_once(text in prop_oneof![tagged(), addresses()]) {
        let rewriter = rewriter(true, true, &[]);
        if let Ok(url) = CrawlUrl::parse(&text) {
            let once = rewriter.apply(url.clone());
            assert_eq!(CrawlUrl::parse_by_standard(once.as_str()).as_ref(), Ok(&once));
            assert_eq!(once.origin(), url.origin());
            assert_eq!(rewriter.apply(once.clone()), once, "{text}");
            let mut linker = Linker::new(CrawlKey::ZERO).with_rewriter(rewriter);
            let base = BaseUrl::new(&url);
            let mut page = linker.page(&base);
            let link = page.link(&text).expect("it parsed");
            assert_eq!(link.to_url(), once);
            assert_eq!(link.fingerprint(), CrawlKey::ZERO.fingerprint(&once));
        }
    }
}

//! The settings layer as its users see it: what wins, what is understood, what is refused and how.
//!
//! In: one example of a settings struct with every kind of field that crates use. May touch: the public surface of
//! `settings` only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use orb_api::ByteSize;
use serde::{Deserialize, Serialize};

use super::{Loaded, Origin, Sources, from_process, load};

const OPTIONAL: &[&str] = &["contact", "fetch.proxy", "fetch.body_max"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Keep {
    Full,
    Text,
    None,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Politeness {
    #[serde(with = "humantime_serde")]
    site_delay: Duration,
    #[serde(with = "humantime_serde")]
    address_delay: Duration,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    net: String,
    #[serde(with = "humantime_serde")]
    delay: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proxy {
    host: String,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fetch {
    keep_alive: bool,
    attempts: u8,
    growth: f64,
    resolvers: Vec<String>,
    ports: Vec<u16>,
    proxy: Option<Proxy>,
    body_max: Option<ByteSize>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Example {
    memory_max: ByteSize,
    keep: Keep,
    contact: Option<String>,
    politeness: Politeness,
    fetch: Fetch,
    groups: BTreeMap<String, Rule>,
}

impl Default for Politeness {
    fn default() -> Self {
        Self {
            site_delay: Duration::from_secs(1),
            address_delay: Duration::from_millis(500),
            rules: Vec::new(),
        }
    }
}

impl Default for Fetch {
    fn default() -> Self {
        Self {
            keep_alive: true,
            attempts: 3,
            growth: 2.0,
            resolvers: Vec::new(),
            ports: vec![80, 443],
            proxy: None,
            body_max: None,
        }
    }
}

impl Default for Example {
    fn default() -> Self {
        Self {
            memory_max: ByteSize::gib(1),
            keep: Keep::Full,
            contact: None,
            politeness: Politeness::default(),
            fetch: Fetch::default(),
            groups: BTreeMap::new(),
        }
    }
}

fn sources(file: Option<&str>, env: &[(&str, &str)], sets: &[&str]) -> Sources {
    Sources {
        file: file.map(|text| (PathBuf::from("orb.toml"), text.to_owned())),
        env: env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        sets: sets.iter().map(|set| (*set).to_owned()).collect(),
        optional_keys: OPTIONAL,
        ..Sources::default()
    }
}

fn loaded(file: Option<&str>, env: &[(&str, &str)], sets: &[&str]) -> Loaded<Example> {
    load(&sources(file, env, sets)).unwrap_or_else(|error| panic!("{error}"))
}

/// The three sources each set the same thing by their own means, and must give the same settings.
fn check_same(file: &str, variable: (&str, &str), set: &str, expected: impl Fn(&mut Example)) {
    let mut example = Example::default();
    expected(&mut example);
    assert_ne!(example, Example::default(), "the case changes nothing");
    assert_eq!(loaded(Some(file), &[], &[]).value, example, "{file}");
    assert_eq!(
        loaded(None, &[variable], &[]).value,
        example,
        "{variable:?}"
    );
    assert_eq!(loaded(None, &[], &[set]).value, example, "{set}");
}

fn refusal(file: Option<&str>, env: &[(&str, &str)], sets: &[&str]) -> String {
    match load::<Example>(&sources(file, env, sets)) {
        Ok(loaded) => panic!("accepted: {loaded:?}"),
        Err(error) => error.to_string(),
    }
}

fn check_file_refused(file: &str, expected: &str) {
    assert_eq!(refusal(Some(file), &[], &[]), expected);
}

#[test]
fn nothing_set_gives_the_defaults() {
    let loaded = loaded(None, &[("HOME", "/root"), ("ORB_CORPORA", "/data")], &[]);
    assert_eq!(loaded.value, Example::default());
    assert!(
        loaded
            .origin
            .values()
            .all(|origin| *origin == Origin::Default)
    );
    assert_eq!(
        loaded.origin.get("politeness.site_delay"),
        Some(&Origin::Default)
    );
}

#[test]
fn later_sources_win_key_by_key() {
    let file =
        "memory_max = \"2GiB\"\n\n[politeness]\nsite_delay = \"2s\"\naddress_delay = \"3s\"\n";
    let env = [
        ("ORB_POLITENESS__SITE_DELAY", "4s"),
        ("ORB_POLITENESS__ADDRESS_DELAY", "5s"),
    ];
    let loaded = loaded(
        Some(file),
        &env,
        &["politeness.site_delay=6s", "politeness.site_delay=7s"],
    );
    assert_eq!(loaded.value.memory_max, ByteSize::gib(2));
    assert_eq!(
        loaded.value.politeness.address_delay,
        Duration::from_secs(5)
    );
    assert_eq!(loaded.value.politeness.site_delay, Duration::from_secs(7));
    let origin = |key: &str| loaded.origin[key].to_string();
    assert_eq!(origin("memory_max"), "orb.toml:1:14");
    assert_eq!(
        origin("politeness.address_delay"),
        "ORB_POLITENESS__ADDRESS_DELAY"
    );
    assert_eq!(
        origin("politeness.site_delay"),
        "--set politeness.site_delay"
    );
    assert_eq!(origin("keep"), "default");
}

#[test]
fn every_kind_of_value_reads_alike_from_every_source() {
    check_same(
        "[politeness]\nsite_delay = \"1m 30s\"",
        ("ORB_POLITENESS__SITE_DELAY", "1m 30s"),
        "politeness.site_delay=1m 30s",
        |example| example.politeness.site_delay = Duration::from_secs(90),
    );
    check_same(
        "memory_max = \"2GiB\"",
        ("ORB_MEMORY_MAX", "2GiB"),
        "memory_max=2GiB",
        |example| {
            example.memory_max = ByteSize::gib(2);
        },
    );
    check_same(
        "memory_max = 65536",
        ("ORB_MEMORY_MAX", "65536"),
        "memory_max=65536",
        |example| {
            example.memory_max = ByteSize::kib(64);
        },
    );
    check_same(
        "keep = \"text\"",
        ("ORB_KEEP", "text"),
        "keep=text",
        |example| example.keep = Keep::Text,
    );
    check_same(
        "fetch.keep_alive = false",
        ("ORB_FETCH__KEEP_ALIVE", "false"),
        "fetch.keep_alive=false",
        |example| example.fetch.keep_alive = false,
    );
    check_same(
        "fetch.growth = 0.5",
        ("ORB_FETCH__GROWTH", "0.5"),
        "fetch.growth=0.5",
        |example| {
            example.fetch.growth = 0.5;
        },
    );
    check_same(
        "fetch.growth = 3",
        ("ORB_FETCH__GROWTH", "3"),
        "fetch.growth=3",
        |example| {
            example.fetch.growth = 3.0;
        },
    );
    check_same(
        "fetch.attempts = 5",
        ("ORB_FETCH__ATTEMPTS", "5"),
        "fetch.attempts=5",
        |example| {
            example.fetch.attempts = 5;
        },
    );
}

#[test]
fn optional_settings_read_without_a_default_to_go_by() {
    check_same(
        "contact = \"crawl@example.org\"",
        ("ORB_CONTACT", "crawl@example.org"),
        "contact=crawl@example.org",
        |example| example.contact = Some("crawl@example.org".to_owned()),
    );
    check_same(
        "contact = \"123\"",
        ("ORB_CONTACT", "123"),
        "contact=123",
        |example| {
            example.contact = Some("123".to_owned());
        },
    );
    check_same(
        "fetch.body_max = \"10MiB\"",
        ("ORB_FETCH__BODY_MAX", "10MiB"),
        "fetch.body_max=10MiB",
        |example| example.fetch.body_max = Some(ByteSize::mib(10)),
    );
}

#[test]
fn lists_need_no_brackets_outside_the_file() {
    check_same(
        "fetch.resolvers = [\"1.1.1.1:53\", \"9.9.9.9:53\"]",
        ("ORB_FETCH__RESOLVERS", "1.1.1.1:53,9.9.9.9:53"),
        "fetch.resolvers=[\"1.1.1.1:53\", \"9.9.9.9:53\"]",
        |example| example.fetch.resolvers = vec!["1.1.1.1:53".to_owned(), "9.9.9.9:53".to_owned()],
    );
    check_same(
        "fetch.ports = [8080]",
        ("ORB_FETCH__PORTS", "8080"),
        "fetch.ports=[8080]",
        |example| {
            example.fetch.ports = vec![8080];
        },
    );
    // Digits for a list of texts stay texts.
    check_same(
        "fetch.resolvers = [\"1\"]",
        ("ORB_FETCH__RESOLVERS", "1"),
        "fetch.resolvers=1",
        |example| {
            example.fetch.resolvers = vec!["1".to_owned()];
        },
    );
}

#[test]
fn tables_with_free_names_and_optional_groups_are_filled_key_by_key() {
    let shop = Rule {
        net: "192.0.2.0/24".to_owned(),
        delay: Duration::from_secs(5),
    };
    let file = "[groups.shop]\nnet = \"192.0.2.0/24\"\ndelay = \"9s\"";
    let loaded = loaded(
        Some(file),
        &[("ORB_GROUPS__SHOP__DELAY", "5s")],
        &["fetch.proxy={ host = \"p\", port = 3128 }"],
    );
    assert_eq!(
        loaded.value.groups,
        BTreeMap::from([("shop".to_owned(), shop)])
    );
    assert_eq!(
        loaded.value.fetch.proxy,
        Some(Proxy {
            host: "p".to_owned(),
            port: 3128
        })
    );
    assert_eq!(loaded.origin["groups.shop.net"].to_string(), "orb.toml:2:7");
    assert_eq!(
        loaded.origin["groups.shop.delay"].to_string(),
        "ORB_GROUPS__SHOP__DELAY"
    );
    assert_eq!(
        loaded.origin["fetch.proxy.port"].to_string(),
        "--set fetch.proxy"
    );
}

#[test]
fn a_group_that_needs_two_keys_may_get_them_from_two_sources() {
    let loaded = loaded(
        Some("[fetch.proxy]\nhost = \"p\""),
        &[],
        &["fetch.proxy.port=3128"],
    );
    assert_eq!(
        loaded.value.fetch.proxy,
        Some(Proxy {
            host: "p".to_owned(),
            port: 3128
        })
    );
}

#[test]
fn keys_may_be_quoted_on_the_command_line() {
    let loaded = loaded(
        None,
        &[],
        &["groups.\"a.b\"={ net = \"192.0.2.0/24\", delay = \"1s\" }"],
    );
    assert!(loaded.value.groups.contains_key("a.b"));
    assert!(loaded.origin.contains_key("groups.\"a.b\".net"));
}

#[test]
fn a_value_may_hold_an_equals_sign() {
    assert_eq!(
        loaded(None, &[], &["contact=a=b"]).value.contact.as_deref(),
        Some("a=b")
    );
}

#[test]
fn unknown_keys_of_a_file_are_refused_with_place_and_suggestion() {
    check_file_refused(
        "[politeness]\n  site_dely = \"2s\"",
        "orb.toml:2:3: unknown setting `politeness.site_dely`, did you mean `politeness.site_delay`?",
    );
    check_file_refused(
        "\n[politness]\nsite_delay = \"2s\"",
        "orb.toml:2:2: unknown setting `politness`, did you mean `politeness`?",
    );
    check_file_refused(
        "site_delay = \"2s\"",
        "orb.toml:1:1: unknown setting `site_delay`, did you mean `politeness.site_delay`?",
    );
    check_file_refused("colour = \"red\"", "orb.toml:1:1: unknown setting `colour`");
    // Columns count characters, not bytes.
    check_file_refused(
        "fetch = { \"é\" = 1 , attemps = 2 }",
        "orb.toml:1:21: unknown setting `fetch.attemps`, did you mean `fetch.attempts`?",
    );
}

#[test]
fn unknown_keys_of_variables_and_flags_are_refused_with_a_suggestion_in_their_own_spelling() {
    assert_eq!(
        refusal(None, &[("ORB_POLITENESS__SITE_DELY", "2s")], &[]),
        "ORB_POLITENESS__SITE_DELY: unknown setting `politeness.site_dely`, did you mean `ORB_POLITENESS__SITE_DELAY`?"
    );
    assert_eq!(
        refusal(None, &[("ORB_POLITENESS_SITE_DELAY", "2s")], &[]),
        "ORB_POLITENESS_SITE_DELAY: unknown setting `politeness_site_delay`, did you mean `ORB_POLITENESS__SITE_DELAY`?"
    );
    assert_eq!(
        refusal(None, &[], &["site_delay=2s"]),
        "--set site_delay=2s: unknown setting `site_delay`, did you mean `politeness.site_delay`?"
    );
    assert_eq!(
        refusal(None, &[], &["colour=red"]),
        "--set colour=red: unknown setting `colour`"
    );
}

#[test]
fn bad_values_are_refused_with_place_reason_and_default() {
    check_file_refused(
        "[politeness]\nsite_delay = 2",
        "orb.toml:2:14: bad value of `politeness.site_delay`: invalid type: integer `2`, expected a duration (the default is \"1s\")",
    );
    check_file_refused(
        "[fetch]\nattempts = 300",
        "orb.toml:2:12: bad value of `fetch.attempts`: invalid value: integer `300`, expected u8 (the default is 3)",
    );
    assert_eq!(
        refusal(None, &[("ORB_MEMORY_MAX", "2 parsecs")], &[]),
        "ORB_MEMORY_MAX: bad value of `memory_max`: `parsecs` is no unit of size: use B, KiB, MiB, GiB, TiB, kB, MB, GB or TB (the default is \"1GiB\")"
    );
    assert_eq!(
        refusal(None, &[], &["fetch.keep_alive=maybe"]),
        "--set fetch.keep_alive: bad value of `fetch.keep_alive`: invalid type: string \"maybe\", expected a boolean (the default is true)"
    );
    let keep = refusal(None, &[], &["keep=half"]);
    assert!(
        keep.contains("unknown variant `half`, expected one of `full`, `text`, `none`"),
        "{keep}"
    );
}

#[test]
fn a_refusal_inside_a_list_names_the_line_inside_the_list() {
    let file = "[[politeness.rules]]\nnet = \"192.0.2.0/24\"\ndelay = \"1s\"\n[[politeness.rules]]\nnet = \"x\"\ndelay = 7\n";
    let message = refusal(Some(file), &[], &[]);
    assert!(
        message.starts_with(
            "orb.toml:6:9: bad value of `politeness.rules`: invalid type: integer `7`"
        ),
        "{message}"
    );
}

#[test]
fn what_a_group_lacks_is_refused_where_the_group_was_begun() {
    let message = refusal(Some("[fetch.proxy]\nhost = \"p\""), &[], &[]);
    assert_eq!(
        message,
        "orb.toml:2:8: bad value of `fetch.proxy.host`: missing field `port`"
    );
}

#[test]
fn the_source_that_won_is_the_one_to_blame() {
    let file = "[fetch]\nattempts = 4";
    let message = refusal(Some(file), &[("ORB_FETCH__ATTEMPTS", "many")], &[]);
    assert!(
        message.starts_with("ORB_FETCH__ATTEMPTS: bad value"),
        "{message}"
    );
    assert_eq!(
        loaded(
            Some("[fetch]\nattempts = \"many\""),
            &[],
            &["fetch.attempts=4"]
        )
        .value
        .fetch
        .attempts,
        4
    );
}

#[test]
fn a_group_is_no_setting() {
    check_file_refused(
        "politeness = \"high\"",
        "orb.toml:1:14: `politeness` is a group of settings, not one: name one of them, such as `politeness.address_delay`",
    );
    let message = refusal(None, &[], &["fetch=fast"]);
    assert!(
        message.starts_with("--set fetch: `fetch` is a group"),
        "{message}"
    );
}

#[test]
fn what_is_no_toml_and_no_assignment_is_refused() {
    let message = refusal(Some("keep = \"full\"\nmemory_max = = 3"), &[], &[]);
    assert!(
        message.starts_with("orb.toml:2:14: no valid TOML: "),
        "{message}"
    );
    let message = refusal(Some("keep = \"full\"\nkeep = \"text\""), &[], &[]);
    assert!(
        message.starts_with("orb.toml:2:1: no valid TOML: "),
        "{message}"
    );
    for set in ["keep", "=full", "a b=1"] {
        assert_eq!(
            refusal(None, &[], &[set]),
            format!("--set {set}: not of the form `key=value`")
        );
    }
}

/// Cargo sets many variables for a test; none of them is ours.
#[test]
fn only_variables_with_the_prefix_are_taken_from_the_process() {
    assert!(std::env::vars_os().any(|(name, _)| name == "CARGO_PKG_NAME"));
    assert!(
        from_process()
            .iter()
            .all(|(name, _)| name.starts_with("ORB_"))
    );
}

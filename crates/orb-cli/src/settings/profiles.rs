//! Profiles: named sets of values between the defaults and the settings file.
//!
//! In: what the sources say about `profile`. Out: the profile in force and its assignments.
//! May touch: nothing but its arguments. Must not touch: what a setting does.
//! Invariant: [`PROFILES`] is the only list of profiles; help, reference, completions and checks read it.

use std::fmt;

use toml::Value;

use super::Assignment;
use super::error::SettingsError;
use super::key::Key;
use super::origin::Origin;

/// The key that names a profile in a file; `ORB_PROFILE`, `--set profile=…` and `--profile` say the same.
pub(crate) const PROFILE_KEY: &str = "profile";

/// The profile that may press sites faster, and only those of its seeds.
pub(crate) const OWN_SITE: &str = "own-site";

/// A named set of values.
#[derive(Debug, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    /// What it is for, in one sentence.
    pub(crate) purpose: &'static str,
    pub(crate) values: &'static [ProfileValue],
}

/// One value of a profile.
#[derive(Debug, PartialEq)]
pub(crate) struct ProfileValue {
    pub(crate) key: &'static str,
    /// As TOML.
    pub(crate) value: &'static str,
    pub(crate) why: &'static str,
}

const fn value(key: &'static str, value: &'static str, why: &'static str) -> ProfileValue {
    ProfileValue { key, value, why }
}

/// All profiles; the first is in force when nobody chooses.
pub(crate) static PROFILES: &[Profile] = &[
    Profile {
        name: "default",
        purpose: "The defaults: polite on the public web, a few sites or many, HTML and text.",
        values: &[],
    },
    Profile {
        name: "polite",
        purpose: "Gentler than the defaults: for small or fragile servers, or when nobody is in a hurry.",
        values: &[
            value(
                "politeness.site_delay",
                "\"2s\"",
                "half the pace: at most 30 pages a minute from one site",
            ),
            value(
                "politeness.address_delay",
                "\"1s\"",
                "sites on one small server share its strength",
            ),
            value(
                "politeness.site_delay_factor",
                "10",
                "a server spends at most a tenth of its time on us",
            ),
            value(
                "politeness.site_delay_adaptive_max",
                "\"60s\"",
                "a server that needs six seconds for a page gets a minute's rest",
            ),
            value(
                "politeness.backoff_first",
                "\"30s\"",
                "a server in trouble is left alone at once",
            ),
            value(
                "politeness.backoff_max",
                "\"2h\"",
                "and for long if it stays in trouble",
            ),
            value(
                "limits.attempts_max",
                "2",
                "what fails twice is not asked for a third time",
            ),
        ],
    },
    Profile {
        name: "broad",
        purpose: "Many sites at once, some thousand pages of each: lists of domains, samples of the web.",
        values: &[
            value(
                "frontier.scope",
                "\"site\"",
                "the listed sites; `--scope any` goes on to every site they link to",
            ),
            value(
                "frontier.pages_per_site_max",
                "10000",
                "no single site, trap or calendar fills the queues",
            ),
            value(
                "frontier.cold_per_site_max",
                "10000",
                "what is beyond is remembered only up to here, or the disk fills with it",
            ),
            value(
                "frontier.novelty",
                "true",
                "what has no end and says nothing new is cut, long before the bound",
            ),
            value(
                "politeness.site_delay_adaptive_max",
                "\"10s\"",
                "slow sites get less rest than the default's 30s, never less than their delay",
            ),
            value(
                "limits.attempts_max",
                "2",
                "with millions of sites, dead ones cost more than they give",
            ),
            value(
                "fetch.connect_timeout",
                "\"5s\"",
                "a live server answers in one second; waiting sites hold memory",
            ),
            value(
                "fetch.total_timeout",
                "\"60s\"",
                "the same for slow answers",
            ),
            value(
                "dns.cache_hosts_max",
                "262144",
                "many hosts are visited again before their addresses expire",
            ),
        ],
    },
    Profile {
        name: "archive",
        purpose: "Everything of some sites, to be shown again later: all types, what pages show, every answer.",
        values: &[
            value(
                "limits.requisites",
                "true",
                "images, styles, scripts and fonts, without which a page cannot be shown again",
            ),
            value(
                "limits.types",
                "[]",
                "documents, images and films are kept too",
            ),
            value("archive.keep", "\"full\"", "byte for byte"),
            value(
                "archive.text_marks",
                "true",
                "which pages say the same stands beside them; pauses cost more than CPU here",
            ),
            value(
                "archive.statuses",
                "[]",
                "errors and redirects belong to the record",
            ),
            value(
                "fetch.body_bytes_max",
                "\"64MiB\"",
                "long documents and short films whole; each thread needs 150 MiB for one",
            ),
            value(
                "fetch.decoded_bytes_max",
                "\"128MiB\"",
                "to read links of such documents too",
            ),
            value(
                "fetch.total_timeout",
                "\"10m\"",
                "time for such documents to arrive",
            ),
            value(
                "fetch.tls_verify",
                "\"record\"",
                "an expired certificate is noted beside the page, not a reason to lose it",
            ),
            value(
                "frontier.redirects_max",
                "10",
                "old addresses move more than once",
            ),
            value(
                "limits.attempts_max",
                "5",
                "a page that is missing is missing for ever",
            ),
        ],
    },
    Profile {
        name: OWN_SITE,
        purpose: "A site that you run, faster than anybody else's may be asked. Only the seeds' sites are asked faster; \
                  robots.txt and back-off hold as ever.",
        values: &[
            value(
                "frontier.scope",
                "\"site\"",
                "host and prefix are possible too, any is refused",
            ),
            value(
                "politeness.own_site_delay",
                "\"100ms\"",
                "for the seeds' sites, which the program writes into politeness.own_sites",
            ),
            value(
                "politeness.address_delay",
                "\"100ms\"",
                "your server; the sites of others keep their site_delay of a second or more",
            ),
        ],
    },
];

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The profile of this name.
pub(crate) fn named(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

/// The names, for messages: `a, b or c`.
pub(crate) fn names() -> String {
    let names: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
    let (last, others) = names.split_last().expect("there are profiles");
    format!("{} or {last}", others.join(", "))
}

/// Takes the choice of a profile out of the assignments; `flag` wins over all of them.
pub(super) fn choose(
    flag: Option<&'static Profile>,
    assignments: &mut Vec<Assignment>,
) -> Result<(&'static Profile, Origin), SettingsError> {
    let key = Key::of([PROFILE_KEY.to_owned()]);
    let told = assignments
        .iter()
        .rfind(|assignment| assignment.key == key)
        .cloned();
    assignments.retain(|assignment| assignment.key != key);
    if let Some(profile) = flag {
        let name = "--profile";
        return Ok((profile, Origin::Flag { name }));
    }
    let Some(told) = told else {
        return Ok((&PROFILES[0], Origin::Default));
    };
    let name = told.value.as_str().unwrap_or_default();
    match named(name) {
        Some(profile) => Ok((profile, told.origin)),
        None => Err(SettingsError::BadValue {
            origin: told.origin,
            key: PROFILE_KEY.to_owned(),
            message: format!("there is no profile {}; write {}", told.value, names()),
            default: None,
        }),
    }
}

/// What a profile sets.
pub(super) fn assignments(profile: &'static Profile) -> Vec<Assignment> {
    let assignment = |set: &ProfileValue| Assignment {
        key: Key::parse(set.key).expect("a test reads every key of the table"),
        value: set
            .value
            .parse::<Value>()
            .expect("a test reads every value of the table"),
        origin: Origin::Profile { name: profile.name },
    };
    profile.values.iter().map(assignment).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Sources, load};
    use orb_crawl::CrawlConfig;

    fn sources(profile: Option<&'static Profile>, file: &str) -> Sources {
        Sources {
            file: Some(("orb.toml".into(), file.to_owned())),
            with_profiles: true,
            profile,
            ..Sources::default()
        }
    }

    /// Keys exist, values are taken, and each one changes something or is there to say what the profile stands for.
    #[test]
    fn every_profile_is_a_set_of_allowed_settings() {
        for profile in PROFILES {
            let loaded = load::<CrawlConfig>(&sources(Some(profile), ""))
                .unwrap_or_else(|error| panic!("{profile}: {error}"));
            assert_eq!(loaded.value.check(), Ok(()), "{profile}");
            assert_eq!(loaded.profile, Some(profile));
            for set in profile.values {
                assert_eq!(
                    loaded.origin[set.key].to_string(),
                    format!("profile {profile}")
                );
                assert!(
                    !set.why.is_empty() && !set.why.ends_with('.'),
                    "{}",
                    set.key
                );
            }
            let same = loaded.value == CrawlConfig::default();
            assert_eq!(same, profile.values.is_empty(), "{profile} changes nothing");
        }
    }

    #[test]
    fn polite_is_gentler_than_the_default_in_everything_it_sets() {
        let polite = load::<CrawlConfig>(&sources(named("polite"), "")).unwrap();
        let (gentle, usual) = (polite.value.politeness, CrawlConfig::default().politeness);
        assert!(gentle.site_delay > usual.site_delay);
        assert!(gentle.address_delay > usual.address_delay);
        assert!(gentle.site_delay_factor > usual.site_delay_factor);
        assert!(gentle.site_delay_adaptive_max > usual.site_delay_adaptive_max);
        assert!(gentle.backoff_first > usual.backoff_first);
    }

    /// No profile presses a site that nobody named as their own.
    #[test]
    fn no_profile_shortens_the_pause_of_other_peoples_sites() {
        for profile in PROFILES {
            let loaded = load::<CrawlConfig>(&sources(Some(profile), "")).unwrap();
            let (politeness, usual) = (loaded.value.politeness, CrawlConfig::default().politeness);
            assert!(politeness.own_sites.is_empty(), "{profile}");
            assert!(politeness.site_delay >= usual.site_delay, "{profile}");
            assert!(
                politeness.site_delay_factor >= usual.site_delay_factor,
                "{profile}"
            );
            assert!(
                politeness.crawl_delay_max >= usual.crawl_delay_max,
                "{profile}"
            );
        }
    }

    #[test]
    fn a_profile_lies_above_the_defaults_and_below_everything_else() {
        let file = "profile = \"polite\"\n[politeness]\naddress_delay = \"7s\"\n";
        let loaded = load::<CrawlConfig>(&sources(None, file)).unwrap();
        let origin = |key: &str| loaded.origin[key].to_string();
        assert_eq!(origin("profile"), "orb.toml:1:11");
        assert_eq!(origin("politeness.site_delay"), "profile polite");
        assert_eq!(origin("politeness.address_delay"), "orb.toml:3:17");
        assert_eq!(loaded.value.politeness.address_delay.as_secs(), 7);

        let flag = load::<CrawlConfig>(&sources(named("broad"), file)).unwrap();
        assert_eq!(flag.profile, named("broad"));
        assert_eq!(flag.origin["profile"].to_string(), "--profile");
        assert_eq!(flag.origin["politeness.site_delay"], Origin::Default);

        let variable = ("ORB_PROFILE".to_owned(), "archive".to_owned());
        let variable = Sources {
            env: vec![variable],
            ..sources(None, file)
        };
        let loaded = load::<CrawlConfig>(&variable).unwrap();
        assert_eq!(loaded.profile, named("archive"));
        assert_eq!(loaded.origin["profile"].to_string(), "ORB_PROFILE");
    }

    #[test]
    fn an_unknown_profile_is_refused_by_name_with_the_choice() {
        let check = |file: &str, expected: &str| {
            let message = load::<CrawlConfig>(&sources(None, file))
                .unwrap_err()
                .to_string();
            assert_eq!(message, expected);
        };
        check(
            "profile = \"brod\"",
            "orb.toml:1:11: bad value of `profile`: there is no profile \"brod\"; write default, polite, broad, \
             archive or own-site",
        );
        check(
            "profle = \"broad\"",
            "orb.toml:1:1: unknown setting `profle`, did you mean `profile`?",
        );
        // Refusals of other settings find their place in a file with a profile too.
        check(
            "profile = \"broad\"\n[guard]\nallow = [\"10.0.0.0/8\", \"x\"]",
            "orb.toml:3:24: bad value of `guard.allow`: invalid IP address syntax (the default is [])",
        );
    }
}

//! Profile `own-site`: whose pace is shortened, and who hears of it.
//!
//! In: settings in force, seeds. Out: `politeness.own_sites`, and a note that names them.
//! May touch: the seeds, to read ahead. Must not touch: the pause itself; the gate gives it to the named sites only.
//! Invariant: no site is asked faster that a seed of this very run, or the operator's settings, do not name. A page's
//! link, a redirect or what an older run queued never makes a site one's own.

use std::collections::BTreeSet;

use orb_frontier::Scope;
use orb_gate::OWN_SITES_MAX;
use orb_url::Site;

use crate::exit::Failure;
use crate::limits::OWN_SEEDS_MAX;
use crate::seeds::Seeds;
use crate::settings::{OWN_SITE, Origin};
use crate::settings_args::InForce;

/// Refuses a scope that leaves the operator's own sites.
pub(crate) fn check_scope(settings: &InForce) -> Result<(), Failure> {
    if settings.profile.name != OWN_SITE || settings.config.frontier.scope != Scope::Any {
        return Ok(());
    }
    let origin = settings.origin.get("frontier.scope");
    let who = origin.map_or_else(String::new, |origin| format!(" ({origin})"));
    Err(Failure::usage_text(format!(
        "profile own-site is for sites you run, and frontier.scope = \"any\"{who} leaves them: use site, host or prefix, \
         or another profile"
    )))
}

/// Under profile `own-site`, makes the seeds' sites the operator's own unless the settings name them. Returns what to
/// tell the operator.
pub(crate) fn claim(settings: &mut InForce, seeds: &mut Seeds) -> Result<Option<String>, Failure> {
    if settings.profile.name != OWN_SITE {
        return Ok(None);
    }
    let politeness = &mut settings.config.politeness;
    if politeness.own_sites.is_empty() {
        let Some(ahead) = seeds.read_ahead(OWN_SEEDS_MAX) else {
            return Err(Failure::usage_text(format!(
                "profile own-site: more than {OWN_SEEDS_MAX} seeds; name your sites in politeness.own_sites instead"
            )));
        };
        let sites: BTreeSet<Site> = ahead.map(|seed| seed.url.site()).collect();
        if sites.len() > OWN_SITES_MAX {
            return Err(Failure::usage_text(format!(
                "profile own-site is for sites you run, and the seeds name {}: choose another profile, or name yours \
                 in politeness.own_sites",
                sites.len()
            )));
        }
        politeness.own_sites = sites.into_iter().collect();
        let from = "the seeds";
        let key = "politeness.own_sites".to_owned();
        settings.origin.insert(key, Origin::Derived { from });
    }
    let names: Vec<&str> = politeness.own_sites.iter().map(Site::as_str).collect();
    if names.is_empty() {
        return Ok(Some(
            "profile own-site: no seed names your sites in this run, so none is asked faster; give the seeds again, or \
             set politeness.own_sites"
                .to_owned(),
        ));
    }
    let delay = humantime::format_duration(politeness.own_site_delay);
    Ok(Some(format!(
        "profile own-site: {} asked every {delay} at most; go on only if you run {}. robots.txt is obeyed, every other \
         site keeps its usual pause",
        if names.len() == 1 {
            format!("{} is", names[0])
        } else {
            format!("{} are", names.join(", "))
        },
        if names.len() == 1 { "it" } else { "them" },
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::Machine;
    use crate::settings_args::SettingsArgs;

    fn settings(sets: &[&str]) -> InForce {
        let machine = Machine {
            cores: 1,
            memory_bytes: 1 << 30,
            dns: Vec::new(),
        };
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        SettingsArgs::with_sets(&sets)
            .in_force(Vec::new(), &machine)
            .unwrap()
    }

    fn claimed(sets: &[&str], urls: &[String]) -> (InForce, Result<Option<String>, Failure>) {
        let mut settings = settings(sets);
        let mut seeds = Seeds::open(urls, &[]).unwrap();
        let told = claim(&mut settings, &mut seeds);
        if told.is_ok() {
            assert_eq!(
                seeds.count(),
                urls.len(),
                "seeds are handed out all the same"
            );
        }
        (settings, told)
    }

    fn own(settings: &InForce) -> Vec<&str> {
        let sites = settings.config.politeness.own_sites.iter();
        sites.map(Site::as_str).collect()
    }

    #[test]
    fn the_seeds_sites_and_only_they_are_ones_own() {
        let urls = ["https://www.b.example/x", "a.example", "blog.b.example"].map(str::to_owned);
        let (settings, told) = claimed(&["profile=own-site"], &urls);
        assert_eq!(own(&settings), ["a.example", "b.example"]);
        let told = told.unwrap().unwrap();
        assert!(
            told.contains("a.example, b.example are asked every 100ms"),
            "{told}"
        );
        assert_eq!(
            settings.origin["politeness.own_sites"].to_string(),
            "derived from the seeds"
        );
        let (settings, told) = claimed(&[], &urls);
        assert!(own(&settings).is_empty() && told.unwrap().is_none());
    }

    #[test]
    fn sites_named_in_the_settings_win_and_nothing_named_means_nothing_faster() {
        let sets = ["profile=own-site", "politeness.own_sites=mine.example"];
        let (settings, told) = claimed(&sets, &["other.example".to_owned()]);
        assert_eq!(own(&settings), ["mine.example"]);
        assert!(told.unwrap().unwrap().contains("mine.example is asked"));
        let (settings, told) = claimed(&["profile=own-site"], &[]);
        assert!(own(&settings).is_empty());
        assert!(told.unwrap().unwrap().contains("none is asked faster"));
    }

    #[test]
    fn a_list_of_the_web_is_nobodys_own() {
        let urls: Vec<String> = (0..=OWN_SITES_MAX)
            .map(|n| format!("s{n}.example"))
            .collect();
        let (settings, told) = claimed(&["profile=own-site"], &urls);
        assert!(own(&settings).is_empty());
        let message = told.unwrap_err().error.to_string();
        assert!(message.contains("the seeds name 101"), "{message}");
    }
}

//! The rules that judge a URL, each with the line that decides.
//!
//! In: facts. Out: one ruling for each rule, in the order they are asked.
//! May touch: nothing. Invariant: a rule that was not asked says so.

use orb_api::{RobotsFacts, UrlFacts};
use serde::Serialize;

use crate::chain::found_of;
use crate::cut::because;
use crate::wording::{Times, count, counted, span_ms};

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// It lets the URL through.
    Allows,
    /// It stops the URL.
    Forbids,
    /// It was not asked, or nobody can tell.
    Open,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleLine {
    /// `scope`, `exclude`, `depth`, `redirects`, `budget` or `robots`.
    pub rule: &'static str,
    /// What it says.
    pub ruling: Ruling,
    /// In words.
    pub text: String,
    /// The line of the file that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// Every rule's word on a URL.
pub(crate) fn judge(facts: &UrlFacts, times: &Times<'_>) -> Vec<RuleLine> {
    vec![
        redirects(facts),
        depth(facts),
        exclude(facts),
        scope(facts),
        budget(facts),
        robots(facts.robots.as_ref(), times),
    ]
}

fn line(rule: &'static str, ruling: Ruling, text: impl Into<String>) -> RuleLine {
    RuleLine {
        rule,
        ruling,
        text: text.into(),
        line: None,
    }
}

fn stopped(facts: &UrlFacts, causes: &[&str]) -> bool {
    let cause = facts.scope.stopped_by.as_deref();
    cause.is_some_and(|cause| causes.contains(&cause))
}

fn redirects(facts: &UrlFacts) -> RuleLine {
    match found_of(facts) {
        _ if stopped(facts, &["redirect_limit"]) => line(
            "redirects",
            Ruling::Forbids,
            "more redirects in a row than are followed",
        ),
        None => line("redirects", Ruling::Open, "never found, so never counted"),
        Some(found) if found.hops == 0 => line("redirects", Ruling::Allows, "no redirect led here"),
        Some(found) => {
            let text = format!("{} led here", counted(u64::from(found.hops), "redirect"));
            line("redirects", Ruling::Allows, text)
        }
    }
}

fn depth(facts: &UrlFacts) -> RuleLine {
    match found_of(facts) {
        _ if stopped(facts, &["depth"]) => line("depth", Ruling::Forbids, "too far from its seed"),
        None => line("depth", Ruling::Open, "never found, so never counted"),
        Some(found) if found.depth == 0 => {
            line("depth", Ruling::Allows, "a seed, or where one leads")
        }
        Some(found) => {
            let text = format!("{} from its seed", counted(u64::from(found.depth), "link"));
            line("depth", Ruling::Allows, text)
        }
    }
}

fn exclude(facts: &UrlFacts) -> RuleLine {
    match (&facts.scope.rule, stopped(facts, &["rule", "opt_out"])) {
        (Some(rule), true) => line(
            "exclude",
            Ruling::Forbids,
            format!("the operator's rule `{rule}`"),
        ),
        (None, true) => line("exclude", Ruling::Forbids, "a rule of the operator"),
        _ => line(
            "exclude",
            Ruling::Allows,
            "no rule of the operator stops it",
        ),
    }
}

fn scope(facts: &UrlFacts) -> RuleLine {
    let scope = &facts.scope.scope;
    let site = &facts.site.site;
    let forbids = stopped(facts, &["scope"]);
    let text = match (scope.as_str(), forbids) {
        ("any", _) => "scope = any: everything".to_owned(),
        ("site", false) => format!("scope = site: {site} has a seed"),
        ("site", true) => format!("scope = site: no seed lies in {site}"),
        ("host", false) => "scope = host: its host has a seed".to_owned(),
        ("host", true) => "scope = host: no seed lies on its host".to_owned(),
        ("prefix", false) => "scope = prefix: it lies in the folder of a seed".to_owned(),
        ("prefix", true) => "scope = prefix: it lies in no folder of a seed".to_owned(),
        ("", _) => return line("scope", Ruling::Open, "not known"),
        (other, _) => format!("scope = {other}"),
    };
    let ruling = if forbids {
        Ruling::Forbids
    } else {
        Ruling::Allows
    };
    line("scope", ruling, text)
}

fn budget(facts: &UrlFacts) -> RuleLine {
    let site = &facts.site;
    let cold = facts
        .queue
        .as_ref()
        .is_some_and(|queue| queue.place == "cold");
    let full = stopped(facts, &["full", "frontier_full", "sitemap_full"]);
    let queued = counted(site.queued, "URL");
    let cut = facts.queue.as_ref().and_then(|queue| queue.cut.as_ref());
    let text = match (cold, full, site.cold) {
        (true, _, all) => format!(
            "{}; {} of {} cut",
            cut.map_or_else(String::new, |cut| because(cut, site)),
            counted(all, "URL"),
            site.site
        ),
        (_, true, _) => format!("{} is full: no more links of it are taken", site.site),
        (_, _, 0) => format!("{queued} of {} queued so far", site.site),
        (_, _, cut) => format!(
            "{queued} of {} were queued, this one in time; {} cut",
            site.site,
            count(cut)
        ),
    };
    let ruling = if cold || full {
        Ruling::Forbids
    } else {
        Ruling::Allows
    };
    line("budget", ruling, text)
}

fn robots(copy: Option<&RobotsFacts>, times: &Times<'_>) -> RuleLine {
    let Some(copy) = copy else {
        return line(
            "robots",
            Ruling::Open,
            "no robots.txt of its origin has been asked for yet",
        );
    };
    let standing = copy
        .in_force
        .as_ref()
        .map_or("", |force| force.standing.as_str());
    let ruling = match copy.allowed {
        Some(true) => Ruling::Allows,
        Some(false) => Ruling::Forbids,
        None => Ruling::Open,
    };
    let what = match (standing, &copy.rule) {
        ("unreachable", _) => "robots.txt could not be had: nothing may be fetched".to_owned(),
        ("allow_all", _) => "the origin has no robots.txt".to_owned(),
        (_, Some(rule)) => format!("`{rule}`"),
        ("rules", None) => "no rule matches".to_owned(),
        (_, None) => "nothing is known yet".to_owned(),
    };
    let mut text = what;
    if let Some(ms) = copy.crawl_delay_ms {
        text.push_str(&format!(", crawl-delay {}", span_ms(ms)));
    }
    if copy.fetched_us > 0 {
        text.push_str(&format!("; read {}", times.relative(copy.fetched_us)));
    }
    if copy.expires_us > 0 {
        text.push_str(&format!(
            ", asked for again {}",
            times.relative(copy.expires_us)
        ));
    }
    RuleLine {
        line: copy.line,
        ..line("robots", ruling, text)
    }
}

//! Robots as the servers saw it: the file first, and nothing that it forbids.
//!
//! In: the servers' log, the web's truth. Out: findings. May touch: nothing else.
//! Invariant: a page counts as allowed only if an answer that allows it had left the server whole before.

use std::collections::BTreeMap;

use orb_simweb::Fate;
use orb_url::CrawlUrl;

use super::pauses::is_page;
use super::{Aftermath, Findings};
use crate::server_log::Visit;

/// Redirects followed on the way to a robots.txt.
const HOPS_MAX: usize = 6;

pub(super) fn judge(after: &Aftermath<'_>, findings: &mut Findings) {
    let truth = after.truth();
    let mut answers: BTreeMap<String, Vec<&Visit>> = BTreeMap::new();
    // Of a redirect the head is enough.
    let told = |visit: &&Visit| visit.whole || !visit.location.is_empty();
    for visit in after
        .server
        .visits
        .iter()
        .filter(told)
        .filter(|visit| !is_page(visit))
    {
        answers.entry(after.url(visit)).or_default().push(visit);
    }
    for visit in after
        .server
        .visits
        .iter()
        .filter(|visit| is_page(visit) && !visit.host.is_empty())
    {
        findings.count("pages asked for", 1);
        let url = after.url(visit);
        match truth.fate(&url) {
            Some(
                Fate::RobotsDenied
                | Fate::RobotsUnreachable
                | Fate::DelayTooLong
                | Fate::Unresolved,
            ) => {
                findings.violate("robots", format!("{url} was asked for and must not be"));
            }
            None => findings.violate("scope", format!("{url} was asked for and leads nowhere")),
            Some(_) => {}
        }
        let Ok(parsed) = CrawlUrl::parse(&url) else {
            continue;
        };
        let file = parsed.origin().robots_url().as_str().to_owned();
        if known_at(&answers, &file, HOPS_MAX).is_none_or(|at| at > visit.begun) {
            findings.violate(
                "robots",
                format!(
                    "{url} was asked for at {} before {file} was known",
                    visit.begun
                ),
            );
        }
    }
}

/// When the first whole answer that settles `file` had left its server.
fn known_at(answers: &BTreeMap<String, Vec<&Visit>>, file: &str, hops: usize) -> Option<u64> {
    let settled = answers
        .get(file)?
        .iter()
        .filter_map(|visit| match visit.status {
            200..=299 | 400..=428 | 430..=499 => Some(visit.ended),
            300..=399 if hops > 0 => {
                let target = CrawlUrl::parse(file).ok()?.join(&visit.location).ok()?;
                Some(known_at(answers, target.as_str(), hops - 1)?.max(visit.ended))
            }
            _ => None,
        });
    settled.min()
}

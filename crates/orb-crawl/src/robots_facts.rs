//! Facts of robots copies, from their stored rows.
//!
//! In: rows of a slot's store. Out: what is in force for an origin, and what it says of a path.
//! May touch: the store, reading, blocking. Must not touch: copies in memory.
//! Invariant: a bounded number of origins a site; a row is judged by the code that judges visits.

use orb_api::RobotsFacts;
use orb_frontier::rows::{prefix_end, site_prefix};
use orb_store::Keyspace;
use orb_url::{CrawlUrl, Origin};

use crate::copies::OriginCopy;
use crate::facts::{FactsError, FactsJob};
use crate::limits::ORIGINS_SHOWN;
use crate::visits::robots_key;

/// The copies of a site's origins, the first by name.
pub(crate) fn of_site(job: &FactsJob) -> Result<Vec<RobotsFacts>, FactsError> {
    let prefix = site_prefix(job.look.site_key(&job.asked.site));
    let end = prefix_end(&prefix);
    let store = job.look.store();
    let rows = store.range(Keyspace::Robots, &prefix, end.as_deref(), ORIGINS_SHOWN)?;
    let facts = rows.iter().filter_map(|(key, row)| {
        let origin = std::str::from_utf8(key.get(prefix.len()..)?).ok()?;
        of_row(job, origin, row, None)
    });
    Ok(facts.collect())
}

/// The copy of a URL's origin, and what it says of the URL.
pub(crate) fn of_url(job: &FactsJob, url: &CrawlUrl) -> Result<Option<RobotsFacts>, FactsError> {
    let origin: Origin = url.origin();
    let key = robots_key(job.look.site_key(&job.asked.site), &origin);
    let row = job.look.store().get(Keyspace::Robots, &key)?;
    Ok(row.and_then(|row| of_row(job, origin.as_str(), &row, Some(url.path_and_query()))))
}

fn of_row(job: &FactsJob, origin: &str, row: &[u8], path: Option<&str>) -> Option<RobotsFacts> {
    let copy = OriginCopy::decode(row, &job.token, job.now)?;
    let facts = copy.facts(path, job.config.limits.retry_first, job.now);
    Some(RobotsFacts {
        origin: origin.to_owned(),
        ..facts
    })
}

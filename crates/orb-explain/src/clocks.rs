//! The clocks that hold a site back, and why its pause is as long as it is.
//!
//! In: facts of a site, the settings of the run, its last request. Out: the clocks in words and numbers.
//! May touch: nothing. Invariant: the cause named is the largest of those that count.

use orb_api::{SiteFacts, SitePhase};
use orb_gate::PolitenessConfig;
use serde::Serialize;

use crate::attempts::SeenRow;
use crate::source::Crawl;
use crate::wording::{Times, span_ms};

/// Why a site's pause is as long as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DelayCause {
    /// The operator's setting.
    Setting,
    /// robots.txt asks for it.
    CrawlDelay,
    /// The site was in trouble or asked for rest.
    BackOff,
    /// A multiple of how long its last exchange took.
    LastExchange,
    /// Nobody can tell.
    Unknown,
}

/// The clocks in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Clocks {
    /// The site.
    pub site: String,
    /// What it is doing.
    pub phase: SitePhase,
    /// Pause between the end of one exchange and the start of the next, milliseconds.
    pub delay_ms: u64,
    /// Why it is that long.
    pub because: DelayCause,
    /// The same in words.
    pub because_text: String,
    /// When the site may be contacted again; `None` when it may now, or nobody crawls.
    pub next_us: Option<i64>,
    /// Back-off in force, milliseconds.
    pub backoff_ms: u64,
    /// Rest of a `Retry-After`, milliseconds.
    pub hold_ms: u64,
    /// Address last dialled.
    pub address: Option<String>,
    /// Pause of that address when it was dialled, milliseconds.
    pub address_delay_ms: Option<u64>,
    /// Group of that address.
    pub address_group: Option<String>,
}

impl Clocks {
    /// The clocks of a site; `last` is its last request that is known.
    pub(crate) fn of(
        crawl: &Crawl<'_>,
        site: &SiteFacts,
        last: Option<&SeenRow>,
        times: &Times<'_>,
    ) -> Clocks {
        let (because, because_text) = cause(site, crawl.politeness);
        let next_us = (crawl.running() && site.next_in_ms > 0)
            .then(|| times.now.0.saturating_add(us_of(site.next_in_ms)));
        let row = last.map(|seen| &seen.row);
        Clocks {
            site: site.site.clone(),
            phase: site.phase,
            delay_ms: site.delay_ms,
            because,
            because_text,
            next_us,
            backoff_ms: site.backoff_ms,
            hold_ms: site.hold_ms,
            address: row.map(|row| row.address.clone()),
            address_delay_ms: row.map(|row| row.address_delay_us / 1_000),
            address_group: row.and_then(|row| row.group.clone()),
        }
    }
}

pub(crate) fn us_of(ms: u64) -> i64 {
    i64::try_from(ms.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

fn cause(site: &SiteFacts, politeness: Option<&PolitenessConfig>) -> (DelayCause, String) {
    let is_it = |ms: u64| ms > 0 && ms >= site.delay_ms;
    if is_it(site.backoff_ms) {
        let text =
            "back-off: the site was in trouble or asked for rest; it halves with each good answer";
        return (DelayCause::BackOff, text.to_owned());
    }
    if site.crawl_delay_ms.is_some_and(is_it) {
        let text = "the crawl-delay of its robots.txt";
        return (DelayCause::CrawlDelay, text.to_owned());
    }
    let Some(politeness) = politeness else {
        return (
            DelayCause::Unknown,
            "the settings of the run are not known".to_owned(),
        );
    };
    let setting = politeness.site_delay.as_millis() as u64;
    // A millisecond is lost in rounding.
    if site.delay_ms > setting + 1 {
        let text = format!(
            "{} × its last exchange, which took {}",
            politeness.site_delay_factor,
            span_ms(site.last_exchange_ms)
        );
        return (DelayCause::LastExchange, text);
    }
    let text = format!("politeness.site_delay = {}", span_ms(setting));
    (DelayCause::Setting, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_cause_is_named() {
        let politeness = PolitenessConfig::default();
        let check = |facts: SiteFacts, want: DelayCause| {
            assert_eq!(cause(&facts, Some(&politeness)).0, want, "{facts:?}");
        };
        let facts = |delay_ms, backoff_ms, crawl_delay_ms, last_exchange_ms| SiteFacts {
            delay_ms,
            backoff_ms,
            crawl_delay_ms,
            last_exchange_ms,
            ..SiteFacts::default()
        };
        check(facts(1_000, 0, None, 20), DelayCause::Setting);
        check(facts(5_000, 0, Some(5_000), 20), DelayCause::CrawlDelay);
        check(facts(10_000, 10_000, Some(5_000), 20), DelayCause::BackOff);
        check(facts(2_500, 0, Some(1_000), 500), DelayCause::LastExchange);
        assert_eq!(
            cause(&facts(1_000, 0, None, 0), None).0,
            DelayCause::Unknown
        );
    }
}

//! Explains one site: how it stands, and whether it is slow or we are.
//!
//! In: a source of facts, the crawl's folder. Out: [`SiteReport`].
//! May touch: attempt rows, reading only. Must not touch: the crawl, the archive.
//! Invariant: every number is of the site's own rows; what is estimated says so.

use orb_api::{Outcome, RobotsFacts, SiteFacts};
use orb_url::Site;
use serde::Serialize;

use crate::attempts::of_site;
use crate::clocks::Clocks;
use crate::site_rows::SiteTally;
use crate::source::{Crawl, ExplainError, FactSource, Search};
use crate::whose_time::{WhoseTime, judge};
use crate::wording::{Times, counted, inert, span, span_ms};

/// Everything there is to say about a site.
#[derive(Clone, Debug, Serialize)]
pub struct SiteReport {
    /// Registrable domain, or an IP literal.
    pub site: String,
    /// How it stands, in a sentence.
    pub standing: String,
    /// Whether it is the site or us.
    pub whose: WhoseTime,
    /// How fast it is visited and why not faster, in a sentence.
    pub pace: String,
    /// The facts of the crawl: pending, queued, cut, parked, robots copies.
    pub facts: SiteFacts,
    /// The clocks in force.
    pub clocks: Clocks,
    /// Median length of an exchange.
    pub exchange_median_us: u64,
    /// Nine of ten exchanges took no longer.
    pub exchange_p90_us: u64,
    /// How much later than its pause allowed a request began, median: nothing was queued, or we were late.
    pub late_median_us: u64,
    /// Its requests.
    pub requests: SiteTally,
}

/// Explains how a site stands.
///
/// - Cost: two passes over the attempt rows of its slot.
///
/// # Errors
/// When the crawl cannot be asked or its rows cannot be read. A site nobody ever saw is a report too.
pub fn inspect(
    crawl: &Crawl<'_>,
    source: &mut dyn FactSource,
    site: &Site,
    times: &Times<'_>,
    progress: &mut dyn FnMut(Search),
) -> Result<SiteReport, ExplainError> {
    let mut facts = source
        .site_facts(site)
        .map_err(ExplainError::facts(site.as_str()))?;
    site.as_str().clone_into(&mut facts.site);
    let mut requests = SiteTally::default();
    let mut newest = None;
    of_site(crawl, facts.slot, site.as_str(), progress, &mut |seen| {
        requests.add(&seen);
        newest = Some(seen);
    })?;
    let clocks = Clocks::of(crawl, &facts, newest.as_ref(), times);
    let whose = judge(requests.timed, &requests.parts);
    let late_median_us = requests.late.quantile_us(50).unwrap_or(0);
    let exchange_median_us = requests.exchanges.quantile_us(50).unwrap_or(0);
    Ok(SiteReport {
        site: site.as_str().to_owned(),
        standing: inert(&standing(crawl, &facts, &requests, &clocks, times)),
        pace: pace(&clocks, &requests, exchange_median_us, late_median_us),
        whose,
        exchange_median_us,
        exchange_p90_us: requests.exchanges.quantile_us(90).unwrap_or(0),
        late_median_us,
        clocks,
        facts,
        requests,
    })
}

fn standing(
    crawl: &Crawl<'_>,
    facts: &SiteFacts,
    requests: &SiteTally,
    clocks: &Clocks,
    times: &Times<'_>,
) -> String {
    if !facts.known && requests.requests == 0 {
        return "not known: nothing of it was found".to_owned();
    }
    let of = |outcome| requests.outcomes.get(&outcome).copied().unwrap_or(0);
    let pages = of(Outcome::Captured) + of(Outcome::NotModified);
    let done = format!(
        "{} archived with {}",
        counted(pages, "page"),
        counted(requests.requests, "request")
    );
    let pending = counted(facts.pending, "URL");
    if let Some(reason) = facts.parked {
        return format!(
            "set aside ({reason}) with {pending} pending: nothing of it is fetched; {done}"
        );
    }
    let asked_ms = facts.crawl_delay_ms.filter(|_| facts.pending > 0);
    let max_ms = crawl
        .politeness
        .map(|politeness| politeness.crawl_delay_max.as_millis() as u64);
    if let (Some(asked), Some(max)) = (asked_ms, max_ms)
        && asked > max
    {
        return format!(
            "{pending} pending; the site will be set aside at its next turn: its robots.txt asks for {}, above \
             politeness.crawl_delay_max; {done}",
            span_ms(asked)
        );
    }
    let mut text = match (facts.pending, clocks.next_us) {
        (0, _) => format!("nothing pending; {done}"),
        (_, Some(next)) => format!(
            "{pending} pending, may be contacted {}; {done}",
            times.at(next)
        ),
        (_, None) if crawl.running() => format!("{pending} pending, may be contacted now; {done}"),
        (_, None) => format!("{pending} pending, nobody crawls now; {done}"),
    };
    let troubles = requests.troubles();
    if troubles > 0 {
        text.push_str(&format!(", {troubles} in trouble"));
    }
    text
}

fn pace(clocks: &Clocks, requests: &SiteTally, exchange_us: u64, late_us: u64) -> String {
    if requests.requests == 0 {
        return "it was never contacted".to_owned();
    }
    let cycle = clocks.delay_ms.saturating_mul(1_000) + exchange_us;
    let best = if cycle == 0 {
        String::new()
    } else {
        format!(": at most a page in {}", span(cycle))
    };
    let mut text = format!(
        "between two requests it rests {} ({}), an exchange takes {} (median){best}",
        span_ms(clocks.delay_ms),
        clocks.because_text,
        span(exchange_us)
    );
    if late_us > 0 {
        text.push_str(&format!(
            "; requests came {} after its pause was over (median){}",
            span(late_us),
            if late_us > cycle.max(100_000) {
                ": nothing of it was queued then, or we were busy"
            } else {
                ""
            }
        ));
    }
    text
}

impl SiteReport {
    /// Robots copies, that of the largest crawl-delay first.
    pub(crate) fn robots(&self) -> Vec<&RobotsFacts> {
        let mut list: Vec<&RobotsFacts> = self.facts.robots.iter().collect();
        list.sort_by_key(|copy| (std::cmp::Reverse(copy.crawl_delay_ms), &copy.origin));
        list
    }
}

//! The sites a watcher sees: the first of an order, from the memory of lately visited ones.
//!
//! In: a slot, an order. Out: lines, bounded.
//! May touch: the slot's frontier, reading. Must not touch: its store.
//! Invariant: the cost is bounded whatever the number of sites; equal sites come in the order of their names.

use std::cmp::Reverse;

use orb_api::{SiteLine, SiteOrder, ViewQuery};
use orb_env::Mono;
use orb_frontier::SiteId;
use orb_url::Site;

use crate::limits::SITES_SHOWN;
use crate::slot::Slot;

/// Place in an order: what is largest first, then by name.
type Rank<'a> = (Reverse<u64>, &'a str);

/// The first sites of a slot.
///
/// Looked at are the sites in memory, which are all of a small slot, and those lately visited. Cost: some ten thousand
/// comparisons.
pub(crate) fn lines(slot: &Slot, query: &ViewQuery, now: Mono) -> Vec<SiteLine> {
    let filter = query.filter.to_ascii_lowercase();
    let warm = slot.frontier.warm_sites();
    let visited = slot.visited.all().map(|visits| visits.id);
    let cold = visited.filter(|id| warm.binary_search(id).is_err());
    let mut first: Vec<(Rank<'_>, SiteId)> = warm
        .iter()
        .copied()
        .chain(cold)
        .map(|id| (rank(slot, query.order, id), id))
        .filter(|((_, name), _)| filter.is_empty() || name.contains(&filter))
        .collect();
    let count = shown(query);
    if first.len() > count {
        first.select_nth_unstable(count);
        first.truncate(count);
    }
    first
        .into_iter()
        .map(|((_, name), id)| line(slot, id, name, now))
        .collect()
}

/// Joins the lines of all slots.
pub(crate) fn merged(mut lines: Vec<SiteLine>, query: &ViewQuery) -> Vec<SiteLine> {
    lines.sort_by(|a, b| rank_of(a, query.order).cmp(&rank_of(b, query.order)));
    lines.truncate(shown(query));
    lines
}

fn shown(query: &ViewQuery) -> usize {
    usize::from(query.sites_max.min(SITES_SHOWN))
}

fn micros(mean_ms: f64) -> u64 {
    (mean_ms * 1_000.0) as u64
}

fn rank(slot: &Slot, order: SiteOrder, id: SiteId) -> Rank<'_> {
    let visits = slot.visited.of(id);
    let weight = match order {
        SiteOrder::Busy => visits.map_or(0, |visits| u64::from(visits.requests)),
        SiteOrder::Slow => visits.map_or(0, |visits| micros(visits.mean_ms())),
        SiteOrder::Failing => visits.map_or(0, |visits| u64::from(visits.troubles)),
        SiteOrder::Pending => slot.frontier.site_pending(id),
        SiteOrder::Name => 0,
    };
    let in_memory = slot.frontier.site_name(id);
    let name = in_memory.or(visits.map(|visits| &visits.name));
    (Reverse(weight), name.map_or("", Site::as_str))
}

fn rank_of(line: &SiteLine, order: SiteOrder) -> Rank<'_> {
    let weight = match order {
        SiteOrder::Busy => line.requests,
        SiteOrder::Slow => micros(line.mean_ms),
        SiteOrder::Failing => line.troubles,
        SiteOrder::Pending => line.pending,
        SiteOrder::Name => 0,
    };
    (Reverse(weight), &line.site)
}

fn line(slot: &Slot, id: SiteId, name: &str, now: Mono) -> SiteLine {
    let state = slot.frontier.site_state(id, now);
    let visits = slot.visited.of(id);
    let count = |part: fn(&crate::visited::Visits) -> u32| visits.map_or(0, |v| u64::from(part(v)));
    SiteLine {
        site: name.to_owned(),
        phase: state.phase,
        pending: u64::from(state.tally.pending),
        requests: count(|visits| visits.requests),
        pages: count(|visits| visits.pages),
        troubles: count(|visits| visits.troubles),
        mean_ms: visits.map_or(0.0, |visits| visits.mean_ms()),
        last_outcome: visits.map(|visits| visits.ended.0),
        last_reason: visits.map(|visits| visits.ended.1),
        // Of one that is not in memory nothing is known but when it is due.
        delay_ms: state.warm.map_or(0, |warm| warm.delay.as_millis() as u64),
        next_in_ms: state.next_in.as_millis() as u64,
        parked: state.tally.parked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_api::SitePhase;

    fn line(site: &str, requests: u64, pending: u64, mean_ms: f64) -> SiteLine {
        SiteLine {
            site: site.into(),
            phase: SitePhase::Idle,
            pending,
            requests,
            pages: 0,
            troubles: 0,
            mean_ms,
            last_outcome: None,
            last_reason: None,
            delay_ms: 0,
            next_in_ms: 0,
            parked: None,
        }
    }

    fn check(order: SiteOrder, sites_max: u16, expected: &[&str]) {
        let lines = vec![
            line("b", 5, 1, 10.0),
            line("a", 5, 2, 30.5),
            line("c", 9, 3, 30.4),
        ];
        let query = ViewQuery {
            order,
            sites_max,
            ..ViewQuery::default()
        };
        let merged = merged(lines, &query);
        let names: Vec<&str> = merged.iter().map(|line| line.site.as_str()).collect();
        assert_eq!(names, expected, "{order:?}");
    }

    #[test]
    fn each_order_has_its_first_and_equals_come_by_name() {
        check(SiteOrder::Busy, 9, &["c", "a", "b"]);
        check(SiteOrder::Slow, 9, &["a", "c", "b"]);
        check(SiteOrder::Failing, 9, &["a", "b", "c"]);
        check(SiteOrder::Pending, 2, &["c", "a"]);
        check(SiteOrder::Name, 1, &["a"]);
        check(SiteOrder::Name, 0, &[]);
    }
}

//! What an order would do: which facts tell, and what they say.
//!
//! In: an order, the book, facts of one site, the books. Out: an [`Effect`]. May touch: nothing.
//! Invariant: of a whole site the effect is exact; of a part of one, or of a pattern, it is a bound that holds.

use orb_api::{Act, Effect, Reason, SiteFacts, States};
use orb_frontier::{Excluded, Reach};
use orb_url::Site;

use crate::orders::OrderBook;

/// What must be known to tell an order's effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asks {
    /// Nothing.
    Nothing(Effect),
    /// How a whole site stands; whether it is taken out, or back.
    Site(Site, bool),
    /// How the site stands that it is a part of.
    Within(Site, bool),
    /// How the crawl stands.
    Anywhere(bool),
    /// How the site stands whose budget is changed, and to what; `None` is the setting's, or an earlier order's.
    Budget(Site, Option<u64>),
}

impl Asks {
    /// Of an order that was prepared.
    pub(crate) fn of(act: &Act, book: &OrderBook) -> Asks {
        let nothing = Asks::Nothing(Effect::default());
        let (what, out) = match act {
            Act::Exclude { what } | Act::OptOut { what } => (what, true),
            Act::Undo { undoes } => {
                let order = book.orders().iter().find(|order| order.order == *undoes);
                match order.map(|order| &order.act) {
                    Some(Act::Exclude { what } | Act::OptOut { what }) => (what, false),
                    Some(Act::Budget { site, .. }) => return Asks::budget(site, None),
                    _ => return nothing,
                }
            }
            Act::Budget { site, pages } => return Asks::budget(site, *pages),
            Act::Seeds { seeds } => return Asks::Nothing(Effect::at_most(seeds.len() as u64)),
            _ => return nothing,
        };
        let Ok(excluded) = Excluded::read(what) else {
            return nothing;
        };
        match excluded.reach() {
            _ if matches!(act, Act::Undo { undoes } if book.stays_excluded(&excluded, *undoes)) => {
                nothing
            }
            Reach::Site(site) => Asks::Site(site, out),
            Reach::Within(site) => Asks::Within(site, out),
            Reach::Anywhere => Asks::Anywhere(out),
        }
    }

    fn budget(site: &str, pages: Option<u64>) -> Asks {
        Asks::Budget(Site::from_stored(site), pages)
    }

    /// The site whose facts are needed.
    pub(crate) fn site(&self) -> Option<&Site> {
        match self {
            Asks::Site(site, _) | Asks::Within(site, true) | Asks::Budget(site, _) => Some(site),
            Asks::Nothing(_) | Asks::Within(..) | Asks::Anywhere(_) => None,
        }
    }

    /// The effect, by the facts of that site and the books; without the facts a bound.
    pub(crate) fn effect(&self, facts: Option<&SiteFacts>, states: &States) -> Effect {
        let excluded = |reason| states.excluded.get(&reason).copied().unwrap_or(0);
        let all_pending = states.pending + states.in_flight;
        let all_excluded = excluded(Reason::Rule) + excluded(Reason::OptOut);
        let pending = facts.map_or(all_pending, |facts| facts.pending);
        let parked = facts.and_then(|facts| facts.parked);
        let ours = matches!(parked, Some(Reason::Rule | Reason::OptOut));
        match self {
            Asks::Nothing(effect) => *effect,
            Asks::Budget(_, pages) => Effect::at_most(match facts {
                Some(facts) => within(facts, *pages),
                None => all_pending + excluded(Reason::Budget),
            }),
            Asks::Site(_, out) if facts.is_none() => {
                Effect::at_most(if *out { all_pending } else { all_excluded })
            }
            Asks::Site(_, true) if parked.is_none() => Effect::exactly(pending),
            Asks::Site(_, false) if ours => Effect::exactly(pending),
            Asks::Site(..) => Effect::exactly(0),
            Asks::Within(_, true) => Effect::at_most(pending),
            Asks::Anywhere(true) => Effect::at_most(all_pending),
            Asks::Within(_, false) | Asks::Anywhere(false) => Effect::at_most(all_excluded),
        }
    }
}

/// URLs of a site that a new budget cuts, or brings back.
fn within(facts: &SiteFacts, pages: Option<u64>) -> u64 {
    match pages {
        None => facts.pending.max(facts.cold),
        Some(0) => facts.cold,
        Some(most) => {
            let spent = facts.queued.saturating_sub(facts.pending);
            let cut = facts.pending.saturating_sub(most.saturating_sub(spent));
            let room = most.saturating_sub(facts.queued);
            cut.max(facts.cold.min(room))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bound that holds is told where a site's facts did not come in time.
    #[test]
    fn without_facts_an_effect_is_a_bound() {
        let mut states = States {
            pending: 90,
            in_flight: 3,
            ..States::default()
        };
        states.excluded.insert(Reason::OptOut, 7);
        let site = || Site::of_host("a.example");
        let facts = SiteFacts {
            pending: 40,
            ..SiteFacts::default()
        };
        for (asks, known, unknown) in [
            (Asks::Site(site(), true), Effect::exactly(40), 93),
            (Asks::Site(site(), false), Effect::exactly(0), 7),
            (Asks::Within(site(), true), Effect::at_most(40), 93),
        ] {
            assert_eq!(asks.effect(Some(&facts), &states), known, "{asks:?}");
            assert_eq!(
                asks.effect(None, &states),
                Effect::at_most(unknown),
                "{asks:?}"
            );
        }
    }
}

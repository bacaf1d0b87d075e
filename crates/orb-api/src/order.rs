//! Orders: what an operator asks of a crawl beyond watching it, with who, when and why.
//!
//! In: values. Out: one JSON line each, and back. May touch: nothing.
//! Invariant: an order is whole in its line, so that it is given when the line is there and not given when it is not;
//! the text of people in it holds nothing that steers a terminal.

use serde::{Deserialize, Serialize};

/// Letters of `who` and `why` that are kept: a few sentences.
const WORDS_MAX: usize = 500;

/// One order, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number in this crawl, from 1.
    pub order: u64,
    /// When it was given, wall microseconds.
    pub at_us: i64,
    /// Who gave it.
    pub who: String,
    /// Why.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// What is to be done.
    #[serde(flatten)]
    pub act: Act,
}

/// What an order wants done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Act {
    /// Begin no request until told to resume; holds over restarts.
    Pause {},
    /// Go on after a pause.
    Resume {},
    /// End cleanly.
    Stop {},
    /// Take a domain, or URLs that match a pattern, out of the crawl.
    Exclude {
        /// Domain or pattern.
        what: String,
    },
    /// A site asked to be left alone: take its domain out of this crawl, and of every other.
    OptOut {
        /// The domain.
        what: String,
    },
    /// Take an exclusion back, or what an order said of one site.
    Undo {
        /// Number of the order that made it.
        undoes: u64,
    },
    /// Add seeds.
    Seeds {
        /// URLs or bare domains.
        seeds: Vec<String>,
    },
    /// The seeds of an order are in the crawl's seed files. Written by the crawl itself.
    SeedsTaken {
        /// The order that brought them.
        of: u64,
    },
    /// A pause of its own between two requests to a site; it only makes the crawl slower there.
    Rate {
        /// Registrable domain.
        site: String,
        /// The pause, milliseconds; 0 takes it back.
        delay_ms: u64,
    },
    /// How many URLs of a site the crawl takes up.
    Budget {
        /// Registrable domain.
        site: String,
        /// At most so many; 0 sets no bound. Left out, the settings decide again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pages: Option<u64>,
    },
    /// How much a site matters beside others that are due as well. Its pauses stay as they are.
    Priority {
        /// Registrable domain.
        site: String,
        /// Steps before others, or behind them; 0 takes it back.
        steps: i8,
    },
}

impl Act {
    /// The one site it says something of, beside excluding it.
    #[must_use]
    pub fn of_site(&self) -> Option<&str> {
        match self {
            Act::Rate { site, .. } | Act::Budget { site, .. } | Act::Priority { site, .. } => {
                Some(site)
            }
            _ => None,
        }
    }

    /// Its name in JSON and reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Act::Pause {} => "pause",
            Act::Resume {} => "resume",
            Act::Stop {} => "stop",
            Act::Exclude { .. } => "exclude",
            Act::OptOut { .. } => "opt_out",
            Act::Undo { .. } => "undo",
            Act::Seeds { .. } => "seeds",
            Act::SeedsTaken { .. } => "seeds_taken",
            Act::Rate { .. } => "rate",
            Act::Budget { .. } => "budget",
            Act::Priority { .. } => "priority",
        }
    }
}

/// An order on its way: what a client says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderWish {
    /// Who asks.
    #[serde(default)]
    pub who: String,
    /// Why.
    #[serde(default)]
    pub why: String,
    /// Only tell what it would do.
    #[serde(default)]
    pub dry_run: bool,
    /// What is to be done.
    #[serde(flatten)]
    pub act: Act,
}

/// What an order does to URLs that are known: bounds, which are equal where it is known exactly. Links that are found
/// later count in neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// URLs that change their state, at least.
    pub urls_min: u64,
    /// And at most.
    pub urls_max: u64,
}

impl Effect {
    /// It is known exactly.
    #[must_use]
    pub fn exactly(urls: u64) -> Effect {
        Effect {
            urls_min: urls,
            urls_max: urls,
        }
    }

    /// Nobody knows but that it is no more than this.
    #[must_use]
    pub fn at_most(urls: u64) -> Effect {
        Effect {
            urls_min: 0,
            urls_max: urls,
        }
    }
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderReply {
    /// Its number; none after a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<u64>,
    /// What it does, or would.
    pub effect: Effect,
    /// Whether it was in force already, under this number.
    #[serde(default)]
    pub already: bool,
}

impl OrderReply {
    /// The same was in force, by this order.
    #[must_use]
    pub fn already(order: u64) -> OrderReply {
        OrderReply {
            order: Some(order),
            effect: Effect::default(),
            already: true,
        }
    }

    /// What an order does, given under this number, or would do.
    #[must_use]
    pub fn of(order: Option<u64>, effect: Effect) -> OrderReply {
        OrderReply {
            order,
            effect,
            already: false,
        }
    }
}

/// Text of a person as it may be stored and shown: no control or direction marks, and not too long.
#[must_use]
pub fn plain_words(text: &str) -> String {
    let shown = |letter| {
        if is_steering(letter) {
            '\u{fffd}'
        } else {
            letter
        }
    };
    text.trim().chars().take(WORDS_MAX).map(shown).collect()
}

/// Whether a letter can do something to a terminal, or to the order in which a line is read: control characters, marks of
/// direction, what cannot be seen.
#[must_use]
pub fn is_steering(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_one_line_and_comes_back() {
        let acts = [
            (Act::Pause {}, "\"act\":\"pause\""),
            (
                Act::Exclude {
                    what: "a.example".into(),
                },
                "\"act\":\"exclude\",\"what\":\"a.example\"",
            ),
            (Act::Undo { undoes: 3 }, "\"act\":\"undo\",\"undoes\":3"),
            (
                Act::Seeds {
                    seeds: vec!["b.example".into()],
                },
                "\"seeds\":[\"b.example\"]",
            ),
        ];
        for (act, text) in acts {
            let order = Order {
                order: 7,
                at_us: 1,
                who: "ann".into(),
                why: "two\nlines".into(),
                act,
            };
            let line = serde_json::to_string(&order).unwrap();
            assert!(line.contains(text) && !line.contains('\n'), "{line}");
            assert!(line.contains(&format!("\"{}\"", order.act.name())));
            assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
        }
    }

    #[test]
    fn words_of_people_steer_no_terminal() {
        assert_eq!(
            plain_words(" ok\u{1b}[2Jx\r\n\u{202e}y "),
            "ok\u{fffd}[2Jx\u{fffd}\u{fffd}\u{fffd}y"
        );
        assert_eq!(plain_words(&"x".repeat(9_999)).len(), WORDS_MAX);
    }
}

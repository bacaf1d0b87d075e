//! Rules: finds the allow or disallow line that decides about a path.
//!
//! In: the rule lines of one group, then paths. Out: the index of the rule with the most octets that matches.
//! May touch: `normal`, `pieces`, `limits`. Must not touch: groups, HTTP, time.
//! Invariant: `rules` is sorted so that a smaller index wins; nothing backtracks, and one query's searching ends at
//! its limit.
//!
//! A pattern is split at its first `*` into a head, which must open the path, and a tail of pieces that must follow
//! in order. Heads form a sorted table in which each knows its longest proper prefix, so one binary search and a walk
//! to the parents finds all heads of a path. A rule without tail is decided there. Tails are tried in the order of
//! precedence; `pieces` matches them.

use std::cmp::Reverse;

use memchr::memchr;

use crate::limits::RULE_TEXT_BYTES_MAX;
use crate::normal;
use crate::pieces::{Pieces, Shape, Work};
use crate::{Access, Verdict};

/// No rule, no parent. Larger than every index, so `min` picks the better rule.
const NONE: u32 = u32::MAX;

/// One allow or disallow line as found.
#[derive(Clone, Copy)]
pub(crate) struct RuleLine<'a> {
    pub(crate) access: Access,
    pub(crate) line: u32,
    /// Begins with `/` or `*`.
    pub(crate) pattern: &'a [u8],
}

/// The rules of one group, ready for queries.
#[derive(Debug, Default)]
pub(crate) struct RuleSet {
    /// All bytes that spans point into.
    text: Box<[u8]>,
    /// By precedence: most octets, then allow before disallow, then the earlier line.
    rules: Box<[Rule]>,
    /// By the bytes of their literals.
    heads: Box<[Head]>,
    /// By head, and below one head by precedence.
    tails: Box<[Tail]>,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    bytes: u32,
}

#[derive(Debug)]
struct Rule {
    written: Span,
    line: u32,
    access: Access,
}

#[derive(Debug)]
struct Head {
    literal: Span,
    /// The longest other head that begins this one.
    parent: u32,
    /// Best rule that this head alone satisfies, its parents' included.
    open: u32,
    /// Best rule `literal$`.
    exact: u32,
    /// Rules with more pieces after this head: a range of `tails`.
    tails: (u32, u32),
}

#[derive(Debug)]
struct Tail {
    rule: u32,
    text: Span,
    pieces: Pieces,
}

/// A rule line between its parsing and its place in the tables.
struct Compiled {
    access: Access,
    line: u32,
    /// Octets of the normal pattern, stars and `$` included: what precedence compares (RFC 9309, 2.2.2).
    octets: u32,
    written: Span,
    head: Span,
    pieces: Span,
    anchored: bool,
}

impl RuleSet {
    /// Compiles rule lines. Cost: O(n log n) in their bytes.
    pub(crate) fn build<'a>(lines: impl Iterator<Item = RuleLine<'a>>) -> RuleSet {
        let mut text = Vec::new();
        let mut compiled: Vec<Compiled> = lines.map(|line| compile(line, &mut text)).collect();
        compiled
            .sort_unstable_by_key(|c| (Reverse(c.octets), c.access == Access::Disallow, c.line));
        let (heads, tails) = tables(&compiled, &text);
        let rules = compiled.iter().map(|c| Rule {
            written: c.written,
            line: c.line,
            access: c.access,
        });
        RuleSet {
            rules: rules.collect(),
            heads,
            tails,
            text: text.into(),
        }
    }

    /// Decides about a path in normal form. Cost: see [`Robots::access`](crate::Robots::access); allocates for the verdict's text, and
    /// for the second form of a query that has escapes.
    pub(crate) fn decide(&self, path: &[u8]) -> Verdict {
        let mut work = Work::default();
        self.verdict(self.best(path, &mut work))
    }

    /// Each rule as a set of its own, in the order of precedence.
    pub(crate) fn one_by_one(&self) -> impl Iterator<Item = RuleSet> {
        self.rules.iter().map(|rule| {
            let line = RuleLine {
                access: rule.access,
                line: rule.line,
                pattern: self.bytes(rule.written),
            };
            RuleSet::build(std::iter::once(line))
        })
    }

    /// Memory of the tables in bytes.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.text.len()
            + size_of_val(&*self.rules)
            + size_of_val(&*self.heads)
            + size_of_val(&*self.tails)
    }

    fn verdict(&self, rule: u32) -> Verdict {
        let Some(rule) = self.rules.get(rule as usize) else {
            return Verdict {
                access: Access::Allow,
                line: None,
                rule: None,
            };
        };
        let written = self.bytes(rule.written);
        let shown = String::from_utf8_lossy(&written[..written.len().min(RULE_TEXT_BYTES_MAX)]);
        let key = match rule.access {
            Access::Allow => "Allow",
            Access::Disallow => "Disallow",
        };
        Verdict {
            access: rule.access,
            line: Some(rule.line),
            rule: Some(format!("{key}: {shown}")),
        }
    }

    /// The winning rule in either form of the path, or [`NONE`].
    fn best(&self, path: &[u8], work: &mut Work) -> u32 {
        let best = self.best_of_form(path, NONE, work);
        match normal::query_form(path) {
            Some(other) => self.best_of_form(&other, best, work),
            None => best,
        }
    }

    fn best_of_form(&self, path: &[u8], known: u32, work: &mut Work) -> u32 {
        let Some(mut at) = self.deepest_head(path) else {
            return known;
        };
        let deepest = &self.heads[at as usize];
        let mut best = known.min(deepest.open);
        if deepest.literal.bytes as usize == path.len() {
            best = best.min(deepest.exact);
        }
        let mut shape = None;
        while at != NONE {
            let head = &self.heads[at as usize];
            let rest = &path[head.literal.bytes as usize..];
            for tail in &self.tails[head.tails.0 as usize..head.tails.1 as usize] {
                if tail.rule >= best {
                    break;
                }
                let shape = shape.get_or_insert_with(|| Shape::of(path));
                if self.tail_matches(tail, rest, shape, work) {
                    best = tail.rule;
                    break;
                }
            }
            at = head.parent;
        }
        best
    }

    /// The longest head that begins `path`: it begins the last head not greater than `path`, or is that one.
    fn deepest_head(&self, path: &[u8]) -> Option<u32> {
        let after = self
            .heads
            .partition_point(|head| self.bytes(head.literal) <= path);
        let mut at = after.checked_sub(1)? as u32;
        let literal = self.bytes(self.heads[at as usize].literal);
        let shared = literal.iter().zip(path).take_while(|(a, b)| a == b).count();
        while self.heads[at as usize].literal.bytes as usize > shared {
            at = self.heads[at as usize].parent;
            if at == NONE {
                return None;
            }
        }
        Some(at)
    }

    fn tail_matches(&self, tail: &Tail, rest: &[u8], shape: &Shape, work: &mut Work) -> bool {
        let text = self.bytes(tail.text);
        if !tail.pieces.may_match(text, rest, shape) {
            return false;
        }
        if work.is_spent() {
            // Whatever could forbid counts as forbidding, nothing more is opened.
            return self.rules[tail.rule as usize].access == Access::Disallow;
        }
        tail.pieces.matches(text, rest, work)
    }

    fn bytes(&self, span: Span) -> &[u8] {
        slice(&self.text, span)
    }
}

fn slice(text: &[u8], span: Span) -> &[u8] {
    &text[span.start as usize..(span.start + span.bytes) as usize]
}

/// Appends `bytes` to the text; input is bounded, so positions fit 32 bits.
fn keep(text: &mut Vec<u8>, bytes: &[u8]) -> Span {
    let start = text.len() as u32;
    text.extend_from_slice(bytes);
    Span {
        start,
        bytes: bytes.len() as u32,
    }
}

fn compile(line: RuleLine<'_>, text: &mut Vec<u8>) -> Compiled {
    let (pattern, mut anchored) = match line.pattern.strip_suffix(b"$") {
        Some(before) => (before, true),
        None => (line.pattern, false),
    };
    let start = text.len();
    normal::pattern_form(pattern, text);
    let octets = (text.len() - start + usize::from(anchored)) as u32;
    let unchanged = text[start..] == *pattern;
    // What a closing star and a closing `$` behind it ask for, every path fulfils.
    let mut end = text.len();
    while end > start && text[end - 1] == b'*' {
        end -= 1;
        anchored = false;
    }
    let head_end = memchr(b'*', &text[start..end]).map_or(end, |star| start + star);
    let span = |from: usize, to: usize| Span {
        start: from as u32,
        bytes: (to - from) as u32,
    };
    let head = span(start, head_end);
    let written = if unchanged && !line.pattern.ends_with(b"$") {
        span(start, text.len())
    } else {
        keep(text, line.pattern)
    };
    let pieces_start = text.len();
    for at in head_end..end {
        let byte = text[at];
        let repeated = byte == b'*' && text.len() > pieces_start && text.last() == Some(&b'*');
        let leading = byte == b'*' && text.len() == pieces_start;
        if !repeated && !leading {
            text.push(byte);
        }
    }
    let pieces = span(pieces_start, text.len());
    Compiled {
        access: line.access,
        line: line.line,
        octets,
        written,
        head,
        pieces,
        anchored,
    }
}

/// Sorts rules, given by precedence, under their heads.
fn tables(compiled: &[Compiled], text: &[u8]) -> (Box<[Head]>, Box<[Tail]>) {
    let mut order: Vec<(u64, u32)> = compiled
        .iter()
        .enumerate()
        .map(|(at, c)| (first_eight(slice(text, c.head)), at as u32))
        .collect();
    let literal_of = |at: u32| slice(text, compiled[at as usize].head);
    order.sort_unstable_by(|a, b| {
        // The first bytes as a number settle most comparisons without touching the text.
        a.0.cmp(&b.0)
            .then_with(|| literal_of(a.1).cmp(literal_of(b.1)))
            .then(a.1.cmp(&b.1))
    });
    let mut heads: Vec<Head> = Vec::new();
    let mut tails = Vec::new();
    for (_, at) in order {
        let rule = &compiled[at as usize];
        let literal = slice(text, rule.head);
        if heads
            .last()
            .is_none_or(|head| slice(text, head.literal) != literal)
        {
            let parent = parent_of(literal, &heads, text);
            let open = heads.get(parent as usize).map_or(NONE, |head| head.open);
            let tails = (tails.len() as u32, tails.len() as u32);
            heads.push(Head {
                literal: rule.head,
                parent,
                open,
                exact: NONE,
                tails,
            });
        }
        let head = heads
            .last_mut()
            .expect("a head was pushed for this literal");
        if rule.pieces.bytes > 0 {
            let pieces = Pieces::new(slice(text, rule.pieces), rule.anchored);
            tails.push(Tail {
                rule: at,
                text: rule.pieces,
                pieces,
            });
            head.tails.1 += 1;
        } else if rule.anchored {
            head.exact = head.exact.min(at);
        } else {
            head.open = head.open.min(at);
        }
    }
    (heads.into(), tails.into())
}

/// Of heads sorted so far, the longest that begins `literal`: the last head or one of its parents.
fn parent_of(literal: &[u8], heads: &[Head], text: &[u8]) -> u32 {
    let mut at = heads.len().checked_sub(1).map_or(NONE, |last| last as u32);
    while at != NONE && !literal.starts_with(slice(text, heads[at as usize].literal)) {
        at = heads[at as usize].parent;
    }
    at
}

fn first_eight(bytes: &[u8]) -> u64 {
    let mut first = [0; 8];
    let taken = bytes.len().min(8);
    first[..taken].copy_from_slice(&bytes[..taken]);
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{ROBOTS_BYTES_MAX, SEARCH_BYTES_MAX, SEARCH_SETUP_BYTES};

    fn disallow(patterns: &[String]) -> RuleSet {
        RuleSet::build(patterns.iter().zip(1..).map(|(pattern, line)| RuleLine {
            access: Access::Disallow,
            line,
            pattern: pattern.as_bytes(),
        }))
    }

    /// The most searching one query can do: a last rule may begin just below the limit, and has no more pieces than
    /// the path has bytes.
    fn work_max(path: &str) -> usize {
        SEARCH_BYTES_MAX + path.len() * (SEARCH_SETUP_BYTES + 3)
    }

    fn work_of(set: &RuleSet, path: &str) -> (Access, usize) {
        let mut work = Work::default();
        let best = set.best(path.as_bytes(), &mut work);
        (set.verdict(best).access, work.bytes())
    }

    #[test]
    fn r2_a_thousand_stars_cost_one_pass() {
        let set = disallow(&[format!("/{}b", "*a".repeat(1_000))]);
        let path = format!("/{}", "a".repeat(2_047));
        assert_eq!(
            work_of(&set, &path),
            (Access::Allow, 0),
            "no b in the path: refused unsearched"
        );
        let path = format!("/b{}", "a".repeat(2_046));
        let (access, work) = work_of(&set, &path);
        assert_eq!(access, Access::Allow);
        assert!(work <= 2 * path.len() + 1_000, "{work} bytes");
    }

    #[test]
    fn r2_rules_made_to_pass_the_filters_end_at_the_limit() {
        // Every pair of bytes occurs in the path, but only before the piece that must come first.
        let letters: Vec<char> = ('a'..='z').chain('A'..='Z').collect();
        let mut patterns = Vec::new();
        let mut bytes = 0;
        let mut path = String::from("/");
        for &first in &letters {
            for &second in letters.iter().take(18) {
                path.push(first);
                path.push(second);
            }
        }
        'fill: for &a in &letters {
            for &b in &letters {
                for &c in letters.iter().take(18) {
                    patterns.push(format!("/*99*{a}{c}*{b}{c}"));
                    bytes += "Disallow:".len() + patterns[0].len() + 1;
                    if bytes > ROBOTS_BYTES_MAX {
                        break 'fill;
                    }
                }
            }
        }
        path.push_str("99");
        let set = disallow(&patterns);
        let (access, work) = work_of(&set, &path);
        assert!(
            work <= work_max(&path),
            "{work} bytes for {} rules",
            patterns.len()
        );
        assert_eq!(
            access,
            Access::Disallow,
            "when the work is spent, what could forbid forbids"
        );
    }

    #[test]
    fn allow_lines_do_not_open_when_the_work_is_spent() {
        let patterns: Vec<String> = (0..20_000)
            .map(|n| format!("/*99*{}{}", "ab".repeat(2), "*a".repeat(n % 40)))
            .collect();
        let lines = patterns.iter().map(|p| RuleLine {
            access: Access::Allow,
            line: 1,
            pattern: p.as_bytes(),
        });
        let all = RuleLine {
            access: Access::Disallow,
            line: 2,
            pattern: b"/",
        };
        let set = RuleSet::build(lines.chain([all]));
        let path = format!("/{}99", "ab".repeat(1_000));
        let (access, work) = work_of(&set, &path);
        assert!(
            work >= SEARCH_BYTES_MAX,
            "{work} bytes: the case must reach the limit"
        );
        assert_eq!(access, Access::Disallow);
    }

    #[test]
    fn nested_heads_find_their_longest() {
        let patterns: Vec<String> = (0..900).map(|n| format!("/{}", "a".repeat(n))).collect();
        let set = disallow(&patterns);
        let verdict = set.decide(format!("/{}b", "a".repeat(500)).as_bytes());
        assert_eq!(verdict.line, Some(501));
        assert_eq!(set.decide(b"/b").line, Some(1));
    }
}

//! The table of shapes: how each has fared, and which one decides about a URL.
//!
//! In: chains of shapes, the worth of fetched pages. Out: the deciding shape, whether a starved one may be probed.
//! May touch: nothing. Must not touch: URLs.
//! Invariant: at most [`NODES_MAX`] shapes; one that is forgotten is judged by its parent until it is known again.
//!
//! A page costs its shape one miss and adds five times what is new in it, so a shape holds its own where a fifth of its
//! text is new. It starves at zero health; its URLs then wait until there is nothing better. What happens then is a
//! matter of *patience*, which a sixteenth of new text keeps up, and of *end*: a shape whose pages lead to no further
//! URLs of its kind is read to its end, however little it says. Only a shape that says next to nothing and has no end
//! is spent, and its URLs are cut.
//!
//! Bytes: number of shapes (varint), then of each: key (4), time, fetches, health, patience, worth of the text, URLs
//! passed over (varints), probes and tries (four bits each, 1), fetches lately (1), URLs fed lately (varint).

use super::shape::Shape;
use crate::DecodeError;
use crate::codec::{put_varint, take_u8, take_varint};

/// Shapes remembered of a site.
const NODES_MAX: usize = 64;

/// One miss, or the whole worth of a page.
pub(super) const SCALE: i32 = 256;

/// The first credit of a shape, beside its first page, which is always new somehow: misses that it bears.
const HEALTH_FIRST: i32 = SCALE;
const PATIENCE_FIRST: i32 = 2 * SCALE;

/// Fetches that let a shape bear one miss more, of either kind, and how many more at most.
const FETCHES_A_MISS: u32 = 4;
const GROWTH_MAX: u32 = 7;

const HEALTH_MAX: i32 = HEALTH_FIRST + SCALE * GROWTH_MAX as i32;
const PATIENCE_MAX: i32 = PATIENCE_FIRST + SCALE * GROWTH_MAX as i32;

/// What a page of full worth adds, before it costs a miss.
const GAIN: i32 = 5;

/// The same when nothing better is left: a sixteenth of new text is worth having.
const GAIN_PATIENT: i32 = 16;

/// What a shape loses when a finer one within it starves: where one trap is there are more.
const BLAME: i32 = 3 * SCALE;

/// Fetches after which a shape decides for itself.
const FETCHES_KNOWN: u32 = 3;

/// Fetches after which what they fed counts half.
const PAGES_LATELY: u8 = 64;

/// A shape whose pages feed one URL in so many fetches, or more, has no end.
const FED_ENDLESS: u32 = 2;

/// URLs of a starved shape passed over before it is probed, while there is better and when there is not; eight times
/// as many after each probe in vain.
const PROBE_AFTER: [u32; 2] = [256, 32];
const PROBES_MAX: u8 = 6;

/// Fetches after which a starved shape is tried once when nothing better is left: by then what its links lead to is known.
const OWN_TRY: u32 = 6;

/// URLs taken of a starved shape when nothing better is left, each of a finer shape that was never seen: among many
/// ways to sort a list there may be the one that leads through it.
const STRANGE_TRIES: u8 = 3;

/// What a page brought, in parts of [`SCALE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    /// How much of its text is new; `None` where nothing can be said of this page.
    pub(super) text: Option<Newness>,
    /// How much its links are worth that lead to proven shapes other than its own.
    pub(super) onward: i32,
    /// URLs met for the first time in its links, but for those of shapes that are proven; an estimate.
    pub(super) fed: u32,
}

/// How much of a text is new, by the part of it that is in the sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newness {
    /// What was expected in the sample of a page that is new all through: a whole page is enough to judge by.
    pub(super) expected: i32,
    /// What was there and new. Of many pages with little in the sample it is right in the mean, not of each.
    pub(super) new: i32,
    /// What was expected of the page's own text, however little that is.
    pub(super) own: i32,
}

impl Worth {
    /// Links are a promise, text is the thing itself.
    fn whole(&self) -> Option<Newness> {
        let onward = self.onward / 4;
        match self.text {
            Some(text) => Some(Newness {
                new: text.new.max(onward * text.expected / SCALE),
                ..text
            }),
            None => (onward > 0).then_some(Newness {
                expected: SCALE,
                new: onward,
                own: SCALE,
            }),
        }
    }
}

/// How one shape has fared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    key: u32,
    /// When it was last asked or told, by the table's own count.
    touched: u32,
    pub(super) fetches: u32,
    pub(super) health: i32,
    /// As health, for what is fetched when nothing better is left: it takes less to keep.
    patience: i32,
    /// How much of its text was new lately.
    text: i32,
    pub(super) skipped: u32,
    probes: u8,
    /// Probes since nothing better is left.
    tries: u8,
    /// Fetches lately, and URLs that those fed: the mean tells whether there is an end.
    pages: u8,
    fed: u32,
}

impl Node {
    fn fresh(key: u32) -> Node {
        Node {
            key,
            health: HEALTH_FIRST,
            patience: PATIENCE_FIRST,
            ..Node::default()
        }
    }

    fn is_healthy(&self) -> bool {
        self.health > 0
    }

    /// Whether it has seen enough to decide.
    fn is_known(&self) -> bool {
        self.fetches >= FETCHES_KNOWN || self.health > HEALTH_FIRST
    }

    /// Whether the one or two pages seen of it said something new.
    fn is_promising(&self) -> bool {
        !self.is_known() && self.health >= HEALTH_FIRST && self.text >= SCALE * 3 / 8
    }

    /// Whether it is known and holds its own.
    pub(super) fn is_good(&self) -> bool {
        self.fetches >= FETCHES_KNOWN && self.is_healthy()
    }

    /// Whether its text is new often enough that a link to it is worth something: a short text may be all new, though
    /// too little to keep a shape alive.
    pub(super) fn is_proven(&self) -> bool {
        let least = if self.is_healthy() {
            SCALE * 3 / 8
        } else {
            SCALE * 3 / 4
        };
        self.fetches >= FETCHES_KNOWN && self.text >= least
    }

    /// Whether fetching such pages never ends: each brings another one, or one of another shape that is not proven
    /// (a branching process that does not die out).
    fn is_endless(&self) -> bool {
        self.fed.saturating_mul(FED_ENDLESS) >= u32::from(self.pages)
    }

    /// Whether its pages are not fetched even when nothing better is left.
    pub(super) fn is_spent(&self) -> bool {
        !self.is_healthy() && self.patience == 0 && self.is_endless()
    }

    fn learn(&mut self, worth: &Worth) {
        self.fetches = self.fetches.saturating_add(1);
        self.fed = self.fed.saturating_add(worth.fed);
        self.pages += 1;
        if self.pages == PAGES_LATELY {
            (self.pages, self.fed) = (self.pages / 2, self.fed / 2);
        }
        if let Some(Newness { new, own, .. }) = worth.text {
            let weight = if self.fetches == 1 { 2 } else { 4 };
            self.text += (new - self.text * own / SCALE) / weight;
            self.text = self.text.clamp(0, SCALE);
        }
        if self.fetches == 1 {
            // Even the first page of a trap shows what its site never showed.
            return;
        }
        let Some(Newness { expected, new, .. }) = worth.whole() else {
            return;
        };
        let grown = (self.fetches / FETCHES_A_MISS).min(GROWTH_MAX) as i32;
        let most = HEALTH_FIRST + SCALE * grown;
        let health = self.health + GAIN * new - expected;
        self.health = health.clamp(0, most);
        let patience = self.patience + GAIN_PATIENT * new - expected;
        self.patience = patience.clamp(0, most + PATIENCE_FIRST - HEALTH_FIRST);
        if self.is_healthy() {
            (self.probes, self.skipped, self.tries) = (0, 0, 0);
        }
    }
}

/// Which shape decides: its level in the chain, and where it stands in the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decider {
    pub(super) level: usize,
    /// `None`: nothing is known of the site.
    pub(super) node: Option<usize>,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nodes {
    nodes: Vec<Node>,
    clock: u32,
}

impl Nodes {
    pub(super) const BYTES_MAX: usize = 2 + NODES_MAX * (4 + 5 + 5 + 3 * 2 + 5 + 1 + 1 + 5);

    pub(super) fn get(&self, at: usize) -> &Node {
        &self.nodes[at]
    }

    fn find(&self, key: u32) -> Option<usize> {
        self.nodes.iter().position(|node| node.key == key)
    }

    /// The finest shape that is known, or the site.
    pub(super) fn decider(&self, shape: &Shape) -> Decider {
        for (level, &key) in shape.keys().iter().enumerate().rev() {
            let node = self.find(key);
            if level == 0 || node.is_some_and(|at| self.nodes[at].is_known()) {
                return Decider { level, node };
            }
        }
        Decider {
            level: 0,
            node: None,
        }
    }

    /// Whether a URL that this shape decides about is fetched; counts it as passed over if not.
    pub(super) fn allows(&mut self, shape: &Shape, decider: Decider, waited: bool) -> bool {
        self.clock = self.clock.wrapping_add(1);
        let Some(at) = decider.node else { return true };
        self.nodes[at].touched = self.clock;
        let node = &self.nodes[at];
        if node.is_healthy() || waited && !node.is_spent() {
            return true;
        }
        let finer = shape.keys().get(decider.level + 1);
        let finer = finer.map(|&key| self.find(key).map(|at| &self.nodes[at]));
        let is_promising = finer.flatten().is_some_and(Node::is_promising);
        let tries_max = if finer.is_some_and(|node| node.is_none()) {
            STRANGE_TRIES
        } else {
            1
        };
        let own = &mut self.nodes[at];
        let is_own_try = waited && own.tries == 0 && own.fetches >= OWN_TRY;
        own.tries += u8::from(is_own_try);
        let node = self.starved_above(shape, decider);
        node.skipped = node.skipped.saturating_add(1);
        let is_try = waited && node.tries < tries_max;
        let wait = PROBE_AFTER[usize::from(waited)] << (3 * node.probes);
        let is_probe = is_try || node.skipped >= wait;
        if is_probe {
            node.tries += u8::from(is_try);
            node.skipped = 0;
            node.probes = (node.probes + 1).min(PROBES_MAX);
        }
        is_own_try || is_probe || (waited && is_promising)
    }

    /// The coarsest of the starved shapes that lead to this one without a healthy or unknown one between: they share
    /// their probes, or a trap of a hundred shapes would be probed a hundredfold.
    fn starved_above(&mut self, shape: &Shape, decider: Decider) -> &mut Node {
        let mut coarsest = decider.node.expect("a shape is starved");
        for &key in shape.keys()[..decider.level].iter().rev() {
            match self.find(key) {
                Some(at) if self.nodes[at].is_known() && !self.nodes[at].is_healthy() => {
                    coarsest = at;
                }
                _ => break,
            }
        }
        self.nodes[coarsest].touched = self.clock;
        &mut self.nodes[coarsest]
    }

    /// Adds what a fetch was worth to the shape that decided and to the finer ones.
    pub(super) fn note(&mut self, shape: &Shape, worth: &Worth) {
        self.clock = self.clock.wrapping_add(1);
        let level = self.decider(shape).level;
        let mut has_starved = false;
        let mut inherited = PATIENCE_FIRST;
        for &key in &shape.keys()[level..] {
            let at = self.place(key, inherited);
            let node = &mut self.nodes[at];
            node.touched = self.clock;
            let was_alive = node.is_healthy();
            node.learn(worth);
            inherited = node.patience.min(PATIENCE_FIRST);
            has_starved |= was_alive && !node.is_healthy() && key == shape.keys()[level.max(1)];
        }
        if has_starved {
            self.blame(shape, level.max(1) - 1);
        }
    }

    fn blame(&mut self, shape: &Shape, level: usize) {
        if let Some(at) = self.find(shape.keys()[level]) {
            let node = &mut self.nodes[at];
            node.health = (node.health - BLAME).max(0);
        }
    }

    /// The shape's place, made by forgetting another when the table is full. A new one has at most this patience.
    fn place(&mut self, key: u32, patience: i32) -> usize {
        if let Some(at) = self.find(key) {
            return at;
        }
        if self.nodes.len() < NODES_MAX {
            self.nodes.push(Node {
                patience,
                ..Node::fresh(key)
            });
            return self.nodes.len() - 1;
        }
        let (clock, site) = (self.clock, 1);
        let forgotten = (0..self.nodes.len())
            .filter(|&at| self.nodes[at].key != site)
            .max_by_key(|&at| {
                let node = &self.nodes[at];
                (!node.is_known(), clock.wrapping_sub(node.touched))
            })
            .expect("the table has more than one place");
        self.nodes[forgotten] = Node {
            patience,
            ..Node::fresh(key)
        };
        forgotten
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        put_varint(out, self.nodes.len() as u64);
        for node in &self.nodes {
            out.extend_from_slice(&node.key.to_be_bytes());
            let age = self.clock.wrapping_sub(node.touched);
            put_varint(out, u64::from(age));
            put_varint(out, u64::from(node.fetches));
            for number in [node.health, node.patience, node.text] {
                put_varint(out, u64::from(number.unsigned_abs()));
            }
            put_varint(out, u64::from(node.skipped));
            out.push(node.probes | node.tries << 4);
            out.push(node.pages);
            put_varint(out, u64::from(node.fed));
        }
    }

    pub(super) fn decode(input: &mut &[u8]) -> Result<Nodes, DecodeError> {
        let wrong = |field| DecodeError::Value { field };
        let count = usize::try_from(take_varint(input)?).map_err(|_| wrong("shapes"))?;
        if count > NODES_MAX {
            return Err(wrong("shapes"));
        }
        let mut nodes = Vec::with_capacity(count);
        for _ in 0..count {
            let (key, rest) = input.split_first_chunk().ok_or(DecodeError::Short)?;
            *input = rest;
            let mut number = |field| -> Result<u32, DecodeError> {
                u32::try_from(take_varint(input)?).map_err(|_| wrong(field))
            };
            let (age, fetches) = (number("age")?, number("fetches")?);
            let mut part = |field| i32::try_from(number(field)?).map_err(|_| wrong(field));
            let (health, patience, text) = (part("health")?, part("patience")?, part("text")?);
            let skipped = u32::try_from(take_varint(input)?).map_err(|_| wrong("skipped"))?;
            let probes = take_u8(input)?;
            let (probes, tries) = (probes & 15, probes >> 4);
            let pages = take_u8(input)?;
            let fed = u32::try_from(take_varint(input)?).map_err(|_| wrong("fed"))?;
            if health > HEALTH_MAX
                || patience > PATIENCE_MAX
                || text > SCALE
                || probes > PROBES_MAX
                || pages >= PAGES_LATELY
            {
                return Err(wrong("health"));
            }
            nodes.push(Node {
                key: u32::from_be_bytes(*key),
                touched: 0_u32.wrapping_sub(age),
                fetches,
                health,
                patience,
                text,
                skipped,
                probes,
                tries,
                pages,
                fed,
            });
        }
        Ok(Nodes { nodes, clock: 0 })
    }
}

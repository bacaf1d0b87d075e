//! The table of shapes: how each has fared, and which one decides about a URL.
//!
//! In: chains of shapes, the worth of fetched pages. Out: the deciding shape, whether a starved one may be probed.
//! May touch: nothing. Must not touch: URLs.
//! Invariant: at most [`NODES_MAX`] shapes; one that is forgotten is judged by its parent until it is known again.
//!
//! Health is counted in sixteenths of a miss. A page adds five times its worth and costs one, so a shape holds its
//! own where a fifth of its pages is new. It starves at zero; at most eight misses in a row do that.
//!
//! Bytes: number of shapes (varint), then of each: key (4), time (varint), fetches (varint), health and
//! worth of the text (1 each), URLs passed over (varint), probes
//! and tries (four bits each, 1).

use super::shape::Shape;
use crate::DecodeError;
use crate::codec::{put_varint, take_u8, take_varint};

/// Shapes remembered of a site.
const NODES_MAX: usize = 64;

/// One miss, or the whole worth of a page.
pub(super) const SCALE: i16 = 16;

/// The first credit of a shape, beside its first page, which is always new somehow.
const HEALTH_FIRST: i16 = 2 * SCALE;
const HEALTH_MAX: i16 = 8 * SCALE;

/// Fetches that let a shape bear one miss more, up to the most.
const FETCHES_A_MISS: u32 = 4;

/// What a page of full worth adds, before it costs a miss.
const GAIN: i16 = 5;

/// What a shape loses when a finer one within it starves: where one trap is there are more.
const BLAME: i16 = 3 * SCALE;

/// Fetches after which a shape decides for itself.
const FETCHES_KNOWN: u32 = 3;

/// URLs of a starved shape passed over before it is probed, while there is better and when there is not; eight times
/// as many after each probe in vain.
const PROBE_AFTER: [u32; 2] = [256, 32];
const PROBES_MAX: u8 = 6;

/// URLs taken of a starved shape when nothing better is left, each of a finer shape that was never seen: among many
/// ways to sort a list there may be the one that leads through it.
const STRANGE_TRIES: u8 = 3;

/// How much of a page is new, in sixteenths; `None` where the sample says nothing of this page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worth {
    pub(super) text: Option<i16>,
    /// Of its links to shapes that are proven, and not its own.
    pub(super) onward: Option<i16>,
}

impl Worth {
    /// Links are a promise, text is the thing itself.
    fn whole(&self) -> Option<i16> {
        let onward = self.onward.unwrap_or(0) / 4;
        match self.text {
            Some(text) => Some(text.max(onward)),
            None => (onward > 0).then_some(onward),
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
    pub(super) health: i16,
    /// Worth of its text lately, in sixteenths.
    text: i16,
    pub(super) skipped: u32,
    probes: u8,
    /// Probes since nothing better is left.
    tries: u8,
}

impl Node {
    fn fresh(key: u32) -> Node {
        Node {
            key,
            health: HEALTH_FIRST,
            ..Node::default()
        }
    }

    pub(super) fn is_healthy(&self) -> bool {
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

    /// Whether its text is new often enough that a link to it is worth something.
    pub(super) fn is_proven(&self) -> bool {
        self.fetches >= FETCHES_KNOWN && self.is_healthy() && self.text >= SCALE * 3 / 8
    }

    fn learn(&mut self, worth: &Worth) {
        self.fetches = self.fetches.saturating_add(1);
        if let Some(text) = worth.text {
            let weight = if self.fetches == 1 { 2 } else { 4 };
            self.text += (text - self.text) / weight;
        }
        if self.fetches == 1 {
            // Even the first page of a trap shows what its site never showed.
            return;
        }
        let Some(worth) = worth.whole() else { return };
        let most = HEALTH_FIRST + SCALE * (self.fetches / FETCHES_A_MISS).min(100) as i16;
        self.health = (self.health + GAIN * worth - SCALE).clamp(0, most.min(HEALTH_MAX));
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
    pub(super) const BYTES_MAX: usize = 2 + NODES_MAX * (4 + 5 + 5 + 2 + 5 + 1);

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
        if self.nodes[at].is_healthy() {
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
        is_probe || (waited && is_promising)
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
        for &key in &shape.keys()[level..] {
            let at = self.place(key);
            let node = &mut self.nodes[at];
            node.touched = self.clock;
            let was_alive = node.is_healthy();
            node.learn(worth);
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

    /// The shape's place, made by forgetting another when the table is full.
    fn place(&mut self, key: u32) -> usize {
        if let Some(at) = self.find(key) {
            return at;
        }
        if self.nodes.len() < NODES_MAX {
            self.nodes.push(Node::fresh(key));
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
        self.nodes[forgotten] = Node::fresh(key);
        forgotten
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        put_varint(out, self.nodes.len() as u64);
        for node in &self.nodes {
            out.extend_from_slice(&node.key.to_be_bytes());
            let age = self.clock.wrapping_sub(node.touched);
            put_varint(out, u64::from(age));
            put_varint(out, u64::from(node.fetches));
            out.extend_from_slice(&[node.health as u8, node.text as u8]);
            put_varint(out, u64::from(node.skipped));
            out.push(node.probes | node.tries << 4);
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
            let (health, text) = (i16::from(take_u8(input)?), i16::from(take_u8(input)?));
            let skipped = u32::try_from(take_varint(input)?).map_err(|_| wrong("skipped"))?;
            let probes = take_u8(input)?;
            let (probes, tries) = (probes & 15, probes >> 4);
            if health > HEALTH_MAX || text > SCALE || probes > PROBES_MAX {
                return Err(wrong("health"));
            }
            nodes.push(Node {
                key: u32::from_be_bytes(*key),
                touched: 0_u32.wrapping_sub(age),
                fetches,
                health,
                text,
                skipped,
                probes,
                tries,
            });
        }
        Ok(Nodes { nodes, clock: 0 })
    }
}

//! Is it the site or is it us: where the time of a site's requests went.
//!
//! In: the spreads of the parts. Out: who has the most of it, with numbers.
//! May touch: nothing. Invariant: every part has one owner; shares are of sums, so that rare long waits count.

use serde::{Serialize, Serializer};

use crate::spread::{BAR_ENDS_US, Spread};
use crate::wording::{count, span};

/// A part of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Waiting for the clocks of shared addresses, and for a place among the requests under way.
    Queue,
    /// Finding its address.
    Dns,
    /// TCP connection: about one way there and back.
    Connect,
    /// TLS handshake.
    Tls,
    /// From the request to the first byte of the answer.
    FirstByte,
    /// From the first byte to the last.
    Body,
    /// Time in which we did not read because our buffers were full.
    BufferWait,
    /// Decoding, scanning and archiving it here.
    Ours,
}

impl Part {
    /// Every part, in the order they happen.
    pub const ALL: [Part; 8] = [
        Part::Queue,
        Part::Dns,
        Part::Connect,
        Part::Tls,
        Part::FirstByte,
        Part::Body,
        Part::BufferWait,
        Part::Ours,
    ];

    /// Whose time it is.
    #[must_use]
    pub fn owner(self) -> Whose {
        match self {
            Part::Queue => Whose::Clocks,
            Part::Dns => Whose::Names,
            Part::Connect | Part::Tls | Part::FirstByte | Part::Body => Whose::Site,
            Part::BufferWait | Part::Ours => Whose::Us,
        }
    }

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Part::Queue => "queue",
            Part::Dns => "dns",
            Part::Connect => "connect",
            Part::Tls => "tls",
            Part::FirstByte => "first byte",
            Part::Body => "body",
            Part::BufferWait => "buffer wait",
            Part::Ours => "ours",
        }
    }
}

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The site's: its servers and the way to them.
    Site,
    /// Ours: decoding, archiving, full buffers.
    Us,
    /// The name servers'.
    Names,
    /// Waiting for the clocks of its address and group, which every site there shares.
    Clocks,
    /// No request with its parts recorded.
    Unknown,
}

impl Whose {
    /// Those that time can belong to.
    pub const OWNERS: [Whose; 4] = [Whose::Site, Whose::Us, Whose::Names, Whose::Clocks];

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Whose::Site => "the site",
            Whose::Us => "us",
            Whose::Names => "name servers",
            Whose::Clocks => "address clock",
            Whose::Unknown => "nobody knows",
        }
    }
}

/// The time of one part over all requests that were timed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartTime {
    /// Which.
    pub part: Part,
    /// Whose it is.
    pub whose: Whose,
    /// Requests that had this part.
    pub times: u64,
    /// Median over those.
    pub median_us: u64,
    /// Nine of ten took no longer.
    pub p90_us: u64,
    /// Its share of all time, from 0 to 1.
    #[serde(serialize_with = "three_digits")]
    pub share: f64,
    /// Requests in each span of time, the shortest first; empty spans are left out.
    pub histogram: Vec<Bar>,
}

/// Requests whose part took so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Less than this, and not less than the end of the span before; `None` for the longest.
    pub below_us: Option<u64>,
    /// How many.
    pub times: u64,
}

fn histogram(spread: &Spread) -> Vec<Bar> {
    let ends = BAR_ENDS_US.iter().copied().map(Some).chain([None]);
    let bars = ends.zip(spread.bars());
    let bars = bars.map(|(below_us, times)| Bar { below_us, times });
    bars.filter(|bar| bar.times > 0).collect()
}

impl PartTime {
    /// The histogram as eight-step blocks, one for each span from 1 ms to beyond 16 s; a blank is none.
    pub(crate) fn blocks(&self) -> String {
        let most = self
            .histogram
            .iter()
            .map(|bar| bar.times)
            .max()
            .unwrap_or(1);
        let ends = BAR_ENDS_US.iter().copied().map(Some).chain([None]);
        let block = |end| {
            let bar = self.histogram.iter().find(|bar| bar.below_us == end);
            let Some(bar) = bar else { return ' ' };
            let step = (bar.times * 8).div_ceil(most).clamp(1, 8) as u32;
            char::from_u32(0x2580 + step).unwrap_or(' ')
        };
        ends.map(block).collect()
    }
}

fn three_digits<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1_000.0).round() / 1_000.0)
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhoseTime {
    /// Who has the most of it.
    pub whose: Whose,
    /// The same in a sentence, with numbers.
    pub sentence: String,
    /// Requests whose parts are recorded.
    pub requests: u64,
    /// Mean time of a request that is the site's.
    pub site_us: u64,
    /// … ours.
    pub us_us: u64,
    /// … the name servers'.
    pub names_us: u64,
    /// … spent waiting for the clock of its address.
    pub clocks_us: u64,
    /// The parts.
    pub parts: Vec<PartTime>,
}

/// Judges the parts of `requests` requests, in the order of [`Part::ALL`].
pub(crate) fn judge(requests: u64, spreads: &[Spread; 8]) -> WhoseTime {
    let sum_of = |owner: Whose| -> u64 {
        let own = Part::ALL.iter().zip(spreads);
        own.filter(|(part, _)| part.owner() == owner)
            .map(|(_, spread)| spread.sum_us())
            .sum()
    };
    let total: u64 = spreads.iter().map(Spread::sum_us).sum();
    let mean = |owner| sum_of(owner).checked_div(requests).unwrap_or(0);
    let parts = Part::ALL
        .iter()
        .zip(spreads)
        .map(|(&part, spread)| PartTime {
            part,
            whose: part.owner(),
            times: spread.count(),
            median_us: spread.quantile_us(50).unwrap_or(0),
            p90_us: spread.quantile_us(90).unwrap_or(0),
            share: spread.sum_us() as f64 / total.max(1) as f64,
            histogram: histogram(spread),
        })
        .collect();
    let whose = match requests {
        0 => Whose::Unknown,
        _ => Whose::OWNERS
            .into_iter()
            .max_by_key(|&owner| (sum_of(owner), owner == Whose::Site))
            .unwrap_or(Whose::Unknown),
    };
    let mut answer = WhoseTime {
        whose,
        sentence: String::new(),
        requests,
        site_us: mean(Whose::Site),
        us_us: mean(Whose::Us),
        names_us: mean(Whose::Names),
        clocks_us: mean(Whose::Clocks),
        parts,
    };
    answer.sentence = answer.say();
    answer
}

impl WhoseTime {
    fn part(&self, part: Part) -> &PartTime {
        let found = self.parts.iter().find(|time| time.part == part);
        found.expect("every part is listed")
    }

    fn say(&self) -> String {
        if self.whose == Whose::Unknown {
            return "nobody can tell: no request with its parts recorded".to_owned();
        }
        let total = self.site_us + self.us_us + self.names_us + self.clocks_us;
        let split = format!(
            "of {} for a request (mean of {}), {} is the site's, {} ours, {} the name servers', {} waiting for \
             the clock of its address",
            span(total),
            count(self.requests),
            span(self.site_us),
            span(self.us_us),
            span(self.names_us),
            span(self.clocks_us),
        );
        match self.whose {
            Whose::Site => format!("it is the site: {split}; {}", self.about_site()),
            Whose::Us if self.part(Part::BufferWait).share > self.part(Part::Ours).share => {
                format!("it is us: {split}; our buffers were full (fetch.buffer_memory_max)")
            }
            Whose::Us => format!(
                "it is us: {split}; decoding, scanning and archiving take longer than fetching"
            ),
            Whose::Names => format!("it is neither, it is the name servers: {split}"),
            Whose::Clocks => format!(
                "it is neither, it is politeness: {split}; the address rests after each request of any site there (politeness.address_delay)"
            ),
            Whose::Unknown => split,
        }
    }

    /// Which part of the site's time is the longest, and whether that is the server or the way to it.
    fn about_site(&self) -> String {
        let own = self.parts.iter().filter(|time| time.whose == Whose::Site);
        let longest = own
            .max_by(|a, b| a.share.total_cmp(&b.share))
            .expect("the site has four parts");
        let (connect, first) = (self.part(Part::Connect), self.part(Part::FirstByte));
        match longest.part {
            Part::FirstByte if connect.times == 0 => {
                format!("its first byte takes {} (median)", span(first.median_us))
            }
            Part::FirstByte if first.median_us > 3 * connect.median_us => format!(
                "its first byte takes {}, connecting {} (medians): the server is slow, not the way to it",
                span(first.median_us),
                span(connect.median_us)
            ),
            Part::FirstByte => format!(
                "its first byte takes {}, connecting {} (medians): that is the way to it, not the server",
                span(first.median_us),
                span(connect.median_us)
            ),
            Part::Body => format!(
                "its bodies take {} (median) to arrive",
                span(longest.median_us)
            ),
            Part::Tls => format!(
                "its TLS handshakes take {} (median)",
                span(longest.median_us)
            ),
            _ => format!(
                "connecting takes {} (median): it is far away",
                span(longest.median_us)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten requests with these parts in milliseconds; 0 is absent.
    fn ten(ms: [u64; 8]) -> WhoseTime {
        let spreads = ms.map(|ms| {
            let mut spread = Spread::default();
            if ms > 0 {
                (0..10).for_each(|_| spread.add(ms * 1_000));
            }
            spread
        });
        judge(10, &spreads)
    }

    #[test]
    fn the_largest_share_has_the_blame() {
        let check = |ms, whose, words: &str| {
            let answer = ten(ms);
            assert_eq!(answer.whose, whose, "{}", answer.sentence);
            assert!(answer.sentence.contains(words), "{}", answer.sentence);
        };
        check(
            [0, 1, 10, 20, 900, 50, 0, 5],
            Whose::Site,
            "the server is slow",
        );
        check(
            [0, 1, 100, 100, 210, 50, 0, 5],
            Whose::Site,
            "the way to it, not the server",
        );
        check([0, 1, 10, 10, 20, 900, 0, 5], Whose::Site, "bodies take");
        check([0, 1, 1, 1, 2, 5, 0, 50], Whose::Us, "longer than fetching");
        check([0, 1, 1, 1, 2, 5, 50, 5], Whose::Us, "buffers were full");
        check([0, 700, 1, 1, 2, 5, 0, 5], Whose::Names, "name servers");
        check(
            [700, 0, 1, 1, 2, 5, 0, 5],
            Whose::Clocks,
            "the address rests",
        );
        assert_eq!(judge(0, &Default::default()).whose, Whose::Unknown);
    }

    /// A blank for a span without any, a full block for the span with most.
    #[test]
    fn a_histogram_shows_how_times_lie() {
        let mut first_bytes = Spread::default();
        (0..80).for_each(|_| first_bytes.add(20_000));
        (0..10).for_each(|_| first_bytes.add(2_000_000));
        first_bytes.add(60_000_000);
        let mut spreads: [Spread; 8] = Default::default();
        spreads[4] = first_bytes;
        let answer = judge(91, &spreads);
        let part = answer.part(Part::FirstByte);
        assert_eq!(part.blocks(), "   █  ▁ ▁");
        let bars: Vec<_> = part
            .histogram
            .iter()
            .map(|bar| (bar.below_us, bar.times))
            .collect();
        assert_eq!(bars, [(Some(64_000), 80), (Some(4_096_000), 10), (None, 1)]);
    }

    #[test]
    fn shares_sum_to_one_and_means_are_of_all_requests() {
        let answer = ten([10, 0, 10, 10, 40, 20, 0, 10]);
        let sum: f64 = answer.parts.iter().map(|part| part.share).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        assert_eq!(
            (answer.site_us, answer.us_us, answer.clocks_us),
            (80_000, 10_000, 10_000)
        );
    }
}

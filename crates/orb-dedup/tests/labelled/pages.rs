//! Pages made by hand of a dice: sites with templates, articles, short pages, and copies of both.
//!
//! In: a seed. Out: pages in the order of a crawl. May touch: nothing.
//! Invariant: pages have one content number when, and only when, one was made of the other as a copy.

/// How a page came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum How {
    /// Written anew.
    Written,
    /// A copy with some words and a sentence changed.
    Edited,
    /// A copy whose navigation stands in another order.
    Reordered,
    /// A copy with other dates, counts and ads.
    Refreshed,
    /// A copy in the template of another site.
    Mirrored,
    /// The same text under another address.
    Twin,
}

pub(crate) struct Page {
    pub(crate) site: u64,
    pub(crate) content: u64,
    pub(crate) how: How,
    /// Whether it says little of its own.
    pub(crate) is_short: bool,
    pub(crate) address: String,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// A dice: SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Dice {
        Dice(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn between(&mut self, from: usize, to: usize) -> usize {
        from + self.below(to - from)
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for at in (1..list.len()).rev() {
            list.swap(at, self.below(at + 1));
        }
    }
}

/// A word of a language of 6,000, the frequent ones frequent as in any.
pub(crate) fn word(dice: &mut Dice) -> String {
    const SYLLABLES: [&str; 20] = [
        "ba", "ter", "mon", "li", "ves", "ka", "ron", "du", "sel", "pi", "tan", "go", "mir", "fe",
        "lo", "nas", "ver", "chi", "o", "rin",
    ];
    let share = (dice.below(1 << 20) as f64 + 1.0) / f64::from(1 << 20);
    let rank = (6_000_f64.powf(share)) as usize;
    let mut word = String::from(SYLLABLES[rank % 20]);
    word.push_str(SYLLABLES[rank / 20 % 20]);
    if rank > 400 {
        word.push_str(SYLLABLES[rank / 400 % 20]);
    }
    word
}

pub(crate) fn words(dice: &mut Dice, count: usize) -> String {
    let words: Vec<String> = (0..count).map(|_| word(dice)).collect();
    words.join(" ")
}

/// What stands around the content of every page of a site.
struct Template {
    navigation: Vec<String>,
    ads: Vec<String>,
    foot: Vec<String>,
}

impl Template {
    fn new(dice: &mut Dice) -> Template {
        let mut lines = |from, to, short, long| -> Vec<String> {
            let count = dice.between(from, to);
            (0..count)
                .map(|_| {
                    let len = dice.between(short, long);
                    words(dice, len)
                })
                .collect()
        };
        Template {
            navigation: lines(8, 25, 1, 4),
            ads: lines(12, 20, 4, 9),
            foot: lines(3, 6, 5, 12),
        }
    }

    fn around(&self, content: &Content, dice: &mut Dice, shuffled: bool) -> String {
        let mut navigation = self.navigation.clone();
        if shuffled {
            dice.shuffle(&mut navigation);
        }
        let mut lines = navigation;
        lines.push(content.heading.clone());
        let (day, hour) = (dice.between(1, 29), dice.between(10, 24));
        lines.push(format!(
            "{} May 20{}, {hour}:{} – {} views",
            day,
            dice.between(10, 27),
            dice.between(10, 60),
            dice.below(9_999)
        ));
        for (number, paragraph) in content.paragraphs.iter().enumerate() {
            lines.push(paragraph.clone());
            if number % 5 == 1 {
                lines.push(self.ads[dice.below(self.ads.len())].clone());
            }
        }
        lines.push(self.ads[dice.below(self.ads.len())].clone());
        lines.extend(self.foot.iter().cloned());
        lines.join("\n")
    }
}

/// What a page is about.
#[derive(Clone)]
struct Content {
    heading: String,
    paragraphs: Vec<String>,
}

impl Content {
    fn article(dice: &mut Dice) -> Content {
        let heading = dice.between(4, 10);
        let count = dice.between(4, 14);
        Content {
            heading: words(dice, heading),
            paragraphs: (0..count)
                .map(|_| {
                    let len = dice.between(25, 70);
                    words(dice, len)
                })
                .collect(),
        }
    }

    /// Few words of its own, and a line that all such pages of the web have.
    fn short(dice: &mut Dice) -> Content {
        let (heading, own) = (dice.between(2, 5), dice.between(10, 25));
        let stock =
            "In stock and sent within three days\nAsk a question about this article".to_owned();
        Content {
            heading: words(dice, heading),
            paragraphs: vec![words(dice, own), stock],
        }
    }

    /// Two words in a hundred are others, and one sentence is new.
    fn edited(&self, dice: &mut Dice) -> Content {
        let mut edited = self.clone();
        for paragraph in &mut edited.paragraphs {
            let changed: Vec<String> = paragraph
                .split(' ')
                .map(|old| {
                    if dice.below(50) == 0 {
                        word(dice)
                    } else {
                        old.to_owned()
                    }
                })
                .collect();
            *paragraph = changed.join(" ");
        }
        let at = dice.below(edited.paragraphs.len());
        let len = dice.between(6, 15);
        let sentence = words(dice, len);
        edited.paragraphs[at].push(' ');
        edited.paragraphs[at].push_str(&sentence);
        edited
    }
}

const SITES: usize = 12;
const ARTICLES: usize = 25;
const SHORTS: usize = 25;

/// Sites with articles and short pages, half of the pages with a copy; site by site in turns, copies anywhere.
pub(crate) fn web(seed: u64) -> Vec<Page> {
    let mut dice = Dice::new(seed);
    let templates: Vec<Template> = (0..SITES).map(|_| Template::new(&mut dice)).collect();
    let mut pages = Vec::new();
    let mut number = 0;
    for site in 0..SITES {
        for made in 0..ARTICLES + SHORTS {
            let is_short = made >= ARTICLES;
            let content = match is_short {
                true => Content::short(&mut dice),
                false => Content::article(&mut dice),
            };
            number += 1;
            let mut written = None;
            let mut add = |site: usize, how: How, content: &Content, dice: &mut Dice| {
                let text = match (&written, how) {
                    (Some(text), How::Twin) => String::clone(text),
                    _ => templates[site].around(content, dice, how == How::Reordered),
                };
                written.get_or_insert_with(|| text.clone());
                let address = format!(
                    "https://site{site}.example/{}/{}",
                    words(dice, 1),
                    dice.below(1_000_000)
                );
                let title = content.heading.clone();
                let site = site as u64 * 7_919;
                pages.push(Page {
                    site,
                    content: number,
                    how,
                    is_short,
                    address,
                    title,
                    text,
                });
            };
            add(site, How::Written, &content, &mut dice);
            // A short page with other words is another page.
            let how = match (dice.below(10), is_short) {
                (0, false) => How::Edited,
                (1, _) => How::Reordered,
                (2, _) => How::Refreshed,
                (3, false) => How::Mirrored,
                (4, _) => How::Twin,
                _ => continue,
            };
            let elsewhere = (site + 1 + dice.below(SITES - 1)) % SITES;
            let to = if how == How::Mirrored {
                elsewhere
            } else {
                site
            };
            let edited = if how == How::Edited {
                content.edited(&mut dice)
            } else {
                content
            };
            add(to, how, &edited, &mut dice);
        }
    }
    dice.shuffle(&mut pages);
    pages
}

//! English-like words and sentences.
//!
//! In: draws. Out: text. May touch: `chance`. Must not touch: markup.
//! Invariant: plain ASCII letters and spaces, so any byte is a place to cut.

use crate::chance::Chance;

#[rustfmt::skip]
pub(crate) const NOUNS: &[&str] = &[
    "harbour", "lantern", "orchard", "river", "market", "bridge", "garden", "window", "letter", "morning",
    "winter", "station", "village", "captain", "teacher", "kitchen", "mountain", "valley", "engine",
    "machine", "paper", "colour", "music", "story", "people", "children", "weather", "season", "history",
    "library", "council", "company", "report", "number", "question", "answer", "journey", "island", "coast",
    "forest", "field", "farmer", "doctor", "artist", "builder", "worker", "driver", "painter", "writer",
    "reader", "minister", "committee", "budget", "price", "quarter", "measure", "method", "result",
    "pattern", "signal", "network", "system", "server", "archive", "record", "spider", "thread", "needle",
    "carpet", "mirror", "corner", "street", "tower", "castle", "temple", "theatre", "museum", "hospital",
    "school", "college", "factory", "workshop", "ladder", "hammer", "basket", "bottle", "copper", "silver",
    "timber", "marble", "leather", "cotton", "linen", "sugar", "butter", "bread", "apple", "cherry",
    "pepper", "ginger", "honey", "coffee", "supper", "dinner", "party", "election", "meeting", "festival",
    "holiday", "weekend", "evening", "afternoon", "summer", "autumn", "spring", "thunder", "shadow",
    "sunlight", "feather", "sparrow", "falcon", "badger", "otter", "salmon", "donkey", "pony", "kitten",
    "cousin", "neighbour", "stranger", "traveller", "passenger", "sailor", "soldier", "merchant", "baker",
    "tailor", "potter", "carpenter", "gardener", "scholar", "student", "lecture", "lesson", "chapter",
    "sentence", "language", "grammar", "accent", "culture", "custom", "promise", "bargain", "fortune",
    "treasure", "anchor", "compass", "voyage",
];

#[rustfmt::skip]
pub(crate) const VERBS: &[&str] = &[
    "follows", "carries", "finds", "keeps", "leaves", "opens", "closes", "remembers", "describes",
    "measures", "repairs", "paints", "builds", "crosses", "reaches", "watches", "gathers", "answers",
    "explains", "collects", "visits", "changes", "improves", "reduces", "supports", "protects", "replaces",
    "reports", "announces", "considers", "suggests", "requires", "includes", "provides", "produces",
    "delivers", "receives", "returns", "discovers", "borrows", "teaches", "studies", "admires", "forgets",
    "prefers", "expects", "avoids", "guards", "shelters", "warms", "lifts", "turns", "holds", "shows",
    "brings", "sends", "makes", "takes", "needs", "knows",
];

#[rustfmt::skip]
pub(crate) const ADJECTIVES: &[&str] = &[
    "quiet", "early", "narrow", "gentle", "distant", "hollow", "golden", "silent", "ancient", "modern",
    "local", "public", "private", "common", "simple", "steady", "careful", "curious", "generous", "patient",
    "honest", "clever", "gloomy", "bright", "dusty", "frozen", "muddy", "windy", "sunny", "rainy", "heavy",
    "hungry", "lonely", "lovely", "merry", "nervous", "ordinary", "peculiar", "perfect", "polite",
    "practical", "precious", "pretty", "proud", "rapid", "rough", "rusty", "scarce", "severe", "shallow",
    "slender", "smooth", "solid", "spare", "stubborn", "sudden", "tender", "thirsty", "tiny", "useful",
    "vivid", "weary", "wooden", "young", "northern", "southern", "eastern", "western", "annual", "final",
];

#[rustfmt::skip]
const LINKS: &[&str] = &[
    "of the", "near the", "beside the", "behind the", "under the", "above the", "across the", "after the",
    "before the", "without the", "within the", "beyond the", "against the", "along the", "for the",
    "with the",
];

#[rustfmt::skip]
const TAILS: &[&str] = &[
    "every year", "once again", "as expected", "in the end", "by the sea", "at last", "for a while",
    "more than ever", "with some luck", "in good time", "on most days", "to nobody's surprise",
    "without much noise", "as far as we know", "until the lights go out", "when the road is clear",
];

/// The entry of `list` that a draw's low bits choose, early ones more often.
pub(crate) fn word(list: &'static [&'static str], draw: u64) -> &'static str {
    // Two uniforms multiplied lean towards zero, as word frequencies do.
    let (a, b) = (draw & 0xffff, (draw >> 16) & 0xffff);
    let lean = (a * (b + 0x10000)) >> 17;
    list[((lean * list.len() as u64) >> 16) as usize]
}

/// Two to five words without punctuation: an anchor or a title. Cost: four copies.
pub(crate) fn phrase(out: &mut Vec<u8>, draw: u64) {
    out.extend_from_slice(word(ADJECTIVES, draw).as_bytes());
    out.push(b' ');
    out.extend_from_slice(word(NOUNS, draw.rotate_right(17)).as_bytes());
    if draw & 1 == 0 {
        out.push(b' ');
        out.extend_from_slice(word(LINKS, draw.rotate_right(34)).as_bytes());
        out.push(b' ');
        out.extend_from_slice(word(NOUNS, draw.rotate_right(47)).as_bytes());
    }
}

/// One sentence with a capital and a full stop, and a blank after it.
pub(crate) fn sentence(out: &mut Vec<u8>, chance: &mut Chance) {
    let start = out.len();
    clause(out, chance);
    match chance.below(6) {
        0 => {
            out.extend_from_slice(b", and ");
            clause(out, chance);
        }
        1 => {
            out.extend_from_slice(b", while ");
            clause(out, chance);
        }
        2 => {
            out.push(b' ');
            out.extend_from_slice(word(TAILS, chance.next()).as_bytes());
        }
        _ => {}
    }
    out[start].make_ascii_uppercase();
    out.extend_from_slice(b". ");
}

fn clause(out: &mut Vec<u8>, chance: &mut Chance) {
    let draw = chance.next();
    out.extend_from_slice(if draw & 4 == 0 { b"the " } else { b"one " });
    phrase(out, draw);
    out.push(b' ');
    out.extend_from_slice(word(VERBS, chance.next()).as_bytes());
    out.extend_from_slice(b" the ");
    phrase(out, chance.next());
}

/// `value` in decimal digits.
pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut left = value;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// `value` as sixteen hexadecimal digits.
pub(crate) fn hex16(out: &mut Vec<u8>, value: u64) {
    for shift in (0..16).rev() {
        let digit = (value >> (shift * 4)) & 15;
        out.push(b"0123456789abcdef"[digit as usize]);
    }
}

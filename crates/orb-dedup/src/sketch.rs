//! How much two pages share, by the smallest marks of each: a bottom-k MinHash sketch (Broder 1997).
//!
//! In: marks of two pages. Out: an estimate. May touch: nothing.
//! Invariant: symmetric; 1 for equal marks; linear.

use crate::MARKS_MAX;

/// The share of both pages' triples that are in both, from 0 to 1.
///
/// - `a`, `b`: marks as [`TextMarks::marks`](crate::TextMarks::marks) gives them, ascending and distinct.
/// - Exact for pages of up to [`MARKS_MAX`] marks together; beyond, an estimate whose standard error is at most 0.03.
/// - Two pages without marks share nothing.
#[must_use]
pub fn resemblance(a: &[u32], b: &[u32]) -> f64 {
    let (mut at, mut bt, mut all, mut both) = (0, 0, 0_u32, 0_u32);
    // Of a cut list nothing is known beyond its largest mark.
    let end = |list: &[u32]| match list.len() >= MARKS_MAX {
        true => list.last().copied().unwrap_or(u32::MAX),
        false => u32::MAX,
    };
    let most = end(a).min(end(b));
    loop {
        let (x, y) = (a.get(at).copied(), b.get(bt).copied());
        let next = match (x, y) {
            (None, None) => break,
            (Some(only), None) | (None, Some(only)) => only,
            (Some(x), Some(y)) => x.min(y),
        };
        if next > most {
            break;
        }
        all += 1;
        both += u32::from(x == y);
        at += usize::from(x == Some(next));
        bt += usize::from(y == Some(next));
    }
    if all == 0 {
        0.0
    } else {
        f64::from(both) / f64::from(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::mix;

    #[test]
    fn small_pages_are_compared_exactly() {
        assert_eq!(resemblance(&[1, 2, 3], &[1, 2, 3]), 1.0);
        assert_eq!(resemblance(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(resemblance(&[1], &[2]), 0.0);
        assert_eq!(resemblance(&[1, 2], &[]), 0.0);
        assert_eq!(resemblance(&[], &[]), 0.0);
    }

    #[test]
    fn large_pages_are_estimated() {
        let page = |numbers: std::ops::Range<u64>| {
            let mut marks: Vec<u32> = numbers.map(|number| (mix(number) >> 32) as u32).collect();
            marks.sort_unstable();
            marks.truncate(MARKS_MAX);
            marks
        };
        for (shift, share) in [(0, 1.0), (200, 0.905), (1_000, 0.6), (4_000, 0.0)] {
            let found = resemblance(&page(0..4_000), &page(shift..4_000 + shift));
            assert!((found - share).abs() < 0.08, "{shift}: {found}, {share}");
        }
    }
}

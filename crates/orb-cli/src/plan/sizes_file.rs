//! Pages of each site, where somebody knows them: from sitemaps, or from an earlier crawl.
//!
//! In: the text of a file. Out: numbers. May touch: nothing.
//! Invariant: a line that is no number is refused with its place; nothing is skipped in silence.

use orb_plan::Spread;

use crate::exit::Failure;

/// Reads `pages` or `domain,pages` lines; blank ones and comments are passed over.
pub(crate) fn read(text: &str, name: &str) -> Result<Spread, Failure> {
    let mut pages = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = line.rsplit(',').next().unwrap_or(line).trim();
        let number: Option<f64> = number.parse().ok();
        let number = number.filter(|number| number.is_finite() && *number >= 0.0);
        pages.push(number.ok_or_else(|| {
            Failure::usage_text(format!(
                "{name}:{}: no number of pages: write `pages` or `domain,pages`",
                at + 1
            ))
        })?);
    }
    if pages.iter().sum::<f64>() <= 0.0 {
        return Err(Failure::usage_text(format!("{name} tells of no page")));
    }
    Ok(Spread::Known(pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_numbers_with_or_without_a_name() {
        let sizes = read("# ours\na.example,12\n\n 7 \nb.example, 3\n", "s").unwrap();
        assert_eq!(sizes, Spread::Known(vec![12.0, 7.0, 3.0]));
    }

    #[test]
    fn what_is_no_number_is_refused_with_its_place() {
        for (text, part) in [
            ("1\nmany\n", "s:2:"),
            ("a,-4", "s:1:"),
            ("", "no page"),
            ("0", "no page"),
        ] {
            let message = read(text, "s").unwrap_err().error.to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}

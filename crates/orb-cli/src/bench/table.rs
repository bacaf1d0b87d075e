//! Text tables for people.
//!
//! In: cells. Out: lines with columns of even width. May touch: nothing.
//! Invariant: the first column is set to the left, the others to the right; no line ends in a space.

use crate::terminal::{bytes, count};

use super::figure::Figure;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Whole, with thousands set apart.
    Count,
    /// Two decimals.
    Decimal,
    /// Bytes in the unit that fits.
    Bytes,
    /// Part of a whole, in percent.
    Share,
}

impl Unit {
    /// `value` as people write it.
    pub(crate) fn text(self, value: f64) -> String {
        match self {
            Unit::Count => count(value.max(0.0).round() as u64),
            Unit::Decimal => format!("{value:.2}"),
            Unit::Bytes => bytes(value.max(0.0).round() as u64),
            Unit::Share => format!("{:.0} %", value * 100.0),
        }
    }

    /// The extremes of several runs.
    pub(crate) fn range(self, figure: &Figure) -> String {
        let (min, max) = (self.text(figure.min), self.text(figure.max));
        if min == max {
            return min;
        }
        format!("{min}–{max}")
    }
}

/// One measure as a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Head of the column.
    pub(crate) title: &'static str,
    /// Which measure.
    pub(crate) measure: &'static str,
    /// How it is written.
    pub(crate) unit: Unit,
}

/// Lines of cells under a head, two spaces between columns.
pub(crate) fn table(head: &[String], lines: &[Vec<String>]) -> String {
    let columns = head.len();
    let width = |column: usize| {
        std::iter::once(head)
            .chain(lines.iter().map(Vec::as_slice))
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for line in std::iter::once(head).chain(lines.iter().map(Vec::as_slice)) {
        let mut text = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths.get(column).copied().unwrap_or(0);
            if column == 0 {
                text.push_str(&format!("{cell:<width$}"));
            } else {
                text.push_str(&format!("  {cell:>width$}"));
            }
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_even_and_lines_end_where_their_text_does() {
        let cells = |cells: &[&str]| cells.iter().map(ToString::to_string).collect::<Vec<_>>();
        let text = table(
            &cells(&["row", "pages/s", ""]),
            &[
                cells(&["http-kept-large", "1,022", "fine"]),
                cells(&["b", "7", ""]),
            ],
        );
        assert_eq!(
            text,
            "row              pages/s\nhttp-kept-large    1,022  fine\nb                      7\n"
        );
    }

    #[test]
    fn numbers_are_written_by_their_unit() {
        let written = |unit: Unit, value: f64| unit.text(value);
        assert_eq!(written(Unit::Count, 1_429.6), "1,430");
        assert_eq!(written(Unit::Decimal, 0.978), "0.98");
        assert_eq!(written(Unit::Bytes, 166_000_000.0), "166.0 MB");
        assert_eq!(written(Unit::Share, 0.294), "29 %");
        let figure = Figure::of([956.0, 1_088.0]).unwrap();
        assert_eq!(Unit::Count.range(&figure), "956–1,088");
        assert_eq!(Unit::Count.range(&Figure::of([5.0]).unwrap()), "5");
    }
}

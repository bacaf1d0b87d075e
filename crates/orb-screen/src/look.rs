//! How the view looks: colours or none, block letters or ASCII.
//!
//! In: the environment, as a function. Out: styles and glyphs. May touch: nothing.
//! Invariant: colour never says anything that is not also said in words, and only the terminal's own palette is used,
//! so that dark and light both stay readable.

use orb_api::Phase;
use ratatui::style::{Color, Modifier, Style};

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours; without them bold, dim and reversed letters remain.
    pub colour: bool,
    /// Block and box letters; without them ASCII only.
    pub unicode: bool,
}

impl Look {
    /// What `NO_COLOR`, the locale and `TERM` ask for. `value` gives a variable of the environment.
    #[must_use]
    pub fn from_environment(value: impl Fn(&str) -> Option<String>) -> Look {
        let set = |name: &str| value(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set);
        let utf8 = locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        // The kernel's own console has no block letters but the full one.
        let console = set("TERM").is_some_and(|term| term == "linux");
        Look {
            colour: set("NO_COLOR").is_none(),
            unicode: utf8 && !console,
        }
    }

    fn coloured(self, style: Style, colour: Color) -> Style {
        if self.colour { style.fg(colour) } else { style }
    }

    /// Names of figures: beside the figures, not before them.
    pub(crate) fn label(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Figures.
    pub(crate) fn plain(self) -> Style {
        Style::new()
    }

    /// What the eye should find first.
    pub(crate) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Going well.
    pub(crate) fn good(self) -> Style {
        self.coloured(Style::new(), Color::Green)
    }

    /// Going badly.
    pub(crate) fn bad(self) -> Style {
        self.coloured(self.strong(), Color::Red)
    }

    /// The row under the cursor, and keys that are being asked for.
    pub(crate) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The badge of a phase.
    pub(crate) fn phase(self, phase: Phase) -> Style {
        let badge = self.strong().add_modifier(Modifier::REVERSED);
        match phase {
            Phase::Running | Phase::Finished => self.coloured(badge, Color::Green),
            Phase::Paused | Phase::Stopping | Phase::Stopped => self.coloured(badge, Color::Yellow),
            Phase::DiskFull | Phase::UploadsBehind => self.coloured(badge, Color::Red),
        }
    }

    /// Eight heights of a bar, from an eighth to full.
    pub(crate) fn heights(self) -> [char; 8] {
        if self.unicode {
            ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
        } else {
            ['.', '.', ':', ':', '+', '+', '#', '#']
        }
    }

    /// Filled and empty part of a gauge.
    pub(crate) fn gauge(self) -> (char, char) {
        if self.unicode {
            ('█', '░')
        } else {
            ('#', '-')
        }
    }

    /// The letter that rules are made of.
    pub(crate) fn rule(self) -> char {
        if self.unicode { '─' } else { '-' }
    }

    /// Where text was cut.
    pub(crate) fn cut(self) -> &'static str {
        if self.unicode { "…" } else { "~" }
    }

    /// `text` made safe to show: nothing steers, and without Unicode nothing leaves ASCII.
    pub(crate) fn safe(self, text: &str) -> String {
        let text = crate::harmless(text).replace('\n', " ");
        if self.unicode || text.is_ascii() {
            return text;
        }
        let mut out = String::with_capacity(text.len() * 2);
        for letter in text.chars() {
            if letter.is_ascii() {
                out.push(letter);
            } else {
                out.extend(letter.escape_unicode());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_decides() {
        let look = |variables: &[(&str, &str)]| {
            let of = |name: &str| {
                let found = variables.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let look = Look::from_environment(of);
            (look.colour, look.unicode)
        };
        assert_eq!(look(&[]), (true, false));
        assert_eq!(look(&[("LANG", "de_DE.UTF-8")]), (true, true));
        assert_eq!(look(&[("LANG", "C.utf8"), ("LC_ALL", "")]), (true, true));
        assert_eq!(look(&[("LANG", "C.utf8"), ("LC_ALL", "C")]), (true, false));
        assert_eq!(
            look(&[("LANG", "C.utf8"), ("TERM", "linux")]),
            (true, false)
        );
        assert_eq!(look(&[("NO_COLOR", "1")]), (false, false));
        assert_eq!(look(&[("NO_COLOR", "")]), (true, false));
    }

    #[test]
    fn without_colour_no_style_has_one() {
        let look = Look {
            colour: false,
            unicode: true,
        };
        let styles = [
            look.good(),
            look.bad(),
            look.chosen(),
            look.phase(Phase::DiskFull),
        ];
        assert!(
            styles
                .iter()
                .all(|style| style.fg.is_none() && style.bg.is_none())
        );
    }

    #[test]
    fn hostile_names_are_inert_and_ascii_where_asked() {
        let look = Look {
            colour: false,
            unicode: false,
        };
        assert_eq!(
            look.safe("a\u{1b}]0;x\u{7}é\n"),
            "a\\u{1b}]0;x\\u{7}\\u{e9} "
        );
    }
}

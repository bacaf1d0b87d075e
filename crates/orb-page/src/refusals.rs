//! What a page's author does not want done with it, of several vocabularies' words.
//!
//! In: robots directives, usage preferences as written, wherever they stood. Out: which uses are refused.
//! May touch: `directives`. Must not touch: what is done about it.
//! Invariant: whoever speaks may refuse and nobody can permit what another refused; within one list the word for a
//! single use outweighs the word for all.

use crate::RobotsDirectives;

/// The header fields that state preferences about a response's use: IETF aipref, Content Signals, TDM Reservation
/// Protocol.
pub const USAGE_FIELDS: [&str; 4] = [
    "content-usage",
    "content-signal",
    "tdm-reservation",
    "tdm-policy",
];

/// What somebody may want to do with pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageUse {
    /// Make them findable.
    Search,
    /// Hand them to a model that answers with them.
    AiInput,
    /// Train a model on them.
    AiTrain,
}

impl PageUse {
    /// Every use.
    pub const ALL: [PageUse; 3] = [PageUse::Search, PageUse::AiInput, PageUse::AiTrain];

    /// Its name in Content Signals.
    pub fn name(self) -> &'static str {
        match self {
            PageUse::Search => "search",
            PageUse::AiInput => "ai-input",
            PageUse::AiTrain => "ai-train",
        }
    }
}

/// The uses that are refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals([bool; 3]);

impl Refusals {
    /// Reads directives and preferences.
    ///
    /// - `usage`: lines `name: value`, as [`Page::usage`](crate::Page::usage) has them; those of robots.txt have
    ///   `robots.txt ` before them and may begin with a path, which is taken to be the page's.
    /// - `noindex` refuses every use, `nosnippet` refuses `ai-input`, `noai` refuses `ai-train`; a reservation of text
    ///   and data mining refuses both uses by models. Unknown words say nothing.
    pub fn of<'a>(directives: RobotsDirectives, usage: impl IntoIterator<Item = &'a str>) -> Self {
        let mut refused = Refusals::default();
        if directives.noindex {
            refused.0 = [true; 3];
        }
        refused.0[PageUse::AiInput as usize] |= directives.nosnippet;
        refused.0[PageUse::AiTrain as usize] |= directives.noai;
        for line in usage {
            refused.add_line(line);
        }
        refused
    }

    /// Whether this use is.
    pub fn refuses(self, page_use: PageUse) -> bool {
        self.0[page_use as usize]
    }

    fn add_line(&mut self, line: &str) {
        let line = line.strip_prefix("robots.txt ").unwrap_or(line);
        let Some((name, value)) = line.split_once(':') else {
            return;
        };
        let is = |known: &str| name.trim().eq_ignore_ascii_case(known);
        if is("tdm-reservation") {
            if value.trim() == "1" {
                self.0[PageUse::AiInput as usize] = true;
                self.0[PageUse::AiTrain as usize] = true;
            }
        } else if is("content-usage") || is("content-signal") {
            self.add_list(value);
        } else if RobotsDirectives::from_list(value).noai {
            self.0[PageUse::AiTrain as usize] = true;
        }
    }

    /// `train-ai=n, search=y`: the most particular word about a use decides.
    fn add_list(&mut self, list: &str) {
        // For each use: how particular the word is that decides, and whether it refuses.
        let mut decided = [(0_u8, false); 3];
        for word in list.split([',', ';', ' ', '\t']) {
            let Some((key, value)) = word.split_once('=') else {
                continue;
            };
            let refuses = match value.trim().to_ascii_lowercase().as_str() {
                "n" | "no" => true,
                "y" | "yes" => false,
                _ => continue,
            };
            let (rank, uses) = meaning(&key.trim().to_ascii_lowercase());
            for page_use in uses {
                let (best, said) = &mut decided[*page_use as usize];
                if rank > *best {
                    (*best, *said) = (rank, refuses);
                } else if rank == *best {
                    *said |= refuses;
                }
            }
        }
        for (own, (_, refuses)) in self.0.iter_mut().zip(decided) {
            *own |= refuses;
        }
    }
}

/// How particular a word is, and which uses it is about.
fn meaning(key: &str) -> (u8, &'static [PageUse]) {
    match key {
        "search" => (3, &[PageUse::Search]),
        "ai-input" | "ai-output" => (3, &[PageUse::AiInput]),
        "ai-train" | "train-ai" | "train-genai" | "genai" => (3, &[PageUse::AiTrain]),
        "ai" => (2, &[PageUse::AiInput, PageUse::AiTrain]),
        "bots" | "all" | "tdm" => (1, &PageUse::ALL),
        _ => (0, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(directives: &str, usage: &[&str], expected: &str) {
        let found = Refusals::of(
            RobotsDirectives::from_list(directives),
            usage.iter().copied(),
        );
        let names: Vec<&str> = PageUse::ALL
            .into_iter()
            .filter(|page_use| found.refuses(*page_use))
            .map(PageUse::name)
            .collect();
        assert_eq!(names.join(" "), expected, "{directives} {usage:?}");
    }

    #[test]
    fn directives_refuse() {
        check("", &[], "");
        check("nofollow, noarchive", &[], "");
        check("noindex", &[], "search ai-input ai-train");
        check("nosnippet", &[], "ai-input");
        check("noai, noimageai", &[], "ai-train");
        check("", &["robots: noai"], "ai-train");
        check("", &["robots: noimageai"], "");
    }

    #[test]
    fn each_vocabulary_is_understood() {
        check("", &["content-usage: train-ai=n, search=y"], "ai-train");
        check(
            "",
            &["robots.txt Content-Signal: search=yes, ai-input=no, ai-train=no"],
            "ai-input ai-train",
        );
        check(
            "",
            &["robots.txt Content-Usage: /quiet train-ai=n"],
            "ai-train",
        );
        check("", &["tdm-reservation: 1"], "ai-input ai-train");
        check(
            "",
            &["tdm-reservation: 0", "tdm-policy: https://a.example/"],
            "",
        );
        check(
            "",
            &["content-usage: colour=n, search=maybe", "nonsense"],
            "",
        );
    }

    #[test]
    fn the_particular_word_outweighs_the_general_one_of_its_list() {
        check("", &["content-usage: bots=n"], "search ai-input ai-train");
        check(
            "",
            &["content-usage: search=y, bots=n"],
            "ai-input ai-train",
        );
        check("", &["content-usage: bots=y, ai=n, ai-input=y"], "ai-train");
        check("", &["content-usage: search=y, search=n"], "search");
    }

    #[test]
    fn nobody_permits_what_another_refused() {
        check(
            "",
            &["content-usage: search=y", "content-signal: search=no"],
            "search",
        );
        check(
            "noindex",
            &["content-usage: bots=y"],
            "search ai-input ai-train",
        );
    }
}

//! The language of a text.
//!
//! In: text, what the page declares. Out: an ISO 639-3 code and how sure it is.
//! May touch: nothing. Must not touch: how text is written.
//! Invariant: a declaration is a prior, not the answer: pages copy templates that declare English. Work is bounded by
//! [`LANGUAGE_SAMPLE_BYTES`].

use serde::Serialize;

use crate::limits::LANGUAGE_SAMPLE_BYTES;

use super::language_codes::iso_639_3;
use super::share;

/// Letters from which the guesser is believed against the page.
const LETTERS_ENOUGH: usize = 160;

/// Letters from which the guesser is asked at all.
const LETTERS_MIN: usize = 24;

/// A language, and how sure that is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Language {
    /// ISO 639-3.
    pub code: String,
    /// 0 to 1. Of a language only declared, at most one half.
    pub confidence: f64,
    /// What the page declares, as ISO 639-3.
    pub declared: Option<String>,
}

/// - `declared`: a language tag as written.
pub(super) fn detect(text: &str, declared: Option<&str>) -> Option<Language> {
    let declared = declared.and_then(iso_639_3);
    let sample = sample(text);
    let letters = sample
        .chars()
        .filter(|letter| letter.is_alphabetic())
        .count();
    let guess = (letters >= LETTERS_MIN)
        .then(|| whatlang::detect(&sample))
        .flatten();
    let (code, confidence) = match (guess, &declared) {
        (None, None) => return None,
        (None, Some(declared)) => (declared.clone(), 0.5),
        (Some(guess), Some(declared)) if is_same(declared, guess.lang().code()) => {
            (declared.clone(), guess.confidence().max(0.9))
        }
        // Languages the guesser does not know look to it like their neighbours.
        (Some(_), Some(declared)) if !is_known(declared) => (declared.clone(), 0.5),
        (Some(guess), Some(declared)) => {
            if letters >= LETTERS_ENOUGH && guess.is_reliable() {
                (own_code(&guess), guess.confidence())
            } else {
                (declared.clone(), 0.4)
            }
        }
        (Some(guess), None) => (own_code(&guess), guess.confidence()),
    };
    Some(Language {
        code,
        confidence: share(confidence),
        declared,
    })
}

fn own_code(guess: &whatlang::Info) -> String {
    match guess.lang().code() {
        // Written Chinese is not told apart by what is spoken.
        "cmn" => "zho",
        "pes" => "fas",
        code => code,
    }
    .to_owned()
}

/// Whether two codes mean the same language, one perhaps as part of the other.
fn is_same(declared: &str, guessed: &str) -> bool {
    declared == guessed
        || matches!(
            (declared, guessed),
            ("zho" | "yue", "cmn")
                | ("fas", "pes")
                | ("nor" | "nno" | "dan", "nob")
                | ("hbs" | "bos" | "hrv", "srp")
                | ("hbs" | "bos" | "srp", "hrv")
                | ("lav", "lvs")
                | ("msa", "ind")
                | ("aze", "azj")
                | ("uzb", "uzn")
                | ("ori", "ory")
                | ("nep", "npi")
                | ("est", "ekk")
                | ("yid", "ydd")
        )
}

fn is_known(code: &str) -> bool {
    whatlang::Lang::from_code(code).is_some()
        || matches!(
            code,
            "zho" | "fas" | "nor" | "hbs" | "msa" | "bos" | "nno" | "yue"
        )
}

/// Text from the beginning, the middle and three quarters: the first lines of a page are often names.
fn sample(text: &str) -> String {
    let text = text.trim();
    if text.len() <= LANGUAGE_SAMPLE_BYTES {
        return text.to_owned();
    }
    let piece = LANGUAGE_SAMPLE_BYTES / 3;
    let mut sample = String::with_capacity(LANGUAGE_SAMPLE_BYTES);
    for start in [0, text.len() / 2, text.len() / 4 * 3] {
        let start = text.floor_char_boundary(start);
        let end = text.floor_char_boundary((start + piece).min(text.len()));
        sample.push_str(&text[start..end]);
        sample.push(' ');
    }
    sample
}

#[cfg(test)]
mod tests {
    use super::*;

    const GERMAN: &str = "Die Spinne wartet in der Mitte ihres Netzes, bis ein Faden zittert. Dann läuft sie \
        schnell zu der Stelle, an der die Beute hängt, und wickelt sie in Seide ein, bevor sie frisst. Am Abend \
        baut sie das Netz ab und am Morgen spannt sie ein neues zwischen dieselben Zweige.";

    fn check(text: &str, declared: Option<&str>, expected: Option<(&str, bool)>) {
        let found = detect(text, declared);
        let found = found
            .as_ref()
            .map(|language| (language.code.as_str(), language.confidence > 0.6));
        assert_eq!(found, expected, "{declared:?}");
    }

    #[test]
    fn the_text_is_believed_where_it_is_long_enough() {
        check(GERMAN, Some("de-AT"), Some(("deu", true)));
        check(GERMAN, Some("en"), Some(("deu", true)));
        check(GERMAN, None, Some(("deu", true)));
    }

    #[test]
    fn the_page_is_believed_where_the_text_is_short_or_the_language_rare() {
        check("404", Some("fr"), Some(("fra", false)));
        check(GERMAN, Some("gsw"), Some(("gsw", false)));
        check("ok", None, None);
    }

    #[test]
    fn chinese_is_one_written_language() {
        let text = "蜘蛛在网的中央等待，直到一根丝线颤动。然后它迅速跑向猎物所在的地方，用丝把它包裹起来。";
        check(text, Some("zh-CN"), Some(("zho", true)));
        check(text, None, Some(("zho", true)));
    }
}

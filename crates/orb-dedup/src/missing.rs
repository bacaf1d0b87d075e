//! Soft 404: pages that say "not found" with a status that says otherwise, known by a probe.
//!
//! In: a path that cannot exist, and the marks of what a site answers to it. Out: whether another page is that answer.
//! May touch: `sketch`. Must not touch: sockets; who asks for the path decides when.
//! Invariant: a page with something of its own to say is not called missing.

use crate::marks::TextMarks;
use crate::sketch::resemblance;
use crate::words::mix;

/// How alike a page must be to the answer to a probe: what an ad or a list of favourites changes is less.
const ALIKE: f64 = 0.85;

/// A path that no site has, of the folder of a page it does have: servers answer folder by folder.
///
/// - `beside`: the path of a page, from `/`. `draw`: any random number, another one each time.
/// - Returns 24 letters behind the folder, as no page and no rule of a server is called.
#[must_use]
pub fn probe_path(beside: &str, draw: u64) -> String {
    let path = beside.split(['?', '#']).next().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |slash| &path[..=slash]);
    let letters = (0..24).map(|at| char::from(b'a' + (mix(draw.wrapping_add(at)) % 26) as u8));
    folder.chars().chain(letters).collect()
}

/// What a site shows where nothing is, though its status says 2xx.
#[derive(Clone, Debug)]
pub struct MissingPage(TextMarks);

impl MissingPage {
    /// Of the answer to a probe; none when it says nothing that could be known again.
    #[must_use]
    pub fn of_probe(answer: TextMarks) -> Option<MissingPage> {
        (!answer.marks().is_empty()).then_some(MissingPage(answer))
    }

    /// Whether a page is that answer again. Words of its own address count as nothing in both.
    ///
    /// - `common`: marks of a page of the site that is really there, such as its front page: what the answer shares with
    ///   it is template. Without one everything is compared.
    #[must_use]
    pub fn is(&self, page: &TextMarks, common: Option<&TextMarks>) -> bool {
        let template = common.map_or(&[][..], |common| common.marks());
        let own = |marks: &TextMarks| -> Vec<u32> {
            let marks = marks.marks().iter().copied();
            marks
                .filter(|mark| template.binary_search(mark).is_err())
                .collect()
        };
        let (missing, page) = (own(&self.0), own(page));
        if missing.is_empty() {
            return page.is_empty();
        }
        resemblance(&missing, &page) >= ALIKE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_lies_in_the_folder_of_a_page() {
        let path = probe_path("/shop/cars/blue.html?x=/y", 7);
        assert!(
            path.starts_with("/shop/cars/") && path.len() == 11 + 24,
            "{path}"
        );
        assert_ne!(path, probe_path("/shop/cars/blue.html", 8));
        assert!(probe_path("", 1).starts_with('/'));
    }

    #[test]
    fn a_page_is_missing_when_it_says_what_the_probe_said() {
        let text = |own: &str| {
            format!("Home\nAll about gardens and houses\n{own}\nImprint and contact of the shop")
        };
        let marks = |own: &str| TextMarks::of(&[&text(own)], "https://shop.example/x");
        let missing =
            MissingPage::of_probe(marks("Sorry, there is nothing here any more")).unwrap();
        let front = marks("Welcome to the shop of all shops");
        assert!(missing.is(
            &marks("Sorry, there is nothing here any more"),
            Some(&front)
        ));
        assert!(!missing.is(
            &marks("A spade of oak and steel, made by hand"),
            Some(&front)
        ));
        assert!(!missing.is(&marks("A spade of oak and steel, made by hand"), None));
        assert!(MissingPage::of_probe(TextMarks::of(&["404"], "")).is_none());
    }
}

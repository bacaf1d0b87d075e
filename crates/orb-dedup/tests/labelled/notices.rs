//! Pages that are missing, parked or walled off, beside pages that are none of it.

use orb_dedup::{MissingPage, Notice, TextMarks, notice};

use crate::Score;
use crate::pages::{Dice, words};

/// What sites say where nothing is: sentences as they write them, around phrases of the list.
const MISSING: [&str; 10] = [
    "Oops! The page you were looking for could not be found.",
    "Sorry, this article is no longer available in our shop.",
    "We're sorry, the page you requested does not exist or was moved.",
    "HTTP Error 404 - the resource is gone",
    "Die gewünschte Seite wurde leider nicht gefunden.",
    "La page que vous cherchez n'existe plus.",
    "La página que busca no se encuentra en este servidor.",
    "Ops, la pagina richiesta non esiste.",
    "Strona, której szukasz, nie istnieje.",
    "К сожалению, страница не найдена",
];

const PARKED: [&str; 6] = [
    "The domain qwzx.example may be for sale\nThe domain name may be for sale by its owner. Click to inquire.",
    "Buy this domain today!\nCars\nInsurance\nHotels",
    "This domain has been parked.\nThis web page is parked free, courtesy of the registrar",
    "Welcome to example-shop.example\nThis domain has recently been registered with us",
    "Diese Domain steht zum Verkauf\nAngebot abgeben",
    "Ce nom de domaine est à vendre",
];

const LOGIN: [&str; 5] = [
    "You must be logged in to view this topic",
    "Please sign in\nUser name\nPassword",
    "Forgot your password?\nKeep me signed in",
    "Bitte melden Sie sich an, um fortzufahren",
    "Subscribe to continue reading this story",
];

/// What pages say that are really there, with words that look like it.
const REAL: [&str; 8] = [
    "Our shop has tables, chairs and lamps\nLog in",
    "How to design an error page: when a visitor follows a dead link, the server answers with a message, and what it says should tell the visitor where to go next, for a plain page not found helps nobody at all",
    "The lost domain of the kings of the north",
    "Found: a cat, near the park",
    "Register\nLog in\nNews of the village",
    "Parking at the station is free on Sundays",
    "Houses for sale in the old town",
    "Contact us by letter or telephone",
];

fn page(own: &str, dice: &mut Dice) -> String {
    let lines = dice.between(3, 12);
    let mut text: Vec<String> = (0..lines).map(|_| words(dice, 2)).collect();
    text.insert(dice.below(lines), own.to_owned());
    text.join("\n")
}

#[test]
fn c3_notices_are_told_from_pages() {
    let mut dice = Dice::new(11);
    let mut score = Score::default();
    let kinds: [(&[&str], Option<Notice>); 4] = [
        (&MISSING, Some(Notice::Missing)),
        (&PARKED, Some(Notice::Parked)),
        (&LOGIN, Some(Notice::Login)),
        (&REAL, None),
    ];
    for _ in 0..20 {
        for (texts, expected) in kinds {
            for own in texts {
                let title = words(&mut dice, 2);
                let found = notice(&title, &page(own, &mut dice));
                let right = found == expected;
                if found.is_some() && !right {
                    println!("{own}: {found:?}");
                }
                score.right += u32::from(right && found.is_some());
                score.wrong += u32::from(!right && found.is_some());
                score.missed += u32::from(!right && expected.is_some());
            }
        }
    }
    score.check("notices");
}

/// Sites with a template that answer 200 to everything: the probe's answer is known again, with other words around it
/// and words of the address in it; pages of the site are not.
#[test]
fn c3_soft_404_is_known_by_a_probe() {
    let mut dice = Dice::new(12);
    let mut score = Score::default();
    for site in 0..60 {
        let navigation = page("", &mut dice);
        let own = words(&mut dice, 12);
        let mut answer = |asked: &str, ads: usize| {
            let ads = words(&mut dice, ads);
            let text =
                format!("{navigation}\nNothing is at {asked}, sorry\n{own}\n{ads}\n{navigation}");
            TextMarks::of(&["", &text], &format!("https://site{site}.example/{asked}"))
        };
        let probe = MissingPage::of_probe(answer("kqzxwvprtl", 3)).unwrap();
        let others = [answer("blue", 3), answer("green", 3), answer("shoes", 0)];
        let mut real = |len: usize| {
            let text = format!("{navigation}\n{}\n{navigation}", words(&mut dice, len));
            TextMarks::of(&["", &text], "https://site.example/real")
        };
        let front = real(40);
        for (page, expected) in others.iter().map(|page| (page, true)).chain([
            (&real(12), false),
            (&real(30), false),
            (&real(90), false),
        ]) {
            let found = probe.is(page, Some(&front));
            score.right += u32::from(found && expected);
            score.wrong += u32::from(found && !expected);
            score.missed += u32::from(!found && expected);
        }
    }
    score.check("soft 404");
}

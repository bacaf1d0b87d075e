//! Pages of a trap web: real ones say something, traps only lead on.
//!
//! In: a host and a target that is there. Out: HTML. May touch: `address`, `words`, `chance`.
//! Must not touch: HTTP. Invariant: what a trap shows is on its site already, names of months and facets aside.

use std::fmt::Write as _;

use super::address::{Date, FACETS, Spot, wildcard_host};
use crate::chance::{Chance, draw};
use crate::place::{Atlas, ascii};
use crate::words::{phrase, sentence};

/// Children of a real page.
const FAN_OUT: u32 = 6;

/// Items that a filtered list shows.
const ITEMS: u32 = 12;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A page under construction.
struct Writer<'a> {
    atlas: &'a Atlas,
    site: u32,
    target: &'a str,
    session: Option<u64>,
    out: String,
}

impl Atlas {
    /// The page at a target that is there.
    pub(super) fn trap_page(&self, site: u32, host: &str, target: &str) -> Vec<u8> {
        let (spot, session) = self.trap_spot(site, target);
        let mut writer = Writer {
            atlas: self,
            site,
            target,
            session,
            out: String::with_capacity(4_096),
        };
        if self.is_wildcard(site) {
            writer.wildcard(host);
        } else {
            writer.head(spot);
            match spot {
                Spot::Page(page) => writer.page(page),
                Spot::Calendar(date) => writer.calendar(date),
                Spot::Facets => writer.facets(),
                Spot::Deeper | Spot::Nothing => writer.deeper(),
            }
            writer.foot();
        }
        writer.out.into_bytes()
    }
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A link into the site; under a session all are.
    fn link(&mut self, target: &str, text: &str) {
        let target = match self.session {
            Some(session) => self.atlas.trap_session(self.site, target, session),
            None => target.to_owned(),
        };
        let target = target.replace('&', "&amp;");
        writeln!(self.out, "<li><a href=\"{target}\">{text}</a></li>").expect("a string grows");
    }

    fn page_link(&mut self, page: u32) {
        let target = self.atlas.trap_page_path(self.site, page);
        let name = self.name(page);
        self.link(&target, &name);
    }

    fn name(&self, page: u32) -> String {
        let mut name = Vec::new();
        phrase(&mut name, self.atlas.draw(31, self.site, page));
        ascii(name)
    }

    fn draw(&self, what: u64) -> u64 {
        let target = self.target.bytes().fold(what, |sum, byte| {
            draw(sum, 32, u64::from(self.site), u64::from(byte))
        });
        draw(self.atlas.config.seed, 33, target, what)
    }

    fn head(&mut self, spot: Spot) {
        let title = match spot {
            Spot::Page(page) => self.name(page),
            Spot::Calendar(_) => "Calendar".into(),
            Spot::Facets => "All articles".into(),
            Spot::Deeper | Spot::Nothing => "Index".into(),
        };
        write!(
            self.out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n\
             <body><header><nav><ul>\n"
        )
        .expect("a string grows");
        let sections = 6.min(self.atlas.site(self.site).pages);
        (0..sections).for_each(|page| self.page_link(page));
        let today = Date {
            year: 2025,
            month: 3,
            day: None,
        };
        let calendar = self.atlas.trap_calendar(self.site, today);
        self.link(&calendar, "Calendar");
        self.put("</ul></nav></header>\n<main>\n");
    }

    fn page(&mut self, page: u32) {
        let name = self.name(page);
        let mut text = Vec::new();
        let mut chance = Chance::new(self.atlas.draw(34, self.site, page));
        for _ in 0..2 + chance.below(3) {
            text.extend_from_slice(b"<p>");
            for _ in 0..3 + chance.below(4) {
                sentence(&mut text, &mut chance);
            }
            text.extend_from_slice(b"</p>\n");
        }
        write!(self.out, "<h1>{name}</h1>\n{}<ul>\n", ascii(text)).expect("a string grows");
        let first = page * FAN_OUT + 1;
        let pages = self.atlas.site(self.site).pages;
        (first..first + FAN_OUT)
            .filter(|&child| child < pages)
            .for_each(|child| self.page_link(child));
        self.traps();
        self.put("</ul>\n");
    }

    /// What every real page holds: ways into the traps.
    fn traps(&mut self) {
        for (facet, (_, values)) in FACETS.iter().enumerate().take(2) {
            let value = (self.draw(40) % u64::from(*values)) as u32;
            let list = self.atlas.trap_facets(self.site, &[(facet, value)]);
            self.link(&list, "more like this");
        }
        // A session of its own for everybody who comes by: this page once more, and the front page.
        let (here, _) = self.atlas.trap_unsessioned(self.site, self.target);
        for (way, target) in [&here, "/"].into_iter().enumerate() {
            let session = self.draw(43 + way as u64);
            let session = self.session.replace(session);
            self.link(target, "sign in");
            self.session = session;
        }
        for directory in self.atlas.deeper(self.site) {
            writeln!(self.out, "<li><a href=\"{directory}\">files</a></li>")
                .expect("a string grows");
        }
    }

    fn calendar(&mut self, date: Date) {
        let Date { year, month, day } = date;
        let name = MONTHS[(month as usize + 11) % 12];
        let day_text = day.map_or(String::new(), |day| format!("{day} "));
        write!(
            self.out,
            "<h1>Calendar: {day_text}{name} {year}</h1>\n<p>Mon Tue Wed Thu Fri Sat Sun</p>\n\
             <p>There are no events in this time. Choose another day, or add an event.</p>\n<ul>\n"
        )
        .expect("a string grows");
        let months = [
            (year + month / 12, month % 12 + 1, "later"),
            (
                year - u32::from(month < 2).min(year),
                (month + 10) % 12 + 1,
                "earlier",
            ),
            (year + 1, month, "a year on"),
        ];
        for (year, month, text) in months {
            let date = Date {
                year,
                month,
                day: None,
            };
            let target = self.atlas.trap_calendar(self.site, date);
            self.link(&target, text);
        }
        for day in 1..=28 {
            let date = Date {
                day: Some(day),
                ..date
            };
            let target = self.atlas.trap_calendar(self.site, date);
            self.link(&target, &day.to_string());
        }
        self.put("</ul>\n");
    }

    fn facets(&mut self) {
        let (target, _) = self.atlas.trap_unsessioned(self.site, self.target);
        let set = self.atlas.trap_facets_set(self.site, &target);
        self.put("<h1>Articles");
        for &(facet, value) in &set {
            write!(self.out, ", {} {value}", FACETS[facet].0).expect("a string grows");
        }
        self.put("</h1>\n<ul>\n");
        let pages = u64::from(self.atlas.site(self.site).pages);
        for item in 0..ITEMS {
            let page = (self.draw(50 + u64::from(item)) % pages) as u32;
            self.page_link(page);
        }
        self.put("</ul>\n<aside><ul>\n");
        for (facet, (name, values)) in FACETS.iter().enumerate() {
            if set.iter().any(|one| one.0 == facet) {
                continue;
            }
            for value in 0..*values {
                let mut set = set.clone();
                set.push((facet, value));
                let list = self.atlas.trap_facets(self.site, &set);
                self.link(&list, &format!("{name} {value}"));
            }
        }
        self.put("</ul></aside>\n");
    }

    fn deeper(&mut self) {
        self.put("<h1>Index of files</h1>\n<p>Name, size and date of each.</p>\n<ul>\n");
        self.traps();
        self.put("</ul>\n");
    }

    fn foot(&mut self) {
        self.put(
            "</main>\n<footer><p>All that is written here was made up by a machine, for machines to read.</p>\
             <p>Terms of use and privacy</p></footer>\n</body></html>\n",
        );
    }

    fn wildcard(&mut self, host: &str) {
        write!(
            self.out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Welcome</title></head><body>\n\
             <h1>Welcome to {host}</h1>\n<p>This domain may be for sale. Ask its owner about the price.</p>\n\
             <p>Related searches: loans, holidays, shoes, insurance, phones, games.</p>\n<ul>\n"
        )
        .expect("a string grows");
        let label = host.split('.').next().unwrap_or("");
        let number = label
            .bytes()
            .fold(7, |sum, byte| draw(sum, 35, u64::from(byte), 0));
        let origin = self.atlas.trap_origin(self.site);
        for way in 0..10 {
            let other = wildcard_host(draw(number, 36, way, 0));
            let url = origin.replacen("://", &format!("://{other}."), 1);
            writeln!(self.out, "<li><a href=\"{url}/\">visit a friend</a></li>")
                .expect("a string grows");
        }
        self.put("<li><a href=\"/page-1.html\">about this site</a></li>\n</ul></body></html>\n");
    }
}

//! Words for what a budget cut: which budget, what it had seen, what changes it.
//!
//! In: what the crawl says of a cut. Out: half sentences. May touch: nothing.
//! Invariant: every cause the frontier names has words of its own.

use orb_api::{CutFacts, SiteFacts};

use crate::wording::counted;

/// What cut a URL, as the rest of "cut: …".
pub(crate) fn because(cut: &CutFacts, site: &SiteFacts) -> String {
    let name = &site.site;
    match cut.cause.as_str() {
        "site_pages" => {
            let who = match site.orders.pages_max {
                Some(_) => "an order (orb budget)",
                None => "frontier.pages_per_site_max",
            };
            let queued = counted(site.queued, "URL");
            format!("{queued} of {name} were queued before it, all that {who} allows")
        }
        "host_pages" => {
            "its host has had all the pages that frontier.pages_per_host_max allows".to_owned()
        }
        "prefix_pages" => {
            "its folder has had all the pages that frontier.pages_per_prefix_max allows".to_owned()
        }
        "sitemap_files" => format!(
            "{name} has had all the sitemap files that frontier.sitemaps.files_per_site_max allows, or its first list nothing"
        ),
        "hosts" => format!("new hosts of {name} stopped bringing anything new"),
        "shape" if cut.level.is_empty() => {
            "URLs of its kind stopped bringing anything new".to_owned()
        }
        "shape" => format!(
            "{} stopped bringing anything new ({} of it)",
            part(&cut.level, name),
            counted(u64::from(cut.fetches), "request")
        ),
        "" => format!("a budget of {name} is spent"),
        other => format!("its budget is spent ({other})"),
    }
}

/// The part of a site that was judged.
fn part(level: &str, site: &str) -> String {
    match level {
        "site" => format!("all of {site}"),
        "host" => "its host".to_owned(),
        "family" => "its host's pages of this kind, with parameters or without".to_owned(),
        "query" => "URLs with its parameters".to_owned(),
        "directory" => "its folder".to_owned(),
        "form" => "URLs of its form in its folder".to_owned(),
        "subdirectory" => "its subfolder".to_owned(),
        other => format!("its {other}"),
    }
}

/// What brings it back.
pub(crate) fn advice(cut: Option<&CutFacts>) -> &'static str {
    match cut.map(|cut| cut.cause.as_str()) {
        Some("shape" | "hosts") => {
            "orb frontier restore brings it back; frontier.novelty = false switches such budgets off"
        }
        Some("host_pages") => {
            "orb frontier restore brings it back; frontier.pages_per_host_max is the budget"
        }
        Some("prefix_pages") => {
            "orb frontier restore brings it back; frontier.pages_per_prefix_max is the budget"
        }
        Some("sitemap_files") => {
            "orb frontier restore brings it back; frontier.sitemaps.files_per_site_max is the budget"
        }
        _ => {
            "orb budget set or orb frontier restore brings it back; frontier.pages_per_site_max is the budget"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_words_of_its_own() {
        let site = SiteFacts {
            site: "a.example".to_owned(),
            queued: 7,
            ..SiteFacts::default()
        };
        let mut said = std::collections::BTreeSet::new();
        let causes = [
            "site_pages",
            "host_pages",
            "prefix_pages",
            "hosts",
            "shape",
            "sitemap_files",
        ];
        for cause in causes {
            let cut = CutFacts {
                cause: cause.to_owned(),
                level: "directory".to_owned(),
                fetches: 40,
            };
            let words = because(&cut, &site);
            assert!(!words.contains("spent"), "{cause}: {words}");
            assert!(said.insert(words), "{cause} has no words of its own");
        }
        assert!(said.contains("its folder stopped bringing anything new (40 requests of it)"));
    }
}

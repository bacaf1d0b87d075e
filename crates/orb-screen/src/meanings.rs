//! What every number and key of the view means: the help of the view, and the source of `docs/screen.md`.
//!
//! In: nothing. Out: a table. May touch: nothing.
//! Invariant: what the view shows stands here; a test holds the document against it.

/// A word of the view and what it means.
pub type Meaning = (&'static str, &'static str);

/// All of them, by part of the view.
pub const MEANINGS: &[(&str, &[Meaning])] = &[
    (
        "Keys",
        &[
            (
                "j k, arrows",
                "move in the table; PgUp, PgDn, Home (g), End (G) move further",
            ),
            ("Enter", "look into the chosen site; Esc comes back"),
            (
                "s, S",
                "next or previous order of the table: busiest first, slowest first, failing first, most pending first, by name",
            ),
            (
                "/",
                "show only sites whose name holds what you type; Enter keeps it, Esc clears it",
            ),
            ("p", "pause the crawl, or let it go on"),
            (
                "x",
                "stop the crawl cleanly, after asking; the same `orb crawl` command goes on from there",
            ),
            ("l", "notes and warnings of this run"),
            (
                "q",
                "leave the view; in `orb crawl` it asks whether to go on in plain lines or to stop",
            ),
            (
                "Ctrl-C",
                "in `orb crawl` stops cleanly, twice at once; in `orb status --watch` leaves the view",
            ),
            (
                "Ctrl-Z",
                "suspend the program; in `orb crawl` the crawl rests too until `fg`",
            ),
            ("Ctrl-L", "draw everything anew"),
            ("?", "this page"),
        ],
    ),
    (
        "Head",
        &[
            (
                "running",
                "what the crawl does: running, paused, disk full or uploads behind (nothing new begins until there is room), stopping",
            ),
            (
                "elapsed",
                "length of this run; a crawl that was resumed begins at 0 again",
            ),
            (
                "ends in",
                "time left at the pace of the last minute, where a limit or the last pages are in sight; otherwise unknown, because new links keep coming",
            ),
            (
                "limited by",
                "what keeps the crawl from going faster at this moment, and what would help",
            ),
        ],
    ),
    (
        "Speed",
        &[
            (
                "pages/s",
                "pages archived a second: in the last 5 seconds, and on the mean of this run; a page is an answer kept as captured or not_modified",
            ),
            (
                "bytes/s",
                "bytes received and sent a second, all of the connection's bytes",
            ),
            (
                "chart",
                "a column for each second, the newest right, the highest of those shown full",
            ),
            ("pages", "pages archived in this run"),
            (
                "requests",
                "requests of any kind in this run: pages, robots.txt, redirects, retries",
            ),
            (
                "in flight",
                "URLs whose request is out or whose result is not committed yet, of as many as may be",
            ),
        ],
    ),
    (
        "Sites",
        &[
            (
                "known",
                "sites (registrable domains) of which a URL was admitted",
            ),
            (
                "active",
                "sites with a request under way; never more than one a site",
            ),
            (
                "waiting",
                "sites with pages left that rest until their clock allows the next request",
            ),
            (
                "parked",
                "sites set aside: robots.txt out of reach for good, or a crawl-delay above the cap",
            ),
        ],
    ),
    (
        "URLs",
        &[
            (
                "discovered",
                "distinct URLs ever admitted to this folder, over all runs; the sum of all the others",
            ),
            ("pending", "waiting for their turn"),
            ("done", "fetched, or known to be gone or elsewhere"),
            ("failed", "given up after their attempts"),
            (
                "excluded",
                "not fetched, by reason: robots, budget, guarded_address, opt_out and so on",
            ),
            (
                "not taken",
                "links stopped before they were admitted, counted each time one is seen, by cause",
            ),
        ],
    ),
    (
        "Attempts",
        &[
            ("captured", "2xx: archived"),
            ("not_modified", "304, or bytes that were archived before"),
            ("redirect", "3xx: the target counts as a newly found URL"),
            ("gone", "404, 410 and other 4xx"),
            (
                "refused",
                "not allowed: robots, guarded address, opt-out, type filter, 402",
            ),
            ("retry", "trouble, and it is tried again later"),
            (
                "reasons",
                "why attempts of this run did not go well: timeout, connect, dns, tls, server_error and so on, and what was refused by rule",
            ),
        ],
    ),
    (
        "Machine",
        &[
            (
                "memory",
                "resident memory of the crawl's process, of memory_max",
            ),
            (
                "disk",
                "bytes of the crawl's folder, of disk_max or of what the file system has room for",
            ),
            (
                "CPU",
                "processor time now, 100 % being one core, and pages for each second of it on the mean of this run",
            ),
            (
                "shards busy",
                "share of the last second in which each shard had work at hand; far above the CPU figure when others take the cores",
            ),
            ("network", "stage: connecting, TLS, sending and receiving"),
            (
                "decode",
                "stage: undoing content codings and character encodings",
            ),
            ("scan", "stage: finding links, title and directives"),
            (
                "links",
                "stage: canonical form and fingerprints of the links found",
            ),
            (
                "archive",
                "stage: digests, WARC records, and the indexes of closed files",
            ),
            (
                "frontier",
                "stage: choosing sites and URLs, the sieve, rows of the store",
            ),
            ("commit", "stage: writing and syncing"),
            ("read", "stage: reading queues and journals"),
            ("store", "stage: the embedded store's own threads"),
            (
                "other",
                "stage: everything else; the stages are shares of the CPU time of this run",
            ),
        ],
    ),
    (
        "Table",
        &[
            (
                "STATE",
                "visiting: a request is under way; waiting: it rests; ready: about to be visited; parked: set aside; idle: nothing pending",
            ),
            ("PENDING", "URLs of the site waiting for their turn"),
            (
                "REQUESTS",
                "requests to the site lately; sites not visited for long are forgotten here and begin anew",
            ),
            ("PAGES", "pages archived of it, lately"),
            ("TROUBLE", "attempts that ended in trouble, lately"),
            (
                "MEAN",
                "mean length of its exchanges: long means a slow site or a long way",
            ),
            (
                "PAUSE",
                "rest in force between two requests: the largest of setting, crawl-delay, back-off and a multiple of the last exchange",
            ),
            ("NEXT", "time until it may be asked again"),
            ("LAST", "how the last attempt ended, and why"),
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The document is for those who read before they start; it says the same words.
    #[test]
    fn the_document_says_what_the_help_says() {
        let document = include_str!("../../../docs/screen.md");
        for (part, meanings) in MEANINGS {
            assert!(document.contains(&format!("## {part}\n")), "part {part}");
            for (word, meaning) in *meanings {
                let row = format!("| {word} | {meaning} |");
                assert!(document.contains(&row), "docs/screen.md lacks: {row}");
            }
        }
    }

    #[test]
    fn every_stage_outcome_and_order_is_explained() {
        let text: String = MEANINGS
            .iter()
            .flat_map(|(_, meanings)| meanings.iter())
            .map(|(word, meaning)| format!("{word} {meaning}\n"))
            .collect();
        let stages = orb_api::Stage::ALL.iter().map(|stage| stage.name());
        let outcomes = orb_api::Outcome::ALL.iter().map(|outcome| outcome.name());
        let orders = orb_api::SiteOrder::ALL.map(crate::words::order);
        for word in stages.chain(outcomes).chain(orders) {
            assert!(text.contains(word), "{word}");
        }
    }
}

//! What a fetch brought, told to the budgets of its site.
//!
//! In: a page's outcome and facts. Out: nothing; the frontier takes note.
//! May touch: frontier. Must not touch: the archive, link blocks.
//! Invariant: only what a site answered counts; trouble on the way says nothing of its pages.

use orb_api::Outcome;
use orb_frontier::Yield;
use orb_url::CrawlUrl;

use crate::event::{Purpose, Task};
use crate::fetched::Archived;
use crate::page::PageFacts;
use crate::shard::Shard;
use crate::verdict::Verdict;

impl Shard {
    /// Tells the budgets of a visited site what came of one of its pages.
    pub(crate) fn note_brought(
        &mut self,
        at: usize,
        task: &Task,
        verdict: &Verdict,
        facts: &PageFacts,
        archived: Option<&Archived>,
    ) {
        if matches!(&task.purpose, Purpose::Page(queued, _) if queued.known.is_some()) {
            // A page that is fetched again is known to say what it said.
            return;
        }
        let body = match verdict.outcome {
            Outcome::Captured | Outcome::NotModified => archived.map(|archived| {
                let [a, b, c, d, ..] = archived.digest.to_bytes();
                u32::from_be_bytes([a, b, c, d])
            }),
            Outcome::Gone => None,
            // A redirect says nothing of its own: its target is judged when it is fetched. The rest is the site in
            // trouble, or us.
            Outcome::Redirect | Outcome::Retry | Outcome::Failed | Outcome::Refused => return,
        };
        let links: Vec<&CrawlUrl> = facts.links.iter().map(|link| &link.url).collect();
        let brought = Yield {
            marks: facts.marks.as_ref().map_or(&[], |marks| marks.marks()),
            body,
            links: &links,
        };
        let frontier = &mut self.slots[at].frontier;
        frontier.note_fetched(task.visit.id, &task.url, &brought);
    }
}

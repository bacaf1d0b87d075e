//! The crawl's folder: can it be worked on?
//!
//! In: what is at its place. Out: one finding. May touch: nothing.

use super::finding::Finding;

const TOPIC: &str = "folder";
const WHY: &str = "everything a crawl makes goes there";

/// What is at the folder's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FolderSeen {
    /// Nothing yet; a folder can be made there.
    Fresh,
    /// A folder without a crawl that can be written.
    Empty,
    /// A crawl that nobody works on.
    Crawl {
        /// Runs so far.
        runs: usize,
    },
    /// Somebody works on it.
    Held {
        /// Who, where the lock says.
        pid: Option<u32>,
    },
    /// It is no folder, or cannot be written: what the system said.
    Unwritable(String),
    /// The crawl in it cannot be gone on with.
    Unusable(String),
}

/// - `dir`: its name, as given.
/// - `others_may_read`: whether its mode lets other users in.
pub(crate) fn judge(seen: &FolderSeen, dir: &str, others_may_read: bool) -> Finding {
    match seen {
        FolderSeen::Held { pid } => {
            let who = pid.map_or_else(|| "another process".into(), |pid| format!("process {pid}"));
            Finding::note(
                TOPIC,
                format!("{dir} is in use by {who}"),
                "one process works on a crawl at a time; a second one refuses to start",
            )
            .with_mend(format!("orb status {dir}, or end it with: orb stop {dir}"))
        }
        FolderSeen::Unwritable(error) => Finding::problem(
            TOPIC,
            format!("{dir} cannot be written: {error}"),
            WHY,
            "give --out with a folder of yours, or mend its owner and mode",
        ),
        FolderSeen::Unusable(error) => Finding::problem(
            TOPIC,
            format!("{dir}: {error}"),
            "the crawl in it cannot be gone on with by this version",
            "use the version of orb that made it, or give --out with another folder",
        ),
        _ if others_may_read => Finding::note(
            TOPIC,
            format!(
                "{} Other users of this machine may look into it",
                calm(seen, dir)
            ),
            "archive and logs hold what sites sent, and the state the crawl's key",
        )
        .with_mend(format!("chmod 700 {dir}")),
        calm_one => Finding::ok(TOPIC, calm(calm_one, dir), WHY),
    }
}

fn calm(seen: &FolderSeen, dir: &str) -> String {
    match seen {
        FolderSeen::Crawl { runs } => {
            format!("{dir} holds a crawl of {runs} runs that can be gone on with.")
        }
        FolderSeen::Empty => format!("{dir} is there and can be written."),
        _ => format!("{dir} is not there yet and can be made."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn a_folder_is_usable_or_says_why_not() {
        let denied = || FolderSeen::Unwritable("permission denied".into());
        let newer = || FolderSeen::Unusable("format 9 is newer".into());
        let table = [
            (FolderSeen::Fresh, false, Level::Ok, "not there yet"),
            (FolderSeen::Empty, false, Level::Ok, "can be written"),
            (FolderSeen::Empty, true, Level::Note, "chmod 700 big"),
            (FolderSeen::Crawl { runs: 3 }, false, Level::Ok, "3 runs"),
            (
                FolderSeen::Held { pid: Some(7) },
                false,
                Level::Note,
                "process 7",
            ),
            (
                FolderSeen::Held { pid: None },
                true,
                Level::Note,
                "orb stop big",
            ),
            (denied(), false, Level::Problem, "permission denied"),
            (newer(), false, Level::Problem, "format 9"),
        ];
        for (seen, others, level, part) in table {
            check(part, &[judge(&seen, "big", others)], &[(level, part)]);
        }
    }
}

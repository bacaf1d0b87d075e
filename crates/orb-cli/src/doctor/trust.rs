//! Trust anchors: can certificates of sites be judged?
//!
//! In: whether the machine's anchors and the given files could be read. Out: one finding. May touch: nothing.

use super::finding::Finding;

const TOPIC: &str = "trust";
const WHY: &str = "without them no https site is fetched";

/// - `loaded`: what loading them said.
/// - `files`: how many `fetch.ca_files` there are.
pub(crate) fn judge(loaded: &Result<(), String>, files: usize) -> Finding {
    match loaded {
        Ok(()) => {
            let beside = match files {
                0 => String::new(),
                1 => ", and the file given".to_owned(),
                files => format!(", and the {files} files given"),
            };
            Finding::ok(
                TOPIC,
                format!("the system's trust anchors can be read{beside}"),
                WHY,
            )
        }
        Err(error) => {
            let mend = if error.contains("no trust anchor") {
                "apt-get install ca-certificates (or your system's package of that name)"
            } else {
                "mend or leave out the file: --ca, fetch.ca_files"
            };
            Finding::problem(TOPIC, error.clone(), WHY, mend)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    #[test]
    fn anchors_can_be_read_or_not() {
        let failed = |text: &str| Err(text.to_owned());
        let table = [
            (Ok(()), 0, Level::Ok, "can be read"),
            (Ok(()), 2, Level::Ok, "2 files given"),
            (
                failed("no trust anchor found"),
                0,
                Level::Problem,
                "apt-get install ca-certificates",
            ),
            (
                failed("x.pem holds no certificate"),
                1,
                Level::Problem,
                "--ca",
            ),
        ];
        for (loaded, files, level, part) in table {
            check(part, &[judge(&loaded, files)], &[(level, part)]);
        }
    }
}

//! What the log says of one request.
//!
//! In: the log's files, a trace's id. Out: its lines, oldest first. May touch: `logs/`, reading only.
//! Must not touch: the log of a running crawl; a file that is put aside meanwhile is read under one name or the other.
//! Invariant: memory is [`LOG_LINES_MAX`] lines; what is shown steers no terminal.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::limits::LOG_LINES_MAX;
use crate::row_search::lines_with;
use crate::source::{Crawl, ExplainError};
use crate::wording::inert;

/// A line of the log, its fields by name.
pub type LogLine = BTreeMap<String, Value>;

/// The last lines of the log that name this trace.
///
/// # Errors
/// When a file of the log cannot be read.
pub fn log_lines(crawl: &Crawl<'_>, trace_id: &str) -> Result<Vec<LogLine>, ExplainError> {
    let folder = crawl.dir.logs();
    let mut names: Vec<String> = crawl
        .disk
        .list(&folder)
        .map_err(ExplainError::rows(&folder))?
        .into_iter()
        .map(|entry| entry.name)
        .filter(|name| name.starts_with("orb.log"))
        .collect();
    // The open file is `orb.log`, the oldest has the largest number.
    names.sort_by_key(|name| std::cmp::Reverse(number_of(name)));
    let needles = [format!("\"trace_id\":\"{trace_id}\"").into_bytes()];
    let mut lines = VecDeque::new();
    for name in names {
        let path = folder.join(name);
        let file = match crawl.disk.read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(ExplainError::rows(&path)(error)),
        };
        let each = &mut |_, line: &[u8]| {
            let read = serde_json::from_slice::<LogLine>(line).ok();
            // A field of another line may quote such text.
            let ours = read.filter(|line| line.get("trace_id").is_some_and(|id| id == trace_id));
            lines.extend(ours);
            if lines.len() > LOG_LINES_MAX {
                lines.pop_front();
            }
        };
        lines_with(file.as_ref(), &needles, &mut |_| {}, each)
            .map_err(ExplainError::rows(&path))?;
    }
    Ok(lines.into())
}

fn number_of(name: &str) -> u32 {
    let number = name.strip_prefix("orb.log.");
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// A line as people read it.
#[must_use]
pub fn log_words(line: &LogLine) -> String {
    let text = |name: &str| {
        let value = line.get(name).and_then(Value::as_str);
        inert(value.unwrap_or_default())
    };
    let mut words = format!(
        "{}  {:>5}  {}",
        text("timestamp"),
        text("level"),
        text("message")
    );
    const SAID: [&str; 9] = [
        "timestamp",
        "level",
        "message",
        "target",
        "version",
        "commit",
        "event",
        "trace_id",
        "span_id",
    ];
    for (name, value) in line {
        if SAID.contains(&name.as_str()) || value.is_null() {
            continue;
        }
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        words.push_str(&format!("  {}={}", inert(name), inert(&value)));
    }
    words
}

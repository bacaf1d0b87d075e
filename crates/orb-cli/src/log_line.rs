//! One line of the log: as JSON for programs, as words for people.
//!
//! In: an event's fields. Out: text that ends with one line break. May touch: nothing.
//! Invariant: whatever a field holds, a line is one line, and nothing in it steers a terminal: control characters and
//! marks of direction are escaped, in JSON as JSON does, for people as they are written in programs.

use std::fmt::{Debug, Write as _};

use orb_env::Wall;
use orb_serve::COMMIT;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

/// The fields of an event, in the order they were written.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    pub(crate) fn of(event: &Event<'_>) -> Fields {
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields
    }

    /// A field that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let known = self.0.iter().find(|(known, _)| *known == name);
        known.and_then(|(_, value)| value.as_str())
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.0.push((field.name(), value));
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::String(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

/// A line for programs: time, level, where it was said, version and commit, then the fields; `trace_id` and `span_id` are
/// among them where a single request is told of.
pub(crate) fn json_line(at: Wall, meta: &Metadata<'_>, fields: &Fields) -> String {
    let mut all = Map::new();
    let mut put = |name: &str, value: Value| drop(all.insert(name.to_owned(), value));
    put("timestamp", time_of(at).into());
    put("level", meta.level().as_str().into());
    put("target", meta.target().into());
    put("version", env!("CARGO_PKG_VERSION").into());
    put("commit", COMMIT.into());
    for (name, value) in &fields.0 {
        put(name, value.clone());
    }
    let json = Value::Object(all).to_string();
    let mut line = String::with_capacity(json.len() + 1);
    for letter in json.chars() {
        // Outside of strings JSON has none of these, so they stand inside of one.
        if steers(letter) {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                write!(line, "\\u{unit:04x}").expect("a string takes everything");
            }
        } else {
            line.push(letter);
        }
    }
    line.push('\n');
    line
}

/// A line for people.
pub(crate) fn plain_line(meta: &Metadata<'_>, fields: &Fields) -> String {
    let mut line = format!("{:>5} ", meta.level().as_str());
    line.push_str(&harmless(fields.text("message").unwrap_or_default()));
    for (name, value) in &fields.0 {
        if !matches!(*name, "message" | "event" | "span_id") && !value.is_null() {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            write!(line, " {name}={}", harmless(&text)).expect("a string takes everything");
        }
    }
    line.push('\n');
    line
}

/// A text with what steers written as programs write it.
fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if steers(letter) {
            out.extend(letter.escape_unicode());
        } else {
            out.push(letter);
        }
    }
    out
}

/// Whether a letter can do something to a terminal or to the order in which a line is read.
fn steers(letter: char) -> bool {
    orb_api::is_steering(letter)
}

fn time_of(at: Wall) -> String {
    jiff::Timestamp::from_microsecond(at.0)
        .map_or_else(|_| String::new(), |time| format!("{time:.6}"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};
    use tracing::Subscriber;
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<(String, String)>>>, Wall);

    impl<S: Subscriber> Layer<S> for Kept {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let (meta, fields) = (event.metadata(), Fields::of(event));
            let lines = (json_line(self.1, meta, &fields), plain_line(meta, &fields));
            self.0.lock().unwrap().push(lines);
        }
    }

    fn lines(at: Wall, say: impl FnOnce()) -> (String, String) {
        let kept = Kept(Arc::default(), at);
        let subscriber = tracing_subscriber::registry().with(kept.clone());
        tracing::subscriber::with_default(subscriber, say);
        kept.0.lock().unwrap().remove(0)
    }

    /// A line about a request in trouble, as a crawl writes most of.
    pub(crate) fn sample(at: Wall) -> String {
        let error = "connection reset by the server after 4711 bytes of its head".to_owned();
        let (trace_id, span_id) = ("0123456789abcdef0123456789abcdef", "0123456789abcdef");
        let (site, status, took_ms) = ("a-site-with-a-name.example.org", None::<u16>, 12_345_u64);
        let (part, outcome, reason) = ("first_byte", "retry", "connect");
        let say = || {
            orb_metrics::happened!(
                RequestInTrouble,
                trace_id,
                span_id,
                part,
                site,
                status,
                took_ms,
                outcome,
                reason,
                error
            );
        };
        lines(at, say).0
    }

    #[test]
    fn a_line_has_time_version_commit_and_the_ids_of_its_trace() {
        let line: Value = serde_json::from_str(&sample(Wall(1_700_000_000_000_007))).unwrap();
        assert_eq!(line["timestamp"], "2023-11-14T22:13:20.000007Z");
        assert_eq!(
            (&line["version"], &line["commit"]),
            (&env!("CARGO_PKG_VERSION").into(), &COMMIT.into())
        );
        assert_eq!(line["event"], "request_in_trouble");
        assert_eq!(line["message"], "request ended in trouble");
        assert_eq!(line["trace_id"].as_str().map(str::len), Some(32));
        assert_eq!(line["span_id"].as_str().map(str::len), Some(16));
        assert_eq!(line["took_ms"], 12_345);
    }

    /// Faults: S11. Whatever servers, pages and people write, a log line is one line and does nothing to a terminal.
    #[test]
    fn hostile_strings_are_inert_in_logs_and_on_the_terminal() {
        let hostile = [
            "\u{1b}[2J\u{1b}]0;owned\u{7}",
            "one\r\ntwo\n{\"level\":\"ERROR\",\"message\":\"forged\"}",
            "\u{202e}gnp.exe\u{2066}\u{200f}\u{61c}",
            "\u{9b}31m\u{85}\u{2028}\u{2029}\u{feff}\u{7f}\0",
            "\u{e0041}\u{e007f}\u{200b}\u{2060}",
        ];
        for text in hostile {
            let say = || tracing::warn!(url = text, shown = %text, debugged = ?text, "a \u{1b}[1m message");
            let (json, plain) = lines(Wall(0), say);
            for line in [&json, &plain] {
                let body = line.strip_suffix('\n').unwrap();
                let bad = body
                    .chars()
                    .find(|&letter| letter.is_control() || steers(letter));
                assert_eq!(bad, None, "{text:?} in {line:?}");
            }
            let read: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read["url"], *text, "nothing is lost in the file");
            assert_eq!(read["level"], "WARN");
        }
    }
}

//! Bare words of a variable or a flag, read as TOML values.
//!
//! In: a text and, where there is one, the default of its setting. Out: the readings it allows, likeliest first.
//! May touch: nothing but its arguments. Invariant: there is always at least one reading, the text itself.

use toml::Value;

/// What `text` may mean for a setting with this default.
///
/// The kind of the default decides what is tried first: for text, the letters as they stand; for anything else, the
/// value they are in TOML. A list may leave its brackets and quotes out: `a,b`.
pub(super) fn readings(text: &str, default: Option<&Value>) -> Vec<Value> {
    let typed: Option<Value> = text.trim().parse().ok();
    let plain = Value::String(text.to_owned());
    let quoted = typed.clone().filter(Value::is_str);
    let listed: Option<Value> = format!("[{text}]").parse().ok();
    let words = words(text);
    let order = match default {
        Some(Value::String(_)) => [quoted, Some(plain), typed, None],
        Some(Value::Array(_)) => [
            typed.filter(Value::is_array),
            listed,
            Some(words),
            Some(plain),
        ],
        Some(_) => [typed, Some(plain), None, None],
        None => [typed, Some(plain), listed, Some(words)],
    };
    order.into_iter().flatten().collect()
}

/// The parts between commas as texts, blanks around them left out.
fn words(text: &str) -> Value {
    let parts = text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty());
    Value::Array(parts.map(|part| Value::String(part.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, default: Option<&str>, first: &str) {
        let default: Option<Value> = default.map(|default| default.parse().unwrap());
        let found = readings(text, default.as_ref());
        assert_eq!(found[0], first.parse::<Value>().unwrap(), "{text}");
    }

    #[test]
    fn the_kind_of_the_default_decides() {
        check("5", Some("\"text\""), "\"5\"");
        check("true", Some("\"text\""), "\"true\"");
        check("1s", Some("\"2s\""), "\"1s\"");
        check("\"quoted\"", Some("\"text\""), "\"quoted\"");
        check("5", Some("3"), "5");
        check("5s", Some("3"), "\"5s\"");
        check("0.5", Some("1.0"), "0.5");
        check(" true ", Some("false"), "true");
        check("full", Some("\"none\""), "\"full\"");
        check("", Some("\"text\""), "\"\"");
    }

    #[test]
    fn lists_may_leave_brackets_and_quotes_out() {
        check("[\"a\", \"b\"]", Some("[]"), "[\"a\", \"b\"]");
        check("1,2", Some("[]"), "[1, 2]");
        check(
            "1.1.1.1:53, 8.8.8.8:53",
            Some("[]"),
            "[\"1.1.1.1:53\", \"8.8.8.8:53\"]",
        );
        check("", Some("[\"a\"]"), "[]");
    }

    #[test]
    fn without_a_default_toml_comes_first() {
        check("5", None, "5");
        check("2GiB", None, "\"2GiB\"");
        check("5 = 6", None, "\"5 = 6\"");
        assert!(readings("5", None).contains(&Value::String("5".to_owned())));
    }
}

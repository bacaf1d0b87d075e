//! Why other parsers of robots.txt judge otherwise: each cause with its reason and how it is taken out.
//!
//! In: a file and a path. Out: both without what the parsers disagree about. May touch: nothing.
//! Invariant: the list may only shrink.

/// Another parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Oracle {
    Google,
    Texting,
}

/// A file and a path to be judged by it.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) body: String,
    pub(crate) path: String,
}

/// A reason to disagree.
pub(crate) struct Cause {
    pub(crate) oracle: Oracle,
    pub(crate) name: &'static str,
    /// Why ours stays as it is.
    pub(crate) why: &'static str,
    /// Takes it out.
    pub(crate) without: fn(&mut Case),
}

/// Keys that both parsers read as rules or agents, misspellings included.
const RULE_KEYS: [&str; 11] = [
    "user-agent",
    "useragent",
    "user agent",
    "allow",
    "disallow",
    "dissallow",
    "dissalow",
    "disalow",
    "diasllow",
    "disallaw",
    "",
];

fn lines(body: &str) -> impl Iterator<Item = &str> {
    body.split(['\n', '\r'])
}

fn key(line: &str) -> String {
    let record = line.split('#').next().unwrap_or("");
    let key = record.split(':').next().unwrap_or("");
    key.trim().to_ascii_lowercase()
}

/// Keeps lines, or changes them.
fn each_line(case: &mut Case, change: impl Fn(&str) -> Option<String>) {
    let lines: Vec<String> = lines(&case.body).filter_map(change).collect();
    case.body = lines.join("\n");
}

fn swap(case: &mut Case, from: &str, to: &str) {
    case.body = case.body.replace(from, to);
    case.path = case.path.replace(from, to);
}

fn without_robots_path(case: &mut Case) {
    if case.path.starts_with("/robots.txt") {
        case.path = "/robot-text".to_owned();
    }
}

fn without_other_lines(case: &mut Case) {
    each_line(case, |line| {
        RULE_KEYS
            .contains(&key(line).as_str())
            .then(|| line.to_owned())
    });
}

fn without_index(case: &mut Case) {
    swap(case, "index.htm", "inner.htm");
}

fn without_escapes(case: &mut Case) {
    let plain = |text: &str| {
        let ascii: String = text
            .chars()
            .map(|c| if c.is_ascii() { c } else { 'u' })
            .collect();
        ascii.replace('%', "p")
    };
    case.body = plain(&case.body);
    case.path = plain(&case.path);
}

fn without_inner_dollars(case: &mut Case) {
    case.path = case.path.replace('$', "s");
    each_line(case, |line| {
        let record = line.split('#').next().unwrap_or("").trim_end();
        let (end, inner) = match record.strip_suffix('$') {
            Some(inner) => ("$", inner),
            None => ("", record),
        };
        Some(inner.replace('$', "s") + end)
    });
}

fn without_stars(case: &mut Case) {
    each_line(case, |line| {
        let is_agent = key(line).contains("agent");
        Some(if is_agent {
            line.to_owned()
        } else {
            line.replace('*', "w")
        })
    });
}

fn without_nul(case: &mut Case) {
    case.body = case.body.replace('\0', "");
}

fn without_empty_patterns(case: &mut Case) {
    each_line(case, |line| {
        let record = line.split('#').next().unwrap_or("");
        let is_empty = record
            .split_once(':')
            .is_some_and(|(_, value)| value.trim().is_empty());
        (!is_empty || key(line).contains("agent")).then(|| line.to_owned())
    });
}

fn without_mark(case: &mut Case) {
    case.body = case.body.replace('\u{feff}', "");
}

fn without_wide_blanks(case: &mut Case) {
    case.body = case.body.replace('\u{a0}', " ");
}

fn without_bare_lines(case: &mut Case) {
    each_line(case, |line| {
        let record = line.split('#').next().unwrap_or("");
        record.contains(':').then(|| line.to_owned())
    });
}

fn without_headless_rules(case: &mut Case) {
    // With a group of somebody else, rules before all groups are nobody's.
    case.body
        .push_str("\nUser-agent: nobody\nDisallow: /nothing\n");
}

fn without_long_agents(case: &mut Case) {
    each_line(case, |line| {
        let record = line.split('#').next().unwrap_or("");
        let Some((key, value)) = record
            .split_once(':')
            .filter(|_| key(line).contains("agent"))
        else {
            return Some(line.to_owned());
        };
        let value = value.trim_matches([' ', '\t', '\0']);
        let end = value.find(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_'));
        let token = match value {
            "*" => "*",
            star if star.starts_with("* ") || star.starts_with("*\t") => "*",
            name => &name[..end.unwrap_or(name.len())],
        };
        Some(format!(
            "{key}: {}",
            if token.is_empty() { "none" } else { token }
        ))
    });
}

fn without_misspelling(case: &mut Case) {
    each_line(case, |line| {
        let right = ["user-agent", "allow", "disallow"].contains(&key(line).as_str());
        (right || key(line).is_empty()).then(|| line.to_owned())
    });
}

pub(crate) const CAUSES: &[Cause] = &[
    Cause {
        oracle: Oracle::Google,
        name: "robots.txt itself",
        why: "RFC 9309, 2.2.2: it is implicitly allowed",
        without: without_robots_path,
    },
    Cause {
        oracle: Oracle::Google,
        name: "byte order mark",
        why: "RFC 9309, 2.3: the file is UTF-8, with or without its mark",
        without: without_mark,
    },
    Cause {
        oracle: Oracle::Google,
        name: "NUL bytes",
        why: "padding in the files that have it",
        without: without_nul,
    },
    Cause {
        oracle: Oracle::Google,
        name: "wide blanks",
        why: "RFC 9309, 2.2: white space is space and tab",
        without: without_wide_blanks,
    },
    Cause {
        oracle: Oracle::Google,
        name: "index.html is the folder",
        why: "a courtesy of one search engine; no rule says so",
        without: without_index,
    },
    Cause {
        oracle: Oracle::Google,
        name: "escapes",
        why: "RFC 9309, 2.2.2: octets compare by meaning, in paths too",
        without: without_escapes,
    },
    Cause {
        oracle: Oracle::Google,
        name: "places behind a star",
        why: "a mistake of the port: it forgets some of the places where a star may end",
        without: without_stars,
    },
    Cause {
        oracle: Oracle::Google,
        name: "lines without colon",
        why: "taken as meant, wherever they stand",
        without: without_bare_lines,
    },
    Cause {
        oracle: Oracle::Google,
        name: "other lines part groups",
        why: "RFC 9309, 2.2.4: they must not interfere with groups",
        without: without_other_lines,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "rules without agent",
        why: "RFC 9309, 2.2.1: a rule belongs to a group",
        without: without_headless_rules,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "long agent lines",
        why: "RFC 9309, 2.2.1: the product token is what counts, without version and remark",
        without: without_long_agents,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "empty patterns",
        why: "RFC 9309, 2.2: an empty pattern is no rule, and outweighs none",
        without: without_empty_patterns,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "byte order mark",
        why: "RFC 9309, 2.3: the file is UTF-8, with or without its mark",
        without: without_mark,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "NUL bytes",
        why: "padding in the files that have it",
        without: without_nul,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "wide blanks",
        why: "RFC 9309, 2.2: white space is space and tab",
        without: without_wide_blanks,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "escapes",
        why: "RFC 9309, 2.2.2: octets compare by meaning, in paths too",
        without: without_escapes,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "dollars inside",
        why: "RFC 9309, 2.2.3: only the end is special",
        without: without_inner_dollars,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "lines without colon",
        why: "taken as meant, wherever they stand",
        without: without_bare_lines,
    },
    Cause {
        oracle: Oracle::Texting,
        name: "misspelling and other lines",
        why: "common misspellings are meant; other lines must not interfere with groups",
        without: without_misspelling,
    },
];

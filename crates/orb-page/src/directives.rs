//! Robots directives of a page: `meta name=robots` and the `X-Robots-Tag` field.
//!
//! In: the value of a `meta` or of a header field. Out: what it forbids.
//! May touch: nothing. Must not touch: robots.txt (another protocol, another crate).
//! Invariant: directives only ever add up, so the most restrictive of several sources wins.

/// What a page asks of robots. Unknown directives and permissions (`all`, `index`) say nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RobotsDirectives {
    /// Keep the page out of indexes; travels with the capture.
    pub noindex: bool,
    /// Follow no link of the page.
    pub nofollow: bool,
    /// Keep no body of the page (also written `nocache`).
    pub noarchive: bool,
    /// Show no excerpt of the page.
    pub nosnippet: bool,
    /// Train no model on the page (a convention, no standard).
    pub noai: bool,
    /// Train no model on the images of the page (a convention, no standard).
    pub noimageai: bool,
}

impl RobotsDirectives {
    /// Adds what `other` forbids.
    pub fn merge(&mut self, other: RobotsDirectives) {
        self.noindex |= other.noindex;
        self.nofollow |= other.nofollow;
        self.noarchive |= other.noarchive;
        self.nosnippet |= other.nosnippet;
        self.noai |= other.noai;
        self.noimageai |= other.noimageai;
    }

    /// Whether nothing is forbidden.
    pub fn is_empty(&self) -> bool {
        *self == RobotsDirectives::default()
    }

    /// The names of what is forbidden, as pages write them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [
            (self.noindex, "noindex"),
            (self.nofollow, "nofollow"),
            (self.noarchive, "noarchive"),
            (self.nosnippet, "nosnippet"),
            (self.noai, "noai"),
            (self.noimageai, "noimageai"),
        ];
        all.into_iter()
            .filter_map(|(set, name)| set.then_some(name))
    }

    /// Reads a list such as `noindex, nofollow`. Commas are the rule; semicolons and spaces occur and
    /// are taken for what their author meant.
    pub(crate) fn from_list(list: &str) -> Self {
        let mut found = RobotsDirectives::default();
        for word in list.split(|c: char| c == ',' || c == ';' || c.is_ascii_whitespace()) {
            found.add(word);
        }
        found
    }

    fn add(&mut self, word: &str) {
        let is = |name: &str| word.eq_ignore_ascii_case(name);
        self.noindex |= is("noindex") || is("none");
        self.nofollow |= is("nofollow") || is("none");
        self.noarchive |= is("noarchive") || is("nocache");
        self.nosnippet |= is("nosnippet");
        self.noai |= is("noai");
        self.noimageai |= is("noimageai");
    }
}

/// Reads the value of an `X-Robots-Tag` field: what it asks of every robot and of ours.
///
/// - `x_robots_tag`: the value; several fields may be joined by newlines (best, because an agent then
///   ends with its line) or by commas.
/// - `token`: our product token, without version, compared without regard to case.
/// - In `agent: a, b` both directives are for that agent, until another agent or the line ends.
/// - Cost: O(bytes); allocates nothing.
pub fn header_directives(x_robots_tag: &str, token: &str) -> RobotsDirectives {
    let mut found = RobotsDirectives::default();
    for line in x_robots_tag.split('\n') {
        let mut for_us = true;
        for item in line.split(',') {
            let (agent, list) = split_agent(item);
            if let Some(agent) = agent {
                for_us = agent == "*" || (!token.is_empty() && agent.eq_ignore_ascii_case(token));
            }
            if for_us {
                found.merge(RobotsDirectives::from_list(list));
            }
        }
    }
    found
}

/// Separates `agent: directives`. A directive that carries a value has the same shape, so the known
/// ones are never agents, and neither is a piece of a date.
fn split_agent(item: &str) -> (Option<&str>, &str) {
    let Some((before, after)) = item.split_once(':') else {
        return (None, item);
    };
    let name = before.trim();
    let name = name.split_once('/').map_or(name, |(product, _)| product);
    let valued = [
        "unavailable_after",
        "max-snippet",
        "max-image-preview",
        "max-video-preview",
    ];
    let is_token = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'*'))
        && !name.bytes().all(|b| b.is_ascii_digit());
    if is_token && !valued.iter().any(|known| name.eq_ignore_ascii_case(known)) {
        (Some(name), after)
    } else {
        (None, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str) {
        let names: Vec<_> = header_directives(value, "orbweaver").names().collect();
        assert_eq!(names.join(" "), expected, "{value:?}");
    }

    #[test]
    fn plain_directives_are_for_everyone() {
        check("noindex", "noindex");
        check("NoIndex , NOFOLLOW", "noindex nofollow");
        check("none", "noindex nofollow");
        check("nocache", "noarchive");
        check("noai, noimageai", "noai noimageai");
        check("all, index, follow, notranslate", "");
        check("", "");
    }

    #[test]
    fn an_agent_scopes_the_directives_after_it() {
        check("otherbot: noindex, nofollow", "");
        check("OrbWeaver: noindex, nofollow", "noindex nofollow");
        check("noarchive, otherbot: noindex", "noarchive");
        check("otherbot: noindex, orbweaver: nofollow", "nofollow");
        check("orbweaver/1.2: nosnippet", "nosnippet");
        check("*: noindex", "noindex");
        check("otherbot: noindex\nnofollow", "nofollow");
    }

    #[test]
    fn directives_with_values_are_not_agents() {
        check("max-snippet: 10, noindex", "noindex");
        check(
            "unavailable_after: 25 Jun 2010 15:00:00 PST, nofollow",
            "nofollow",
        );
        check(
            "unavailable_after: Friday, 25-Jun-10 15:00:00 GMT, noindex",
            "noindex",
        );
    }

    #[test]
    fn without_a_token_only_general_directives_apply() {
        assert!(header_directives("orbweaver: noindex", "").is_empty());
    }
}

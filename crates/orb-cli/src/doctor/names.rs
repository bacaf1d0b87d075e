//! DNS: does each configured server answer, how fast, and does it tell the truth about names that do not exist?
//!
//! In: what each server said about two names. Out: findings, one a server. May touch: nothing.

use std::net::SocketAddr;
use std::time::Duration;

use super::finding::Finding;
use crate::plan::asking::millis;

const TOPIC: &str = "dns";
const WHY: &str = "every site is found by name first; each shard remembers answers, the servers' speed decides the start";

/// Slower than this, finding the sites becomes what limits a broad crawl's start.
const SLOW: Duration = Duration::from_millis(300);

/// What a server said to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Records, so many.
    Records(u16),
    /// The name exists without such records.
    Empty,
    /// The name does not exist.
    Absent,
    /// It cannot or will not tell: the code of its answer.
    Refused(u8),
    /// Nothing came in time.
    Silence,
    /// The question could not be sent, or nobody listens.
    Unreachable(String),
}

/// One question to one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) said: Said,
    pub(crate) took: Duration,
}

/// What one server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// About a name that exists.
    pub(crate) known: Asked,
    /// About a name that nobody has.
    pub(crate) nonsense: Asked,
}

/// - `name`: the name that exists.
pub(crate) fn judge(servers: &[Server], name: &str) -> Vec<Finding> {
    if servers.is_empty() {
        return vec![Finding::problem(
            TOPIC,
            "no DNS server is configured, and /etc/resolv.conf names none",
            "no site can be found",
            "--dns 9.9.9.9, or a `nameserver` line in /etc/resolv.conf",
        )];
    }
    let answers =
        |server: &Server| !matches!(server.known.said, Said::Silence | Said::Unreachable(_));
    let any = servers.iter().any(answers);
    servers
        .iter()
        .map(|server| judge_one(server, name, any))
        .collect()
}

fn judge_one(server: &Server, name: &str, another_answers: bool) -> Finding {
    let address = server.address;
    let took = millis(server.known.took.as_secs_f64());
    let dead = |how: String| {
        let found = format!("{address} {how}");
        let mend = "leave it out: --dns with a server that answers, or mend /etc/resolv.conf";
        if another_answers {
            let why = "questions go to another server after a wait of up to 3 s";
            return Finding::warning(TOPIC, found, why, mend);
        }
        Finding::problem(TOPIC, found, "no site can be found", mend)
    };
    match &server.known.said {
        Said::Silence => return dead("does not answer within 3 s".into()),
        Said::Unreachable(error) => return dead(format!("cannot be reached: {error}")),
        Said::Refused(code) => {
            return Finding::problem(
                TOPIC,
                format!("{address} refuses to look up {name} (code {code})"),
                "it does not resolve for this machine, or has lost its own way to the network",
                "--dns with a recursive server that serves you",
            );
        }
        Said::Absent | Said::Empty => {
            return Finding::warning(
                TOPIC,
                format!("{address} answers in {took}, and says that {name} has no address"),
                "right for a web of your own, wrong for the public one",
                "for the public web --dns with a public recursive server; else --dns-name with a name of yours",
            );
        }
        Said::Records(_) => {}
    }
    if let Said::Records(_) = server.nonsense.said {
        return Finding::warning(
            TOPIC,
            format!("{address} gives an address for a name that does not exist"),
            "dead links and dead domains lead to a page of its operator, which would be archived as theirs",
            "--dns with a server that says so when a name does not exist, such as 9.9.9.9 or your own resolver",
        );
    }
    let found = format!("{address} answers in {took}, and says so when a name does not exist");
    if server.known.took > SLOW {
        return Finding::note(
            TOPIC,
            format!("{address} answers in {took}"),
            "a broad crawl looks up many names at its start and waits for them; a nearer resolver is faster",
        )
        .with_mend("--dns with a resolver of your own, such as unbound on this machine");
    }
    if !matches!(server.nonsense.said, Said::Absent | Said::Empty) {
        return Finding::note(
            TOPIC,
            format!("{address} answers in {took}, but not about a name that does not exist"),
            "each dead domain costs its full time of waiting",
        );
    }
    Finding::ok(TOPIC, found, WHY)
}

#[cfg(test)]
mod tests {
    use super::super::finding::{Level, check};
    use super::*;

    fn server(known: Said, known_ms: u64, nonsense: Said) -> Server {
        let asked = |said, ms| Asked {
            said,
            took: Duration::from_millis(ms),
        };
        Server {
            address: "192.0.2.53:53".parse().unwrap(),
            known: asked(known, known_ms),
            nonsense: asked(nonsense, 5),
        }
    }

    #[test]
    fn servers_are_judged_one_by_one() {
        let good = || server(Said::Records(2), 12, Said::Absent);
        let dead = || server(Said::Silence, 3_000, Said::Silence);
        let refused = Said::Unreachable("connection refused".into());
        let table = [
            ("good", vec![good()], vec![(Level::Ok, "12 ms")]),
            ("none", vec![], vec![(Level::Problem, "--dns 9.9.9.9")]),
            ("silent", vec![dead()], vec![(Level::Problem, "within 3 s")]),
            (
                "one of two silent",
                vec![good(), dead()],
                vec![(Level::Ok, "answers"), (Level::Warning, "after a wait")],
            ),
            (
                "nobody listens",
                vec![server(refused, 0, Said::Silence)],
                vec![(Level::Problem, "connection refused")],
            ),
            (
                "refuses",
                vec![server(Said::Refused(5), 9, Said::Refused(5))],
                vec![(Level::Problem, "code 5")],
            ),
            (
                "liar",
                vec![server(Said::Records(1), 9, Said::Records(1))],
                vec![(Level::Warning, "does not exist")],
            ),
            (
                "web of one's own",
                vec![server(Said::Absent, 1, Said::Absent)],
                vec![(Level::Warning, "web of your own")],
            ),
            (
                "slow",
                vec![server(Said::Records(1), 900, Said::Absent)],
                vec![(Level::Note, "900 ms")],
            ),
            (
                "silent about nonsense",
                vec![server(Said::Records(1), 9, Said::Silence)],
                vec![(Level::Note, "dead domain")],
            ),
        ];
        for (name, servers, expected) in table {
            check(name, &judge(&servers, "example.com"), &expected);
        }
    }
}

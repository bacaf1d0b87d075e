//! Row N14: a name server whose answers change, mix and hide addresses.
//!
//! In: DNS questions; the address that may be dialled and those that may not. Out: DNS answers.
//! May touch: hickory-proto. Must not touch: sockets.
//! Invariant: never panics on foreign bytes; the n-th question about a name has one answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::PoisonError;

use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use rustc_hash::FxHashMap;

/// N14, as labels below the zone.
pub(super) const NAMES: &[&str] = &[
    "open",
    "flip",
    "flip-back",
    "mixed",
    "guarded",
    "alias",
    "alias-outside",
    "metadata",
];

/// Seconds of every answer: it must not be kept.
const TTL: u32 = 0;

/// Addresses of the cloud's metadata, of private networks and of the machine itself, plain and mapped.
const GUARDED: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
    IpAddr::V6(Ipv4Addr::new(192, 168, 0, 1).to_ipv6_mapped()),
];

/// A name server for one zone.
#[derive(Debug)]
pub struct HostileNames {
    open: IpAddr,
    asked: Mutex<FxHashMap<String, u64>>,
}

impl HostileNames {
    /// The zone that all names stand in.
    pub const ZONE: &'static str = "hostile.test";

    /// Names point to `open`, where the listeners are, or to guarded addresses, where no packet may go.
    #[must_use]
    pub fn new(open: IpAddr) -> HostileNames {
        HostileNames {
            open,
            asked: Mutex::default(),
        }
    }

    /// Answers one question; empty for what is none.
    ///
    /// `open` and anything below `hop`: the open address. `flip`: the open address the first time, guarded ones from
    /// then on, in turns. `flip-back`: the other way round. `mixed`: all of them, guarded ones first. `guarded`,
    /// `metadata`: guarded ones only. `alias`: an alias of `guarded`, whose addresses stand beside it.
    /// `alias-outside`: an alias of `localhost`, with a loopback address beside it.
    #[must_use]
    pub fn answer(&self, question: &[u8]) -> Vec<u8> {
        let Ok(asked) = Message::from_vec(question) else {
            return Vec::new();
        };
        let [query] = &asked.queries[..] else {
            return Vec::new();
        };
        if asked.metadata.message_type != MessageType::Query {
            return Vec::new();
        }
        let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
        answer.metadata.recursion_desired = asked.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        answer.add_query(query.clone());
        let host = query.name().to_ascii().to_ascii_lowercase();
        match self.records(&host, query.name(), query.query_type()) {
            Some(records) => {
                answer.add_answers(records);
            }
            None => {
                answer.metadata.response_code = ResponseCode::NXDomain;
            }
        }
        answer.to_vec().unwrap_or_default()
    }

    fn records(&self, host: &str, owner: &Name, kind: RecordType) -> Option<Vec<Record>> {
        let label = host
            .trim_end_matches('.')
            .strip_suffix(HostileNames::ZONE)?
            .strip_suffix('.')?;
        // Only names that flip are counted; strangers ask for others.
        let flips = matches!(label, "flip" | "flip-back");
        let times = if flips { self.times(label, kind) } else { 0 };
        let guarded = || GUARDED.to_vec();
        let turn = || vec![GUARDED[times as usize % GUARDED.len()]];
        let mut records = Vec::new();
        let addresses: Vec<IpAddr> = match label {
            "flip" if times == 0 => vec![self.open],
            "flip" => turn(),
            "flip-back" if times % 2 == 1 => vec![self.open],
            "flip-back" => turn(),
            "mixed" => guarded().into_iter().chain([self.open]).collect(),
            "guarded" | "metadata" => guarded(),
            "alias" | "alias-outside" => {
                let target = match label {
                    "alias" => format!("guarded.{}.", HostileNames::ZONE),
                    _ => "localhost.".to_owned(),
                };
                let target = Name::from_ascii(&target).ok()?;
                let alias = RData::CNAME(CNAME(target.clone()));
                records.push(Record::from_rdata(owner.clone(), TTL, alias));
                let inside = if label == "alias" {
                    guarded()
                } else {
                    vec![IpAddr::from([127, 0, 0, 1])]
                };
                records.extend(inside.iter().filter_map(|&ip| record(&target, ip, kind)));
                return Some(records);
            }
            label if label == "open" || label.ends_with("hop") => vec![self.open],
            _ => return None,
        };
        records.extend(addresses.iter().filter_map(|&ip| record(owner, ip, kind)));
        Some(records)
    }

    /// How often `kind` of `label` was asked for before.
    fn times(&self, label: &str, kind: RecordType) -> u64 {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(format!("{label} {kind}")).or_default();
        *times += 1;
        *times - 1
    }
}

fn record(owner: &Name, address: IpAddr, kind: RecordType) -> Option<Record> {
    let data = match (address, kind) {
        (IpAddr::V4(v4), RecordType::A) => RData::A(A(v4)),
        (IpAddr::V6(v6), RecordType::AAAA) => RData::AAAA(AAAA(v6)),
        _ => return None,
    };
    Some(Record::from_rdata(owner.clone(), TTL, data))
}

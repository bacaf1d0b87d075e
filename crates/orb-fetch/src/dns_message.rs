//! DNS messages: one question out, one judged answer in.
//!
//! In: a name, a record type, bytes from a server. Out: bytes to send; addresses with their time to live,
//! an absence, or why the answer does not count.
//! May touch: the codec. Must not touch: sockets, caches, time.
//! Invariant: only an answer to the very question counts, and only records of the asked name or of the
//! aliases it leads to are read.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::limits::{DNS_ADDRESSES_MAX, DNS_ALIASES_MAX, DNS_UDP_BYTES};

/// Which addresses are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    fn record_type(self) -> RecordType {
        match self {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        }
    }
}

/// A question as it is sent, and what its answer is compared with.
pub(crate) struct Question {
    id: u16,
    name: Name,
    family: Family,
}

/// What a server said about one family of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Addresses, smallest first, at least one.
    Addresses {
        addresses: Vec<IpAddr>,
        ttl: Duration,
    },
    /// The name exists without such addresses, or does not exist.
    Absent { exists: bool, ttl: Option<Duration> },
}

/// Why an answer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// It is cut short: ask by TCP.
    Truncated,
    /// The server does not understand the question's extension: ask without.
    NoExtension,
    /// The server cannot tell, or will not.
    Failed,
    /// It answers another question, or is malformed.
    Bogus,
}

/// The name to ask for, taken label by label: a URL's host may hold what a zone file would escape.
pub(crate) fn name_of_host(host: &str) -> Option<Name> {
    Name::from_labels(host.split('.').map(str::as_bytes)).ok()
}

impl Question {
    pub(crate) fn new(id: u16, name: Name, family: Family) -> Question {
        Question { id, name, family }
    }

    /// The bytes of the question; `extended` offers larger UDP answers (EDNS, RFC 6891).
    pub(crate) fn encode(&self, extended: bool) -> Option<Vec<u8>> {
        let mut message = Message::new(self.id, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.family.record_type()));
        if extended {
            let mut edns = Edns::new();
            edns.set_max_payload(DNS_UDP_BYTES);
            message.set_edns(edns);
        }
        message.to_vec().ok()
    }

    /// Judges a server's bytes. Cost: O(records x aliases).
    pub(crate) fn judge(&self, bytes: &[u8]) -> Result<Reply, NoReply> {
        let message = Message::from_vec(bytes).map_err(|_| NoReply::Bogus)?;
        let about = &message.metadata;
        if about.id != self.id
            || about.message_type != MessageType::Response
            || about.op_code != OpCode::Query
        {
            return Err(NoReply::Bogus);
        }
        let is_ours = matches!(message.queries.as_slice(), [query] if self.is(query));
        match about.response_code {
            // Servers too old for the extension may not even repeat the question.
            ResponseCode::FormErr | ResponseCode::NotImp | ResponseCode::BADVERS => {
                Err(NoReply::NoExtension)
            }
            _ if !is_ours => Err(NoReply::Bogus),
            _ if about.truncation => Err(NoReply::Truncated),
            ResponseCode::NoError => self.read(&message),
            ResponseCode::NXDomain => Ok(Reply::Absent {
                exists: false,
                ttl: negative_ttl(&message),
            }),
            _ => Err(NoReply::Failed),
        }
    }

    fn is(&self, query: &Query) -> bool {
        query.query_type() == self.family.record_type()
            && query.query_class() == DNSClass::IN
            && query.name().eq_ignore_root(&self.name)
    }

    fn read(&self, message: &Message) -> Result<Reply, NoReply> {
        let mut name = &self.name;
        let mut ttl_secs = u32::MAX;
        for _ in 0..=DNS_ALIASES_MAX {
            let mut addresses = Vec::new();
            let mut alias = None;
            for record in message
                .answers
                .iter()
                .filter(|record| is_about(record, name))
            {
                match &record.data {
                    RData::A(a) if self.family == Family::V4 => addresses.push(IpAddr::V4(a.0)),
                    RData::AAAA(a) if self.family == Family::V6 => addresses.push(IpAddr::V6(a.0)),
                    RData::CNAME(target) => alias = alias.or(Some(&target.0)),
                    _ => continue,
                }
                ttl_secs = ttl_secs.min(sane_ttl(record.ttl));
            }
            if !addresses.is_empty() {
                addresses.sort_unstable();
                addresses.dedup();
                addresses.truncate(DNS_ADDRESSES_MAX);
                return Ok(Reply::Addresses {
                    addresses,
                    ttl: Duration::from_secs(ttl_secs.into()),
                });
            }
            match alias {
                Some(target) => name = target,
                None => {
                    return Ok(Reply::Absent {
                        exists: true,
                        ttl: negative_ttl(message),
                    });
                }
            }
        }
        Err(NoReply::Failed)
    }
}

fn is_about(record: &Record, name: &Name) -> bool {
    record.dns_class == DNSClass::IN && record.name.eq_ignore_root(name)
}

/// RFC 2181, 8: a TTL with the top bit set counts as zero.
fn sane_ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX as u32 { 0 } else { ttl }
}

/// RFC 2308, 5: an absence lives as long as the smaller of the SOA's TTL and its last field.
fn negative_ttl(message: &Message) -> Option<Duration> {
    message
        .authorities
        .iter()
        .find_map(|record| match &record.data {
            RData::SOA(soa) => Some(Duration::from_secs(
                sane_ttl(record.ttl).min(sane_ttl(soa.minimum)).into(),
            )),
            _ => None,
        })
}

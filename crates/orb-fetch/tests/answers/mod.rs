//! DNS answers made by hand, and what resolving comes to.
//!
//! In: questions as sent. Out: answers to them. May touch: memory only.
//! Invariant: an answer says what the test wrote, and nothing else.
#![allow(clippy::unwrap_used)] // a test that cannot go on fails
#![allow(dead_code)] // each test program uses its own part

use std::net::IpAddr;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use orb_fetch::Fetcher;

use crate::scripted::{DnsReply, World};

pub(crate) fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

pub(crate) fn record(owner: &str, ttl: u32, data: RData) -> Record {
    Record::from_rdata(name(owner), ttl, data)
}

pub(crate) fn a(owner: &str, ttl: u32, address: &str) -> Record {
    let data = match address.parse::<IpAddr>().unwrap() {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    };
    record(owner, ttl, data)
}

pub(crate) fn alias(owner: &str, target: &str) -> Record {
    record(owner, 300, RData::CNAME(CNAME(name(target))))
}

/// An answer to `question` with the records of the asked type, and aliases.
pub(crate) fn reply(question: &[u8], records: &[Record]) -> Message {
    let asked = Message::from_vec(question).unwrap();
    let mut message = Message::new(asked.metadata.id, MessageType::Response, OpCode::Query);
    message.add_query(asked.queries[0].clone());
    let family = asked.queries[0].query_type();
    for record in records {
        if record.record_type() == family || record.record_type() == RecordType::CNAME {
            message.add_answer(record.clone());
        }
    }
    message
}

pub(crate) fn sent(message: &Message) -> DnsReply {
    DnsReply::Answer(message.to_vec().unwrap())
}

pub(crate) fn rcode(question: &[u8], code: ResponseCode) -> Message {
    let mut message = reply(question, &[]);
    message.metadata.response_code = code;
    message
}

pub(crate) fn answering(world: &World, records: Vec<Record>) {
    world
        .net
        .dns(move |_, question| sent(&reply(question, &records)));
}

/// The addresses as text, or the error's class.
pub(crate) async fn resolve(fetcher: &Fetcher, host: &str) -> Result<Vec<String>, &'static str> {
    match fetcher.resolve(host).await {
        Ok(resolved) => Ok(resolved.addresses.iter().map(ToString::to_string).collect()),
        Err(error) => Err(error.class()),
    }
}

pub(crate) fn list(addresses: &[&str]) -> Result<Vec<String>, &'static str> {
    Ok(addresses.iter().map(ToString::to_string).collect())
}

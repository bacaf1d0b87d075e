//! Answers of the synthetic web's name server.
//!
//! In: the bytes of a question. Out: the bytes of an answer. May touch: `place`, hickory-proto.
//! Must not touch: sockets.
//! Invariant: never panics on foreign bytes; what has no readable header gets no answer.

use std::net::{IpAddr, Ipv4Addr};

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use crate::SimWeb;

/// Seconds an address may be kept.
const TTL: u32 = 300;
/// Seconds an absence may be kept.
const NEGATIVE_TTL: u32 = 60;

impl SimWeb {
    /// The addresses of a host; `None` when the name does not exist or its zone is broken.
    #[must_use]
    pub fn resolve(&self, host: &str) -> Option<Vec<IpAddr>> {
        let (site, _) = self.atlas.parse_host(host)?;
        self.atlas
            .resolves(site)
            .then(|| vec![IpAddr::V4(self.address(self.atlas.address_index(site)))])
    }

    /// Every address that sites are on, in order.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        (0..self.atlas.config.addresses)
            .map(|index| IpAddr::V4(self.address(index)))
            .collect()
    }

    fn address(&self, index: u32) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.atlas.config.address_base).wrapping_add(index + 1))
    }

    /// Answers one DNS message (RFC 1035): A records of sites, NXDOMAIN or SERVFAIL for broken ones, nothing
    /// for other types. Empty when the bytes hold no header to answer to.
    #[must_use]
    pub fn answer_dns(&self, question: &[u8]) -> Vec<u8> {
        let Some(&[high, low]) = question.first_chunk::<2>() else {
            return Vec::new();
        };
        let id = u16::from_be_bytes([high, low]);
        let mut answer = match Message::from_vec(question) {
            Ok(asked) if asked.metadata.message_type == MessageType::Query => {
                self.answer_message(&asked)
            }
            Ok(_) => return Vec::new(),
            Err(_) if question.len() < 12 || question[2] & 0x80 != 0 => return Vec::new(),
            Err(_) => Message::error_msg(id, OpCode::Query, ResponseCode::FormErr),
        };
        answer.metadata.id = id;
        answer.to_vec().unwrap_or_default()
    }

    fn answer_message(&self, asked: &Message) -> Message {
        let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
        answer.metadata.recursion_desired = asked.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        let [query] = &asked.queries[..] else {
            answer.metadata.response_code = ResponseCode::FormErr;
            return answer;
        };
        if asked.metadata.op_code != OpCode::Query {
            answer.metadata.response_code = ResponseCode::NotImp;
            return answer;
        }
        answer.add_query(query.clone());
        let host = query.name().to_ascii();
        let site = self.atlas.parse_host(&host).map(|(site, _)| site);
        match (self.resolve(&host), site) {
            (Some(addresses), _) => {
                if query.query_type() == RecordType::A {
                    for address in addresses {
                        if let IpAddr::V4(address) = address {
                            let data = RData::A(A(address));
                            answer.add_answer(Record::from_rdata(query.name().clone(), TTL, data));
                        }
                    }
                } else {
                    answer.add_authority(start_of_authority());
                }
            }
            (None, Some(site)) if self.atlas.draw(21, site, 0) & 1 == 0 => {
                answer.metadata.response_code = ResponseCode::ServFail;
            }
            (None, _) => {
                answer.metadata.response_code = ResponseCode::NXDomain;
                answer.add_authority(start_of_authority());
            }
        }
        answer
    }
}

/// The record that bounds how long an absence may be kept (RFC 2308).
fn start_of_authority() -> Record {
    let zone = Name::from_ascii("sim.").expect("a constant name is valid");
    let soa = SOA::new(
        zone.clone(),
        zone.clone(),
        1,
        3_600,
        600,
        86_400,
        NEGATIVE_TTL,
    );
    Record::from_rdata(zone, NEGATIVE_TTL, RData::SOA(soa))
}

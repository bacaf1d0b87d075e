//! Asking the configured DNS servers, all at once, for three seconds at most.
//!
//! In: servers, a name that exists. Out: what each said; the name of our own address.
//! May touch: the configured servers and no other host. Must not touch: the system's resolver.
//! Invariant: nothing is asked twice, nothing is waited for longer than the time given.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};

use futures_util::future::join_all;
use orb_env::{BootClock, Clock, Entropy, KernelNet, Net, OsEntropy, timeout_at};

use super::dns_message::{Kind, ptr_name, question, read, reverse_name};
use crate::doctor::identity::Reverse;
use crate::doctor::names::{Asked, Said, Server};
use crate::limits::DOCTOR_DNS_MAX;

/// What the servers said.
pub(crate) struct Heard {
    pub(crate) servers: Vec<Server>,
    pub(crate) reverse: Reverse,
}

/// Asks every server about `name` and about a name that nobody has, and one about our own address.
pub(crate) fn ask(servers: &[SocketAddr], name: &str) -> io::Result<Heard> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let entropy = OsEntropy::new();
    // Nobody registers twenty-six random letters.
    let nonsense = format!("{}.com", letters(entropy.next_u64(), entropy.next_u64()));
    runtime.block_on(async {
        let each = servers.iter().map(|&address| {
            let nonsense = nonsense.as_str();
            let (first, second) = (id(&entropy), id(&entropy));
            async move {
                let known = one(address, name, Kind::A, first);
                let unknown = one(address, nonsense, Kind::A, second);
                let (known, unknown) = futures_util::join!(known, unknown);
                Server {
                    address,
                    known: known.0,
                    nonsense: unknown.0,
                }
            }
        });
        let servers = join_all(each).await;
        let reverse = own_name(&servers, id(&entropy)).await;
        Ok(Heard { servers, reverse })
    })
}

fn id(entropy: &OsEntropy) -> u16 {
    (entropy.next_u64() >> 48) as u16
}

/// 26 letters out of 128 bits.
fn letters(mut high: u64, mut low: u64) -> String {
    let letter = |from: &mut u64| {
        let digit = (*from % 26) as u8;
        *from /= 26;
        char::from(b'a' + digit)
    };
    let mut text: String = (0..13).map(|_| letter(&mut high)).collect();
    text.extend((0..13).map(|_| letter(&mut low)));
    text
}

/// One question to one server, and the bytes of its answer.
async fn one(server: SocketAddr, name: &str, kind: Kind, id: u16) -> (Asked, Vec<u8>) {
    let clock = BootClock::new();
    let begun = clock.mono();
    let asked = |said, answer| {
        let took = clock.mono().since(begun);
        (Asked { said, took }, answer)
    };
    let Some(bytes) = question(id, name, kind) else {
        return asked(Said::Unreachable(format!("{name} is no name")), Vec::new());
    };
    let until = begun.plus(DOCTOR_DNS_MAX);
    match timeout_at(&clock, until, KernelNet.ask(server, bytes.clone())).await {
        None => asked(Said::Silence, Vec::new()),
        Some(Err(error)) => asked(Said::Unreachable(error.to_string()), Vec::new()),
        Some(Ok(answer)) => {
            let said = read(&bytes, &answer);
            asked(said.unwrap_or(Said::Refused(1)), answer)
        }
    }
}

/// Asks a server that answers for the name of the address we send from, when that is a public one.
async fn own_name(servers: &[Server], id: u16) -> Reverse {
    let answers = |server: &&Server| matches!(server.known.said, Said::Records(_));
    let Some(server) = servers.iter().find(answers) else {
        return Reverse::Skipped("no DNS server knows the public web".into());
    };
    // A datagram socket that connects sends nothing; it only learns the way.
    let Some(own) = source_for("192.0.2.1:9") else {
        return Reverse::Skipped("there is no route to the public network".into());
    };
    let guard = orb_fetch::Guard::from(orb_fetch::GuardConfig::default());
    if guard.judge(own).is_err() {
        return Reverse::Skipped(format!(
            "{own} is private, and sites see another one that is not known here"
        ));
    }
    let (asked, answer) = one(server.address, &reverse_name(own), Kind::Ptr, id).await;
    match (asked.said, ptr_name(&answer)) {
        (Said::Records(_), Some(name)) => Reverse::Named(own, name),
        (Said::Silence | Said::Unreachable(_), _) => {
            Reverse::Skipped(format!("{} does not answer for it", server.address))
        }
        _ => Reverse::Nameless(own),
    }
}

/// The address the kernel would send from to reach `target`. No packet leaves.
fn source_for(target: &str) -> Option<IpAddr> {
    let target: SocketAddr = target.parse().ok()?;
    let any = if target.is_ipv4() {
        "0.0.0.0:0"
    } else {
        "[::]:0"
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(target).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// The address from which the kernel would reach the public IPv6 network.
pub(crate) fn ipv6_source() -> Option<Ipv6Addr> {
    // An address of the range that all public ones come from (RFC 4291, 2.4).
    match source_for("[2000::1]:9")? {
        IpAddr::V6(address) => Some(address),
        IpAddr::V4(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_twenty_six_letters() {
        for seed in [0, 1, u64::MAX] {
            let text = letters(seed, !seed);
            assert_eq!(text.len(), 26);
            assert!(text.bytes().all(|byte| byte.is_ascii_lowercase()));
        }
    }

    /// A port of loopback on which nobody listens says so at once, and one that is silent ends by the clock.
    #[test]
    fn dead_servers_end_by_themselves() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        drop(taken);
        let heard = ask(&[address], "a.example").unwrap();
        let said = &heard.servers[0].known.said;
        assert!(matches!(said, Said::Unreachable(_)), "{said:?}");
        assert!(matches!(heard.reverse, Reverse::Skipped(_)));
    }
}

//! The web over real and simulated transports: keep-alive, conduct, DNS, TLS.

#![allow(clippy::unwrap_used)] // in a test's own tools too, a panic is the report

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use orb_env::{BootClock, Clock, Stamp, VirtualClock};
use orb_simweb::{
    Fate, FaultMix, Server, SimRequest, SimWeb, SimWebConfig, SizeProfile, serve_stream,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

fn tiny(faults: FaultMix) -> SimWeb {
    SimWeb::new(SimWebConfig {
        sites: 60,
        pages_per_site: 10,
        size: SizeProfile::Tiny,
        addresses: 4,
        address_base: Ipv4Addr::new(127, 11, 0, 0),
        http_port: 0,
        https_port: 0,
        faults,
        ..SimWebConfig::default()
    })
}

/// A host whose front page a plain request captures, over the scheme asked for.
fn healthy_host(web: &SimWeb, secure: bool) -> String {
    (0..60)
        .map(|site| web.host(site))
        .find(|host| web.serves(host, true) == secure)
        .unwrap()
}

/// Sends one GET and reads one response with a `Content-Length`.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    host: &str,
    target: &str,
) -> Vec<u8> {
    let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut input = Vec::new();
    loop {
        let head = input.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(at) = head {
            let text = String::from_utf8(input[..at].to_vec()).unwrap();
            let length = text
                .split("Content-Length: ")
                .nth(1)
                .unwrap()
                .split("\r\n")
                .next()
                .unwrap();
            let length: usize = length.parse().unwrap();
            if input.len() >= at + 4 + length {
                assert_eq!(input.len(), at + 4 + length);
                return input;
            }
        }
        assert!(stream.read_buf(&mut input).await.unwrap() > 0);
    }
}

fn expected(web: &SimWeb, host: &str, target: &str, secure: bool) -> Vec<u8> {
    let response = web.respond(&SimRequest::get(host, target, secure));
    [response.head, response.body.concat()].concat()
}

#[tokio::test(start_paused = true)]
async fn one_connection_serves_many_requests() {
    let web = tiny(FaultMix::none());
    let clock = VirtualClock::new(Stamp::default());
    let host = healthy_host(&web, false);
    let (mut client, server) = tokio::io::duplex(700);
    let serve = serve_stream(&web, server, false, &clock);
    let ask = async {
        for target in ["/", "/robots.txt", "/", "/sitemap.xml", "/nothing"] {
            assert_eq!(
                exchange(&mut client, &host, target).await,
                expected(&web, &host, target, false)
            );
        }
        drop(client);
    };
    let (served, ()) = tokio::join!(serve, ask);
    served.unwrap();
}

/// A request in pieces, and two in one piece.
#[tokio::test(start_paused = true)]
async fn requests_come_in_any_pieces() {
    let web = tiny(FaultMix::none());
    let clock = VirtualClock::new(Stamp::default());
    let host = healthy_host(&web, false);
    let (mut client, server) = tokio::io::duplex(100_000);
    let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let last = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let ask = async {
        for byte in request.as_bytes() {
            client.write_all(&[*byte]).await.unwrap();
            tokio::task::yield_now().await;
        }
        client
            .write_all(format!("{request}{last}").as_bytes())
            .await
            .unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        all
    };
    let (served, all) = tokio::join!(serve_stream(&web, server, false, &clock), ask);
    served.unwrap();
    let response = web.respond(&SimRequest {
        accept_gzip: false,
        ..SimRequest::get(&host, "/", false)
    });
    let one = [response.head, response.body.concat()].concat();
    assert_eq!(all, [&one[..], &one, &one].concat());
}

#[tokio::test(start_paused = true)]
async fn garbage_gets_400() {
    let web = tiny(FaultMix::none());
    let clock = VirtualClock::new(Stamp::default());
    for garbage in [b"\x16\x03\x01\x02\x00\x01".to_vec(), vec![b'a'; 20_000]] {
        let (mut client, server) = tokio::io::duplex(100_000);
        let ask = async {
            client.write_all(&garbage).await.unwrap();
            client.shutdown().await.unwrap();
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            all
        };
        let (served, all) = tokio::join!(serve_stream(&web, server, false, &clock), ask);
        assert_eq!(served.unwrap_err().kind(), std::io::ErrorKind::InvalidData);
        assert!(all.starts_with(b"HTTP/1.1 400 "));
    }
}

/// Each conduct, as its fate in the truth promises: delays in virtual time, resets, silence.
#[tokio::test(start_paused = true)]
async fn conduct_is_applied() {
    let web = tiny(FaultMix::harsh());
    let clock = VirtualClock::new(Stamp::default());
    let (mut resets, mut delays, mut silences) = (0, 0, 0);
    for (url, fate) in web.truth().iter() {
        let (scheme, rest) = url.split_once("://").unwrap();
        let (authority, path) = rest.split_once('/').unwrap();
        let (secure, target) = (scheme == "https", format!("/{path}"));
        let conduct = web
            .respond(&SimRequest::get(authority, &target, secure))
            .conduct;
        if conduct == orb_simweb::Conduct::default() || fate == Fate::Unresolved {
            continue;
        }
        let before = clock.mono();
        let (mut client, server) = tokio::io::duplex(100_000);
        let ask = async {
            let request =
                format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
            client.write_all(request.as_bytes()).await.unwrap();
            let patience = before.plus(Duration::from_secs(60));
            let mut all = Vec::new();
            let read = orb_env::timeout_at(&clock, patience, client.read_to_end(&mut all)).await;
            drop(client);
            read.is_none()
        };
        let (served, timed_out) = tokio::join!(serve_stream(&web, server, secure, &clock), ask);
        assert_eq!(timed_out, conduct.hang, "{url}");
        silences += usize::from(conduct.hang);
        if !conduct.first_byte_delay.is_zero() {
            delays += 1;
            assert!(clock.mono() >= before.plus(conduct.first_byte_delay));
        }
        match conduct.reset_after {
            Some(_) => {
                resets += 1;
                assert_eq!(
                    served.unwrap_err().kind(),
                    std::io::ErrorKind::ConnectionReset
                );
                assert!(
                    [
                        Fate::CutShort,
                        Fate::RobotsDenied,
                        Fate::RobotsUnreachable,
                        Fate::DelayTooLong
                    ]
                    .contains(&fate)
                );
            }
            None => served.unwrap(),
        }
    }
    assert!(
        resets > 0 && delays > 0 && silences > 0,
        "{resets} {delays} {silences}"
    );
}

fn dns_question(host: &str, kind: RecordType) -> Vec<u8> {
    let mut message = Message::new(4_711, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(host).unwrap(), kind));
    message.to_vec().unwrap()
}

#[test]
fn dns_answers_agree_with_resolve() {
    let web = tiny(FaultMix::harsh());
    let mut codes = Vec::new();
    for site in 0..60 {
        let host = web.host(site);
        let answer =
            Message::from_vec(&web.answer_dns(&dns_question(&host, RecordType::A))).unwrap();
        assert_eq!(
            (answer.metadata.id, answer.metadata.message_type),
            (4_711, MessageType::Response)
        );
        assert_eq!(answer.queries.len(), 1);
        let found: Vec<IpAddr> = answer
            .answers
            .iter()
            .map(|record| match &record.data {
                RData::A(a) => IpAddr::V4(a.0),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(found, web.resolve(&host).unwrap_or_default());
        assert!(
            found
                .iter()
                .all(|address| web.addresses().contains(address))
        );
        codes.push(answer.metadata.response_code);
        let v6 =
            Message::from_vec(&web.answer_dns(&dns_question(&host, RecordType::AAAA))).unwrap();
        assert!(v6.answers.is_empty());
    }
    for code in [
        ResponseCode::NoError,
        ResponseCode::NXDomain,
        ResponseCode::ServFail,
    ] {
        assert!(codes.contains(&code), "{code}");
    }
    let unknown =
        Message::from_vec(&web.answer_dns(&dns_question("example.org", RecordType::A))).unwrap();
    assert_eq!(unknown.metadata.response_code, ResponseCode::NXDomain);
}

#[test]
fn dns_survives_foreign_bytes() {
    let web = tiny(FaultMix::none());
    let question = dns_question(&web.host(0), RecordType::A);
    for end in 0..question.len() {
        assert!(web.answer_dns(&question[..end]).len() <= 512);
    }
    for at in 0..question.len() {
        for value in [0, 0x3f, 0xc0, 0xff] {
            let mut changed = question.clone();
            changed[at] = value;
            assert!(web.answer_dns(&changed).len() <= 512);
        }
    }
    assert!(web.answer_dns(b"").is_empty());
}

async fn ask_dns(server: SocketAddr, question: &[u8]) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(question, server).await.unwrap();
    let mut answer = [0; 512];
    let bytes = socket.recv(&mut answer).await.unwrap();
    let datagram = Message::from_vec(&answer[..bytes]).unwrap();
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_u16(question.len() as u16).await.unwrap();
    stream.write_all(question).await.unwrap();
    let mut answer = vec![0; stream.read_u16().await.unwrap().into()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(
        Message::from_vec(&answer).unwrap().answers,
        datagram.answers
    );
    datagram
}

async fn tls(
    ca_pem: &str,
    address: SocketAddr,
    host: &str,
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(host.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// DNS over UDP and TCP, HTTP, and HTTPS under the generated authority, all on loopback.
#[tokio::test]
async fn the_real_server_serves() {
    let server = Server::bind(tiny(FaultMix::none()), "127.0.0.1:0".parse().unwrap()).unwrap();
    let web = Arc::clone(server.web());
    let (dns, ca_pem) = (server.dns_addr(), server.ca_pem());
    assert_eq!(server.addresses().len(), 4);
    assert!(web.seeds()[0].contains(&format!(
        ":{}/",
        if web.serves(&web.host(0), true) {
            web.config().https_port
        } else {
            web.config().http_port
        }
    )));
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = server.run(Arc::new(BootClock::new()), async {
        stopped.await.unwrap();
    });
    let client = async {
        let (plain, secure) = (healthy_host(&web, false), healthy_host(&web, true));
        let answer = ask_dns(dns, &dns_question(&plain, RecordType::A)).await;
        let address = match &answer.answers[0].data {
            RData::A(a) => IpAddr::V4(a.0),
            other => panic!("{other:?}"),
        };
        let mut stream = TcpStream::connect((address, web.config().http_port))
            .await
            .unwrap();
        for target in ["/", "/robots.txt", "/"] {
            assert_eq!(
                exchange(&mut stream, &plain, target).await,
                expected(&web, &plain, target, false)
            );
        }
        let address = SocketAddr::new(web.resolve(&secure).unwrap()[0], web.config().https_port);
        for host in [secure.clone(), format!("www.{secure}")] {
            if web.resolve(&host).is_some() {
                let mut stream = tls(&ca_pem, address, &host).await.unwrap();
                assert_eq!(
                    exchange(&mut stream, &host, "/").await,
                    expected(&web, &host, "/", true)
                );
            }
        }
        assert!(
            tls(&ca_pem, address, &plain).await.is_err(),
            "a site of plain HTTP has no certificate"
        );
        stop.send(()).unwrap();
    };
    let (ran, ()) = tokio::join!(run, client);
    ran.unwrap();
}

//! Real TLS over memory: certificates good and bad, strict and recorded (fault N10).
#![allow(clippy::unwrap_used)] // a test that cannot go on fails

mod scripted;

use std::rc::Rc;
use std::sync::Arc;

use futures_util::future::{Either, join, select};
use orb_env::{BoxStream, VirtualClock};
use orb_fetch::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    authority_called("Test authority")
}

fn authority_called(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().der().clone();
    Authority {
        certificate,
        issuer: Issuer::new(params, key),
    }
}

/// What kind of server certificate; the clock of the tests stands at 2025-06-01.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Good,
    Expired,
    NotYetValid,
    WrongName,
    SelfSigned,
    OtherAuthority,
}

/// Further names of every certificate.
const HOSTS: usize = 40;

fn server(kind: Kind, authority: &Authority) -> Arc<ServerConfig> {
    let name = if matches!(kind, Kind::WrongName) {
        "other.example"
    } else {
        "www.example"
    };
    let mut names = vec![name.to_owned()];
    names.extend((0..HOSTS).map(|at| format!("h{at}.example")));
    let mut params = CertificateParams::new(names).unwrap();
    let (from, until) = match kind {
        Kind::Expired => (2023, 2024),
        Kind::NotYetValid => (2026, 2027),
        _ => (2025, 2026),
    };
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = match kind {
        Kind::SelfSigned => params.self_signed(&key).unwrap(),
        Kind::OtherAuthority => params
            .signed_by(&key, &authority_called("Somebody else").issuer)
            .unwrap(),
        _ => params.signed_by(&key, &authority.issuer).unwrap(),
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.send_tls13_tickets = 2;
    Arc::new(config)
}

fn client(verify: TlsVerify, authority: &Authority) -> RustlsTls {
    let anchors = TrustAnchors::only([authority.certificate.clone()]).unwrap();
    let stamp = orb_env::Stamp {
        wall: scripted::WALL,
        ..orb_env::Stamp::default()
    };
    RustlsTls::new(verify, &anchors, Arc::new(VirtualClock::new(stamp))).unwrap()
}

/// One handshake for `host` against `server`, and a byte each way.
async fn shake(
    client: &RustlsTls,
    server: &Arc<ServerConfig>,
    host: &str,
) -> Result<TlsInfo, TlsError> {
    let (near, far) = tokio::io::duplex(64 * 1024);
    let serve = async {
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(server));
        if let Ok(mut stream) = acceptor.accept(far).await {
            let byte = stream.read_u8().await.unwrap_or(0);
            stream.write_u8(byte).await.ok();
            stream.shutdown().await.ok();
        }
    };
    let ask = async {
        let (mut stream, info) = client.handshake(Box::new(near) as BoxStream, host).await?;
        stream.write_u8(7).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), 7);
        Ok(info)
    };
    join(ask, serve).await.0
}

#[tokio::test(start_paused = true)]
async fn a_good_certificate_is_accepted_and_the_session_resumed() {
    let authority = authority();
    let (client, server) = (
        client(TlsVerify::Strict, &authority),
        server(Kind::Good, &authority),
    );
    let first = shake(&client, &server, "www.example").await.unwrap();
    assert_eq!(
        (first.protocol.as_str(), first.resumed, &first.verify_error),
        ("TLSv1_3", false, &None)
    );
    assert!(first.cipher.starts_with("TLS13_"), "{}", first.cipher);
    let second = shake(&client, &server, "www.example").await.unwrap();
    assert!(second.resumed);
}

/// As many hosts as the memory is for are resumed, each at its second handshake.
#[tokio::test(start_paused = true)]
async fn sessions_of_as_many_hosts_as_set_are_kept() {
    let authority = authority();
    let server = server(Kind::Good, &authority);
    for (sessions_max, resumed) in [(HOSTS, HOSTS), (0, 0)] {
        let memory = TlsMemory {
            sessions_max,
            ..TlsMemory::default()
        };
        let anchors = TrustAnchors::only([authority.certificate.clone()]).unwrap();
        let clock = Arc::new(VirtualClock::new(orb_env::Stamp {
            wall: scripted::WALL,
            ..orb_env::Stamp::default()
        }));
        let client = RustlsTls::with_memory(TlsVerify::Strict, &anchors, clock, memory).unwrap();
        let mut again = 0;
        for at in (0..HOSTS).chain(0..HOSTS) {
            let host = format!("h{at}.example");
            again += usize::from(shake(&client, &server, &host).await.unwrap().resumed);
        }
        assert_eq!(again, resumed);
    }
}

#[tokio::test(start_paused = true)]
async fn each_bad_certificate_has_its_class_and_record_mode_keeps_the_page() {
    let authority = authority();
    for (kind, class) in [
        (Kind::Expired, "tls_expired"),
        (Kind::NotYetValid, "tls_not_yet_valid"),
        (Kind::WrongName, "tls_name"),
        (Kind::SelfSigned, "tls_unknown_issuer"),
        (Kind::OtherAuthority, "tls_unknown_issuer"),
    ] {
        let server = server(kind, &authority);
        let error = shake(
            &client(TlsVerify::Strict, &authority),
            &server,
            "www.example",
        )
        .await
        .unwrap_err();
        assert_eq!(error.class(), class, "{kind:?}: {error}");
        let recording = client(TlsVerify::Record, &authority);
        for _ in 0..2 {
            let info = shake(&recording, &server, "www.example").await.unwrap();
            assert_eq!(
                (info.verify_error.as_deref(), info.resumed),
                (Some(class), false),
                "{kind:?}"
            );
        }
    }
    let good = shake(
        &client(TlsVerify::Record, &authority),
        &server(Kind::Good, &authority),
        "www.example",
    )
    .await;
    assert_eq!(good.unwrap().verify_error, None);
}

/// Peers that do not speak TLS, hang up, or send an alert.
#[tokio::test(start_paused = true)]
async fn peers_that_break_the_protocol_have_their_classes() {
    let authority = authority();
    for (bytes, class) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "tls_protocol"),
        (&[21, 3, 3, 0, 2, 2, 40], "tls_alert"),
        (&[], "tls_disconnect"),
        (&[22, 3, 3, 0, 200, 2], "tls_disconnect"),
    ] {
        let (near, mut far) = tokio::io::duplex(64 * 1024);
        far.write_all(bytes).await.unwrap();
        far.shutdown().await.unwrap();
        let client = client(TlsVerify::Strict, &authority);
        let Err(error) = client
            .handshake(Box::new(near) as BoxStream, "www.example")
            .await
        else {
            panic!("{bytes:?} was accepted");
        };
        assert_eq!(error.class(), class, "{bytes:?}: {error}");
    }
}

/// A net whose every connection is one duplex pipe to a TLS server.
struct PipeNet(tokio::sync::mpsc::Sender<tokio::io::DuplexStream>);

impl orb_env::Net for PipeNet {
    fn connect(
        &self,
        _: std::net::SocketAddr,
    ) -> orb_env::LocalFuture<'_, std::io::Result<BoxStream>> {
        Box::pin(async move {
            let (near, far) = tokio::io::duplex(1024);
            self.0.send(far).await.map_err(std::io::Error::other)?;
            Ok(Box::new(near) as BoxStream)
        })
    }

    fn ask(
        &self,
        _: std::net::SocketAddr,
        _: Vec<u8>,
    ) -> orb_env::LocalFuture<'_, std::io::Result<Vec<u8>>> {
        Box::pin(std::future::pending())
    }
}

/// How a TLS server ends its answer.
async fn serve_once(
    config: Arc<ServerConfig>,
    mut pipes: tokio::sync::mpsc::Receiver<tokio::io::DuplexStream>,
    answer: &'static [u8],
    says_goodbye: bool,
) {
    while let Some(pipe) = pipes.recv().await {
        let Ok(mut stream) = tokio_rustls::TlsAcceptor::from(Arc::clone(&config))
            .accept(pipe)
            .await
        else {
            continue;
        };
        let mut head = [0; 4096];
        if stream.read(&mut head).await.is_err() {
            continue;
        }
        stream.write_all(answer).await.ok();
        stream.flush().await.ok();
        if says_goodbye {
            stream.shutdown().await.ok();
        }
    }
}

/// RFC 9112, 9.8: without the closing notice a body framed by close may have been cut by anybody.
#[tokio::test(start_paused = true)]
async fn a_close_without_notice_cuts_only_bodies_framed_by_it() {
    let authority = authority();
    for (answer, says_goodbye, expected) in [
        (
            &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"[..],
            false,
            "whole",
        ),
        (&b"HTTP/1.1 200 OK\r\n\r\nok"[..], true, "whole"),
        (&b"HTTP/1.1 200 OK\r\n\r\nok"[..], false, "disconnect"),
        (
            &b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok"[..],
            true,
            "disconnect",
        ),
    ] {
        let (pipes_in, pipes) = tokio::sync::mpsc::channel(1);
        let mut world = scripted::World::new();
        world.env.net = Arc::new(PipeNet(pipes_in));
        world.tls = Rc::new(client(TlsVerify::Strict, &authority));
        let url = "https://www.example/";
        let fetcher = world.fetcher();
        let fetch = std::pin::pin!(async {
            fetcher
                .fetch(world.permit(url, "8.8.8.8"), &scripted::request(url))
                .await
        });
        let serve = std::pin::pin!(serve_once(
            server(Kind::Good, &authority),
            pipes,
            answer,
            says_goodbye
        ));
        let Either::Left((exchange, _)) = select(fetch, serve).await else {
            panic!("the server serves on")
        };
        assert_eq!(
            scripted::class(&exchange),
            expected,
            "{}",
            String::from_utf8_lossy(answer)
        );
        assert!(
            exchange.timings.tls.is_some()
                && exchange.tls.is_some_and(|tls| tls.verify_error.is_none())
        );
        assert_eq!(exchange.wire_bytes_in, answer.len() as u64);
    }
}

/// A server that accepts the connection and never shakes hands.
#[tokio::test(start_paused = true)]
async fn a_half_handshake_ends_at_its_limit() {
    let (pipes_in, mut pipes) = tokio::sync::mpsc::channel(1);
    let mut world = scripted::World::new();
    world.env.net = Arc::new(PipeNet(pipes_in));
    world.tls = Rc::new(client(TlsVerify::Strict, &authority()));
    let url = "https://www.example/";
    let begun = world.env.clock.mono();
    let fetcher = world.fetcher();
    let request = scripted::request(url);
    let fetch = fetcher.fetch(world.permit(url, "8.8.8.8"), &request);
    let (exchange, _pipe) = join(fetch, pipes.recv()).await;
    assert_eq!(scripted::class(&exchange), "tls_timeout");
    assert!(world.env.clock.mono().since(begun) <= std::time::Duration::from_secs(11));
}

#[test]
fn trust_anchors_come_from_files_that_hold_some() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    assert!(matches!(
        TrustAnchors::load(std::slice::from_ref(&path)),
        Err(TlsSetupError::CaFile { .. })
    ));
    std::fs::write(&path, "nothing here").unwrap();
    assert!(matches!(
        TrustAnchors::load(std::slice::from_ref(&path)),
        Err(TlsSetupError::NoCertificate { .. })
    ));
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(&path, params.self_signed(&key).unwrap().pem()).unwrap();
    assert!(TrustAnchors::load(&[path]).is_ok());
}

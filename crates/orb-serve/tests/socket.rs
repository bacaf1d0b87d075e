//! The control socket and the status page, through real sockets on this machine.

#![allow(clippy::unwrap_used)] // a test ends where its premise does

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use orb_api::{Phase, Status, UrlFacts, View};
use orb_env::BootClock;
use orb_serve::{Answer, Client, ClientError, Desk, Reply, Request, Server, Sockets, ask, limits};

/// A crawl that writes down what it was asked.
#[derive(Default)]
struct Notes(Mutex<Vec<Request>>);

impl Notes {
    fn reply(&self, request: Request) -> Reply {
        if request == Request::Stop {
            return Reply::refusal("planted refusal");
        }
        self.0.lock().unwrap().push(request.clone());
        let phase = if request == Request::Pause {
            Phase::Paused
        } else {
            Phase::Running
        };
        let status = Status {
            phase,
            pages: 3,
            ..Status::default()
        };
        match request {
            Request::View(query) => Reply {
                ok: true,
                view: Some(View {
                    folder: query.filter,
                    ..View::default()
                }),
                ..Reply::default()
            },
            Request::Url { url } => Reply {
                ok: true,
                url: Some(UrlFacts {
                    url,
                    ..UrlFacts::default()
                }),
                ..Reply::default()
            },
            _ => Reply::of_status(status),
        }
    }
}

impl Desk for Notes {
    fn answer(&self, request: Request) -> Answer<'_> {
        Box::pin(async move { self.reply(request) })
    }
}

fn started(control: &Path, page: Option<SocketAddr>) -> (Server, Arc<Notes>) {
    let notes = Arc::new(Notes::default());
    let desk: Arc<dyn Desk> = notes.clone();
    let sockets = Sockets {
        control: control.to_owned(),
        page,
    };
    (
        Server::start(&sockets, desk, Arc::new(BootClock::new())).unwrap(),
        notes,
    )
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

#[test]
fn commands_reach_the_desk_and_replies_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (_server, notes) = started(&socket, None);
    let reply = ask(&socket, &Request::Status).unwrap();
    assert!(reply.ok && reply.status.unwrap().pages == 3);
    let reply = ask(&socket, &Request::Pause).unwrap();
    assert_eq!(reply.status.unwrap().phase, Phase::Paused);
    ask(&socket, &Request::Resume).unwrap();
    let reply = ask(&socket, &Request::Stop).unwrap();
    assert_eq!(
        (reply.ok, reply.error.as_deref()),
        (false, Some("planted refusal"))
    );
    assert_eq!(
        *notes.0.lock().unwrap(),
        [Request::Status, Request::Pause, Request::Resume]
    );
}

/// A watcher asks many times over one connection, and goes on when the server closed it meanwhile.
#[test]
fn a_client_keeps_its_connection_and_makes_it_anew() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (server, _) = started(&socket, None);
    let mut client = Client::connect(&socket).unwrap();
    let query = |filter: &str| {
        Request::View(orb_api::ViewQuery {
            filter: filter.into(),
            ..orb_api::ViewQuery::default()
        })
    };
    for name in ["a", "b", "\u{1b}[2J"] {
        let view = client.ask(&query(name)).unwrap().view.unwrap();
        assert_eq!(view.folder, name);
    }
    let url = Request::Url { url: "u".into() };
    assert_eq!(client.ask(&url).unwrap().url.unwrap().url, "u");
    drop(server);
    assert!(matches!(
        client.ask(&Request::Status),
        Err(ClientError::NotRunning)
    ));
    let (_server, _) = started(&socket, None);
    assert_eq!(
        client.ask(&query("again")).unwrap().view.unwrap().folder,
        "again"
    );
    assert!(client.ask(&Request::Status).unwrap().ok);
}

#[test]
fn the_socket_is_private_replaces_a_stale_one_and_goes_with_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    assert!(matches!(
        ask(&socket, &Request::Status),
        Err(ClientError::NotRunning)
    ));
    drop(UnixListener::bind(&socket).unwrap());
    assert!(matches!(
        ask(&socket, &Request::Status),
        Err(ClientError::NotRunning)
    ));
    let (server, _) = started(&socket, None);
    assert_eq!(
        std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert!(ask(&socket, &Request::Status).unwrap().ok);
    drop(server);
    assert!(!socket.exists());
}

/// A crawl's folder may lie deeper than a socket address has bytes.
#[test]
fn a_long_path_works_too() {
    let dir = tempfile::tempdir().unwrap();
    let deep = dir.path().join("d".repeat(200));
    std::fs::create_dir(&deep).unwrap();
    let socket = deep.join("control.sock");
    let (_server, _) = started(&socket, None);
    assert!(ask(&socket, &Request::Status).unwrap().ok);
}

fn said(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(socket).unwrap();
    // The server may close before it has read everything.
    stream.write_all(bytes).ok();
    stream.shutdown(std::net::Shutdown::Write).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8(answer).unwrap()
}

#[test]
fn nonsense_is_refused_with_a_reason_and_the_conversation_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (_server, notes) = started(&socket, None);
    let answer = said(&socket, b"{\"command\":\"fly\"}\nnonsense\n{\"command\":\"pause\",\"x\":1}\n{\"command\":\"pause\"}\n");
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines.len(), 4, "{answer}");
    assert!(lines[0].contains("unknown variant `fly`"), "{answer}");
    assert!(
        lines[..3]
            .iter()
            .all(|line| line.starts_with("{\"ok\":false")),
        "{answer}"
    );
    assert!(lines[3].starts_with("{\"ok\":true"), "{answer}");
    assert_eq!(*notes.0.lock().unwrap(), [Request::Pause]);
}

#[test]
fn a_line_without_end_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (_server, _) = started(&socket, None);
    let answer = said(&socket, &vec![b' '; limits::REQUEST_BYTES_MAX + 2048]);
    assert!(answer.contains("longer than"), "{answer}");
}

/// Clients that say nothing hold places, but not all of the machine's: later ones wait their turn.
#[test]
fn a_silent_crowd_does_not_keep_others_out() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (_server, _) = started(&socket, None);
    let crowd: Vec<UnixStream> = (0..limits::CONVERSATIONS_MAX - 1)
        .map(|_| UnixStream::connect(&socket).unwrap())
        .collect();
    assert!(ask(&socket, &Request::Status).unwrap().ok);
    drop(crowd);
    assert!(ask(&socket, &Request::Status).unwrap().ok);
}

#[test]
fn the_status_is_answered_by_http_on_loopback_only() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("control.sock");
    let (server, _) = started(&socket, Some(any_port()));
    let address = server.page().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /status HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    assert_eq!(serde_json::from_str::<Status>(body).unwrap().pages, 3);

    let outside = Sockets {
        control: dir.path().join("other.sock"),
        page: Some("0.0.0.0:0".parse().unwrap()),
    };
    let refused = Server::start(
        &outside,
        Arc::new(Notes::default()),
        Arc::new(BootClock::new()),
    );
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("no loopback address")
    );
}

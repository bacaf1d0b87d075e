//! Status and metrics by HTTP: `GET /status` and `GET /metrics` on a loopback address.
//!
//! In: the head of one request. Out: one response, then the connection ends (HTTP/1.0).
//! May touch: the connection, the desk's status. Must not touch: wishes; this side only reads.
//! Invariant: a request whose `Host` is not our own address is refused, so no web page can read it by pointing a
//! name of its own here (DNS rebinding).

use std::cell::RefCell;
use std::net::SocketAddr;

use orb_env::{Clock, timeout_at};
use orb_metrics::Highest;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::{CLIENT_TIMEOUT, HEAD_BYTES_MAX};
use crate::metrics::samples;
use crate::words::{Desk, Reply, Request};

/// Answers one request and closes.
pub(crate) async fn respond<S>(
    mut stream: S,
    listen: SocketAddr,
    desk: &dyn Desk,
    highest: &RefCell<Highest>,
    clock: &dyn Clock,
) where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let until = clock.mono().plus(CLIENT_TIMEOUT);
    let exchange = async {
        let head = read_head(&mut stream).await;
        let response = response_to(head.as_deref(), listen, desk, highest).await;
        stream.write_all(&response).await?;
        stream.shutdown().await
    };
    if let Some(Err(error)) = timeout_at(clock, until, exchange).await {
        tracing::debug!(%error, "status request broke off");
    }
}

/// The head up to its empty line; `None` when it is too long or breaks off.
async fn read_head<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    loop {
        let ended = |end: &[u8]| head.windows(end.len()).any(|window| window == end);
        if ended(b"\r\n\r\n") || ended(b"\n\n") {
            return Some(head);
        }
        let mut chunk = [0; 1024];
        let bytes = stream.read(&mut chunk).await.ok()?;
        head.extend_from_slice(&chunk[..bytes]);
        if bytes == 0 || head.len() > HEAD_BYTES_MAX {
            return None;
        }
    }
}

async fn response_to(
    head: Option<&[u8]>,
    listen: SocketAddr,
    desk: &dyn Desk,
    highest: &RefCell<Highest>,
) -> Vec<u8> {
    let Some(text) = head.and_then(|head| std::str::from_utf8(head).ok()) else {
        return plain("400 Bad Request", "the request cannot be read\n");
    };
    let mut lines = text.lines();
    let mut words = lines.next().unwrap_or("").split(' ');
    let (method, target) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let named = |wanted: &'static str| {
        let of_name = fields.iter();
        let of_name = of_name.filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
        of_name.map(|(_, value)| value.trim())
    };
    let hosts: Vec<&str> = named("host").collect();
    if !matches!(hosts[..], [host] if is_own(host, listen)) {
        return plain("403 Forbidden", "ask by the address given to --listen\n");
    }
    let mut response = match (method, target) {
        ("GET" | "HEAD", "/metrics") => {
            let open = named("accept").any(|types| types.contains("application/openmetrics-text"));
            metrics_of(desk.answer(Request::Meters).await, highest, open)
        }
        ("GET" | "HEAD", "/status") => status_of(&desk.answer(Request::Status).await),
        ("GET" | "HEAD", "/") => plain(
            "200 OK",
            "a crawl by orbweaver; its status as JSON: /status, its metrics: /metrics\n",
        ),
        ("GET" | "HEAD", _) => plain("404 Not Found", "there are /status and /metrics\n"),
        _ => plain("405 Method Not Allowed", "this address only answers GET\n"),
    };
    if method == "HEAD" {
        let end = response.windows(4).position(|window| window == b"\r\n\r\n");
        response.truncate(end.map_or(response.len(), |end| end + 4));
    }
    response
}

fn metrics_of(reply: Reply, highest: &RefCell<Highest>, open: bool) -> Vec<u8> {
    let Some(meters) = reply.meters else {
        return plain("503 Service Unavailable", "the crawl tells no metrics\n");
    };
    let mut samples = samples(&meters);
    highest.borrow_mut().raise(&mut samples);
    if open {
        let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        message("200 OK", content_type, &orb_metrics::open_metrics(samples))
    } else {
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        message("200 OK", content_type, &orb_metrics::plain_text(samples))
    }
}

fn status_of(reply: &Reply) -> Vec<u8> {
    match reply.status.as_ref().map(serde_json::to_string) {
        Some(Ok(json)) => message("200 OK", "application/json", &(json + "\n")),
        Some(Err(error)) => plain("500 Internal Server Error", &format!("{error}\n")),
        None => plain("503 Service Unavailable", "the crawl tells no status\n"),
    }
}

/// Whether `host` is this server as a person types it.
fn is_own(host: &str, listen: SocketAddr) -> bool {
    let names = [
        listen.ip().to_string(),
        format!("[{}]", listen.ip()),
        "localhost".to_owned(),
    ];
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, Some(80)),
    };
    port == Some(listen.port()) && names.iter().any(|own| own.eq_ignore_ascii_case(name))
}

fn plain(status: &str, body: &str) -> Vec<u8> {
    message(status, "text/plain; charset=utf-8", body)
}

fn message(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.0 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n\
         {body}",
        body.len()
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Answer;
    use orb_api::{Meters, Status};

    struct Still;

    impl Desk for Still {
        fn answer(&self, request: Request) -> Answer<'_> {
            if request == Request::Meters {
                let meters = Some(Meters::default());
                let reply = Reply {
                    meters,
                    ..Reply::default()
                };
                return Box::pin(async { reply });
            }
            assert_eq!(request, Request::Status, "HTTP must not wish for anything");
            let status = Status {
                pages: 7,
                ..Status::default()
            };
            Box::pin(async { Reply::of_status(status) })
        }
    }

    fn response(head: Option<&[u8]>) -> Vec<u8> {
        let listen = SocketAddr::from(([127, 0, 0, 1], 7700));
        let response = futures_util::FutureExt::now_or_never(response_to(
            head,
            listen,
            &Still,
            &RefCell::default(),
        ));
        response.unwrap()
    }

    fn answered(request: &str) -> String {
        String::from_utf8(response(Some(request.as_bytes()))).unwrap()
    }

    #[test]
    fn the_status_is_read_and_nothing_else_is_done() {
        let get = |target: &str| {
            answered(&format!(
                "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:7700\r\n\r\n"
            ))
        };
        let body = get("/status");
        assert!(
            body.starts_with("HTTP/1.0 200 OK\r\n") && body.contains("\"pages\":7"),
            "{body}"
        );
        let metrics = get("/metrics");
        assert!(metrics.contains("text/plain; version=0.0.4"), "{metrics}");
        assert!(metrics.contains("\norb_pages_total 0\n"), "{metrics}");
        let open = answered(
            "GET /metrics HTTP/1.1\r\nHost: localhost:7700\r\nAccept: application/openmetrics-text;version=1.0.0,*/*\r\n\r\n",
        );
        assert!(
            open.contains("application/openmetrics-text; version=1.0.0")
                && open.ends_with("# EOF\n")
        );
        assert!(get("/").starts_with("HTTP/1.0 200 "));
        assert!(get("/stop").starts_with("HTTP/1.0 404 "));
        let post = answered("POST /status HTTP/1.1\r\nHost: 127.0.0.1:7700\r\n\r\n");
        assert!(post.starts_with("HTTP/1.0 405 "), "{post}");
        let head = answered("HEAD /status HTTP/1.1\r\nHost: localhost:7700\r\n\r\n");
        assert!(
            head.starts_with("HTTP/1.0 200 ") && head.ends_with("\r\n\r\n"),
            "{head}"
        );
    }

    #[test]
    fn only_our_own_address_is_a_host() {
        let check = |fields: &str, good: bool| {
            let response = answered(&format!("GET /status HTTP/1.1\r\n{fields}\r\n"));
            assert_eq!(response.starts_with("HTTP/1.0 200 "), good, "{fields:?}");
        };
        check("Host: 127.0.0.1:7700\r\n", true);
        check("host:LOCALHOST:7700\r\n", true);
        check("Host: 127.0.0.1\r\n", false);
        check("Host: 127.0.0.1:7701\r\n", false);
        check("Host: rebound.example:7700\r\n", false);
        check("Host: rebound.example\r\nHost: 127.0.0.1:7700\r\n", false);
        check("", false);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for head in [None, Some(&b"\xff\xfe\r\n\r\n"[..])] {
            assert!(response(head).starts_with(b"HTTP/1.0 400 "));
        }
    }
}

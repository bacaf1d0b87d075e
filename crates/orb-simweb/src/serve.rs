//! The HTTP/1.1 server loop on any byte stream.
//!
//! In: a stream and the web. Out: responses, sent as their [`Conduct`](crate::Conduct) says.
//! May touch: the stream, the clock. Must not touch: sockets, TLS.
//! Invariant: one response at a time, in the order of the requests; the clock is used to wait, and read for sites that
//! live by it.

use std::io::{self, IoSlice};

use bytes::Bytes;
use orb_env::{Clock, Mono, Wall};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::{REQUEST_FIELDS_MAX, REQUEST_HEAD_BYTES_MAX};
use crate::respond::{SimRequest, SimResponse};
use crate::seen::Seen;
use crate::{Conduct, SimWeb};

/// Serves requests until the client closes, asks to close, or the web closes.
///
/// - `secure`: whether the stream came through TLS.
/// - Ends with `Ok` after an orderly end. Ends with [`io::ErrorKind::ConnectionReset`] where the web
///   resets the connection: the caller drops the stream without closing it in order.
///
/// # Errors
/// What the stream says; `InvalidData` for a request that cannot be read, after answering 400.
pub async fn serve_stream<S: AsyncRead + AsyncWrite + Unpin>(
    web: &SimWeb,
    stream: S,
    secure: bool,
    clock: &dyn Clock,
) -> io::Result<()> {
    serve_told(web, stream, secure, clock, clock.mono(), None::<fn(Seen)>).await
}

/// As [`serve_stream`], on a connection that began at `begun`, and tells of each request.
pub(crate) async fn serve_told<S: AsyncRead + AsyncWrite + Unpin>(
    web: &SimWeb,
    mut stream: S,
    secure: bool,
    clock: &dyn Clock,
    mut begun: Mono,
    told: Option<impl Fn(Seen)>,
) -> io::Result<()> {
    let mut input = Vec::with_capacity(2_048);
    let mut nth = 0;
    loop {
        let Answered {
            response,
            used,
            close,
            name,
        } = match read_request(web, &input, secure, clock.wall(), told.is_some()) {
            Ok(Some(answered)) => answered,
            Ok(None) if input.len() < REQUEST_HEAD_BYTES_MAX => {
                let is_first_byte = input.is_empty();
                let read = stream.read_buf(&mut input).await;
                if let (Some(tell), 0, true) = (&told, nth, !matches!(read, Ok(1..))) {
                    tell(Seen::nothing_asked(secure, begun, clock.mono()));
                }
                if read? == 0 {
                    return Ok(());
                }
                if is_first_byte && nth > 0 {
                    begun = clock.mono();
                }
                continue;
            }
            Ok(None) => return refuse(&mut stream, "request head too large").await,
            Err(error) => return refuse(&mut stream, error).await,
        };
        input.drain(..used);
        nth += 1;
        let conduct = response.conduct;
        let status = if conduct.hang { 0 } else { response.status };
        let sent = answer(&mut stream, response, clock).await;
        if let (Some(tell), Some((host, target))) = (&told, name) {
            tell(Seen {
                host,
                target,
                secure,
                nth,
                begun,
                ended: clock.mono(),
                status,
            });
        }
        sent?;
        if conduct.hang {
            return Ok(());
        }
        if close || conduct.close {
            return stream.shutdown().await;
        }
    }
}

/// Answers one request as its conduct says.
async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    response: SimResponse,
    clock: &dyn Clock,
) -> io::Result<()> {
    let conduct = response.conduct;
    if conduct.hang {
        return hang(stream).await;
    }
    if !conduct.first_byte_delay.is_zero() {
        clock
            .sleep_until(clock.mono().plus(conduct.first_byte_delay))
            .await;
    }
    send(stream, response).await
}

/// One request read, and what it is answered with.
struct Answered {
    response: SimResponse,
    /// Bytes of the request.
    used: usize,
    /// The client wants to close.
    close: bool,
    /// Host and target, where somebody wants to know.
    name: Option<(String, String)>,
}

/// Reads one request off the front of `input`. `None` when the head is not complete.
fn read_request(
    web: &SimWeb,
    input: &[u8],
    secure: bool,
    now: Wall,
    named: bool,
) -> Result<Option<Answered>, httparse::Error> {
    if input.is_empty() {
        return Ok(None);
    }
    let mut fields = [httparse::EMPTY_HEADER; REQUEST_FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(used) = parsed.parse(input)? else {
        return Ok(None);
    };
    let mut request = SimRequest {
        method: parsed.method.unwrap_or_default(),
        target: parsed.path.unwrap_or_default(),
        secure,
        now,
        ..SimRequest::default()
    };
    let mut close = parsed.version == Some(0);
    for field in parsed.headers.iter() {
        let value = std::str::from_utf8(field.value).unwrap_or_default();
        if field.name.eq_ignore_ascii_case("host") {
            request.host = value;
        } else if field.name.eq_ignore_ascii_case("accept-encoding") {
            request.accept_gzip = value.contains("gzip");
        } else if field.name.eq_ignore_ascii_case("if-none-match") {
            request.if_none_match = Some(value);
        } else if field.name.eq_ignore_ascii_case("connection") {
            close |= value.eq_ignore_ascii_case("close");
        }
    }
    Ok(Some(Answered {
        response: web.respond(&request),
        used,
        close,
        name: named.then(|| (request.host.to_owned(), request.target.to_owned())),
    }))
}

async fn refuse<S: AsyncWrite + Unpin, E>(stream: &mut S, error: E) -> io::Result<()>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    stream
        .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .await?;
    stream.shutdown().await?;
    Err(io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads and forgets until the client gives up.
async fn hang<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<()> {
    let mut sink = [0u8; 512];
    while stream.read(&mut sink).await? > 0 {}
    Ok(())
}

async fn send<S: AsyncWrite + Unpin>(stream: &mut S, response: SimResponse) -> io::Result<()> {
    let SimResponse {
        head,
        mut body,
        conduct: Conduct { reset_after, .. },
        ..
    } = response;
    body.insert(0, Bytes::from(head));
    if let Some(limit) = reset_after {
        shorten(&mut body, limit);
    }
    write_all(stream, &body).await?;
    stream.flush().await?;
    match reset_after {
        Some(_) => Err(io::ErrorKind::ConnectionReset.into()),
        None => Ok(()),
    }
}

/// Keeps the first `limit` bytes.
fn shorten(parts: &mut Vec<Bytes>, mut limit: usize) {
    for part in parts.iter_mut() {
        part.truncate(limit);
        limit -= part.len();
    }
    parts.retain(|part| !part.is_empty());
}

async fn write_all<S: AsyncWrite + Unpin>(stream: &mut S, parts: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
    let mut rest = &mut slices[..];
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match stream.write_vectored(rest).await? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            written => IoSlice::advance_slices(&mut rest, written),
        }
    }
    Ok(())
}

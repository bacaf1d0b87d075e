//! One simulated connection: two directions with latency, pace and faults, and the server at its far end.
//!
//! In: what the client writes. Out: what the server answers, when it would arrive.
//! May touch: true time, the server log. Must not touch: runtimes; the server runs inside the client's own polls.
//! Invariant: bytes arrive in order, none before its time; a closed or broken connection stays so.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use orb_env::Sleep;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::WINDOW_BYTES;
use crate::server_log::{ServerLog, Visit};
use crate::time::TrueTime;

/// What happens to the answers on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing.
    Never,
    /// The connection is reset after so many bytes of answers.
    ResetAt(u64),
    /// Nothing arrives any more after so many bytes of answers.
    SilentAt(u64),
}

/// How a connection is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) life: usize,
    pub(crate) address: IpAddr,
    pub(crate) secure: bool,
    /// One way, microseconds.
    pub(crate) latency: u64,
    /// Nanoseconds a byte takes.
    pub(crate) byte_ns: u64,
    pub(crate) broken: Break,
    /// When the first packet reached the server.
    pub(crate) begun: u64,
}

/// Bytes on their way.
struct Parcel {
    arrives: u64,
    bytes: Vec<u8>,
    read: usize,
}

/// Both directions and what the server's side noted.
struct Wire {
    line: Line,
    time: Arc<TrueTime>,
    log: Arc<Mutex<ServerLog>>,
    up: VecDeque<Parcel>,
    down: VecDeque<Parcel>,
    down_bytes: usize,
    /// When the server's line is free for the next byte.
    free_at: u64,
    /// Bytes of answers that left the server.
    sent: u64,
    /// Bytes of answers that reached the client.
    delivered: u64,
    /// The request being answered: its place in the log.
    open: Option<usize>,
    /// The last request that was answered.
    answered: Option<usize>,
    /// Bytes of a request head that is not complete.
    head: Vec<u8>,
    requests: u32,
    client_gone: bool,
    server_done: Option<bool>,
}

impl Wire {
    fn log(&self) -> std::sync::MutexGuard<'_, ServerLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the far end is out of reach by now.
    fn is_silent(&self) -> bool {
        matches!(self.line.broken, Break::SilentAt(at) if self.delivered >= at)
    }

    fn is_reset(&self) -> bool {
        matches!(self.line.broken, Break::ResetAt(at) if self.delivered >= at)
    }

    /// How many more bytes get through before the fault.
    fn passable(&self) -> u64 {
        match self.line.broken {
            Break::Never => u64::MAX,
            Break::ResetAt(at) | Break::SilentAt(at) => at.saturating_sub(self.delivered),
        }
    }

    /// The server reads on: what it was answering is answered, unless it never began.
    fn answer_complete(&mut self) {
        let Some(open) = self.open else { return };
        let whole = match self.line.broken {
            Break::Never => true,
            Break::ResetAt(at) | Break::SilentAt(at) => self.sent <= at,
        };
        let mut log = self.log();
        if log.visits[open].status > 0 {
            log.visits[open].whole = whole;
            drop(log);
            self.open = None;
            self.answered = Some(open);
        }
    }

    /// The connection ends at `at`: so does the answer under way, and what of the last one still travelled is lost.
    fn close(&mut self, at: u64) {
        if let Some(open) = self.open.take() {
            self.log().visits[open].ended = at;
        } else if let Some(answered) = self.answered {
            let mut log = self.log();
            let visit = &mut log.visits[answered];
            if visit.ended > at {
                (visit.ended, visit.whole) = (at, false);
            }
        }
    }

    fn note_request(&mut self, bytes: &[u8], arrived: u64) {
        if self.head.is_empty() {
            self.answer_complete();
            let visit = Visit {
                life: self.line.life,
                address: self.line.address,
                secure: self.line.secure,
                host: String::new(),
                target: String::new(),
                begun: if self.requests == 0 {
                    self.line.begun
                } else {
                    arrived
                },
                ended: arrived,
                status: 0,
                retry_after: 0,
                location: String::new(),
                whole: false,
                reused: self.requests > 0,
            };
            let mut log = self.log();
            log.visits.push(visit);
            let place = log.visits.len() - 1;
            drop(log);
            self.open = Some(place);
            self.requests += 1;
        }
        self.head.extend_from_slice(bytes);
        if self.head.windows(4).any(|four| four == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&std::mem::take(&mut self.head)).into_owned();
            let target = text.split(' ').nth(1).unwrap_or("").to_owned();
            let host = field(&text, "host")
                .split(':')
                .next()
                .unwrap_or("")
                .to_owned();
            if let Some(open) = self.open {
                let visit = &mut self.log().visits[open];
                (visit.target, visit.host) = (target, host.to_ascii_lowercase());
            }
        }
    }

    fn note_answer(&mut self, bytes: &[u8], sent: u64) {
        let Some(open) = self.open else { return };
        let mut log = self.log();
        let visit = &mut log.visits[open];
        visit.ended = visit.ended.max(sent);
        if visit.status == 0 && bytes.starts_with(b"HTTP/1.1 ") {
            let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
            let text = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]).into_owned();
            visit.status = text
                .get(9..12)
                .and_then(|code| code.parse().ok())
                .unwrap_or(0);
            visit.retry_after = field(&text, "retry-after").parse().unwrap_or(0);
            visit.location = field(&text, "location").to_owned();
        }
    }
}

/// The value of a field of a head.
fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let line = head.lines().find(|line| {
        line.split_once(':')
            .is_some_and(|(key, _)| key.eq_ignore_ascii_case(name))
    });
    line.and_then(|line| line.split_once(':'))
        .map_or("", |(_, value)| value.trim())
}

/// The server's end.
pub(crate) struct ServerEnd {
    wire: Rc<RefCell<Wire>>,
    timer: Option<Sleep>,
}

impl AsyncRead for ServerEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = Rc::clone(&self.wire);
        let mut wire = wire.borrow_mut();
        if wire.head.is_empty() && wire.open.is_some() && wire.up.is_empty() {
            wire.answer_complete();
        }
        let Some(parcel) = wire.up.front() else {
            return if wire.client_gone {
                Poll::Ready(Ok(()))
            } else {
                Poll::Pending
            };
        };
        let arrives = parcel.arrives;
        if wire.time.now() < arrives {
            let time = Arc::clone(&wire.time);
            drop(wire);
            return wait(&mut self.timer, &time, arrives, cx);
        }
        let parcel = wire.up.pop_front().expect("looked at above");
        let len = parcel.bytes.len().min(buf.remaining());
        buf.put_slice(&parcel.bytes[..len]);
        wire.note_request(&parcel.bytes[..len], arrives);
        if len < parcel.bytes.len() {
            let bytes = parcel.bytes[len..].to_vec();
            wire.up.push_front(Parcel {
                arrives,
                bytes,
                read: 0,
            });
        }
        Poll::Ready(Ok(()))
    }
}

/// Waits for `at` once; wakes the task then. The caller looks again.
fn wait<T>(
    timer: &mut Option<Sleep>,
    time: &Arc<TrueTime>,
    at: u64,
    cx: &mut Context<'_>,
) -> Poll<io::Result<T>> {
    let mut sleep = time.sleep_until(at);
    if sleep.as_mut().poll(cx).is_ready() {
        // Time has come between two looks: look again at once.
        cx.waker().wake_by_ref();
        *timer = None;
    } else {
        *timer = Some(sleep);
    }
    Poll::Pending
}

impl AsyncWrite for ServerEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.wire.borrow_mut();
        if wire.client_gone {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        // The client's next read makes room and polls the server again.
        let room = WINDOW_BYTES.saturating_sub(wire.down_bytes);
        if room == 0 {
            return Poll::Pending;
        }
        let bytes = &bytes[..bytes.len().min(room)];
        let from = wire.free_at.max(wire.time.now());
        let sent = from + bytes.len() as u64 * wire.line.byte_ns / 1_000;
        wire.free_at = sent;
        wire.note_answer(bytes, sent);
        let arrives = sent + wire.line.latency;
        wire.down_bytes += bytes.len();
        wire.sent += bytes.len() as u64;
        wire.down.push_back(Parcel {
            arrives,
            bytes: bytes.to_vec(),
            read: 0,
        });
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire.borrow_mut().answer_complete();
        Poll::Ready(Ok(()))
    }
}

type Serving = Pin<Box<dyn Future<Output = io::Result<()>>>>;

/// The client's end; it carries the server with it and polls it on every read.
pub(crate) struct ClientEnd {
    wire: Rc<RefCell<Wire>>,
    server: Option<Serving>,
    timer: Option<Sleep>,
}

impl ClientEnd {
    /// A connection whose far end `serve` makes.
    pub(crate) fn new(
        line: Line,
        time: Arc<TrueTime>,
        log: Arc<Mutex<ServerLog>>,
        serve: impl FnOnce(ServerEnd) -> Serving,
    ) -> ClientEnd {
        let wire = Rc::new(RefCell::new(Wire {
            line,
            time,
            log,
            up: VecDeque::new(),
            down: VecDeque::new(),
            down_bytes: 0,
            free_at: 0,
            sent: 0,
            delivered: 0,
            open: None,
            answered: None,
            head: Vec::new(),
            requests: 0,
            client_gone: false,
            server_done: None,
        }));
        let server = serve(ServerEnd {
            wire: Rc::clone(&wire),
            timer: None,
        });
        ClientEnd {
            wire,
            server: Some(server),
            timer: None,
        }
    }

    fn poll_server(&mut self, cx: &mut Context<'_>) {
        // A far end out of reach is not heard, whatever it does.
        if self.wire.borrow().is_silent() {
            return;
        }
        let Some(server) = &mut self.server else {
            return;
        };
        if let Poll::Ready(result) = server.as_mut().poll(cx) {
            self.server = None;
            let mut wire = self.wire.borrow_mut();
            let orderly = result.is_ok();
            wire.server_done = Some(orderly);
            let free_at = wire.free_at;
            if orderly {
                wire.answer_complete();
            } else {
                wire.close(free_at);
            }
        }
    }

    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> Deliver {
        let mut wire = self.wire.borrow_mut();
        if wire.is_silent() {
            return Deliver::Nothing;
        }
        if wire.is_reset() {
            let now = wire.time.now();
            wire.close(now);
            return Deliver::Reset;
        }
        let passable = wire.passable();
        let now = wire.time.now();
        let Some(parcel) = wire.down.front_mut() else {
            return match wire.server_done {
                Some(true) => Deliver::End,
                Some(false) => Deliver::Reset,
                None => Deliver::Nothing,
            };
        };
        if parcel.arrives > now {
            return Deliver::At(parcel.arrives);
        }
        let rest = &parcel.bytes[parcel.read..];
        let len = rest
            .len()
            .min(buf.remaining())
            .min(usize::try_from(passable).unwrap_or(usize::MAX));
        buf.put_slice(&rest[..len]);
        parcel.read += len;
        if parcel.read == parcel.bytes.len() {
            wire.down.pop_front();
        }
        wire.down_bytes -= len;
        wire.delivered += len as u64;
        Deliver::Bytes
    }
}

/// What a read of the client finds.
enum Deliver {
    Bytes,
    At(u64),
    End,
    Reset,
    Nothing,
}

impl AsyncRead for ClientEnd {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        this.poll_server(cx);
        match this.deliver(buf) {
            Deliver::Bytes => {
                // Room on the line: the server may go on.
                this.poll_server(cx);
                Poll::Ready(Ok(()))
            }
            Deliver::End => Poll::Ready(Ok(())),
            Deliver::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            Deliver::Nothing => Poll::Pending,
            Deliver::At(at) => {
                let time = Arc::clone(&this.wire.borrow().time);
                wait(&mut this.timer, &time, at, cx)
            }
        }
    }
}

impl AsyncWrite for ClientEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut wire = self.wire.borrow_mut();
        if wire.server_done.is_some() || wire.is_reset() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let arrives = wire.time.now() + wire.line.latency;
        wire.up.push_back(Parcel {
            arrives,
            bytes: bytes.to_vec(),
            read: 0,
        });
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Drop for ClientEnd {
    fn drop(&mut self) {
        self.server = None;
        let mut wire = self.wire.borrow_mut();
        wire.client_gone = true;
        let now = wire.time.now();
        wire.close(now);
    }
}

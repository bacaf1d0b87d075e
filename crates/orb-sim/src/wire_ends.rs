//! The two ends of a simulated connection, as streams.
//!
//! In: what each end writes. Out: what the other reads, when it has arrived.
//! May touch: the wire between them. Must not touch: the server log but through the wire.
//! Invariant: the server runs inside the client's own polls, so a connection nobody reads stands still.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use orb_env::Sleep;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::WINDOW_BYTES;
use crate::server_log::ServerLog;
use crate::time::TrueTime;
use crate::wire::{Line, Parcel, Wire};

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
        let wire = Rc::new(RefCell::new(Wire::new(line, time, log)));
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

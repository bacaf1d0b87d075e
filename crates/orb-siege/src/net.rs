//! The network of a siege: every connection leads to a task that plays a row of the hostile web.
//!
//! In: dials and questions. Out: streams over memory, answers; a list of what was dialled.
//! May touch: memory. Must not touch: time, but through the clock it is given.
//! Invariant: a port decides what is served, whatever the address; a reset on one side is an error on the other.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use orb_env::{BoxStream, Clock, LocalFuture, Net, VirtualClock};
use orb_simweb::{
    HANDSHAKES, Handshakes, HostileNames, HostileRow, HostileWeb, serve_handshake, serve_hostile,
};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use tokio::task::spawn_local;

use crate::{FIRST_PORT, FIRST_TLS_PORT};

/// Bytes that lie between server and client: what a socket's buffers hold.
const PIPE_BYTES: usize = 64 * 1024;

/// What the network saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Every address that was dialled, in order.
    pub dialled: Vec<SocketAddr>,
    /// Questions about names.
    pub questions: usize,
    /// The most connections open at once.
    pub open_most: usize,
    open: usize,
}

/// The network.
pub struct SiegeNet {
    web: Arc<HostileWeb>,
    handshakes: Arc<Handshakes>,
    names: HostileNames,
    clock: Arc<VirtualClock>,
    watch: Arc<Mutex<Watch>>,
}

fn locked(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SiegeNet {
    pub(crate) fn new(seed: u64, clock: Arc<VirtualClock>, names: HostileNames) -> SiegeNet {
        let handshakes = Handshakes::new(clock.wall()).expect("keys can be made");
        SiegeNet {
            web: Arc::new(HostileWeb::new(seed)),
            handshakes: Arc::new(handshakes),
            names,
            clock,
            watch: Arc::default(),
        }
    }

    pub(crate) fn ca(&self) -> CertificateDer<'static> {
        self.handshakes.ca()
    }

    /// What was seen so far.
    #[must_use]
    pub fn watch(&self) -> Watch {
        locked(&self.watch).clone()
    }
}

/// What a port serves.
enum Serves {
    Row(HostileRow),
    Handshake(&'static str),
}

fn served_at(port: u16) -> Option<Serves> {
    let row = |at| {
        HostileRow::ALL
            .get(usize::from(at))
            .copied()
            .map(Serves::Row)
    };
    let handshake = |at| {
        HANDSHAKES
            .get(usize::from(at))
            .copied()
            .map(Serves::Handshake)
    };
    match port {
        FIRST_TLS_PORT.. => handshake(port - FIRST_TLS_PORT),
        FIRST_PORT.. => row(port - FIRST_PORT),
        _ => None,
    }
}

impl Net for SiegeNet {
    fn connect(&self, to: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            locked(&self.watch).dialled.push(to);
            let Some(serves) = served_at(to.port()) else {
                return Err(io::ErrorKind::ConnectionRefused.into());
            };
            {
                let mut watch = locked(&self.watch);
                watch.open += 1;
                watch.open_most = watch.open_most.max(watch.open);
            }
            let (near, mut far) = tokio::io::duplex(PIPE_BYTES);
            let was_reset = Arc::new(AtomicBool::new(false));
            let (web, handshakes) = (Arc::clone(&self.web), Arc::clone(&self.handshakes));
            let (clock, resets) = (Arc::clone(&self.clock), Arc::clone(&was_reset));
            spawn_local(async move {
                let served = match serves {
                    Serves::Row(row) => serve_hostile(&web, row, &mut far, &*clock).await,
                    Serves::Handshake(case) => {
                        serve_handshake(&handshakes, case, &mut far, &*clock).await
                    }
                };
                let is_reset =
                    served.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset);
                resets.store(is_reset, Ordering::Relaxed);
                drop(far);
            });
            Ok(Box::new(SiegeStream {
                pipe: near,
                was_reset,
                watch: Arc::clone(&self.watch),
            }) as BoxStream)
        })
    }

    fn ask(&self, _: SocketAddr, question: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move {
            locked(&self.watch).questions += 1;
            Ok(self.names.answer(&question))
        })
    }
}

/// The client's end of a connection.
struct SiegeStream {
    pipe: DuplexStream,
    was_reset: Arc<AtomicBool>,
    watch: Arc<Mutex<Watch>>,
}

impl Drop for SiegeStream {
    fn drop(&mut self) {
        locked(&self.watch).open -= 1;
    }
}

impl AsyncRead for SiegeStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.pipe).poll_read(cx, buf) {
            Poll::Ready(Ok(()))
                if buf.filled().len() == before && self.was_reset.load(Ordering::Relaxed) =>
            {
                Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
            }
            polled => polled,
        }
    }
}

impl AsyncWrite for SiegeStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipe).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

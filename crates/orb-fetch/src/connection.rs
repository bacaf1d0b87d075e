//! One connection: dialled, checked for life, spoken over.
//!
//! In: an address that was judged, a host, limits. Out: a stream that a request can be sent on.
//! May touch: `Net`, `Tls`, the clock. Must not touch: HTTP.
//! Invariant: every wait has an end; a connection found to hold unread bytes is never used.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use futures_util::FutureExt;
use futures_util::future::{Either, select};
use orb_env::{BoxStream, Clock, Mono, Sleep};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::error::FetchError;
use crate::tls::TlsInfo;

/// A stream to one origin at one address.
pub(crate) struct Connection {
    pub(crate) stream: BoxStream,
    pub(crate) tls: Option<TlsInfo>,
}

impl Connection {
    /// Whether an idle connection can take a request: it was not closed and nothing has arrived on it.
    /// Unasked bytes would be taken for the next answer.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.stream.read_u8().now_or_never().is_none()
    }

    /// Writes the request whole.
    pub(crate) async fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.stream.flush().await
    }
}

/// One timer that several waits share, so that reading costs no timer each.
pub(crate) struct Deadline {
    at: Mono,
    sleep: Sleep,
}

impl Deadline {
    pub(crate) fn new(clock: &dyn Clock, at: Mono) -> Deadline {
        Deadline {
            at,
            sleep: clock.sleep_until(at),
        }
    }

    pub(crate) fn at(&self) -> Mono {
        self.at
    }

    /// Runs `work` until the deadline; `None` when that came first. Work that is ready wins.
    /// After a `None` the deadline is spent: make a new one.
    pub(crate) async fn bound<F: Future>(&mut self, work: F) -> Option<F::Output> {
        match select(std::pin::pin!(work), &mut self.sleep).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

/// The class of a failure to connect.
pub(crate) fn connect_error(remote: SocketAddr, source: io::Error) -> FetchError {
    use io::ErrorKind as Kind;
    let out_of = [
        libc::EMFILE,
        libc::ENFILE,
        libc::ENOBUFS,
        libc::ENOMEM,
        libc::EADDRNOTAVAIL,
    ];
    if source
        .raw_os_error()
        .is_some_and(|code| out_of.contains(&code))
    {
        return FetchError::LocalResources(source);
    }
    match source.kind() {
        Kind::ConnectionRefused => FetchError::ConnectRefused { remote },
        Kind::HostUnreachable | Kind::NetworkUnreachable => {
            FetchError::ConnectUnreachable { remote, source }
        }
        _ => FetchError::ConnectFailed { remote, source },
    }
}

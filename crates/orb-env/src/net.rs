//! The network: a byte stream to an address, and one question by datagram.
//!
//! In: socket addresses that somebody else judged. Out: streams and answers.
//! May touch: sockets; only here. Must not touch: names, permits, time limits (callers bound every wait).
//! Invariant: nothing connects anywhere but to the address given.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};

use crate::limits::DATAGRAM_BYTES_MAX;

/// A future that stays on its shard's thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A connected byte stream.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// A stream whose kind only its maker knows.
pub type BoxStream = Box<dyn Stream>;

/// The way out. Futures may only be polled on the runtime they were made in; dropping one gives up.
pub trait Net: Send + Sync {
    /// Connects a TCP stream to `to`.
    ///
    /// # Errors
    /// What the kernel says: refused, unreachable, out of descriptors or ports.
    fn connect(&self, to: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>>;

    /// Sends one datagram to `to` from a fresh port and waits for one answer from that very address.
    ///
    /// # Errors
    /// What the kernel says. Never ends by itself when nothing answers: bound it.
    fn ask(&self, to: SocketAddr, question: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>>;
}

/// The kernel's sockets.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelNet;

impl Net for KernelNet {
    fn connect(&self, to: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            let stream = tokio::net::TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxStream)
        })
    }

    fn ask(&self, to: SocketAddr, question: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move {
            let any: IpAddr = if to.is_ipv4() {
                Ipv4Addr::UNSPECIFIED.into()
            } else {
                Ipv6Addr::UNSPECIFIED.into()
            };
            let socket = tokio::net::UdpSocket::bind((any, 0)).await?;
            socket.connect(to).await?;
            socket.send(&question).await?;
            let mut answer = vec![0; DATAGRAM_BYTES_MAX];
            let bytes = socket.recv(&mut answer).await?;
            answer.truncate(bytes);
            Ok(answer)
        })
    }
}

//! The hostile web as real sockets: one listener for each row, one for each handshake, and a name server.
//!
//! In: a seed, an address. Out: sockets that answer. May touch: sockets.
//! Must not touch: what is answered.
//! Invariant: everything runs inside the one future of [`HostileServer::run`] and ends with it.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener, UdpSocket as StdUdp};
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::StreamExt;
use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::stream::FuturesUnordered;
use orb_env::Clock;
use tokio::net::{TcpListener, UdpSocket};

use crate::limits::{CONNECTIONS_PER_LISTENER_MAX, DNS_QUESTION_BYTES_MAX};
use crate::server::{accept_loop, end, listen_at};

use super::{
    HANDSHAKES, Handshakes, HostileNames, HostileRow, HostileWeb, serve_handshake, serve_hostile,
};

/// Where a row, or one handshake of N10, is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostilePlace {
    /// The row.
    pub row: HostileRow,
    /// The handshake.
    pub handshake: Option<&'static str>,
    /// The listener.
    pub address: SocketAddr,
}

/// A bound server. Nothing is answered until it runs.
#[derive(Debug)]
pub struct HostileServer {
    web: HostileWeb,
    handshakes: Handshakes,
    names: HostileNames,
    listeners: Vec<(HostilePlace, StdListener)>,
    dns: StdUdp,
}

impl HostileServer {
    /// Binds a free port of `address` for each row and handshake, and `dns` for names (over UDP).
    ///
    /// # Errors
    /// An address that cannot be bound, named; or keys that cannot be made.
    pub fn bind(
        seed: u64,
        address: IpAddr,
        dns: SocketAddr,
        clock: &dyn Clock,
    ) -> io::Result<HostileServer> {
        let places = HostileRow::ALL.into_iter().flat_map(|row| match row {
            HostileRow::N10 => HANDSHAKES.iter().map(|&case| (row, Some(case))).collect(),
            _ => vec![(row, None)],
        });
        let mut listeners = Vec::new();
        for (row, handshake) in places {
            let listener = listen_at(SocketAddr::new(address, 0))?;
            let place = HostilePlace {
                row,
                handshake,
                address: listener.local_addr()?,
            };
            listeners.push((place, listener));
        }
        let socket = StdUdp::bind(dns)
            .map_err(|error| io::Error::new(error.kind(), format!("bind {dns}: {error}")))?;
        socket.set_nonblocking(true)?;
        Ok(HostileServer {
            web: HostileWeb::new(seed),
            handshakes: Handshakes::new(clock.wall()).map_err(io::Error::other)?,
            names: HostileNames::new(address),
            listeners,
            dns: socket,
        })
    }

    /// Where everything is, in the order of the catalogue.
    #[must_use]
    pub fn places(&self) -> Vec<HostilePlace> {
        self.listeners.iter().map(|(place, _)| *place).collect()
    }

    /// Where names are answered.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn dns_addr(&self) -> io::Result<SocketAddr> {
        self.dns.local_addr()
    }

    /// The certificate that clients must trust for the good handshakes.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.handshakes.ca_pem()
    }

    /// Serves until `stop` is done; open connections are dropped then. One thread is enough.
    ///
    /// # Errors
    /// When the sockets cannot be handed to the runtime. What clients do is never an error.
    pub async fn run(
        self,
        clock: Arc<dyn Clock>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let (web, handshakes, names, clock) = (&self.web, &self.handshakes, &self.names, &*clock);
        let loops: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        for (place, listener) in self.listeners {
            let listener = TcpListener::from_std(listener)?;
            let serve = move |mut stream| {
                async move {
                    let served = match place.handshake {
                        Some(case) => serve_handshake(handshakes, case, &mut stream, clock).await,
                        None => serve_hostile(web, place.row, &mut stream, clock).await,
                    };
                    end(&stream, &served);
                }
                .boxed_local()
            };
            loops.push(
                accept_loop(clock, listener, CONNECTIONS_PER_LISTENER_MAX, serve).boxed_local(),
            );
        }
        loops.push(answer_names(names, UdpSocket::from_std(self.dns)?).boxed_local());
        match select(pin!(stop), loops.collect::<Vec<()>>()).await {
            Either::Left(((), _)) => Ok(()),
            Either::Right(_) => Err(io::Error::other("all listeners ended")),
        }
    }
}

async fn answer_names(names: &HostileNames, socket: UdpSocket) {
    let mut question = vec![0; DNS_QUESTION_BYTES_MAX];
    while let Ok((bytes, from)) = socket.recv_from(&mut question).await {
        let answer = names.answer(&question[..bytes]);
        if socket.send_to(&answer, from).await.is_err() {
            // The asker is gone: it asks again.
        }
    }
}

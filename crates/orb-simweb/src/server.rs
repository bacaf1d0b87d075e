//! The real server: HTTP and HTTPS on every loopback address of a web, DNS on one.
//!
//! In: a web. Out: sockets that answer. May touch: sockets.
//! Must not touch: page content.
//! Invariant: everything runs inside the one future of [`Server::run`] and ends with it.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener as StdListener, UdpSocket as StdUdp};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};
use orb_env::Clock;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

use crate::SimWeb;
use crate::limits::{
    CONNECTIONS_PER_LISTENER_MAX, DNS_QUESTION_BYTES_MAX, DNS_STREAMS_MAX, LISTEN_BACKLOG,
    SEND_BUFFER_BYTES,
};
use crate::seen::Told;
use crate::serve::serve_told;
use crate::tls::Ca;

/// How often a free port on the first address is tried on all of them.
const PORT_ATTEMPTS: u32 = 20;

/// Wait after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A bound server. Nothing is answered until it runs.
#[derive(Debug)]
pub struct Server {
    web: Arc<SimWeb>,
    ca: Arc<Ca>,
    plain: Vec<StdListener>,
    secure: Vec<StdListener>,
    dns_stream: StdListener,
    dns_datagram: StdUdp,
    dns_addr: SocketAddr,
}

impl Server {
    /// Binds every address of `web` on both ports, and DNS over UDP and TCP on `dns`. A port of zero is
    /// chosen here: the URLs of [`Server::web`] then carry the chosen one.
    ///
    /// # Errors
    /// The first address that cannot be bound, named; or keys that cannot be made.
    pub fn bind(mut web: SimWeb, dns: SocketAddr) -> io::Result<Server> {
        let ca = Ca::new().map_err(io::Error::other)?;
        let addresses = web.addresses();
        let (plain, http_port) = listen_all(&addresses, web.config().http_port)?;
        let (secure, https_port) = listen_all(&addresses, web.config().https_port)?;
        web.set_ports(http_port, https_port);
        let (dns_datagram, dns_stream) = bind_dns(dns)?;
        let dns_addr = dns_stream.local_addr()?;
        Ok(Server {
            web: Arc::new(web),
            ca: Arc::new(ca),
            plain,
            secure,
            dns_stream,
            dns_datagram,
            dns_addr,
        })
    }

    /// The web that is served, with the ports that were bound.
    #[must_use]
    pub fn web(&self) -> &Arc<SimWeb> {
        &self.web
    }

    /// The addresses that are served.
    #[must_use]
    pub fn addresses(&self) -> Vec<IpAddr> {
        self.web.addresses()
    }

    /// Where DNS is answered.
    #[must_use]
    pub fn dns_addr(&self) -> SocketAddr {
        self.dns_addr
    }

    /// The certificate that clients must trust.
    #[must_use]
    pub fn ca_pem(&self) -> String {
        self.ca.pem()
    }

    /// Serves until `stop` is done; open connections are dropped then. Runs on the caller's runtime, which
    /// must drive sockets and timers; one thread is enough.
    ///
    /// # Errors
    /// When the sockets cannot be handed to the runtime. What clients do is never an error.
    pub async fn run(
        self,
        clock: Arc<dyn Clock>,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        self.run_told(clock, stop, None).await
    }

    /// As [`Server::run`], and tells of each request of a page as it ends: the address asked, and what was seen.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub async fn run_told(
        self,
        clock: Arc<dyn Clock>,
        stop: impl Future<Output = ()>,
        told: Told<'_>,
    ) -> io::Result<()> {
        let tls = self.ca.server_config(&self.web).map_err(io::Error::other)?;
        let acceptor = TlsAcceptor::from(tls);
        let (web, clock) = (&*self.web, &*clock);
        let loops: FuturesUnordered<LocalBoxFuture<'_, ()>> = FuturesUnordered::new();
        for listener in self.plain {
            let listener = TcpListener::from_std(listener)?;
            let serve = move |stream| serve_plain(web, clock, stream, told).boxed_local();
            loops.push(
                accept_loop(clock, listener, CONNECTIONS_PER_LISTENER_MAX, serve).boxed_local(),
            );
        }
        for listener in self.secure {
            let listener = TcpListener::from_std(listener)?;
            let acceptor = acceptor.clone();
            let serve = move |stream| {
                serve_secure(web, clock, acceptor.clone(), stream, told).boxed_local()
            };
            loops.push(
                accept_loop(clock, listener, CONNECTIONS_PER_LISTENER_MAX, serve).boxed_local(),
            );
        }
        let dns_stream = TcpListener::from_std(self.dns_stream)?;
        let serve = move |stream| serve_dns_stream(web, stream).boxed_local();
        loops.push(accept_loop(clock, dns_stream, DNS_STREAMS_MAX, serve).boxed_local());
        loops.push(
            serve_dns_datagrams(web, clock, UdpSocket::from_std(self.dns_datagram)?).boxed_local(),
        );
        match select(pin!(stop), loops.collect::<Vec<()>>()).await {
            Either::Left(((), _)) => Ok(()),
            Either::Right(_) => Err(io::Error::other("all listeners ended")),
        }
    }
}

fn at(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("bind {address}: {error}"))
}

/// Binds one port for datagrams and streams; zero means any that is free for both. Streams come first: connections
/// that have ended hold ports of theirs for a minute, and the kernel knows which.
fn bind_dns(address: SocketAddr) -> io::Result<(StdUdp, StdListener)> {
    let mut attempt = 0;
    loop {
        let stream = listen_at(address)?;
        let bound = stream.local_addr()?;
        match StdUdp::bind(bound) {
            Ok(datagram) => {
                datagram.set_nonblocking(true)?;
                return Ok((datagram, stream));
            }
            Err(error)
                if address.port() == 0
                    && error.kind() == io::ErrorKind::AddrInUse
                    && attempt < PORT_ATTEMPTS =>
            {
                attempt += 1;
            }
            Err(error) => return Err(at(bound, &error)),
        }
    }
}

/// Binds one port on every address; zero means any that is free on all.
fn listen_all(addresses: &[IpAddr], port: u16) -> io::Result<(Vec<StdListener>, u16)> {
    let mut attempt = 0;
    loop {
        match listen_on(addresses, port) {
            Err(error)
                if port == 0
                    && error.kind() == io::ErrorKind::AddrInUse
                    && attempt < PORT_ATTEMPTS =>
            {
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn listen_on(addresses: &[IpAddr], mut port: u16) -> io::Result<(Vec<StdListener>, u16)> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for &address in addresses {
        let listener = listen_at(SocketAddr::new(address, port))?;
        port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok((listeners, port))
}

pub(crate) fn listen_at(address: SocketAddr) -> io::Result<StdListener> {
    let family = if address.is_ipv4() {
        AddressFamily::INET
    } else {
        AddressFamily::INET6
    };
    let open = || -> rustix::io::Result<StdListener> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        sockopt::set_socket_reuseaddr(&socket, true)?;
        // Accepted connections inherit it.
        sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER_BYTES)?;
        bind(&socket, &address)?;
        listen(&socket, LISTEN_BACKLOG)?;
        Ok(StdListener::from(socket))
    };
    open().map_err(|error| at(address, &error.into()))
}

/// Accepts connections and serves at most `connections_max` of them at a time, for ever.
pub(crate) async fn accept_loop<'a>(
    clock: &dyn Clock,
    listener: TcpListener,
    connections_max: usize,
    serve: impl Fn(TcpStream) -> LocalBoxFuture<'a, ()>,
) {
    let mut connections = FuturesUnordered::new();
    loop {
        if connections.len() >= connections_max {
            connections.next().await;
        }
        let accepted = select_biased! {
            () = connections.select_next_some() => continue,
            accepted = listener.accept().fuse() => accepted,
        };
        match accepted {
            Ok((stream, _)) => connections.push(serve(stream)),
            // Out of descriptors, most likely: connections need time to end, and trying at once would spin.
            Err(_) => {
                let retry = clock.sleep_until(clock.mono().plus(ACCEPT_PAUSE));
                select(retry, connections.next()).await;
            }
        }
    }
}

async fn serve_plain(web: &SimWeb, clock: &dyn Clock, mut stream: TcpStream, told: Told<'_>) {
    let (begun, address) = (clock.mono(), stream.local_addr());
    let (Ok(()), Ok(address)) = (stream.set_nodelay(true), address) else {
        return;
    };
    let told = told.map(|tell| move |seen| tell(address.ip(), seen));
    let served = serve_told(web, &mut stream, false, clock, begun, told).await;
    end(&stream, &served);
}

async fn serve_secure(
    web: &SimWeb,
    clock: &dyn Clock,
    acceptor: TlsAcceptor,
    stream: TcpStream,
    told: Told<'_>,
) {
    let (begun, address) = (clock.mono(), stream.local_addr());
    let (Ok(()), Ok(address)) = (stream.set_nodelay(true), address) else {
        return;
    };
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    let told = told.map(|tell| move |seen| tell(address.ip(), seen));
    let served = serve_told(web, &mut stream, true, clock, begun, told).await;
    end(stream.get_ref().0, &served);
}

/// Makes the kernel reset the connection when it is dropped, if that is what the web wants.
pub(crate) fn end(stream: &TcpStream, served: &io::Result<()>) {
    let reset = served
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset);
    if reset && stream.set_zero_linger().is_err() {
        // The peer was faster: the connection is gone already.
    }
}

async fn serve_dns_datagrams(web: &SimWeb, clock: &dyn Clock, socket: UdpSocket) {
    let mut question = vec![0; DNS_QUESTION_BYTES_MAX];
    loop {
        let Ok((bytes, from)) = socket.recv_from(&mut question).await else {
            clock.sleep_until(clock.mono().plus(ACCEPT_PAUSE)).await;
            continue;
        };
        let answer = web.answer_dns(&question[..bytes]);
        if answer.is_empty() {
            continue;
        }
        if socket.send_to(&answer, from).await.is_err() {
            // The asker is gone, or its buffer is full: as with any datagram, it asks again.
        }
    }
}

/// RFC 7766: two bytes of length before each message.
async fn serve_dns_stream(web: &SimWeb, mut stream: TcpStream) {
    let mut question = Vec::new();
    loop {
        let Ok(bytes) = stream.read_u16().await else {
            return;
        };
        if usize::from(bytes) > DNS_QUESTION_BYTES_MAX {
            return;
        }
        question.resize(usize::from(bytes), 0);
        if stream.read_exact(&mut question).await.is_err() {
            return;
        }
        let answer = web.answer_dns(&question);
        let Ok(length) = u16::try_from(answer.len()) else {
            return;
        };
        let framed = [&length.to_be_bytes()[..], &answer].concat();
        if answer.is_empty() || stream.write_all(&framed).await.is_err() {
            return;
        }
    }
}

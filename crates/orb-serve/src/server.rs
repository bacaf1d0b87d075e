//! The server: its sockets, its thread, its end.
//!
//! In: where to listen, a desk. Out: a running server. May touch: the sockets, one thread.
//! Invariant: the socket file has mode 0600 before any client can reach it, and goes when the server ends.

use std::cell::RefCell;
use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::thread;

use futures_util::future::{Either, LocalBoxFuture, join, select};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt, select_biased};
use orb_env::Clock;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::oneshot;

use crate::control::converse;
use crate::limits::{ACCEPT_PAUSE, CONVERSATIONS_MAX};
use crate::page::respond;
use crate::socket_path::SocketPath;
use crate::words::Desk;

/// Where a server listens.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// The control socket. Its folder exists and is ours alone: the crawl's lock is held, so a file found here is
    /// left over from a killed run and is replaced.
    pub control: PathBuf,
    /// The status by HTTP; a loopback address. Port 0 takes any.
    pub page: Option<SocketAddr>,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The control socket cannot be made.
    #[error("make the control socket {path}")]
    Control {
        /// Where.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The status page would be seen from outside this machine.
    #[error(
        "{address} is no loopback address; the status has no password, so listen on 127.0.0.1 or [::1]"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The address of the status page cannot be had.
    #[error("listen on {address}")]
    Page {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// No thread or runtime for it.
    #[error("start the server's thread")]
    Thread(#[source] io::Error),
}

/// A running server. Ends when dropped, within the time an open reply takes at most.
#[derive(Debug)]
pub struct Server {
    control: PathBuf,
    page: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Server {
    /// Binds the sockets and answers from a thread of its own.
    ///
    /// # Errors
    /// What cannot be bound, and why; nothing is left behind then.
    pub fn start(
        sockets: &Sockets,
        desk: Arc<dyn Desk>,
        clock: Arc<dyn Clock>,
    ) -> Result<Server, ServeError> {
        let page = sockets.page.map(bind_page).transpose()?;
        let control = bind_control(&sockets.control).map_err(|source| ServeError::Control {
            path: sockets.control.clone(),
            source,
        })?;
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ServeError::Thread)?;
        let page_address = page.as_ref().map(|(_, address)| *address);
        let thread = thread::Builder::new()
            .name("orb-serve".into())
            .spawn(move || {
                let served = runtime.block_on(serve(control, page, &*desk, &*clock, stopped));
                if let Err(error) = served {
                    tracing::warn!(%error, "control socket closed");
                }
            })
            .map_err(ServeError::Thread)?;
        Ok(Server {
            control: sockets.control.clone(),
            page: page_address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the status is answered by HTTP, with the port that was taken.
    #[must_use]
    pub fn page(&self) -> Option<SocketAddr> {
        self.page
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok(); // a panic there has been reported by the hook
        }
        fs::remove_file(&self.control).ok(); // it may be gone with its folder
    }
}

/// Made beside its place, closed to others, then moved there: nobody sees it with a wider mode.
fn bind_control(path: &Path) -> io::Result<StdUnixListener> {
    let mut fresh = path.to_owned();
    fresh.as_mut_os_string().push(".new");
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = StdUnixListener::bind(SocketPath::of(&fresh)?.as_path())?;
    fs::set_permissions(&fresh, Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn bind_page(address: SocketAddr) -> Result<(std::net::TcpListener, SocketAddr), ServeError> {
    if !address.ip().is_loopback() {
        return Err(ServeError::NotLoopback { address });
    }
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    };
    bind().map_err(|source| ServeError::Page { address, source })
}

async fn serve(
    control: StdUnixListener,
    page: Option<(std::net::TcpListener, SocketAddr)>,
    desk: &dyn Desk,
    clock: &dyn Clock,
    stopped: oneshot::Receiver<()>,
) -> io::Result<()> {
    let control = UnixListener::from_std(control)?;
    let control = accept_loop(clock, async || {
        let (stream, _) = control.accept().await?;
        Ok(converse(stream, desk, clock).boxed_local())
    });
    let page = match page {
        None => None,
        Some((listener, address)) => Some((TcpListener::from_std(listener)?, address)),
    };
    let highest = RefCell::default();
    let page = async {
        if let Some((listener, address)) = &page {
            accept_loop(clock, async || {
                let (stream, _) = listener.accept().await?;
                Ok(respond(stream, *address, desk, &highest, clock).boxed_local())
            })
            .await;
        }
    };
    match select(pin!(join(control, page)), stopped).await {
        Either::Left(_) => Err(io::Error::other("all listeners ended")),
        Either::Right(_) => Ok(()),
    }
}

/// Takes conversations and holds at most [`CONVERSATIONS_MAX`] of them, for ever.
async fn accept_loop<'a>(
    clock: &dyn Clock,
    accept: impl AsyncFn() -> io::Result<LocalBoxFuture<'a, ()>>,
) {
    let mut conversations = FuturesUnordered::new();
    loop {
        if conversations.len() >= CONVERSATIONS_MAX {
            conversations.next().await;
        }
        let accepted = {
            let mut accepting = pin!(accept().fuse());
            select_biased! {
                () = conversations.select_next_some() => continue,
                accepted = accepting => accepted,
            }
        };
        match accepted {
            Ok(conversation) => conversations.push(conversation),
            Err(error) => {
                tracing::debug!(%error, "client could not be accepted");
                clock.sleep_until(clock.mono().plus(ACCEPT_PAUSE)).await;
            }
        }
    }
}

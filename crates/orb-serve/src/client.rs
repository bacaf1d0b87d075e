//! The other end of the control socket, for the program's commands.
//!
//! In: requests. Out: the crawl's replies. Blocking.
//! May touch: the socket. Invariant: waits at most [`REPLY_TIMEOUT`] for each step and reads a bounded reply.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use crate::limits::{REPLY_BYTES_MAX, REPLY_TIMEOUT};
use crate::socket_path::SocketPath;
use crate::words::{Reply, Request};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody listens: there is no socket, or it is left over from a killed run.
    #[error("no crawl listens on this socket")]
    NotRunning,
    /// The socket cannot be used, or the crawl did not answer in time.
    #[error("talk to the crawl")]
    Io(#[source] io::Error),
    /// What came back is no reply.
    #[error("the crawl's reply cannot be read")]
    BadReply(#[source] serde_json::Error),
}

/// Asks the crawl that listens on `socket` one thing.
///
/// # Errors
/// When nobody listens, or no reply came. A crawl that says no gives a [`Reply`] that says so.
pub fn ask(socket: &Path, request: &Request) -> Result<Reply, ClientError> {
    Client::connect(socket)?.ask(request)
}

/// A connection to a running crawl that is kept from one question to the next.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    stream: Option<BufReader<UnixStream>>,
}

impl Client {
    /// Connects to the crawl that listens on `socket`.
    ///
    /// # Errors
    /// When nobody listens.
    pub fn connect(socket: &Path) -> Result<Client, ClientError> {
        Ok(Client {
            socket: socket.to_owned(),
            stream: Some(connected(socket)?),
        })
    }

    /// Asks, and waits for the reply. A connection that was closed since the last question (the server keeps no
    /// silent ones for ever) is made anew, once; asking twice does no more than asking once.
    ///
    /// # Errors
    /// When nobody listens any more, or no reply came; the next question connects anew.
    pub fn ask(&mut self, request: &Request) -> Result<Reply, ClientError> {
        let mut line = match self.stream.take() {
            Some(stream) => self.exchange(stream, request).unwrap_or_default(),
            None => Vec::new(),
        };
        if line.is_empty() {
            let stream = connected(&self.socket)?;
            line = self.exchange(stream, request).map_err(ClientError::Io)?;
        }
        if line.is_empty() {
            return Err(ClientError::NotRunning);
        }
        serde_json::from_slice(&line).map_err(ClientError::BadReply)
    }

    /// Sends the request and reads a line; the connection is kept only when that went well.
    fn exchange(
        &mut self,
        mut stream: BufReader<UnixStream>,
        request: &Request,
    ) -> io::Result<Vec<u8>> {
        let mut asked = serde_json::to_vec(request)?;
        asked.push(b'\n');
        stream.get_mut().write_all(&asked)?;
        let mut line = Vec::new();
        (&mut stream)
            .take(REPLY_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if line.last() == Some(&b'\n') {
            self.stream = Some(stream);
        }
        Ok(line)
    }
}

fn connected(socket: &Path) -> Result<BufReader<UnixStream>, ClientError> {
    let open = || {
        let stream = UnixStream::connect(SocketPath::of(socket)?.as_path())?;
        stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
        stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
        Ok(BufReader::new(stream))
    };
    open().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NotRunning,
        _ => ClientError::Io(error),
    })
}

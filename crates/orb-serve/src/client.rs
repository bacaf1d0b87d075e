//! The other end of the control socket, for the program's commands.
//!
//! In: a command. Out: the crawl's reply. Blocking.
//! May touch: the socket. Invariant: waits at most [`REPLY_TIMEOUT`] for each step and reads a bounded reply.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::limits::{REPLY_BYTES_MAX, REPLY_TIMEOUT};
use crate::socket_path::SocketPath;
use crate::words::{Command, Reply, Request};

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

/// Asks the crawl that listens on `socket`.
///
/// # Errors
/// When nobody listens, or no reply came. A crawl that says no gives a [`Reply`] that says so.
pub fn ask(socket: &Path, command: Command) -> Result<Reply, ClientError> {
    let stream = SocketPath::of(socket)
        .and_then(|path| UnixStream::connect(path.as_path()))
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => ClientError::NotRunning,
            _ => ClientError::Io(error),
        })?;
    let line = exchange(&stream, command).map_err(ClientError::Io)?;
    serde_json::from_slice(&line).map_err(ClientError::BadReply)
}

fn exchange(mut stream: &UnixStream, command: Command) -> io::Result<Vec<u8>> {
    stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
    stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
    let mut request = serde_json::to_vec(&Request { command })?;
    request.push(b'\n');
    stream.write_all(&request)?;
    let mut line = Vec::new();
    BufReader::new(stream.take(REPLY_BYTES_MAX)).read_until(b'\n', &mut line)?;
    Ok(line)
}

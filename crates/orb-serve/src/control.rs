//! The conversation on the control socket.
//!
//! In: bytes of a client. Out: a reply for each line. May touch: the connection, the desk.
//! Invariant: a line above the limit ends the conversation; so does silence.

use std::io;

use orb_env::{Clock, timeout_at};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::{CLIENT_TIMEOUT, REQUEST_BYTES_MAX};
use crate::words::{Desk, Reply, answer};

/// Answers requests until the client closes, falls silent or sends a line that is too long.
pub(crate) async fn converse<S>(mut stream: S, desk: &dyn Desk, clock: &dyn Clock)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut kept = Vec::new();
    loop {
        let until = clock.mono().plus(CLIENT_TIMEOUT);
        let reply = match timeout_at(clock, until, read_line(&mut stream, &mut kept)).await {
            Some(Ok(Some(line))) => answer(desk, &line),
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Reply::refusal(format!("request is longer than {REQUEST_BYTES_MAX} bytes"))
            }
            _ => return,
        };
        let go_on = reply.ok || kept.len() <= REQUEST_BYTES_MAX;
        let Ok(mut line) = serde_json::to_vec(&reply) else {
            return;
        };
        line.push(b'\n');
        let until = clock.mono().plus(CLIENT_TIMEOUT);
        let written = timeout_at(clock, until, stream.write_all(&line)).await;
        if !matches!(written, Some(Ok(()))) || !go_on {
            return;
        }
    }
}

/// The next line without its end; `None` when the client closed. What came behind it stays in `kept`.
async fn read_line<S: AsyncRead + Unpin>(
    stream: &mut S,
    kept: &mut Vec<u8>,
) -> io::Result<Option<Vec<u8>>> {
    let mut searched = 0;
    loop {
        if let Some(end) = kept[searched..].iter().position(|&byte| byte == b'\n') {
            let rest = kept.split_off(searched + end + 1);
            let mut line = std::mem::replace(kept, rest);
            line.pop();
            return Ok(Some(line));
        }
        searched = kept.len();
        if searched > REQUEST_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut chunk = [0; 1024];
        match stream.read(&mut chunk).await? {
            0 => return Ok(None),
            bytes => kept.extend_from_slice(&chunk[..bytes]),
        }
    }
}

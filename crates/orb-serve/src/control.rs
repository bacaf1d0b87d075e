//! The conversation on the control socket.
//!
//! In: bytes of a client. Out: a reply for each line. May touch: the connection, the desk.
//! Invariant: a line above the limit ends the conversation; so does silence.

use std::io;

use orb_env::{Clock, timeout_at};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::{
    ANSWER_TIMEOUT, CLIENT_TIMEOUT, REPLY_BYTES_MAX, REQUEST_BYTES_MAX, SILENCE_MAX,
};
use crate::words::{Desk, Reply, Request, heard};

/// Answers requests until the client closes, falls silent or sends a line that is too long.
pub(crate) async fn converse<S>(mut stream: S, desk: &dyn Desk, clock: &dyn Clock)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut kept = Vec::new();
    let mut patience = CLIENT_TIMEOUT;
    loop {
        let until = clock.mono().plus(patience);
        let reply = match timeout_at(clock, until, read_line(&mut stream, &mut kept)).await {
            Some(Ok(Some(line))) => match heard(&line) {
                Ok(request) => answered(desk, clock, request).await,
                Err(refusal) => *refusal,
            },
            Some(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                Reply::refusal(format!("request is longer than {REQUEST_BYTES_MAX} bytes"))
            }
            _ => return,
        };
        // Who asked something real may take its time with the next question.
        if reply.ok {
            patience = SILENCE_MAX;
        }
        let go_on = reply.ok || kept.len() <= REQUEST_BYTES_MAX;
        let Some(line) = line_of(&reply) else {
            return;
        };
        let until = clock.mono().plus(CLIENT_TIMEOUT);
        let written = timeout_at(clock, until, stream.write_all(&line)).await;
        if !matches!(written, Some(Ok(()))) || !go_on {
            return;
        }
    }
}

async fn answered(desk: &dyn Desk, clock: &dyn Clock, request: Request) -> Reply {
    let until = clock.mono().plus(ANSWER_TIMEOUT);
    timeout_at(clock, until, desk.answer(request))
        .await
        .unwrap_or_else(|| Reply::refusal("the crawl did not answer in time; ask again"))
}

/// A reply as it is sent; one that no client would take is a refusal.
fn line_of(reply: &Reply) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(reply).ok()?;
    if line.len() as u64 >= REPLY_BYTES_MAX {
        line = serde_json::to_vec(&Reply::refusal("the answer is too long to be sent")).ok()?;
    }
    line.push(b'\n');
    Some(line)
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

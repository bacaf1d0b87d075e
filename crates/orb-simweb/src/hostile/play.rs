//! Acts of a hostile server, played on any stream.
//!
//! In: a stream, the web. Out: bytes, waits, ends.
//! May touch: the stream, the clock. Must not touch: sockets, TLS.
//! Invariant: acts are played in order, one request at a time; every endless act ends when the client goes.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use orb_env::Clock;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::limits::{REQUEST_FIELDS_MAX, REQUEST_HEAD_BYTES_MAX};

use super::{HostileRow, HostileWeb};

/// One thing a server does with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Sends these bytes.
    Send(Bytes),
    /// Sends these bytes so many times, with a pause after each; `u64::MAX` is until the client goes.
    Repeat(Bytes, u64, Duration),
    /// Does nothing for a while.
    Wait(Duration),
    /// Says nothing any more, until the client goes.
    Silence,
    /// Closes in order.
    Close,
    /// Resets.
    Reset,
}

impl Act {
    pub(super) fn send(bytes: impl AsRef<[u8]>) -> Act {
        Act::Send(Bytes::copy_from_slice(bytes.as_ref()))
    }

    /// One byte at a time, a second apart.
    pub(super) fn trickle(bytes: impl AsRef<[u8]>) -> Vec<Act> {
        let second = Duration::from_secs(1);
        let one = |&byte: &u8| Act::Repeat(Bytes::copy_from_slice(&[byte]), 1, second);
        bytes.as_ref().iter().map(one).collect()
    }

    /// The same bytes until the client goes.
    pub(super) fn endless(bytes: impl AsRef<[u8]>) -> Act {
        Act::Repeat(
            Bytes::copy_from_slice(bytes.as_ref()),
            u64::MAX,
            Duration::ZERO,
        )
    }
}

/// Serves the requests of one connection to the listener of `row`, each as its case says.
///
/// Ends with `Ok` after an orderly end, and with [`io::ErrorKind::ConnectionReset`] where the script resets: the
/// caller drops the stream without closing it in order.
///
/// # Errors
/// What the stream says; `InvalidData` for a request that cannot be read.
pub async fn serve_hostile<S: AsyncRead + AsyncWrite + Unpin>(
    web: &HostileWeb,
    row: HostileRow,
    mut stream: S,
    clock: &dyn Clock,
) -> io::Result<()> {
    let mut input = Vec::with_capacity(2_048);
    loop {
        let Some((target, authority, used)) = request(&input)? else {
            if input.len() >= REQUEST_HEAD_BYTES_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if stream.read_buf(&mut input).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let script = web.script(row, &target, &authority);
        input.drain(..used);
        for act in script {
            if play(act, &mut stream, clock).await? {
                return Ok(());
            }
        }
    }
}

/// Plays one act; whether it was the last.
pub(super) async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    act: Act,
    stream: &mut S,
    clock: &dyn Clock,
) -> io::Result<bool> {
    match act {
        Act::Send(bytes) => {
            stream.write_all(&bytes).await?;
            stream.flush().await?;
        }
        Act::Repeat(bytes, times, pause) => {
            for _ in 0..times {
                stream.write_all(&bytes).await?;
                if !pause.is_zero() {
                    stream.flush().await?;
                    clock.sleep_until(clock.mono().plus(pause)).await;
                }
            }
            stream.flush().await?;
        }
        Act::Wait(pause) => clock.sleep_until(clock.mono().plus(pause)).await,
        Act::Silence => {
            let mut sink = [0; 512];
            while stream.read(&mut sink).await? > 0 {}
            return Ok(true);
        }
        Act::Close => {
            stream.shutdown().await?;
            return Ok(true);
        }
        Act::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
    }
    Ok(false)
}

/// Target, authority and length of the request at the front of `input`, once it is all there.
fn request(input: &[u8]) -> io::Result<Option<(String, String, usize)>> {
    let mut fields = [httparse::EMPTY_HEADER; REQUEST_FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut fields);
    let parse = parsed
        .parse(input)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    let httparse::Status::Complete(used) = parse else {
        return Ok(None);
    };
    let host = parsed
        .headers
        .iter()
        .find(|field| field.name.eq_ignore_ascii_case("host"))
        .and_then(|field| std::str::from_utf8(field.value).ok())
        .unwrap_or_default();
    Ok(Some((
        parsed.path.unwrap_or_default().to_owned(),
        host.to_owned(),
        used,
    )))
}

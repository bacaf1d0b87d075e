//! A stream that is given up when no byte moves for too long.
//!
//! In: a stream, a clock. Out: the same stream; `TimedOut` after a stall.
//! May touch: nothing else. Invariant: any byte in either direction begins the time anew, so that a slow connection is
//! never taken for a dead one, whatever the size of a part.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use orb_env::{Clock, Mono, Sleep};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// See the module.
pub(crate) struct Patient<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    stall_max: Duration,
    moved_at: Mono,
    /// Made when something is waited for.
    until: Option<Sleep>,
}

impl<S> Patient<S> {
    pub(crate) fn new(inner: S, clock: Arc<dyn Clock>, stall_max: Duration) -> Patient<S> {
        Patient {
            inner,
            moved_at: clock.mono(),
            clock,
            stall_max,
            until: None,
        }
    }

    fn judge<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.moved_at = self.clock.mono();
            return poll;
        }
        loop {
            let end = self.moved_at.plus(self.stall_max);
            let until = self
                .until
                .get_or_insert_with(|| self.clock.sleep_until(end));
            if until.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.until = None;
            if self.clock.mono() >= end {
                let what = "the store moved no byte for too long";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, what)));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.judge(cx, poll)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.judge(cx, poll)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_flush(cx);
        // A flush that has nothing to do is no movement.
        match poll {
            Poll::Ready(_) => poll,
            Poll::Pending => self.judge(cx, poll),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.judge(cx, poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orb_env::{Stamp, VirtualClock};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const STALL: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_slow_stream_is_read_and_a_dead_one_given_up() {
        let clock: Arc<dyn Clock> = Arc::new(VirtualClock::new(Stamp::default()));
        let (near, mut far) = tokio::io::duplex(64);
        let mut near = Patient::new(near, Arc::clone(&clock), STALL);
        let slow = async {
            for _ in 0..5 {
                let at = clock.mono().plus(STALL - Duration::from_secs(1));
                clock.sleep_until(at).await;
                far.write_all(b"x").await.unwrap();
            }
        };
        let mut got = [0; 5];
        let (read, ()) = futures_util::future::join(near.read_exact(&mut got), slow).await;
        read.unwrap();
        let before = clock.mono();
        let error = near.read_exact(&mut got).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(clock.mono().since(before) >= STALL);
    }
}

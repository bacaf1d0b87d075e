//! hyper's client, over a stream that says given bytes once it was asked, and closes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures_util::future::{Either, select};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::Builder;
use hyper::rt::{Read as HyperRead, ReadBufCursor, Write as HyperWrite};

use super::Read;

struct Says {
    bytes: Vec<u8>,
    said: usize,
    was_asked: bool,
    waker: Option<Waker>,
}

impl HyperRead for Says {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.was_asked {
            self.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let end = self.bytes.len().min(self.said + buf.remaining());
        buf.put_slice(&self.bytes[self.said..end]);
        self.said = end;
        Poll::Ready(Ok(()))
    }
}

impl HyperWrite for Says {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.was_asked = true;
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A request without a body.
struct NoBody;

impl Body for NoBody {
    type Data = io::Cursor<Vec<u8>>;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<hyper::body::Frame<Self::Data>>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }
}

/// What hyper makes of `bytes`.
pub(crate) async fn read(bytes: &[u8]) -> Read {
    let io = Says {
        bytes: bytes.to_vec(),
        said: 0,
        was_asked: false,
        waker: None,
    };
    let (mut sender, connection) = Builder::new().max_headers(200).handshake(io).await.unwrap();
    let exchange = async {
        let request = hyper::Request::get("/")
            .header("host", "www.hostile.test")
            .body(NoBody)
            .unwrap();
        match sender.send_request(request).await {
            Ok(response) => {
                let status = response.status().as_u16();
                match collect(response.into_body()).await {
                    (body, true) => Read::Whole(status, body),
                    (body, false) => Read::Cut(status, body),
                }
            }
            Err(_) => Read::Nothing,
        }
    };
    match select(std::pin::pin!(exchange), std::pin::pin!(connection)).await {
        Either::Left((read, _)) => read,
        Either::Right((_, exchange)) => exchange.await,
    }
}

/// The bytes, and whether they are all.
async fn collect(mut body: Incoming) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Some(Err(_)) => return (bytes, false),
            None => return (bytes, true),
        }
    }
}

//! A web made by hand: every host and page is written down, so what becomes of each URL is known beforehand.
//!
//! In: requests, questions to the name server. Out: answers; a list of what was asked for.
//! May touch: virtual time. Invariant: the same request gets the same answer at any time.
#![allow(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking"
)]

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use orb_crawl::World;
use orb_env::{
    BoxStream, Clock, Disk, Entropy, Env, LocalFuture, MemoryDisk, Net, SeededEntropy, Sleep,
    ThreadUse, VirtualWork,
};
use orb_fetch::{FetchConfig, Tls, TlsError, TlsFault, TlsInfo};
use orb_store::{ModelOpener, StoreOpener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// An answer: status, header fields, body.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) fields: String,
    pub(crate) body: String,
}

/// Says what a host answers to a path; `None` for a host without a server.
pub(crate) type Answers = fn(host: &str, path: &str) -> Page;

/// Says where a host is, at the n-th question about it; `None` for a name that does not exist.
pub(crate) type Addresses = fn(host: &str, nth: u32) -> Option<Ipv4Addr>;

/// Where nobody answers. A host whose name begins with `half.` has this address too, before its own.
const DEAD: Ipv4Addr = Ipv4Addr::new(11, 9, 9, 9);

/// The network in front of the web.
pub(crate) struct HandNet {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) answers: Answers,
    pub(crate) addresses: Addresses,
    /// Every request so far: host and path.
    pub(crate) asked: Arc<Mutex<Vec<(String, String)>>>,
    /// Questions about each host so far.
    pub(crate) questions: Mutex<BTreeMap<String, u32>>,
}

impl Net for HandNet {
    fn connect(&self, to: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>> {
        Box::pin(async move {
            self.clock
                .sleep_until(self.clock.mono().plus(Duration::from_millis(10)))
                .await;
            if to.ip() == DEAD {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            Ok(Box::new(Talk {
                clock: Arc::clone(&self.clock),
                thinking: None,
                answers: self.answers,
                asked: Arc::clone(&self.asked),
                heard: Vec::new(),
                said: Vec::new(),
                reader: None,
            }) as BoxStream)
        })
    }

    fn ask(&self, _: SocketAddr, question: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async move { Ok(self.answer_dns(&question)) })
    }
}

impl HandNet {
    /// A DNS answer (RFC 1035): the question again, and A records or none, good for a minute.
    fn answer_dns(&self, question: &[u8]) -> Vec<u8> {
        let (mut at, mut labels) = (12, Vec::new());
        while question[at] > 0 {
            let end = at + 1 + usize::from(question[at]);
            labels.push(String::from_utf8_lossy(&question[at + 1..end]).into_owned());
            at = end;
        }
        let is_a = question[at + 1..at + 3] == [0, 1];
        let host = labels.join(".").to_ascii_lowercase();
        let mut questions = self.questions.lock().unwrap();
        let nth = questions.entry(host.clone()).or_default();
        *nth += u32::from(is_a);
        let address = (self.addresses)(&host, *nth);
        let mut answer = question[..at + 5].to_vec();
        let dead = Some(DEAD).filter(|_| host.starts_with("half."));
        let found: Vec<Ipv4Addr> = match address {
            Some(address) if is_a => dead.into_iter().chain([address]).collect(),
            _ => Vec::new(),
        };
        // An answer, recursion available; a name that does not exist is NXDOMAIN.
        (answer[2], answer[3]) = (0x81, 0x80 | if address.is_none() { 3 } else { 0 });
        answer[4..12].copy_from_slice(&[0, 1, 0, found.len() as u8, 0, 0, 0, 0]);
        for address in found {
            answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
            answer.extend_from_slice(&address.octets());
        }
        answer
    }
}

/// How long a server makes up its answer.
const THINKS: Duration = Duration::from_millis(100);

/// One connection: answers whole requests, one after the other.
struct Talk {
    clock: Arc<dyn Clock>,
    /// Until when the server makes up its answer.
    thinking: Option<Sleep>,
    answers: Answers,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    heard: Vec<u8>,
    said: Vec<u8>,
    reader: Option<Waker>,
}

impl Talk {
    fn answer(&mut self) {
        let Some(end) = self.heard.windows(4).position(|four| four == b"\r\n\r\n") else {
            return;
        };
        let head = String::from_utf8(self.heard.drain(..end + 4).collect()).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        let host = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("host: ")
                    .map(str::to_owned)
            })
            .unwrap();
        let page = (self.answers)(&host, &path);
        self.asked.lock().unwrap().push((host, path));
        let text = format!(
            "HTTP/1.1 {} Said\r\n{}Content-Length: {}\r\n\r\n{}",
            page.status,
            page.fields,
            page.body.len(),
            page.body
        );
        self.said.extend_from_slice(text.as_bytes());
        self.thinking = Some(self.clock.sleep_until(self.clock.mono().plus(THINKS)));
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for Talk {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(thinking) = &mut self.thinking {
            std::task::ready!(thinking.as_mut().poll(cx));
            self.thinking = None;
        }
        if self.said.is_empty() {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes = buf.remaining().min(self.said.len());
        let said: Vec<u8> = self.said.drain(..bytes).collect();
        buf.put_slice(&said);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Talk {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.heard.extend_from_slice(bytes);
        self.answer();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// TLS that nobody here speaks.
struct NoTls;

impl Tls for NoTls {
    fn handshake(
        &self,
        _: BoxStream,
        _: &str,
    ) -> LocalFuture<'_, Result<(BoxStream, TlsInfo), TlsError>> {
        Box::pin(async {
            Err(TlsError {
                fault: TlsFault::Alert,
                detail: "nobody speaks TLS here".to_owned(),
            })
        })
    }
}

/// The world around it.
pub(crate) struct HandWorld {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) disk: MemoryDisk,
    pub(crate) stores: ModelOpener,
    pub(crate) net: Arc<HandNet>,
}

impl World for HandWorld {
    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn entropy(&self) -> Arc<dyn Entropy> {
        Arc::new(SeededEntropy::new(7))
    }

    fn stores(&self, _: u64) -> Arc<dyn StoreOpener> {
        Arc::new(self.stores.clone())
    }

    fn shard_env(&self, shard: u16) -> io::Result<Env> {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(100 + u64::from(shard)));
        Ok(Env {
            clock: self.clock(),
            entropy: Arc::clone(&entropy),
            net: self.net.clone(),
            disk: self.disk(),
            work: Arc::new(VirtualWork::new(
                self.clock(),
                entropy,
                Duration::from_millis(2),
            )),
        })
    }

    fn tls(&self, _: &FetchConfig) -> Result<Rc<dyn Tls>, String> {
        Ok(Rc::new(NoTls))
    }

    fn rss_bytes(&self) -> u64 {
        100 << 20
    }

    fn rss_peak_bytes(&self) -> u64 {
        100 << 20
    }

    fn cpu_seconds(&self) -> f64 {
        1.0
    }

    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    fn threads(&self) -> Vec<ThreadUse> {
        Vec::new()
    }
}

/// An address as the crawl's name server.
pub(crate) fn nameserver() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(11, 53, 53, 53)), 53)
}

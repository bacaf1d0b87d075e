//! One exchange on the wire: dial, shake hands, ask, listen, each within its limit.
//!
//! In: a request's bytes and a share of memory. Out: a response, or why there is none.
//! May touch: the network, TLS, clock and pool of its fetcher. Must not touch: permits.
//! Invariant: ends by itself within the total limit plus the time it waited for memory, which counts
//! against no limit of the server.

use std::io;
use std::net::SocketAddr;

use orb_env::{Mono, timeout_at};
use orb_url::Scheme;
use tokio::io::AsyncReadExt;

use crate::connection::{Connection, Deadline, connect_error};
use crate::error::FetchError;
use crate::exchange::{Request, Timings};
use crate::fetcher::{Memory, Parts};
use crate::http1::{End, Progress, ReadLimits, ResponseReader};
use crate::limits::{BUFFER_BYTES_FIRST, GROW_AT_ONCE_BYTES};
use crate::response::Response;
use crate::tls::{TlsError, TlsInfo};

/// An exchange under way, and what is known of it so far, however it ends.
pub(crate) struct Talk<'a> {
    parts: &'a Parts,
    request: &'a Request,
    remote: SocketAddr,
    /// When the total limit ends; moves with every wait for memory.
    total_at: Mono,
    /// The rate window: when it began and how much had arrived.
    window: (Mono, u64),
    /// Whether part of the final answer, or of another interim one, is here.
    is_answering: bool,
    pub(crate) timings: Timings,
    pub(crate) tls: Option<TlsInfo>,
    pub(crate) reused: bool,
    pub(crate) wire_bytes_in: u64,
    pub(crate) wire_bytes_out: u64,
}

impl<'a> Talk<'a> {
    pub(crate) fn new(
        parts: &'a Parts,
        request: &'a Request,
        remote: SocketAddr,
        started: Mono,
    ) -> Talk<'a> {
        Talk {
            parts,
            request,
            remote,
            total_at: started.plus(parts.config.total_timeout),
            window: (started, 0),
            is_answering: false,
            timings: Timings::default(),
            tls: None,
            reused: false,
            wire_bytes_in: 0,
            wire_bytes_out: 0,
        }
    }

    fn now(&self) -> Mono {
        self.parts.env.clock.mono()
    }

    /// Runs the exchange to its end.
    pub(crate) async fn run(
        &mut self,
        request_bytes: &[u8],
        memory: &Memory,
    ) -> Result<Response, FetchError> {
        let mut connection = self.connection().await?;
        self.tls.clone_from(&connection.tls);
        let asked = self.now();
        let mut deadline = self.until_first_byte(asked);
        match deadline.bound(connection.send(request_bytes)).await {
            Some(Ok(())) => self.wire_bytes_out = request_bytes.len() as u64,
            Some(Err(_)) if self.reused => return Err(FetchError::StaleConnection),
            Some(Err(error)) => return Err(FetchError::Send(error)),
            None => return Err(self.out_of_time()),
        }
        let limits = ReadLimits::new(&self.parts.config, self.request.body_bytes_max);
        let mut reader = ResponseReader::new(limits, Vec::with_capacity(BUFFER_BYTES_FIRST));
        let end = self
            .listen(&mut connection, &mut reader, deadline, memory, asked)
            .await;
        if let Some(first) = self.timings.first_byte {
            self.timings.body = Some(self.now().since(asked.plus(first)));
        }
        if let Some(end) = end? {
            return Ok(reader.ended(end));
        }
        if let Some(announced) = reader
            .reusable()
            .filter(|_| self.request.keeps_open(&self.parts.config))
        {
            let mut pool = self.parts.pool.borrow_mut();
            pool.put(
                self.request.url.origin(),
                self.remote.ip(),
                connection,
                announced,
                self.now(),
            );
        }
        Ok(reader.complete())
    }

    /// An idle connection, or a new one.
    async fn connection(&mut self) -> Result<Connection, FetchError> {
        if self.parts.config.keep_alive {
            let origin = self.request.url.origin();
            let idle = self
                .parts
                .pool
                .borrow_mut()
                .take(&origin, self.remote.ip(), self.now());
            if let Some(idle) = idle {
                self.reused = true;
                return Ok(idle);
            }
        }
        self.dial().await
    }

    async fn dial(&mut self) -> Result<Connection, FetchError> {
        let (parts, remote) = (self.parts, self.remote);
        let clock = &*parts.env.clock;
        let begun = self.now();
        let limit = parts.config.connect_timeout;
        let at = begun.plus(limit).min(self.total_at);
        let stream = match timeout_at(clock, at, parts.env.net.connect(remote)).await {
            None => return Err(FetchError::ConnectTimeout { remote, limit }),
            Some(Err(source)) => return Err(connect_error(remote, source)),
            Some(Ok(stream)) => stream,
        };
        let connected = self.now();
        self.timings.connect = Some(connected.since(begun));
        if self.request.url.scheme() == Scheme::Http {
            return Ok(Connection { stream, tls: None });
        }
        let limit = parts.config.tls_timeout;
        let at = connected.plus(limit).min(self.total_at);
        let host = self.request.url.host().trim_matches(['[', ']']);
        let shaken = timeout_at(clock, at, parts.tls.handshake(stream, host)).await;
        self.timings.tls = Some(self.now().since(connected));
        match shaken {
            None => Err(FetchError::TlsTimeout { remote, limit }),
            Some(Err(source)) => Err(FetchError::Tls { remote, source }),
            Some(Ok((stream, tls))) => Ok(Connection {
                stream,
                tls: Some(tls),
            }),
        }
    }

    /// Reads until the response is complete (none) or its body ended early (how).
    async fn listen(
        &mut self,
        connection: &mut Connection,
        reader: &mut ResponseReader,
        mut deadline: Deadline,
        memory: &Memory,
        asked: Mono,
    ) -> Result<Option<End>, FetchError> {
        let mut is_judged = false;
        loop {
            if let Some(later) = self.make_room(reader, memory, &deadline).await {
                deadline = later;
            }
            match deadline
                .bound(connection.stream.read_buf(&mut reader.raw))
                .await
            {
                Some(Ok(0)) => return self.cut_off(reader, End::Closed, None).map(Some),
                Some(Ok(bytes)) => {
                    if self.wire_bytes_in == 0 {
                        self.timings.first_byte = Some(self.now().since(asked));
                    }
                    self.wire_bytes_in += bytes as u64;
                    if reader.received()? == Progress::Complete {
                        return Ok(None);
                    }
                    if !is_judged && reader.in_body() {
                        is_judged = true;
                        let types = self.request.types.as_deref().unwrap_or_default();
                        if reader.is_unwanted(types) {
                            return Ok(Some(End::Unwanted));
                        }
                    }
                    // After an interim answer the final one is still being thought about.
                    let is_answering = !reader.raw.is_empty();
                    if is_answering != self.is_answering {
                        self.is_answering = is_answering;
                        deadline = if is_answering {
                            self.next_window(self.now())
                        } else {
                            self.until_first_byte(asked)
                        };
                    }
                }
                Some(Err(error)) => {
                    return self.cut_off(reader, End::Broken, Some(error)).map(Some);
                }
                None => match self.judge_pace() {
                    Some(later) => deadline = later,
                    None if reader.payload_bytes() > 0 => return Ok(Some(End::Time)),
                    None => return Err(self.out_of_time()),
                },
            }
        }
    }

    /// Grows the buffer when it is full: at once to an announced length if that is small, else
    /// doubling, never past what the response may still need; asks for the memory of chunk framing that was set aside
    /// too. The new deadline when memory had to be waited for.
    async fn make_room(
        &mut self,
        reader: &mut ResponseReader,
        memory: &Memory,
        deadline: &Deadline,
    ) -> Option<Deadline> {
        let (len, capacity) = (reader.raw.len(), reader.raw.capacity());
        let bytes_for = |more: usize| ((len + more) as u64) + reader.framing_bytes(more);
        let mut more = reader.bytes_wanted_max();
        if len < capacity {
            if reader.framing_bytes(0) == 0 {
                return None;
            }
            // Framing is taken out of the buffer, which then never fills, and lives beside it.
            more = capacity - len;
        } else if bytes_for(more) > GROW_AT_ONCE_BYTES {
            more = more.min(capacity.max(BUFFER_BYTES_FIRST));
        }
        let bytes = bytes_for(more);
        let mut later = None;
        if !memory.try_grow_to(bytes) {
            let since = self.now();
            memory.grow_to(bytes).await;
            let waited = self.now().since(since);
            self.timings.buffer_wait += waited;
            self.total_at = self.total_at.plus(waited);
            self.window.0 = self.window.0.plus(waited);
            later = Some(Deadline::new(
                &*self.parts.env.clock,
                deadline.at().plus(waited),
            ));
        }
        reader.raw.reserve_exact(more);
        later
    }

    fn until_first_byte(&self, asked: Mono) -> Deadline {
        let limit = self.parts.config.first_byte_timeout;
        let at = asked.plus(limit).min(self.total_at);
        Deadline::new(&*self.parts.env.clock, at)
    }

    fn next_window(&mut self, now: Mono) -> Deadline {
        self.window = (now, self.wire_bytes_in);
        let at = now.plus(self.parts.config.rate_window).min(self.total_at);
        Deadline::new(&*self.parts.env.clock, at)
    }

    /// A deadline has come: the next one if the answer keeps pace, none if its time is up.
    fn judge_pace(&mut self) -> Option<Deadline> {
        let now = self.now();
        if now >= self.total_at || !self.is_answering {
            return None;
        }
        let config = &self.parts.config;
        let arrived = self.wire_bytes_in - self.window.1;
        let least = config.rate_bytes_min as f64 * config.rate_window.as_secs_f64();
        (arrived as f64 >= least).then(|| self.next_window(now))
    }

    fn out_of_time(&self) -> FetchError {
        let config = &self.parts.config;
        if self.now() >= self.total_at {
            FetchError::TotalTimeout {
                limit: config.total_timeout,
            }
        } else if !self.is_answering {
            FetchError::FirstByteTimeout {
                limit: config.first_byte_timeout,
            }
        } else {
            FetchError::TooSlow {
                bytes_per_second: config.rate_bytes_min,
            }
        }
    }

    /// The connection ended: inside the body that gives a cut response, before it an error.
    fn cut_off(
        &self,
        reader: &ResponseReader,
        end: End,
        source: Option<io::Error>,
    ) -> Result<End, FetchError> {
        if reader.in_body() {
            Ok(end)
        } else if let Some(source) = source.as_ref().and_then(TlsError::inside) {
            Err(FetchError::Tls {
                remote: self.remote,
                source,
            })
        } else if self.wire_bytes_in > 0 {
            Err(FetchError::HeadIncomplete {
                bytes: reader.raw.len() as u64,
            })
        } else if self.reused {
            Err(FetchError::StaleConnection)
        } else {
            Err(FetchError::EmptyResponse { source })
        }
    }
}

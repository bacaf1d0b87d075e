//! hyper and rustls at the same load: what the usual parts cost.
//!
//! In: pages, a row. Out: what they cost. May touch: loopback.
//! Invariant: the same requests as ours in the same order; the same decoder undoes the content coding.

use std::cell::Cell;
use std::io;
use std::sync::Arc;

use futures_util::future::{Either, select, try_join_all};
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use orb_env::thread_cpu;
use orb_fetch::{DecodeLimits, decode_content};
use rustls::client::Resumption;
use rustls::{ClientConfig, HandshakeKind};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::bench::fetch_cost::{AT_ONCE, Cost, Tally};
use crate::bench::fetch_load::{FetchRow, Load, PageAt};
use crate::exit::Failure;

/// Fetches and decodes the whole load once.
pub(crate) fn run(load: &Load, row: FetchRow) -> Result<Cost, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::storage)?;
    let client = Client {
        row,
        tls: TlsConnector::from(Arc::new(tls_config(load, row)?)),
        resumes: Cell::new(false),
    };
    let spent = runtime.block_on(async {
        if row.resumes() {
            let firsts: Vec<Vec<PageAt>> =
                load.sites.iter().map(|site| site[..1].to_vec()).collect();
            client.fetch(&firsts).await?;
            client.resumes.set(true);
        }
        let began = thread_cpu();
        let tally = client.fetch(&load.sites).await?;
        io::Result::Ok(Cost::of(tally, thread_cpu() - began))
    });
    spent.map_err(Failure::usage)
}

fn tls_config(load: &Load, row: FetchRow) -> Result<ClientConfig, Failure> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(load.ca.clone()).map_err(Failure::usage)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::usage)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = if row.resumes() {
        Resumption::in_memory_sessions(load.sites.len() * 16) // eight tickets for each host
    } else {
        Resumption::disabled()
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

struct Client {
    row: FetchRow,
    tls: TlsConnector,
    /// Whether each handshake must resume a session by now, or none may.
    resumes: Cell<bool>,
}

impl Client {
    async fn fetch(&self, sites: &[Vec<PageAt>]) -> io::Result<Tally> {
        let lines = (0..AT_ONCE).map(|line| self.line(sites.iter().skip(line).step_by(AT_ONCE)));
        Ok(try_join_all(lines).await?.into_iter().sum())
    }

    /// One site after the other.
    async fn line<'a>(&self, sites: impl Iterator<Item = &'a Vec<PageAt>>) -> io::Result<Tally> {
        let mut tally = Tally::default();
        for site in sites {
            let each = if self.row.is_kept() { site.len() } else { 1 };
            for pages in site.chunks(each) {
                self.connection(pages, &mut tally).await?;
            }
        }
        Ok(tally)
    }

    /// One connection for `pages`.
    async fn connection(&self, pages: &[PageAt], tally: &mut Tally) -> io::Result<()> {
        let Some(first) = pages.first() else {
            return Ok(());
        };
        let stream = TcpStream::connect(first.remote).await?;
        stream.set_nodelay(true)?;
        if !self.row.is_secure() {
            return self.exchanges(stream, pages, tally).await;
        }
        let name = ServerName::try_from(first.url.host().to_owned()).map_err(io::Error::other)?;
        let stream = self.tls.connect(name, stream).await?;
        let resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
        if resumed != self.resumes.get() {
            let what = format!("{}: another handshake than the row measures", first.url);
            return Err(io::Error::other(what));
        }
        self.exchanges(stream, pages, tally).await
    }

    async fn exchanges(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        pages: &[PageAt],
        tally: &mut Tally,
    ) -> io::Result<()> {
        let (mut sender, connection) = handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        let all = async {
            for page in pages {
                self.exchange(&mut sender, page, tally).await?;
            }
            Ok(())
        };
        match select(std::pin::pin!(all), std::pin::pin!(connection)).await {
            Either::Left((done, _)) => done,
            Either::Right((_, all)) => all.await,
        }
    }

    async fn exchange(
        &self,
        sender: &mut SendRequest<Empty<Bytes>>,
        page: &PageAt,
        tally: &mut Tally,
    ) -> io::Result<()> {
        let kept = if self.row.is_kept() {
            "keep-alive"
        } else {
            "close"
        };
        let request = hyper::Request::get(page.url.path_and_query())
            .header("host", page.url.authority())
            .header("user-agent", "orb-bench")
            .header(
                "accept",
                "text/html,application/xhtml+xml,application/xml;q=0.9,text/*;q=0.8,*/*;q=0.5",
            )
            .header("accept-language", "en;q=0.9,*;q=0.5")
            .header("accept-encoding", "gzip, deflate, br, zstd")
            .header("connection", kept)
            .body(Empty::new())
            .map_err(io::Error::other)?;
        sender.ready().await.map_err(io::Error::other)?;
        let mut response = sender
            .send_request(request)
            .await
            .map_err(io::Error::other)?;
        if response.status() != hyper::StatusCode::OK {
            return Err(io::Error::other(format!(
                "{}: {}",
                page.url,
                response.status()
            )));
        }
        let length = response
            .headers()
            .get("content-length")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let mut payload: Vec<u8> = Vec::with_capacity(length.unwrap_or(0));
        while let Some(frame) = response.body_mut().frame().await {
            let frame = frame.map_err(io::Error::other)?;
            payload.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        }
        let began = thread_cpu();
        let coding = response
            .headers()
            .get("content-encoding")
            .and_then(|value| value.to_str().ok());
        let decoded = decode_content(coding, &payload, &DecodeLimits::default());
        tally.add(decoded.bytes.len(), thread_cpu() - began);
        decoded.recycle();
        Ok(())
    }
}

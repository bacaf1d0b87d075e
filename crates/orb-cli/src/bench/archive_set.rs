//! What `orb bench archive` archives: exchanges as a crawl would have had them, in memory.
//!
//! In: pages. Out: each page's request, response and links, its body gzipped or plain. May touch: nothing.
//! Invariant: equal pages give equal exchanges; nothing of them is made while something is measured.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::bench::page_set::{BenchPage, PageSet};

/// How bodies came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// `Content-Encoding: gzip`.
    Gzip,
    /// As they are.
    Plain,
}

/// One exchange.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) url: String,
    pub(crate) request: Vec<u8>,
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
    /// Values of `outlink` fields.
    pub(crate) outlinks: Vec<String>,
}

/// Exchanges that are archived together.
#[derive(Debug)]
pub(crate) struct ExchangeSet {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) coding: Coding,
    pub(crate) exchanges: Vec<Exchange>,
}

impl ExchangeSet {
    /// The pages of `set`, their bodies coded as servers do.
    pub(crate) fn of(set: &PageSet, coding: Coding) -> ExchangeSet {
        let word = match coding {
            Coding::Gzip => "gzip-encoded",
            Coding::Plain => "plain",
        };
        let exchanges = set.pages.iter().map(|page| exchange(page, coding));
        ExchangeSet {
            name: format!("{}, {word}", set.name),
            about: set.about.clone(),
            coding,
            exchanges: exchanges.collect(),
        }
    }

    /// Bytes of all bodies as they came.
    pub(crate) fn body_bytes(&self) -> usize {
        self.exchanges.iter().map(|one| one.body.len()).sum()
    }

    /// Bytes of all messages: requests, heads and bodies.
    pub(crate) fn message_bytes(&self) -> usize {
        let bytes = |one: &Exchange| one.request.len() + one.head.len() + one.body.len();
        self.exchanges.iter().map(bytes).sum()
    }
}

fn exchange(page: &BenchPage, coding: Coding) -> Exchange {
    let url = page.url.as_str().to_owned();
    let body = match coding {
        Coding::Plain => page.body.clone(),
        Coding::Gzip => gzipped(&page.body),
    };
    let encoding = match coding {
        Coding::Gzip => "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n",
        Coding::Plain => "",
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\nServer: nginx\r\n\
         Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\
         Cache-Control: max-age=600\r\nETag: \"{:x}-{:x}\"\r\n{encoding}\r\n",
        body.len(),
        body.len(),
        url.len(),
    );
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: orb/0.1 (+https://crawler.example/)\r\nAccept: text/html,*/*;q=0.8\r\n\
         Accept-Encoding: gzip, br, zstd, deflate\r\nAccept-Language: en;q=0.9,*;q=0.5\r\n\r\n",
        page.url.path_and_query(),
        page.url.host(),
    );
    let links = page
        .hrefs
        .iter()
        .filter_map(|href| page.base.join(href).ok());
    Exchange {
        url,
        request: request.into_bytes(),
        head: head.into_bytes(),
        body,
        outlinks: links
            .map(|link| format!("{} link - words of a link", link.as_str()))
            .collect(),
    }
}

/// A body as a server sends it: level 6 is what they ship with.
pub(crate) fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::new(6));
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("a Vec takes every byte")
}

//! What `orb bench fetch` fetches: pages of a synthetic web on loopback, site by site, in five ways.
//!
//! In: how large. Out: rows, pages with their addresses, a server that runs beside the work.
//! May touch: sockets of the web, threads. Must not touch: how pages are fetched.
//! Invariant: both clients of a row get the same pages in the same order; the server ends with the work.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::ValueEnum;
use orb_env::BootClock;
use orb_simweb::{Fate, FaultMix, Server, SimWeb, SimWebConfig, SizeProfile};
use orb_url::CrawlUrl;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::sync::oneshot;

use crate::bench::cores::Pins;
use crate::exit::Failure;

/// One way to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FetchRow {
    /// http, one connection for all pages of a site.
    HttpKept,
    /// http, a new connection for every page.
    HttpNew,
    /// https, a new connection and a full handshake for every page, its chain verified.
    HttpsFull,
    /// https, a new connection and a full handshake for every page, its chain remembered.
    HttpsKnown,
    /// https, a new connection and a resumed session for every page.
    HttpsResumed,
}

impl FetchRow {
    /// Every row.
    pub(crate) const ALL: [FetchRow; 5] = [
        FetchRow::HttpKept,
        FetchRow::HttpNew,
        FetchRow::HttpsFull,
        FetchRow::HttpsKnown,
        FetchRow::HttpsResumed,
    ];

    /// Its name in arguments, tables and JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            FetchRow::HttpKept => "http-kept",
            FetchRow::HttpNew => "http-new",
            FetchRow::HttpsFull => "https-full",
            FetchRow::HttpsKnown => "https-known",
            FetchRow::HttpsResumed => "https-resumed",
        }
    }

    /// CPU microseconds a page that it may cost on one core, fetching and decoding, where the design names them.
    pub(crate) fn target_micros(self) -> Option<f64> {
        match self {
            FetchRow::HttpKept => Some(300.0),
            FetchRow::HttpsFull => Some(800.0),
            FetchRow::HttpsResumed => Some(620.0),
            FetchRow::HttpNew | FetchRow::HttpsKnown => None,
        }
    }

    pub(crate) fn is_secure(self) -> bool {
        !matches!(self, FetchRow::HttpKept | FetchRow::HttpNew)
    }

    pub(crate) fn is_kept(self) -> bool {
        self == FetchRow::HttpKept
    }

    pub(crate) fn resumes(self) -> bool {
        self == FetchRow::HttpsResumed
    }
}

/// One page.
#[derive(Clone, Debug)]
pub(crate) struct PageAt {
    pub(crate) url: CrawlUrl,
    pub(crate) remote: SocketAddr,
}

/// Pages by site, and whom to trust.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) sites: Vec<Vec<PageAt>>,
    pub(crate) ca: CertificateDer<'static>,
}

impl Load {
    fn of(server: &Server) -> Result<Load, Failure> {
        let web = server.web();
        let truth = web.truth();
        let mut sites: Vec<Vec<PageAt>> = Vec::new();
        for (text, fate) in truth.iter() {
            let Ok(url) = CrawlUrl::parse(text) else {
                continue;
            };
            let address = web
                .resolve(url.host())
                .and_then(|found| found.first().copied());
            let (Fate::Captured, Some(address)) = (fate, address) else {
                continue;
            };
            let remote = SocketAddr::new(address, url.port());
            let page = PageAt { url, remote };
            match sites.last_mut() {
                Some(site) if site[0].url.host() == page.url.host() => site.push(page),
                _ => sites.push(vec![page]),
            }
        }
        let ca =
            CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).map_err(Failure::usage)?;
        Ok(Load { sites, ca })
    }

    /// Pages in all.
    pub(crate) fn pages(&self) -> usize {
        self.sites.iter().map(Vec::len).sum()
    }
}

/// How large the web is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadSize {
    pub(crate) sites: u32,
    pub(crate) pages_per_site: u32,
    pub(crate) seed: u64,
}

/// Serves the web of `row` on the web's core while `work` runs on the crawler's.
pub(crate) fn served<T: Send>(
    row: FetchRow,
    size: LoadSize,
    pins: &Pins,
    work: impl FnOnce(&Load) -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let web = SimWeb::new(SimWebConfig {
        seed: size.seed,
        sites: size.sites,
        pages_per_site: size.pages_per_site,
        size: SizeProfile::Large,
        https_share: if row.is_secure() { 1.0 } else { 0.0 },
        www_share: 0.0,
        addresses: 4,
        http_port: 0,
        https_port: 0,
        faults: FaultMix::none(),
        ..SimWebConfig::default()
    });
    let dns = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(web, dns).map_err(Failure::usage)?;
    let load = Load::of(&server)?;
    let (done, stop) = oneshot::channel::<()>();
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| {
            Pins::on(pins.web, || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .map_err(Failure::storage)?;
                let stop = async {
                    stop.await.ok(); // told, or the work is gone: either way the end
                };
                runtime
                    .block_on(server.run(Arc::new(BootClock::new()), stop))
                    .map_err(Failure::usage)
            })
        });
        let worked = Pins::on(pins.crawler, || work(&load));
        drop(done);
        serving
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        worked
    })
}

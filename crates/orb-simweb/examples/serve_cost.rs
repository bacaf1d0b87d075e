//! What serving costs: CPU microseconds a page, for the answer alone and over kept connections of loopback.
//!
//! Run with `cargo run --release -p orb-simweb --example serve_cost`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use orb_env::BootClock;
use orb_simweb::{FaultMix, Server, SimRequest, SimWeb, SimWebConfig, SizeProfile};
use rustix::time::{ClockId, clock_gettime};

const PAGES: usize = 20_000;

/// CPU time of this thread in microseconds.
fn cpu_micros() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn config(size: SizeProfile) -> SimWebConfig {
    SimWebConfig {
        sites: 500,
        pages_per_site: 40,
        size,
        https_share: 0.0,
        www_share: 0.0,
        addresses: 4,
        http_port: 0,
        https_port: 0,
        faults: FaultMix::none(),
        ..SimWebConfig::default()
    }
}

/// (host, target) of many pages.
fn pages(web: &SimWeb) -> Vec<(String, String)> {
    let truth = web.truth();
    let split = |url: &str| {
        let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
        Some((host.to_owned(), format!("/{path}")))
    };
    let pages: Vec<_> = truth.iter().filter_map(|(url, _)| split(url)).collect();
    // In steps, so that neighbours are of different sites.
    (0..PAGES)
        .map(|at| pages[at * 7_919 % pages.len()].clone())
        .collect()
}

fn respond_cost(size: SizeProfile) {
    let web = SimWeb::new(config(size));
    let pages = pages(&web);
    let start = cpu_micros();
    let mut wire = 0;
    for (host, target) in &pages {
        let response = web.respond(&SimRequest::get(host, target, false));
        wire += response.head.len() + response.body.iter().map(|part| part.len()).sum::<usize>();
    }
    let each = (cpu_micros() - start) / pages.len() as f64;
    println!(
        "{size:?}: respond {each:.2} us a page, {} bytes on the wire",
        wire / pages.len()
    );
}

fn serve_cost(size: SizeProfile) -> std::io::Result<()> {
    let server = Server::bind(
        SimWeb::new(config(size)),
        SocketAddr::from(([127, 0, 0, 1], 0)),
    )?;
    let web = Arc::clone(server.web());
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let served = std::thread::spawn(move || -> std::io::Result<f64> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let stop = async {
            drop(stop.await);
        };
        runtime.block_on(server.run(Arc::new(BootClock::new()), stop))?;
        Ok(cpu_micros())
    });
    let mut streams = Vec::new();
    for address in web.addresses() {
        for _ in 0..8 {
            streams.push(TcpStream::connect((address, web.config().http_port))?);
        }
    }
    let mut input = vec![0; 1 << 20];
    let pages = pages(&web);
    for batch in pages.chunks(streams.len()) {
        for (stream, (host, target)) in streams.iter_mut().zip(batch) {
            write!(
                stream,
                "GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n"
            )?;
        }
        for (stream, _) in streams.iter_mut().zip(batch) {
            read_response(stream, &mut input)?;
        }
    }
    drop(done);
    let micros = served.join().expect("the server does not panic")?;
    println!(
        "{size:?}: serve over kept HTTP {:.2} us CPU a page",
        micros / pages.len() as f64
    );
    Ok(())
}

fn read_response(stream: &mut TcpStream, input: &mut [u8]) -> std::io::Result<()> {
    let mut have = 0;
    let mut wanted = usize::MAX;
    while have < wanted {
        let room = if wanted == usize::MAX {
            &mut input[have..]
        } else {
            &mut input[..]
        };
        let bytes = stream.read(room)?;
        if bytes == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        have += bytes;
        if wanted == usize::MAX
            && let Some(end) = input[..have]
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
        {
            let head = String::from_utf8_lossy(&input[..end]);
            let length = head
                .split("Content-Length: ")
                .nth(1)
                .and_then(|rest| rest.lines().next());
            wanted = end + 4 + length.and_then(|text| text.parse().ok()).unwrap_or(0);
        }
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    for size in [SizeProfile::Large, SizeProfile::Small, SizeProfile::Tiny] {
        respond_cost(size);
        serve_cost(size)?;
    }
    Ok(())
}

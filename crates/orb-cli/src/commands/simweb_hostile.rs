//! `orb simweb hostile`: what broken and malicious servers do, as listeners on this machine.
//!
//! In: a seed, an address. Out: one listener for each row of the catalogue of faults, names by DNS, a CA certificate.
//! May touch: sockets through `orb-simweb`, that one file.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use orb_env::BootClock;
use orb_simweb::{HostilePlace, HostileServer};
use serde::Serialize;

use crate::exit::{Exit, Failure, Outcome};
use crate::signals::Ending;
use crate::terminal::{say, say_json};

/// Arguments of `orb simweb hostile`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  orb simweb hostile
  and in another terminal, with an address that it prints:
  orb fetch http://127.0.0.1:PORT/silence --allow-net 127.0.0.0/8

The front page of a listener links to its cases. One seed makes the same bytes. Ends at SIGINT or SIGTERM.")]
pub(crate) struct HostileArgs {
    /// Everything but certificates' keys follows from it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The address to listen at; ports are free ones.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1")]
    address: IpAddr,
    /// Where names below `hostile.test` are answered, by UDP; port 0 takes a free one.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    dns: SocketAddr,
    /// File for the certificate that the good handshakes verify by.
    #[arg(long, value_name = "FILE", default_value = "orb-hostile-ca.pem")]
    ca: PathBuf,
    /// Print where everything is as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Where the hostile web is. Names are a contract with scripts.
#[derive(Debug, Serialize)]
struct Served {
    dns: SocketAddr,
    ca: PathBuf,
    listeners: Vec<Listener>,
}

#[derive(Debug, Serialize)]
struct Listener {
    row: &'static str,
    about: &'static str,
    /// The handshake, where a listener serves one only.
    handshake: Option<&'static str>,
    url: String,
    cases: Vec<&'static str>,
}

/// Serves until told to end.
pub(crate) fn run(args: &HostileArgs) -> Outcome {
    crate::log_file::start_without_file();
    let clock = Arc::new(BootClock::new());
    let server =
        HostileServer::bind(args.seed, args.address, args.dns, &*clock).map_err(Failure::usage)?;
    fs::write(&args.ca, server.ca_pem()).map_err(|error| {
        Failure::storage(
            anyhow::Error::new(error).context(format!("{} cannot be written", args.ca.display())),
        )
    })?;
    let served = Served {
        dns: server.dns_addr().map_err(Failure::usage)?,
        ca: args.ca.clone(),
        listeners: server.places().iter().map(listener).collect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::storage)?;
    runtime.block_on(async {
        // Before the first line: whoever read it may send a signal at once.
        let mut ending = Ending::install().map_err(Failure::storage)?;
        if args.json {
            say_json(&served)?;
        } else {
            say(&for_people(&served));
        }
        server
            .run(clock, ending.next())
            .await
            .map_err(Failure::usage)
    })?;
    Ok(Exit::Fine)
}

fn listener(place: &HostilePlace) -> Listener {
    let scheme = if place.handshake.is_some() {
        "https"
    } else {
        "http"
    };
    Listener {
        row: place.row.name(),
        about: place.row.about(),
        handshake: place.handshake,
        url: format!("{scheme}://{}/", place.address),
        cases: match place.handshake {
            Some(_) => Vec::new(),
            None => place.row.cases(),
        },
    }
}

fn for_people(served: &Served) -> String {
    let mut out = String::new();
    let mut row = "";
    for listener in &served.listeners {
        if listener.row != row {
            row = listener.row;
            out.push_str(&format!("{row}  {}\n", listener.about));
        }
        let cases = listener
            .handshake
            .map_or_else(|| listener.cases.join(" "), str::to_owned);
        out.push_str(&format!("    {}  {cases}\n", listener.url));
    }
    out.push_str(&format!(
        "names below hostile.test by DNS at {dns}, certificate in {ca}\n\
         try one:\n  orb fetch {url}CASE --allow-net 127.0.0.0/8 --dns {dns} --ca {ca}\n\
         end with ctrl-c",
        dns = served.dns,
        ca = served.ca.display(),
        url = served.listeners.first().map_or("", |first| &first.url),
    ));
    out
}

//! A synthetic web served by a child process: the web of `orb demo` and of `orb bench`.
//!
//! In: arguments of `orb simweb`. Out: where the web is, and the child that serves it.
//! May touch: one child process, so that a crawl's CPU time is its own.
//! Invariant: the child ends with this process, however that ends: it watches its standard input.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::commands::simweb::Served;
use crate::exit::Failure;
use crate::limits::WEB_START_MAX;

/// The child process that serves the web; ended when dropped.
pub(crate) struct WebProcess {
    child: Child,
    pub(crate) served: Served,
}

impl WebProcess {
    /// Starts `orb simweb` on free ports and waits until it serves. Runs on the cores of the calling thread.
    ///
    /// - `out`: folder for its seeds and certificate.
    /// - `web`: further arguments, which say what web it is.
    pub(crate) fn start(out: &Path, web: &[String]) -> Result<WebProcess, Failure> {
        let program = std::env::current_exe().map_err(Failure::storage)?;
        let mut child = Command::new(program)
            .args(["simweb", "--json", "--until-stdin-ends"])
            .args(["--http-port", "0", "--https-port", "0"])
            .args(["--dns", "127.0.0.1:0"])
            .args(web)
            .arg("--out")
            .arg(out)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is meant for the crawl, which still needs the web to finish what is in flight.
            .process_group(0)
            .spawn()
            .map_err(Failure::storage)?;
        let stdout = child.stdout.take();
        let mut web = Waiting(Some(child));
        let (send, line) = sync_channel(1);
        thread::spawn(move || {
            let mut line = String::new();
            let read = stdout.map(|stdout| BufReader::new(stdout).read_line(&mut line));
            send.send(read.map(|read| read.map(|_| line))).ok(); // nobody waits any more: the time was up
        });
        let line = line
            .recv_timeout(WEB_START_MAX)
            .ok()
            .flatten()
            .and_then(Result::ok)
            .unwrap_or_default();
        let served = serde_json::from_str(&line).map_err(|_| {
            Failure::usage_text("the synthetic web did not come up; its message stands above")
        })?;
        let child = web
            .0
            .take()
            .expect("the child is there until it is taken, here");
        Ok(WebProcess { child, served })
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

/// A child that is not known to serve yet; ended when dropped.
struct Waiting(Option<Child>);

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

impl Drop for WebProcess {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn end(child: &mut Child) {
    if let Some(mut stdin) = child.stdin.take() {
        stdin.flush().ok(); // closing it is the message
    }
    if child.kill().is_ok() {
        child.wait().ok(); // it has ended, one way or the other
    }
}

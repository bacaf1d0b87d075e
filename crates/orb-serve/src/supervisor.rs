//! What a service manager is told: the process is ready, lives, stops (`sd_notify`, as systemd documents it).
//!
//! In: the address from the environment, sentences. Out: datagrams. May touch: one datagram socket.
//! Must not touch: the environment; who starts the process reads it.
//! Invariant: a manager that is gone or slow never holds the crawl up: nothing waits, and what cannot be sent is lost.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// Letters of a status that are sent: managers show one line.
const STATUS_LETTERS_MAX: usize = 300;

/// A service manager that wants to be told.
#[derive(Debug)]
pub struct Supervisor {
    socket: UnixDatagram,
    address: SocketAddr,
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The manager at `address`, a path or `@` and a name in the abstract namespace, which wants to hear within
    /// `watchdog` that the process lives, if it said so.
    ///
    /// # Errors
    /// When that is no address, or there is no socket to be had.
    pub fn at(address: &str, watchdog: Option<Duration>) -> io::Result<Supervisor> {
        let address = match address.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Supervisor {
            socket,
            address,
            watchdog,
        })
    }

    /// How often to say that the process lives: half of what the manager waits, as it recommends.
    #[must_use]
    pub fn every(&self) -> Option<Duration> {
        self.watchdog.map(|time| time / 2)
    }

    /// The service does what it is for.
    pub fn ready(&self) {
        self.send("READY=1");
    }

    /// It is ending by itself.
    pub fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// It lives.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    /// How it goes, one line.
    pub fn status(&self, text: &str) {
        let line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let line: String = line.take(STATUS_LETTERS_MAX).collect();
        self.send(&format!("STATUS={line}"));
    }

    fn send(&self, text: &str) {
        if let Err(error) = self.socket.send_to_addr(text.as_bytes(), &self.address) {
            tracing::debug!(%error, "service manager was not told");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(receiver: &UnixDatagram) -> Vec<String> {
        receiver.set_nonblocking(true).unwrap();
        let mut buffer = [0; 1_024];
        let mut all = Vec::new();
        while let Ok(bytes) = receiver.recv(&mut buffer) {
            all.push(String::from_utf8(buffer[..bytes].to_vec()).unwrap());
        }
        all
    }

    fn tell_all(supervisor: &Supervisor) {
        supervisor.ready();
        supervisor.status("7 pages\nREADY=0 \u{1b}[2J");
        supervisor.alive();
        supervisor.stopping();
    }

    const ALL: [&str; 4] = [
        "READY=1",
        "STATUS=7 pages READY=0  [2J",
        "WATCHDOG=1",
        "STOPPING=1",
    ];

    #[test]
    fn a_service_manager_hears_the_protocols_words_by_a_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let receiver = UnixDatagram::bind(&path).unwrap();
        let minute = Some(Duration::from_secs(60));
        let supervisor = Supervisor::at(path.to_str().unwrap(), minute).unwrap();
        assert_eq!(supervisor.every(), Some(Duration::from_secs(30)));
        tell_all(&supervisor);
        assert_eq!(told(&receiver), ALL);
    }

    #[test]
    fn and_by_a_name_in_the_abstract_namespace() {
        let name = format!("orb-supervisor-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let receiver = UnixDatagram::bind_addr(&address).unwrap();
        let supervisor = Supervisor::at(&format!("@{name}"), None).unwrap();
        assert_eq!(supervisor.every(), None);
        tell_all(&supervisor);
        assert_eq!(told(&receiver), ALL);
    }

    #[test]
    fn a_manager_that_is_gone_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        let supervisor = Supervisor::at(path.to_str().unwrap(), None).unwrap();
        tell_all(&supervisor);
        // Nor does one that does not read.
        let receiver = UnixDatagram::bind(&path).unwrap();
        for _ in 0..10_000 {
            supervisor.alive();
        }
        assert!(!told(&receiver).is_empty());
        assert!(Supervisor::at(&"x".repeat(200), None).is_err());
    }
}

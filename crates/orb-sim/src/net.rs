//! The simulated network: servers of a synthetic web behind addresses, a name server, and weather.
//!
//! In: addresses to connect to, questions. Out: streams whose far end is the web; a log of what servers saw.
//! May touch: the synthetic web, true time. Must not touch: the crawl.
//! Invariant: one seed gives one weather; a process that was killed sends nothing any more.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use orb_env::{BoxStream, LocalFuture, MemoryDisk, Net};
use orb_simweb::{SimWeb, serve_stream};

use crate::dice::{Dice, mix};
use crate::server_log::{Contact, Greeting, ServerLog};
use crate::time::{ProcessClock, TrueTime};
use crate::wire::{Break, Line};
use crate::wire_ends::ClientEnd;

/// How the network behaves. Faults are bounded for each address, so that a crawl with enough attempts
/// reaches everything that can be reached.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// Longest one-way delay, microseconds; each address has its own, always the same.
    pub latency_max: u64,
    /// Nanoseconds a byte takes at the slowest address.
    pub byte_ns_max: u64,
    /// Percent of connections that meet a fault.
    pub fault_percent: u64,
    /// Faults of one address in all.
    pub faults_per_address: u64,
    /// Percent of questions to the name server that are lost.
    pub question_loss_percent: u64,
    /// Questions lost in all.
    pub question_losses: u64,
}

/// See the module.
pub struct SimNet {
    web: Arc<SimWeb>,
    time: Arc<TrueTime>,
    disk: MemoryDisk,
    seed: u64,
    weather: Weather,
    dice: Dice,
    life: AtomicUsize,
    log: Arc<Mutex<ServerLog>>,
    /// Faults made so far: by address, and lost questions under the unspecified one.
    spent: Mutex<BTreeMap<IpAddr, u64>>,
    nameserver: SocketAddr,
}

/// What a connection meets.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Connects(Break),
    Refused,
    Ignored,
}

impl SimNet {
    /// A network in front of `web`, whose callers die with `disk`.
    #[must_use]
    pub fn new(
        web: Arc<SimWeb>,
        time: Arc<TrueTime>,
        disk: MemoryDisk,
        seed: u64,
        weather: Weather,
        nameserver: SocketAddr,
    ) -> SimNet {
        SimNet {
            web,
            time,
            disk,
            seed,
            weather,
            dice: Dice::new(seed, "weather"),
            life: AtomicUsize::new(0),
            log: Arc::default(),
            spent: Mutex::default(),
            nameserver,
        }
    }

    /// From now on process `life` calls.
    pub fn begin_life(&self, life: usize) {
        self.life.store(life, Ordering::Relaxed);
    }

    /// What the servers saw so far.
    #[must_use]
    pub fn log(&self) -> ServerLog {
        self.lock_log().clone()
    }

    // A panic of a planted mistake leaves the log whole: every note is one step.
    fn lock_log(&self) -> MutexGuard<'_, ServerLog> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spend(&self, key: IpAddr, most: u64) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let count = spent.entry(key).or_default();
        *count += 1;
        *count <= most
    }

    /// The one-way delay and the pace of an address: its own, and always the same.
    fn distance(&self, address: IpAddr) -> (u64, u64) {
        let dice = Dice::new(mix(self.seed, &address.to_string()), "distance");
        let pick = |max: u64| if max == 0 { 0 } else { dice.pick(0..max + 1) };
        (
            pick(self.weather.latency_max),
            pick(self.weather.byte_ns_max),
        )
    }

    fn draw(&self, address: IpAddr) -> Fate {
        // Drawn whatever comes of it, so that one fault less does not shift the others.
        let (happens, kind) = (
            self.dice.percent(self.weather.fault_percent),
            self.dice.bits(),
        );
        let bytes = self.dice.spread(8_000);
        if !happens || !self.spend(address, self.weather.faults_per_address) {
            return Fate::Connects(Break::Never);
        }
        let (name, fate) = match kind % 5 {
            0 => ("refused", Fate::Refused),
            1 => ("ignored", Fate::Ignored),
            2 | 3 => ("reset", Fate::Connects(Break::ResetAt(bytes))),
            _ => ("silent", Fate::Connects(Break::SilentAt(bytes))),
        };
        self.lock_log().fault(name);
        fate
    }

    async fn dial(&self, to: SocketAddr) -> io::Result<BoxStream> {
        if self.disk.is_killed() {
            return std::future::pending().await;
        }
        let address = to.ip();
        let secure = to.port() == self.web.config().https_port;
        let known = self.web.addresses().contains(&address)
            && (secure || to.port() == self.web.config().http_port);
        let (latency, byte_ns) = self.distance(address);
        let fate = if known {
            self.draw(address)
        } else {
            Fate::Refused
        };
        let greeting = match fate {
            _ if !known => Greeting::Foreign,
            Fate::Connects(_) => Greeting::Accepted,
            Fate::Refused => Greeting::Refused,
            Fate::Ignored => Greeting::Ignored,
        };
        let now = self.time.now();
        let life = self.life.load(Ordering::Relaxed);
        let at = now + latency;
        self.lock_log().contacts.push(Contact {
            life,
            address,
            port: to.port(),
            at,
            greeting,
        });
        let broken = match fate {
            Fate::Connects(broken) => broken,
            Fate::Ignored => return std::future::pending().await,
            Fate::Refused => {
                self.time.sleep_until(now + 2 * latency).await;
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
        };
        self.time.sleep_until(now + 2 * latency).await;
        let line = Line {
            life,
            address,
            secure,
            latency,
            byte_ns,
            broken,
            begun: at,
        };
        let (web, time) = (Arc::clone(&self.web), Arc::clone(&self.time));
        let end = ClientEnd::new(line, Arc::clone(&self.time), Arc::clone(&self.log), |end| {
            Box::pin(async move {
                let clock = ProcessClock::of_server(time);
                serve_stream(&web, end, secure, &clock).await
            })
        });
        Ok(Box::new(end))
    }

    async fn answer(&self, to: SocketAddr, question: Vec<u8>) -> io::Result<Vec<u8>> {
        self.lock_log().questions += 1;
        let lost = self.dice.percent(self.weather.question_loss_percent)
            && self.spend(IpAddr::from([0, 0, 0, 0]), self.weather.question_losses);
        if lost || to != self.nameserver || self.disk.is_killed() {
            self.lock_log().fault("question_lost");
            return std::future::pending().await;
        }
        let (latency, _) = self.distance(to.ip());
        self.time.sleep_until(self.time.now() + 2 * latency).await;
        Ok(self.web.answer_dns(&question))
    }
}

impl Net for SimNet {
    fn connect(&self, to: SocketAddr) -> LocalFuture<'_, io::Result<BoxStream>> {
        Box::pin(self.dial(to))
    }

    fn ask(&self, to: SocketAddr, question: Vec<u8>) -> LocalFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(self.answer(to, question))
    }
}

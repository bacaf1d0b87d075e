//! Orders to a crawl: to the running one by its control socket, to a stopped one into its book.
//!
//! In: a folder, an order. Out: what became of it. May touch: the control socket; the folder under its lock.
//! Invariant: both ways end in the same book, with who asked and why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use orb_api::{Act, CrawlDir, OrderReply, OrderWish};
use orb_crawl::{CrawlConfig, OrderBook, OrderError, StoppedCrawl};
use orb_env::{Disk, KernelDisk};
use orb_serve::{ClientError, Request, ask};

use crate::exit::Failure;
use crate::folder;
use crate::last_run::LastRun;
use crate::live::variable;
use crate::world::KernelWorld;

/// How often the lock of the list of opt-outs is tried, and the pause between: five seconds in all.
const LIST_LOCK_TRIES: u32 = 250;
const LIST_LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Whose crawl, why, and whether for real.
#[derive(Clone, Debug, Args)]
pub(crate) struct OrderArgs {
    /// The crawl's folder.
    #[arg(long, value_name = "DIR", default_value = folder::DEFAULT, value_hint = clap::ValueHint::DirPath)]
    pub(crate) out: PathBuf,
    /// Why; kept with the order for those who ask later.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) why: String,
    /// Only tell what it would do.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl OrderArgs {
    /// The folder, if it holds a crawl.
    pub(crate) fn dir(&self) -> Result<CrawlDir, Failure> {
        let dir = CrawlDir::new(&self.out);
        if dir.identity().exists() {
            return Ok(dir);
        }
        Err(Failure::usage_text(format!(
            "{} holds no crawl; name its folder",
            dir.root().display()
        )))
    }

    /// Gives an order to it.
    pub(crate) fn give(&self, act: Act) -> Result<OrderReply, Failure> {
        give(&self.dir()?, act, &self.why, self.dry_run)
    }
}

/// Gives an order to the crawl in `dir`, running or not.
pub(crate) fn give(
    dir: &CrawlDir,
    act: Act,
    why: &str,
    dry_run: bool,
) -> Result<OrderReply, Failure> {
    let wish = OrderWish {
        who: who(),
        why: why.to_owned(),
        dry_run,
        act,
    };
    let reply = match ask(&dir.socket(), &Request::Order(wish.clone())) {
        Ok(reply) => reply,
        Err(ClientError::NotRunning) => return to_stopped(dir, wish),
        Err(error) => return Err(Failure::usage(error)),
    };
    let refusal = reply.error.unwrap_or_default();
    reply.order.ok_or_else(|| Failure::usage_text(refusal))
}

fn to_stopped(dir: &CrawlDir, wish: OrderWish) -> Result<OrderReply, Failure> {
    if wish.act == (Act::Stop {}) {
        return Err(Failure::usage_text(format!(
            "no crawl runs in {}",
            dir.root().display()
        )));
    }
    let _lock = folder::lock_silent(dir)?;
    let run = LastRun::read(dir).unwrap_or_default();
    let rules = run.rules();
    let world = Arc::new(KernelWorld::for_reading());
    let crawl = StoppedCrawl::open(world, dir.clone(), run.config, rules)?;
    crawl.order(wish).map_err(failure)
}

/// Writes an opt-out, or the end of one, into the list that all crawls of this machine share. One synced write.
pub(crate) fn list_opt_out(list: &Path, act: Act, why: &str) -> Result<(), Failure> {
    if let Some(folder) = list.parent() {
        std::fs::create_dir_all(folder).map_err(Failure::storage)?;
    }
    // Two at once would give two orders one number. Whoever holds it is done in milliseconds.
    let lock = list.with_extension("lock");
    let _lock = (0..LIST_LOCK_TRIES)
        .find_map(|_| match KernelDisk.lock(&lock) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(LIST_LOCK_PAUSE);
                None
            }
            other => Some(other),
        })
        .unwrap_or_else(|| KernelDisk.lock(&lock))
        .map_err(Failure::storage)?;
    let mut book = OrderBook::read(Arc::new(KernelDisk), list)?;
    let act = match act {
        Act::Undo { undoes } if book.is_undone(undoes) => return Ok(()),
        Act::Undo { .. } => act,
        act => match book.prepare(act).map_err(failure)? {
            orb_crawl::Prepared::Give(act) => act,
            orb_crawl::Prepared::InForce(_) => return Ok(()),
        },
    };
    let now = orb_env::Clock::wall(&orb_env::BootClock::new());
    book.give(now, &who(), why, act)?;
    Ok(())
}

fn failure(error: OrderError) -> Failure {
    match error {
        OrderError::Storage(error) => Failure::from(error),
        error => Failure::usage(error),
    }
}

/// Who gives an order, as the system knows them.
fn who() -> String {
    let named = variable("SUDO_USER").or_else(|| variable("USER"));
    named
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

/// Where the list of opt-outs of this machine lies: the setting, or a file in the user's configuration folder (XDG
/// Base Directory Specification). None where there is no such folder.
pub(crate) fn opt_out_list(config: &CrawlConfig) -> Option<PathBuf> {
    if !config.opt_outs.is_empty() {
        return Some(PathBuf::from(&config.opt_outs));
    }
    let folder = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|folder| folder.is_absolute())
    };
    let home = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    Some(home?.join("orb/opt-outs.jsonl"))
}

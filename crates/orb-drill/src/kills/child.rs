//! The child: works on its folder until it is killed or done.
//!
//! In: a folder, perhaps the number of a write to die at. Out: a folder that somebody else judges.
//! May touch: the folder. Invariant: a request is written down when it ends, a group when it is durable.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use orb_env::{Disk, Mono, Wall};
use orb_frontier::{Queued, Settled};
use orb_gate::Feedback;
use orb_shard::SlotId;
use orb_store::{Batch, JournalEnd, Keyspace, Store};
use orb_url::Site;

use super::ledger::{Attempt, Commit, Log, attempts, last_commit, last_time};
use super::traps::{Trap, TrappedDisk, TrappedStore};
use super::{KillSettings, ROUND_LINKS, SLOT, attempts_log, commits_log, politeness, times_log};
use crate::DrillError;
use crate::board::Board;
use crate::flight::{Pretence, fate};
use crate::helping::Helping;
use crate::lanes::Lanes;
use crate::plan::Plan;
use crate::shard::{Shard, ShardParts, stamp};
use crate::slot::Slot;
use crate::stream::{Stream, key_of};

/// Meta row of how much of the attempts a group covers.
const COVERED: &[u8] = b"drill-attempts";

/// Virtual time between the death of one process and the birth of the next.
const BETWEEN: Duration = Duration::from_millis(50);

/// When a process opens the folder: a moment after the last that the one before can have stored.
pub(super) fn opens_at(dir: &Path) -> Result<Mono, DrillError> {
    let path = attempts_log(dir);
    let all = attempts(&path).map_err(DrillError::io("read", path))?;
    let last = all.iter().map(|(_, attempt)| attempt.ended).max();
    let path = times_log(dir);
    let sealed = last_time(&path).map_err(DrillError::io("read", path))?;
    Ok(last
        .unwrap_or(crate::drill::OPENED)
        .max(sealed)
        .plus(BETWEEN))
}

/// Requests that no durable group covers: they happened, and the clocks must hear of them.
pub(super) fn undone(dir: &Path, store: &dyn Store) -> Result<Vec<Attempt>, DrillError> {
    let covered = store
        .get(Keyspace::Meta, COVERED)
        .map_err(|source| DrillError::Store { slot: SLOT, source })?;
    let covered = covered
        .and_then(|row| row.first_chunk().copied())
        .map_or(0, u64::from_be_bytes);
    let path = attempts_log(dir);
    let all = attempts(&path).map_err(DrillError::io("read", path))?;
    Ok(all
        .into_iter()
        .filter(|(end, _)| *end > covered)
        .map(|(_, attempt)| attempt)
        .collect())
}

/// Tells the clocks, as a crawl's slot does when it opens.
pub(super) fn fold(slot: &mut Slot, undone: &[Attempt], now: Mono) -> Result<(), DrillError> {
    for attempt in undone {
        let id = slot
            .frontier
            .bring(&attempt.site)
            .map_err(|source| slot.broken(source))?;
        let rest = attempt.rest.unwrap_or_default();
        slot.frontier.clock(id).learn(
            attempt.ended.since(attempt.began),
            attempt.rest.is_some(),
            attempt.ended.plus(rest),
            &politeness(),
        );
        slot.grew(now);
    }
    Ok(())
}

struct Witness {
    attempts: Log,
    commits: Log,
    times: Log,
}

impl Pretence for Witness {
    fn takes(&self, _queued: Option<&Queued>) -> Duration {
        Duration::from_millis(150)
    }

    fn feedback(&self, queued: Option<&Queued>) -> Feedback {
        let lot = queued.map_or(1, |queued| queued.row.fingerprint.0 >> 8);
        let first = queued.is_some_and(|queued| queued.row.attempts == 0);
        if first && lot.is_multiple_of(10) {
            Feedback::Busy {
                retry_after: Some(Duration::from_secs(2 + lot / 10 % 60)),
            }
        } else {
            Feedback::Answered
        }
    }

    fn ended(
        &mut self,
        _slot: SlotId,
        site: &Site,
        began: Mono,
        ended: Mono,
        feedback: Feedback,
    ) -> Result<(), String> {
        let rest = match feedback {
            Feedback::Busy { retry_after } => retry_after,
            Feedback::Answered => None,
        };
        let attempt = Attempt {
            site: site.clone(),
            began,
            ended,
            rest,
        };
        self.attempts
            .write(&attempt.line())
            .map_err(|error| error.to_string())
    }

    fn outcome(&mut self, queued: &Queued, feedback: Feedback, now: Wall) -> Settled {
        let attempts = queued.row.attempts + 1;
        match feedback {
            Feedback::Busy { retry_after } => {
                Settled::Retry(now.plus(retry_after.unwrap_or_default()), attempts)
            }
            Feedback::Answered => {
                let failed = queued.row.fingerprint.0 % 50 == 7;
                Settled::Final(Box::new(fate(queued, attempts, failed, now)))
            }
        }
    }

    fn sealed(&mut self, batch: &mut Batch, now: Mono) -> Result<(), String> {
        batch.put(Keyspace::Meta, COVERED, self.attempts.bytes.to_be_bytes());
        self.times
            .write(&format!("{}\n", now.0))
            .map_err(|error| error.to_string())
    }

    fn durable(&mut self, slot: &Slot, group: u64) -> Result<(), String> {
        let row = orb_frontier::SlotSnapshot::read(slot.frontier.store().as_ref());
        let row = row.map_err(|error| error.to_string())?.unwrap_or_default();
        let excluded: u64 = row.books.excluded.values().sum();
        let commit = Commit {
            group,
            discovered: row.books.discovered,
            settled: row.books.done + row.books.failed + excluded,
            position: slot.frontier.durable_to(SlotId(0)).bytes,
        };
        self.commits
            .write(&commit.line())
            .map_err(|error| error.to_string())
    }
}

/// Works until everything is done, or the process is killed. Blocking.
///
/// - `dies_at`: the number of the write to die at; 0 for none.
///
/// # Errors
/// What store, frontier or disk say.
pub fn work(settings: &KillSettings, dies_at: u64) -> Result<(), DrillError> {
    let dir = &settings.dir;
    std::fs::create_dir_all(dir).map_err(DrillError::io("make folder", dir))?;
    let opened = opens_at(dir)?;
    let trap = Trap::at(dies_at, &dir.join("sprung"));
    let commits = commits_log(dir);
    let fresh =
        last_commit(&commits).map_err(DrillError::io("read", &commits))? == Commit::default();
    let mut setup = settings.setup()?;
    setup.opened = stamp(opened);
    setup.clean = fresh;
    setup.disk = Arc::new(TrappedDisk(Arc::clone(&trap))) as Arc<dyn Disk>;
    let store = setup.open_store(dir, SLOT)?;
    let undone = undone(dir, store.as_ref())?;
    let mut slot = Slot::with_store(&setup, dir, SLOT, Arc::new(TrappedStore { store, trap }))?;
    fold(&mut slot, &undone, opened)?;
    let log = attempts_log(dir);
    let times = times_log(dir);
    let witness = Witness {
        times: Log::open(&times).map_err(DrillError::io("open", &times))?,
        attempts: Log::open(&log).map_err(DrillError::io("open", &log))?,
        commits: Log::open(&commits).map_err(DrillError::io("open", &commits))?,
    };
    let mut stream = Stream::new(
        settings.stream(),
        KillSettings::slots()?,
        key_of(settings.seed),
    );
    let from: JournalEnd = slot.frontier.read_to(SlotId(0));
    let mut shard = Shard::new(ShardParts {
        slots: vec![slot],
        number: 0,
        plan: Plan::of_share(settings.stream().urls / 4, 0.95, 200),
        pretence: Box::new(witness),
        board: Arc::new(Board::new(1)),
        // The stream is made up anew from its beginning; what was absorbed is skipped.
        source: Some(Box::new(move || {
            loop {
                let mut round = stream.round(ROUND_LINKS)?;
                if round[0].end > from.bytes {
                    round.truncate(1);
                    return Some(round);
                }
            }
        })),
        helping: Helping::as_it_comes(
            Lanes::new(0, true).map_err(DrillError::io("start helper threads", ""))?,
        ),
        politeness: politeness(),
        opened,
        seed: settings.seed,
    });
    shard.run()
}

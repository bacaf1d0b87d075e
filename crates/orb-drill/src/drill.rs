//! A drill: a frontier filled and worked on at a chosen size, and what it cost.
//!
//! In: a size, a folder. Out: findings, and marks on the way.
//! May touch: the folder, threads. Must not touch: the terminal; who calls tells people.
//! Invariant: what is measured is the frontier's own; the generator has a thread of its own, whose time is taken off.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use orb_env::{Mono, thread_cpu};
use orb_gate::PolitenessConfig;
use orb_shard::{SlotId, SlotMap};
use orb_store::{Keyspace, Store};
use serde::Serialize;

use crate::DrillError;
use crate::account::{Account, folder_bytes, process_cpu};
use crate::board::{Board, Counts};
use crate::costs::Costs;
use crate::flight::Answers;
use crate::helping::Helping;
use crate::lanes::{Lanes, Stopwatch};
use crate::plan::Plan;
use crate::shard::{Shard, ShardParts, Source};
use crate::slot::{Slot, SlotSetup, sieve_dir, store_dir};
use crate::stream::{Round, Stream, StreamSize, key_of};

/// Links of one round of the generator.
const ROUND_LINKS: u64 = 4_000;

/// Rounds made ahead.
const ROUNDS_AHEAD: usize = 4;

/// How often counters are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// When the first request is made: long enough after the beginning that all clocks are free.
pub(crate) const OPENED: Mono = Mono(1_000_000_000);

/// What is drilled.
#[derive(Clone, Debug)]
pub struct DrillSettings {
    /// Folder; what is in it is gone on with.
    pub dir: PathBuf,
    /// The links.
    pub stream: StreamSize,
    /// Part of the URLs that is done at the end, from 0 to 1.
    pub done_share: f64,
    /// Memory of the process, shared out as in a crawl.
    pub memory_bytes: u64,
    /// Memory of the site tables of all slots, at least; a crawl's share is used where that is more.
    pub sites_memory_bytes: u64,
    /// Threads that own slots.
    pub shards: usize,
    /// Slots: a power of two from 4.
    pub slots: u8,
    /// Requests under way at once, of each shard.
    pub in_flight: usize,
    /// Does not fill the folder but goes on with what it holds, without an end, until it is told to stop or killed.
    pub goes_on: bool,
}

/// Bytes on disk by what they are for.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiskUse {
    /// By keyspace of the stores: the files of their rows.
    pub keyspaces: Vec<(&'static str, u64)>,
    /// The stores' own journals, and what else lies in their folders.
    pub store_other: u64,
    /// Runs of the sieves and admitted files.
    pub sieve: u64,
}

impl DiskUse {
    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.keyspaces.iter().map(|(_, bytes)| bytes).sum::<u64>() + self.store_other + self.sieve
    }
}

/// How things stood at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Mark {
    /// Since the beginning.
    pub seconds: f64,
    /// Distinct URLs let through.
    pub admitted: u64,
    /// URLs in a final state.
    pub done: u64,
    /// Requests made.
    pub pops: u64,
    /// Links absorbed.
    pub links: u64,
    /// URLs admitted a second since the mark before.
    pub admitted_per_second: f64,
    /// Requests a second since the mark before.
    pub pops_per_second: f64,
    /// Median CPU time of a pop since the mark before, microseconds.
    pub pop_cpu_us: f64,
    /// The frontier's CPU seconds so far, without the generator's.
    pub cpu_seconds: f64,
    /// The process.
    pub account: Account,
    /// The folder.
    pub disk: DiskUse,
}

/// What a drill tells while it runs.
#[derive(Clone, Debug)]
pub enum Told {
    /// Another tenth of the URLs is in.
    Mark(Box<Mark>),
    /// Some seconds have passed: URLs admitted, all URLs, URLs done, seconds since the beginning.
    Under(u64, u64, u64, f64),
}

/// What came of a drill.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Single costs.
    pub costs: Costs,
    /// How things stood before anything was fed.
    pub start: Mark,
    /// How things stood at each tenth.
    pub marks: Vec<Mark>,
    /// How things stand at the end.
    pub end: Mark,
    /// When the first request was made: seconds, URLs admitted, CPU seconds.
    pub first_pop: Option<(f64, u64, f64)>,
    /// Requests of the last part, in which nothing is fed, and the CPU seconds they took.
    pub draining: (u64, f64),
    /// Memory of the generator, part of the process's.
    pub generator_bytes: u64,
    /// CPU seconds of the generator.
    pub generator_cpu_seconds: f64,
    /// Links stopped before the sieve, by cause.
    pub sightings: Vec<(String, u64)>,
    /// Sites known.
    pub sites: u64,
    /// Whether it was ended before its time.
    pub cut_short: bool,
}

/// Runs a drill to its end. Blocking.
///
/// - `told`: hears how it goes; when it says `false` the drill ends early, with everything committed.
///
/// # Errors
/// What store, frontier or disk say, and a promise that was broken.
pub fn run(
    settings: &DrillSettings,
    told: &mut dyn FnMut(Told) -> bool,
) -> Result<Findings, DrillError> {
    let slots = SlotMap::new(settings.slots)?;
    let key = key_of(settings.stream.seed);
    let setup = setup_of(settings, slots);
    let mut opened = Vec::new();
    for id in slots.slot_ids() {
        opened.push(Slot::open(&setup, &settings.dir, id)?);
    }
    let stores: Vec<Arc<dyn Store>> = opened
        .iter()
        .map(|slot| Arc::clone(slot.frontier.store()))
        .collect();
    let board = Arc::new(Board::new(settings.shards));
    let stream = Stream::new(settings.stream.clone(), slots, key);
    let sources = generate(stream, slots, settings.shards, Arc::clone(&board))?;
    let mut shards = deal(opened, settings.shards);
    let mut running = Vec::new();
    for (number, source) in sources.into_iter().enumerate() {
        let mine = std::mem::take(&mut shards[number]);
        let shard = shard_of(settings, &setup, number, mine, source, &board)?;
        running.push(start(shard, number)?);
    }
    let watcher = Watcher {
        settings,
        board: &board,
        stores: &stores,
        slots,
        watch: Stopwatch::new(),
        begun: Mono(0),
    };
    let mut findings = watcher.follow(|| running.iter().all(thread::JoinHandle::is_finished), told);
    for thread in running {
        let ended = thread
            .join()
            .map_err(|_| DrillError::Panicked { what: "shard" })??;
        findings.costs.merge(&ended.costs);
        for slot in &ended.slots {
            findings.sites += slot.frontier.site_counts().known;
            for (cause, count) in &slot.frontier.sightings().0 {
                match findings
                    .sightings
                    .iter_mut()
                    .find(|(known, _)| known == cause)
                {
                    Some((_, all)) => *all += count,
                    None => findings.sightings.push((cause.clone(), *count)),
                }
            }
        }
    }
    Ok(findings)
}

/// What slots are opened with.
pub(crate) fn setup_of(settings: &DrillSettings, slots: SlotMap) -> SlotSetup {
    // Pauses as a crawl has them; addresses without a clock, since a bench's sites share none.
    let politeness = PolitenessConfig {
        address_delay: Duration::ZERO,
        ..PolitenessConfig::default()
    };
    let key = key_of(settings.stream.seed);
    let mut setup = SlotSetup::on_disk(slots, key, politeness, settings.memory_bytes);
    setup.opened = crate::shard::stamp(OPENED);
    setup.sites_memory_bytes = setup.sites_memory_bytes.max(settings.sites_memory_bytes);
    setup
}

fn deal(slots: Vec<Slot>, shards: usize) -> Vec<Vec<Slot>> {
    let mut dealt: Vec<Vec<Slot>> = std::iter::repeat_with(Vec::new).take(shards).collect();
    for slot in slots {
        dealt[usize::from(slot.id.0) % shards].push(slot);
    }
    dealt
}

fn shard_of(
    settings: &DrillSettings,
    setup: &SlotSetup,
    number: usize,
    slots: Vec<Slot>,
    source: Source,
    board: &Arc<Board>,
) -> Result<Shard, DrillError> {
    let lanes = Lanes::new(number, true).map_err(DrillError::io("start helper threads", ""))?;
    let urls = settings.stream.urls / settings.shards as u64;
    Ok(Shard::new(ShardParts {
        slots,
        number,
        plan: if settings.goes_on {
            Plan::until(Mono::NEVER, settings.in_flight)
        } else {
            Plan::of_share(urls, settings.done_share, settings.in_flight)
        },
        pretence: Box::new(Answers),
        board: Arc::clone(board),
        source: Some(source),
        helping: Helping::as_it_comes(lanes),
        politeness: setup.politeness.clone(),
        opened: OPENED,
        seed: settings.stream.seed,
    }))
}

fn start(
    mut shard: Shard,
    number: usize,
) -> Result<thread::JoinHandle<Result<Shard, DrillError>>, DrillError> {
    let work = move || shard.run().map(|()| shard);
    thread::Builder::new()
        .name(format!("orb-shard-{number}"))
        .spawn(work)
        .map_err(DrillError::io("start a shard", ""))
}

/// Starts the generator; each shard gets the blocks of its slots.
fn generate(
    mut stream: Stream,
    slots: SlotMap,
    shards: usize,
    board: Arc<Board>,
) -> Result<Vec<Source>, DrillError> {
    let (mut givers, mut sources) = (Vec::new(), Vec::<Source>::new());
    for _ in 0..shards {
        let (give, take) = sync_channel::<Round>(ROUNDS_AHEAD);
        givers.push(give);
        sources.push(Box::new(move || take.recv().ok()));
    }
    let work = move || {
        while let Some(round) = stream.round(ROUND_LINKS) {
            let mut parts: Vec<Round> = vec![Round::new(); givers.len()];
            for (slot, block) in slots.slot_ids().zip(round) {
                parts[usize::from(slot.0) % givers.len()].push(block);
            }
            board.generated(thread_cpu(), stream.heap_bytes());
            for (give, part) in givers.iter().zip(parts) {
                if give.send(part).is_err() {
                    return; // the shard ended
                }
            }
        }
        board.generated(thread_cpu(), stream.heap_bytes());
    };
    thread::Builder::new()
        .name("orb-links".into())
        .spawn(work)
        .map_err(DrillError::io("start the generator", ""))?;
    Ok(sources)
}

struct Watcher<'a> {
    settings: &'a DrillSettings,
    board: &'a Board,
    stores: &'a [Arc<dyn Store>],
    slots: SlotMap,
    watch: Stopwatch,
    begun: Mono,
}

impl Watcher<'_> {
    /// Looks until the shards have ended.
    fn follow(mut self, ended: impl Fn() -> bool, told: &mut dyn FnMut(Told) -> bool) -> Findings {
        self.begun = self.watch.now();
        let urls = self.settings.stream.urls;
        let mut findings = Findings {
            start: self.mark(&Mark::default(), &Costs::default()),
            ..Findings::default()
        };
        let (mut last, mut seen) = (findings.start.clone(), Costs::default());
        let (mut tenth, mut said) = (1, 0.0);
        let mut drains_from: Option<(u64, f64)> = None;
        loop {
            let over = ended();
            let counts = self.board.counts();
            let seconds = self.seconds();
            if counts.popped > 0 && findings.first_pop.is_none() {
                findings.first_pop = Some((seconds, counts.admitted, self.cpu()));
            }
            if self.board.is_draining() && drains_from.is_none() {
                drains_from = Some((counts.popped, self.cpu()));
            }
            if counts.admitted * 10 >= urls * tenth && !over {
                let costs = self.board.costs();
                let mark = self.mark(&last, &costs.since(&seen));
                (last, seen) = (mark.clone(), costs);
                findings.marks.push(mark.clone());
                tenth = counts.admitted * 10 / urls + 1;
                self.heard(told(Told::Mark(Box::new(mark))), &mut findings);
            }
            if seconds >= said + 5.0 && !over {
                said = seconds;
                let Counts { admitted, done, .. } = counts;
                self.heard(
                    told(Told::Under(admitted, urls, done, seconds)),
                    &mut findings,
                );
            }
            if over {
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        let costs = self.board.costs();
        findings.end = self.mark(&last, &costs.since(&seen));
        if let Some((pops, cpu)) = drains_from {
            findings.draining = (self.board.counts().popped - pops, self.cpu() - cpu);
        }
        let (cpu, bytes) = self.board.generator();
        findings.generator_cpu_seconds = cpu.as_secs_f64();
        findings.generator_bytes = bytes;
        findings
    }

    fn heard(&self, goes_on: bool, findings: &mut Findings) {
        if !goes_on {
            findings.cut_short = true;
            self.board.end();
        }
    }

    fn seconds(&self) -> f64 {
        self.watch.now().since(self.begun).as_secs_f64()
    }

    /// CPU seconds without the generator's.
    fn cpu(&self) -> f64 {
        process_cpu()
            .saturating_sub(self.board.generator().0)
            .as_secs_f64()
    }

    fn mark(&self, before: &Mark, costs: &Costs) -> Mark {
        let counts = self.board.counts();
        let seconds = self.seconds();
        let span = (seconds - before.seconds).max(0.001);
        Mark {
            seconds,
            admitted: counts.admitted,
            done: counts.done,
            pops: counts.popped,
            links: counts.absorbed,
            admitted_per_second: (counts.admitted - before.admitted) as f64 / span,
            pops_per_second: (counts.popped - before.pops) as f64 / span,
            pop_cpu_us: costs.pop_cpu.quantile(0.5).as_secs_f64() * 1e6,
            cpu_seconds: self.cpu(),
            account: Account::now(),
            disk: disk_use(&self.settings.dir, self.slots, self.stores),
        }
    }
}

fn disk_use(dir: &Path, slots: SlotMap, stores: &[Arc<dyn Store>]) -> DiskUse {
    let of = |keyspace: Keyspace| {
        stores
            .iter()
            .map(|store| store.disk_bytes_of(keyspace))
            .sum()
    };
    let keyspaces: Vec<(&'static str, u64)> =
        Keyspace::ALL.iter().map(|&k| (k.name(), of(k))).collect();
    let sum = |folder: fn(&Path, SlotId) -> PathBuf| -> u64 {
        slots
            .slot_ids()
            .map(|slot| folder_bytes(&folder(dir, slot)))
            .sum()
    };
    let rows: u64 = keyspaces.iter().map(|(_, bytes)| bytes).sum();
    DiskUse {
        keyspaces,
        store_other: sum(store_dir).saturating_sub(rows),
        sieve: sum(sieve_dir),
    }
}

//! Steering: an order is looked at, foreseen, written down, and heeded by every shard before it is answered.
//!
//! In: wishes of operators; the machine's list of opt-outs. Out: lines in the book of orders, what is in force.
//! May touch: the book, seed files, blocking for one synced write. Must not touch: slots; they heed by themselves.
//! Invariant: what shards heed is in the book; orders are given one at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use orb_api::{Act, CrawlDir, Effect, OrderReply, OrderWish, SiteFacts};
use orb_env::{Clock, Disk, timeout_at};
use orb_metrics::happened;
use orb_shard::SlotMap;
use orb_url::{CrawlKey, parse_seed_line};
use tokio::sync::{Mutex, watch};

use crate::foresight::Asks;
use crate::limits::FORESIGHT_MAX;
use crate::orders::{InForce, OrderBook, OrderError, Prepared};
use crate::seeds::SeedIntake;
use crate::{Control, CrawlError, Wish};

/// See the module.
pub(crate) struct Steering {
    book: Mutex<OrderBook>,
    in_force: watch::Sender<Arc<InForce>>,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    dir: CrawlDir,
    slots: SlotMap,
    key: CrawlKey,
    /// The list of opt-outs that all crawls of this machine share, and its stamp when it was read.
    list: Option<(PathBuf, watch::Sender<Option<u64>>)>,
    /// Whether it was told that the list cannot be read.
    list_trouble: AtomicBool,
}

impl Steering {
    /// Opens the book of a crawl, and takes what a run before could not. Blocking.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        dir: &CrawlDir,
        slots: SlotMap,
        key: CrawlKey,
        opt_outs: &str,
    ) -> Result<Steering, CrawlError> {
        let book = OrderBook::read(Arc::clone(&disk), &dir.orders())?;
        let list = (!opt_outs.is_empty()).then(|| (opt_outs.into(), watch::Sender::new(None)));
        let mut steering = Steering {
            in_force: watch::Sender::new(Arc::default()),
            book: Mutex::new(book),
            clock,
            disk,
            dir: dir.clone(),
            slots,
            key,
            list,
            list_trouble: AtomicBool::new(false),
        };
        for (order, seeds) in steering.book.get_mut().seeds_to_take() {
            steering.take_seeds(&seeds)?;
            let at = steering.clock.wall();
            let taken = Act::SeedsTaken { of: order };
            steering.book.get_mut().give(at, "orb", "", taken)?;
        }
        steering.take_list_at_start()?;
        let state = Arc::new(steering.book.get_mut().in_force());
        steering.in_force.send_replace(state);
        Ok(steering)
    }

    /// What is in force.
    pub(crate) fn in_force(&self) -> Arc<InForce> {
        Arc::clone(&self.in_force.borrow())
    }

    /// Follows what is in force.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<InForce>> {
        self.in_force.subscribe()
    }

    /// A crawl does not begin without knowing who opted out.
    fn take_list_at_start(&mut self) -> Result<(), CrawlError> {
        let Some((path, _)) = &self.list else {
            return Ok(());
        };
        let list = OrderBook::read(Arc::clone(&self.disk), path)?;
        if let Some(line) = list.foreign_line() {
            return Err(CrawlError::OptOuts {
                path: path.clone(),
                line,
            });
        }
        self.follow_list();
        Ok(())
    }

    /// Takes up what changed in the machine's list of opt-outs. Cost when nothing did: one look at its stamp. A list
    /// that cannot be read is looked at again next time.
    pub(crate) fn follow_list(&self) {
        let Some((path, read)) = &self.list else {
            return;
        };
        // Before it is read: what is written meanwhile is seen at the next look.
        let stamp = self.disk.stamp(path).ok();
        if stamp == *read.borrow() {
            return;
        }
        let Ok(mut book) = self.book.try_lock() else {
            return; // an order is being given: at the next look
        };
        let result = OrderBook::read(Arc::clone(&self.disk), path).and_then(|list| {
            if let Some(line) = list.foreign_line() {
                tracing::error!(list = %path.display(), line, "no opt-out: what this line says is not followed");
            }
            self.take_list(&mut book, &list)
        });
        match result {
            Ok(true) => {
                happened!(OptOutsTaken, list = %path.display());
                self.in_force.send_replace(Arc::new(book.in_force()));
            }
            Ok(false) => {}
            Err(error) => {
                if !self.list_trouble.swap(true, Ordering::Relaxed) {
                    happened!(OptOutsUnreadable, error = %orb_api::with_causes(&error));
                }
                return;
            }
        }
        self.list_trouble.store(false, Ordering::Relaxed);
        read.send_replace(stamp);
    }

    /// Brings the book to what the list says, where the list's word is the later one.
    fn take_list(&self, book: &mut OrderBook, list: &OrderBook) -> Result<bool, CrawlError> {
        let own = book.opt_outs();
        let mut acts = Vec::new();
        for (domain, (out, order)) in list.opt_outs() {
            let known = own
                .get(&domain)
                .map(|(out, own)| (*out, own.at_us, own.order));
            let act = match known {
                Some((is, at, _)) if is == out || at > order.at_us => continue,
                None if !out => continue,
                Some((true, _, number)) => Act::Undo { undoes: number },
                _ => Act::OptOut { what: domain },
            };
            acts.push((order.who.clone(), order.why.clone(), act));
        }
        if acts.is_empty() {
            return Ok(false);
        }
        book.give_all(self.clock.wall(), acts)?;
        Ok(true)
    }

    fn take_seeds(&self, seeds: &[String]) -> Result<(), CrawlError> {
        let mut intake = SeedIntake::new(self.disk.as_ref(), &self.dir, &self.slots, self.key);
        for line in seeds {
            // Looked at before it was written down; a line of another version may mean something else.
            if let Ok(Some(seed)) = parse_seed_line(line) {
                intake.add(&seed)?;
            }
        }
        intake.finish()
    }
}

impl Control {
    /// Gives an order, or only foresees it. When this returns, every shard has heeded it.
    ///
    /// # Errors
    /// [`OrderError`]; an order that was refused is not in the book.
    pub async fn order(&self, wish: OrderWish) -> Result<OrderReply, OrderError> {
        let steering = self.steering().ok_or(OrderError::NotRunning)?;
        let mut book = steering.book.lock().await;
        let act = match book.prepare(wish.act)? {
            Prepared::Give(act) => act,
            Prepared::InForce(order) => return Ok(OrderReply::already(order)),
        };
        let ends = self.wish() >= Wish::Stop;
        if ends && matches!(act, Act::Pause {} | Act::Resume {}) {
            return Err(OrderError::Refused("the crawl is ending".to_owned()));
        }
        let asks = Asks::of(&act, &book);
        if wish.dry_run {
            return Ok(OrderReply::of(None, self.foresee(asks).await));
        }
        // What is asked for must not wait for a slow disk to tell how much it is.
        let until = steering.clock.mono().plus(FORESIGHT_MAX);
        let facts = timeout_at(steering.clock.as_ref(), until, self.facts(&asks)).await;
        let foreseen = asks.effect(facts.flatten().as_ref(), &self.status().states);
        let stored = OrderError::Storage;
        let now = steering.clock.wall();
        let order = book
            .give(now, &wish.who, &wish.why, act.clone())
            .map_err(stored)?;
        if let Act::Seeds { seeds } = &act {
            steering.take_seeds(seeds).map_err(stored)?;
            let taken = Act::SeedsTaken { of: order };
            book.give(now, "orb", "", taken).map_err(stored)?;
        }
        happened!(OrderGiven, order, act = act.name(), who = %wish.who, why = %wish.why);
        let state = Arc::new(book.in_force());
        steering.in_force.send_replace(state);
        self.wish_of(&act);
        let number = steering.in_force().number;
        let moved = self.heeded(number).await;
        let exact = foreseen.urls_min == foreseen.urls_max;
        let is_exclusion = matches!(
            act,
            Act::Exclude { .. } | Act::OptOut { .. } | Act::Undo { .. }
        );
        let effect = moved
            .filter(|_| exact && is_exclusion)
            .map_or(foreseen, Effect::exactly);
        Ok(OrderReply::of(Some(order), effect))
    }

    fn wish_of(&self, act: &Act) {
        match act {
            Act::Pause {} => self.ask(Wish::Pause),
            Act::Resume {} => self.ask(Wish::Run),
            Act::Stop {} => self.ask(Wish::Stop),
            _ => {}
        }
    }

    /// What an order would do to the URLs that are pending, or excluded, now.
    async fn foresee(&self, asks: Asks) -> Effect {
        let facts = self.facts(&asks).await;
        asks.effect(facts.as_ref(), &self.status().states)
    }

    async fn facts(&self, asks: &Asks) -> Option<SiteFacts> {
        self.site_facts(asks.site()?).await.ok()
    }
}

//! The book of orders: what operators asked of a crawl, in force and past, as one file of JSON lines.
//!
//! In: orders. Out: the file, and what is in force. May touch: the file, blocking. Must not touch: shards.
//! Invariant: one line in one synced write is one order: cut short, it was not given; whole, it was.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use orb_api::{Act, Order, Reason, plain_words};
use orb_env::{AppendFile, Disk, Wall};
use orb_frontier::{Excluded, Exclusion, Exclusions, PRIORITY_MAX, Reach, SiteWishes, TakenBack};
use orb_url::{Site, parse_seed_line};

use crate::CrawlError;
use crate::limits::{ORDERS_MAX, SEED_ORDERS_MAX, SEEDS_PER_ORDER_MAX};

/// Why an order is not given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrderError {
    /// It makes no sense here.
    #[error("{0}")]
    Refused(String),
    /// It could not be written down. Whether it holds is told by the book, once that can be read.
    #[error("write down the order")]
    Storage(#[source] CrawlError),
    /// The crawl is opening, or has ended.
    #[error("the crawl is starting or ending; ask again")]
    NotRunning,
}

fn refused(text: impl Into<String>) -> OrderError {
    OrderError::Refused(text.into())
}

/// An order that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prepared {
    /// It can be given, in this form.
    Give(Act),
    /// The same is in force by this order.
    InForce(u64),
}

/// See the module.
pub struct OrderBook {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    list: Vec<Order>,
    /// The first whole line that is no order.
    foreign: Option<usize>,
    /// Open after the first order; none after an error, when only the file knows what it holds.
    file: Option<Box<dyn AppendFile>>,
    stale: bool,
}

impl OrderBook {
    /// Reads the book at `path`; one that is not there is empty. Blocking.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(disk: Arc<dyn Disk>, path: &Path) -> Result<OrderBook, CrawlError> {
        let mut book = OrderBook {
            disk,
            path: path.to_owned(),
            list: Vec::new(),
            foreign: None,
            file: None,
            stale: false,
        };
        book.reload()?;
        Ok(book)
    }

    /// Reads the file again: somebody else may have written to it.
    ///
    /// # Errors
    /// What the disk says.
    pub fn reload(&mut self) -> Result<(), CrawlError> {
        let text = lines_of(self.disk.as_ref(), &self.path)?;
        (self.list, self.foreign) = (Vec::new(), None);
        for (number, line) in text.split_inclusive('\n').enumerate() {
            match serde_json::from_str::<Order>(line) {
                Ok(order) => self.list.push(order),
                // Torn: such a line is no order, and the next one began behind it.
                Err(error) if error.is_eof() => {}
                Err(_) => self.foreign = self.foreign.or(Some(number + 1)),
            }
        }
        (self.file, self.stale) = (None, false);
        Ok(())
    }

    /// The number of the first whole line that is no order, where there is one: a list written by hand, or by another
    /// version.
    #[must_use]
    pub fn foreign_line(&self) -> Option<usize> {
        self.foreign
    }

    /// All orders, in the order they were given.
    #[must_use]
    pub fn orders(&self) -> &[Order] {
        &self.list
    }

    /// Writes an order down; it holds once this returns. Blocking: one synced write.
    ///
    /// # Errors
    /// What the disk says; whether the order holds is then told by the file, which is read before the next one.
    pub fn give(&mut self, at: Wall, who: &str, why: &str, act: Act) -> Result<u64, CrawlError> {
        self.give_all(at, vec![(who.to_owned(), why.to_owned(), act)])
    }

    /// Writes orders down, each with who gives it and why, by one synced write. Returns the last one's number. Cut short,
    /// the first of them hold.
    ///
    /// # Errors
    /// As [`OrderBook::give`].
    pub(crate) fn give_all(
        &mut self,
        at: Wall,
        acts: Vec<(String, String, Act)>,
    ) -> Result<u64, CrawlError> {
        if self.stale {
            self.reload()?;
        }
        let mut number = self.list.last().map_or(0, |last| last.order);
        let mut orders = Vec::with_capacity(acts.len());
        for (who, why, act) in acts {
            number += 1;
            orders.push(Order {
                order: number,
                at_us: at.0,
                who: plain_words(&who),
                why: plain_words(&why),
                act,
            });
        }
        self.stale = true;
        self.append(&orders)
            .map_err(CrawlError::file("write", &self.path))?;
        self.stale = false;
        self.list.extend(orders);
        Ok(number)
    }

    fn append(&mut self, orders: &[Order]) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for order in orders {
            serde_json::to_writer(&mut lines, order)?;
            lines.push(b'\n');
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let torn = match self.disk.read_all(&self.path) {
                    Ok(bytes) => bytes.last().is_some_and(|&byte| byte != b'\n'),
                    Err(_) => false,
                };
                if torn {
                    lines.insert(0, b'\n');
                }
                let file = self.disk.append(&self.path)?;
                if let Some(folder) = self.path.parent() {
                    self.disk.sync_dir(folder)?;
                }
                self.file.insert(file)
            }
        };
        file.append(&lines)?;
        file.sync()
    }

    /// Looks at an order before it is given: brings it into canonical form, and finds whether it holds already.
    ///
    /// # Errors
    /// When it makes no sense.
    pub fn prepare(&self, act: Act) -> Result<Prepared, OrderError> {
        match &act {
            Act::Seeds { .. } if self.list.len() >= SEED_ORDERS_MAX => {
                return Err(refused(format!(
                    "{SEED_ORDERS_MAX} orders were given to this crawl; give further seeds as a file when it is started again"
                )));
            }
            Act::Exclude { .. } | Act::Rate { .. } | Act::Budget { .. } | Act::Priority { .. }
                if self.list.len() >= ORDERS_MAX =>
            {
                return Err(refused(format!(
                    "{ORDERS_MAX} orders were given to this crawl; give further exclusions by --exclude when it is started again"
                )));
            }
            // What lets somebody alone, or takes such a word back, is never refused for its number.
            _ => {}
        }
        let act = match act {
            Act::Exclude { what } => {
                let what = excluded(&what)?;
                if let Some(order) = self.excluding(&what) {
                    return Ok(Prepared::InForce(order));
                }
                self.room_for(&what)?;
                let what = what.line().to_owned();
                Act::Exclude { what }
            }
            Act::OptOut { what } => {
                let what = excluded(&what)?;
                if matches!(what, Excluded::Pattern(_)) {
                    return Err(refused(
                        "an opt-out names a domain; a pattern can be excluded",
                    ));
                }
                match self.excluding(&what) {
                    Some(order) if self.is_opt_out(order) => return Ok(Prepared::InForce(order)),
                    _ => {}
                }
                self.room_for(&what)?;
                let what = what.line().to_owned();
                Act::OptOut { what }
            }
            Act::Undo { undoes } => self.undo(undoes)?,
            Act::Seeds { seeds } => seeds_act(seeds)?,
            Act::Rate { site, delay_ms } => {
                let site = site_name(&site)?;
                Act::Rate { site, delay_ms }
            }
            Act::Budget { site, pages } => {
                let site = site_name(&site)?;
                Act::Budget { site, pages }
            }
            Act::Priority { site, steps } => {
                if steps.unsigned_abs() > PRIORITY_MAX.unsigned_abs() {
                    return Err(refused(format!(
                        "a priority lies between -{PRIORITY_MAX} and {PRIORITY_MAX}"
                    )));
                }
                let site = site_name(&site)?;
                Act::Priority { site, steps }
            }
            act @ (Act::Pause {} | Act::Resume {} | Act::Stop {}) => act,
            _ => return Err(refused("this order is not for operators to give")),
        };
        Ok(match self.standing(&act) {
            Some(order) => Prepared::InForce(order),
            None => Prepared::Give(act),
        })
    }

    /// The order that says the same of the same site, and is the last word on it.
    fn standing(&self, act: &Act) -> Option<u64> {
        let site = act.of_site()?;
        let undone = self.undone();
        let alike = |order: &&Order| {
            order.act.of_site() == Some(site)
                && order.act.name() == act.name()
                && !undone.contains(&order.order)
        };
        let last = self.list.iter().rev().find(alike)?;
        (last.act == *act).then_some(last.order)
    }

    /// An exclusion that could not be held is refused, not written down.
    fn room_for(&self, what: &Excluded) -> Result<(), OrderError> {
        let exclusions = self.in_force().exclusions;
        let room = exclusions.room_for(what);
        room.map_err(|error| refused(error.to_string()))
    }

    fn undo(&self, undoes: u64) -> Result<Act, OrderError> {
        let order = self.list.iter().find(|order| order.order == undoes);
        match order.map(|order| &order.act) {
            Some(act) if can_be_undone(act) && self.is_undone(undoes) => {
                Err(refused(format!("order {undoes} was taken back before")))
            }
            Some(act) if can_be_undone(act) => Ok(Act::Undo { undoes }),
            Some(act) => Err(refused(format!(
                "order {undoes} is `{}`; exclusions, rates, budgets and priorities can be taken back",
                act.name()
            ))),
            None => Err(refused(format!("there is no order {undoes}"))),
        }
    }

    /// Whether the last word on it was a pause.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        let mut acts = self.list.iter().rev().map(|order| &order.act);
        let last = acts.find(|act| matches!(act, Act::Pause {} | Act::Resume {}));
        matches!(last, Some(Act::Pause {}))
    }

    /// The order in force that excludes exactly this; an opt-out first.
    #[must_use]
    pub fn excluding(&self, excluded: &Excluded) -> Option<u64> {
        let undone = self.undone();
        let mut found = None;
        for order in &self.list {
            let same = match &order.act {
                Act::Exclude { what } => found.is_none() && what == excluded.line(),
                Act::OptOut { what } => what == excluded.line(),
                _ => false,
            };
            if same && !undone.contains(&order.order) {
                found = Some(order.order);
            }
        }
        found
    }

    /// Whether the same stays excluded by another order when `without` is taken back.
    pub(crate) fn stays_excluded(&self, excluded: &Excluded, without: u64) -> bool {
        let undone = self.undone();
        self.list.iter().any(|order| {
            let same = matches!(&order.act, Act::Exclude { what } | Act::OptOut { what } if what == excluded.line());
            same && order.order != without && !undone.contains(&order.order)
        })
    }

    fn is_opt_out(&self, number: u64) -> bool {
        let is_it = |order: &&Order| order.order == number;
        let order = self.list.iter().find(is_it);
        order.is_some_and(|order| matches!(order.act, Act::OptOut { .. }))
    }

    /// Whether a later order took it back.
    #[must_use]
    pub fn is_undone(&self, number: u64) -> bool {
        let undoes = |order: &Order| matches!(order.act, Act::Undo { undoes } if undoes == number);
        self.list.iter().any(undoes)
    }

    fn undone(&self) -> BTreeSet<u64> {
        let undoes = |order: &Order| match order.act {
            Act::Undo { undoes } => Some(undoes),
            _ => None,
        };
        self.list.iter().filter_map(undoes).collect()
    }

    /// Of each domain that ever opted out: whether it is so now, and by which order.
    #[must_use]
    pub fn opt_outs(&self) -> BTreeMap<String, (bool, &Order)> {
        let mut last = BTreeMap::new();
        for order in &self.list {
            match &order.act {
                Act::OptOut { what } => {
                    last.insert(what.clone(), (true, order));
                }
                Act::Undo { undoes } => {
                    let of = self.list.iter().find(|known| known.order == *undoes);
                    if let Some(Act::OptOut { what }) = of.map(|order| &order.act) {
                        last.insert(what.clone(), (false, order));
                    }
                }
                _ => {}
            }
        }
        last
    }

    /// Seeds of orders that are not in the seed files yet.
    pub(crate) fn seeds_to_take(&self) -> Vec<(u64, Vec<String>)> {
        let mut waiting = BTreeMap::new();
        for order in &self.list {
            match &order.act {
                Act::Seeds { seeds } => drop(waiting.insert(order.order, seeds.clone())),
                Act::SeedsTaken { of } => drop(waiting.remove(of)),
                _ => {}
            }
        }
        waiting.into_iter().collect()
    }

    /// What holds now.
    #[must_use]
    pub(crate) fn in_force(&self) -> InForce {
        let undone = self.undone();
        let mut state = InForce::default();
        let mut past = BTreeMap::new();
        for order in &self.list {
            state.number = order.order;
            match &order.act {
                Act::Pause {} => state.paused = true,
                Act::Resume {} => state.paused = false,
                Act::Exclude { what } | Act::OptOut { what } => {
                    let Ok(excluded) = Excluded::read(what) else {
                        continue; // a later version may know what it means
                    };
                    let reach = excluded.reach();
                    state.name(order, &reach);
                    past.insert(order.order, Past::Excluded(reach));
                    if !undone.contains(&order.order) {
                        state.exclude(order, &excluded);
                    }
                }
                Act::Undo { undoes } => match past.get(undoes) {
                    Some(Past::Excluded(reach)) => state.take_back(order, reach),
                    Some(Past::Wished(act)) => state.name_wished(order, act),
                    None => {}
                },
                act @ (Act::Rate { .. } | Act::Budget { .. } | Act::Priority { .. }) => {
                    past.insert(order.order, Past::Wished(act));
                    state.name_wished(order, act);
                    if !undone.contains(&order.order) {
                        state.wish(act);
                    }
                }
                Act::SeedsTaken { .. } => state.seeds_taken += 1,
                _ => {}
            }
        }
        state
    }
}

fn lines_of(disk: &dyn Disk, path: &Path) -> Result<String, CrawlError> {
    match disk.read_all(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(CrawlError::file("read", path)(error)),
    }
}

/// An order that a later one may take back.
enum Past<'a> {
    Excluded(Reach),
    Wished(&'a Act),
}

fn can_be_undone(act: &Act) -> bool {
    matches!(act, Act::Exclude { .. } | Act::OptOut { .. }) || act.of_site().is_some()
}

fn site_name(text: &str) -> Result<String, OrderError> {
    let site = Site::parse(text).map_err(|error| refused(error.to_string()))?;
    Ok(site.as_str().to_owned())
}

fn excluded(line: &str) -> Result<Excluded, OrderError> {
    Excluded::read(line).map_err(|error| refused(error.to_string()))
}

fn seeds_act(seeds: Vec<String>) -> Result<Act, OrderError> {
    if seeds.is_empty() || seeds.len() > SEEDS_PER_ORDER_MAX {
        return Err(refused(format!(
            "an order brings 1 to {SEEDS_PER_ORDER_MAX} seeds"
        )));
    }
    for line in &seeds {
        match parse_seed_line(line) {
            Ok(Some(_)) => {}
            Ok(None) => return Err(refused("a seed is empty")),
            Err(error) => return Err(refused(error.to_string())),
        }
    }
    Ok(Act::Seeds { seeds })
}

/// What orders say at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct InForce {
    /// The last order.
    pub(crate) number: u64,
    pub(crate) paused: bool,
    pub(crate) exclusions: Arc<Exclusions>,
    /// Whole sites that any order named, taken back or not, with the order's number, ascending.
    pub(crate) named: Vec<(u64, Site)>,
    /// Those of them whose budget it changed.
    pub(crate) budgeted: Vec<(u64, Site)>,
    /// Exclusions that were taken back.
    pub(crate) taken_back: Vec<TakenBack>,
    /// What holds for single sites.
    pub(crate) wishes: Arc<SiteWishes>,
    /// Orders whose seeds are in the seed files.
    pub(crate) seeds_taken: u64,
}

impl InForce {
    fn exclude(&mut self, order: &Order, excluded: &Excluded) {
        let reason = match order.act {
            Act::OptOut { .. } => Reason::OptOut,
            _ => Reason::Rule,
        };
        let why = match order.why.as_str() {
            "" => String::new(),
            why => format!(": {why}"),
        };
        let (line, number, who) = (excluded.line(), order.order, &order.who);
        let exclusion = Exclusion {
            order: number,
            reason,
            words: format!("{line} (order {number} by {who}{why})").into(),
        };
        let added = Arc::make_mut(&mut self.exclusions).add(excluded, exclusion);
        if let Err(error) = added {
            // `prepare` refuses what there is no room for; a book from elsewhere may hold more.
            tracing::error!(order = number, %error, "an exclusion is not in force");
        }
    }

    fn take_back(&mut self, order: &Order, reach: &Reach) {
        self.name(order, reach);
        let site = match reach {
            Reach::Site(site) | Reach::Within(site) => Some(site.clone()),
            Reach::Anywhere => None,
        };
        let order = order.order;
        self.taken_back.push(TakenBack { order, site });
    }

    fn name(&mut self, order: &Order, reach: &Reach) {
        if let Reach::Site(site) = reach {
            self.named.push((order.order, site.clone()));
        }
    }

    fn name_wished(&mut self, order: &Order, act: &Act) {
        let Some(Ok(site)) = act.of_site().map(Site::parse) else {
            return; // a later version may know what it means
        };
        if matches!(act, Act::Budget { .. }) {
            self.budgeted.push((order.order, site.clone()));
        }
        self.named.push((order.order, site));
    }

    fn wish(&mut self, act: &Act) {
        let Some(Ok(site)) = act.of_site().map(Site::parse) else {
            return;
        };
        let wish = Arc::make_mut(&mut self.wishes).at(&site);
        match act {
            Act::Rate { delay_ms, .. } => {
                let delay = Duration::from_millis(*delay_ms);
                wish.delay = (*delay_ms > 0).then_some(delay);
            }
            Act::Budget { pages, .. } => wish.pages_max = *pages,
            Act::Priority { steps, .. } => {
                wish.priority = (*steps).clamp(-PRIORITY_MAX, PRIORITY_MAX);
            }
            _ => {}
        }
    }

    /// Sites that orders after this one named.
    pub(crate) fn named_after(&self, order: u64) -> impl Iterator<Item = &Site> {
        after(&self.named, order)
    }

    /// Sites whose budget orders after this one changed.
    pub(crate) fn budgeted_after(&self, order: u64) -> impl Iterator<Item = &Site> {
        after(&self.budgeted, order)
    }

    /// The pause that an order gives a site.
    pub(crate) fn rate(&self, site: &Site) -> Option<Duration> {
        self.wishes.of(site.as_str()).delay
    }
}

fn after(named: &[(u64, Site)], order: u64) -> impl Iterator<Item = &Site> {
    let from = named.partition_point(|(number, _)| *number <= order);
    named[from..].iter().map(|(_, site)| site)
}

#[cfg(test)]
mod tests;

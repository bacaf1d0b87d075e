//! What a disk holds, and what it would hold if the power went now.
//!
//! In: writes, syncs, changes of names, a cut. Out: bytes and names. May touch: memory.
//! Invariant: after [`Platter::cut`] every byte that a file's sync acknowledged is there, under every name that a sync of
//! its folder acknowledged; of the rest, changes of names were made or not, each by itself but a rename as one, in any
//! order, and unsynced sectors or pages of a file were written or not.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;

use orb_env::{Entropy, SeededEntropy};

/// Bytes that are noted as changed together.
const PAGE_BYTES: u64 = 4_096;

/// Bytes that reach a disk at once: a sector, or a page.
const UNITS: [u64; 2] = [512, PAGE_BYTES];

/// The folder everything is in.
pub(crate) const ROOT: u64 = 1;

/// A file or folder.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Permission bits.
    pub(crate) mode: u16,
}

/// What a node is.
#[derive(Debug, Default)]
pub(crate) enum Kind {
    /// A folder.
    Folder(Names),
    /// A file.
    File(Content),
    /// A socket: a name and no more.
    #[default]
    Socket,
}

/// Names in a folder.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) live: BTreeMap<OsString, u64>,
    durable: BTreeMap<OsString, u64>,
}

/// Bytes of a file.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) live: Vec<u8>,
    durable: Vec<u8>,
    /// Numbers of pages that changed since the last sync.
    changed: BTreeSet<u64>,
}

/// One change of names that no sync covered yet.
struct Change {
    removes: Option<(u64, OsString)>,
    adds: Option<(u64, OsString, u64)>,
}

impl Change {
    fn touches(&self, folder: u64) -> bool {
        let removes = self.removes.as_ref().is_some_and(|(at, _)| *at == folder);
        removes || self.adds.as_ref().is_some_and(|(at, ..)| *at == folder)
    }
}

/// What a cut took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Changes of names that were not synced, and how many of them are gone.
    pub(crate) names: (u64, u64),
    /// Files with unsynced bytes.
    pub(crate) files: u64,
    /// Units of such files that were not written, and those that were though nobody synced them.
    pub(crate) units: (u64, u64),
    /// Syncs that were acknowledged so far, and those of them that lied.
    pub(crate) syncs: (u64, u64),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Lost {
            names: (loose, gone),
            files,
            units: (lost, kept),
            syncs: (syncs, lies),
        } = self;
        write!(
            f,
            "{{\"names_unsynced\":{loose},\"names_lost\":{gone},\"files_unsynced\":{files},\"units_lost\":{lost},\"units_kept\":{kept},\"syncs\":{syncs},\"lies\":{lies}}}"
        )
    }
}

/// See the module.
pub(crate) struct Platter {
    nodes: BTreeMap<u64, Node>,
    next: u64,
    changes: Vec<Change>,
    dice: SeededEntropy,
    lies_percent: u64,
    syncs: (u64, u64),
}

impl Platter {
    /// An empty one. `lies_percent` of all syncs are acknowledged and not done.
    pub(crate) fn new(seed: u64, lies_percent: u64) -> Platter {
        let root = Node {
            kind: Kind::Folder(Names::default()),
            mode: 0o700,
        };
        Platter {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            changes: Vec::new(),
            dice: SeededEntropy::new(seed),
            lies_percent,
            syncs: (0, 0),
        }
    }

    pub(crate) fn node(&self, number: u64) -> Option<&Node> {
        self.nodes.get(&number)
    }

    pub(crate) fn node_mut(&mut self, number: u64) -> Option<&mut Node> {
        self.nodes.get_mut(&number)
    }

    pub(crate) fn names(&self, folder: u64) -> Option<&BTreeMap<OsString, u64>> {
        match &self.nodes.get(&folder)?.kind {
            Kind::Folder(names) => Some(&names.live),
            _ => None,
        }
    }

    pub(crate) fn lookup(&self, folder: u64, name: &OsStr) -> Option<u64> {
        self.names(folder)?.get(name).copied()
    }

    fn folder(&mut self, number: u64) -> Option<&mut Names> {
        match &mut self.nodes.get_mut(&number)?.kind {
            Kind::Folder(names) => Some(names),
            _ => None,
        }
    }

    fn file(&mut self, number: u64) -> Option<&mut Content> {
        match &mut self.nodes.get_mut(&number)?.kind {
            Kind::File(content) => Some(content),
            _ => None,
        }
    }

    // ---- names ----

    /// Makes a node under a name that is free.
    pub(crate) fn add(&mut self, folder: u64, name: &OsStr, node: Node) -> Option<u64> {
        let number = self.next;
        let names = self.folder(folder)?;
        names.live.insert(name.to_owned(), number);
        self.next += 1;
        self.nodes.insert(number, node);
        self.changes.push(Change {
            removes: None,
            adds: Some((folder, name.to_owned(), number)),
        });
        Some(number)
    }

    /// Takes a name away; what it named stays for who has it open.
    pub(crate) fn remove(&mut self, folder: u64, name: &OsStr) -> Option<u64> {
        let number = self.folder(folder)?.live.remove(name)?;
        self.changes.push(Change {
            removes: Some((folder, name.to_owned())),
            adds: None,
        });
        Some(number)
    }

    /// Gives a node another name, which may be in use.
    pub(crate) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Option<()> {
        self.names(to.0)?;
        let number = self.folder(from.0)?.live.remove(from.1)?;
        self.folder(to.0)?.live.insert(to.1.to_owned(), number);
        self.changes.push(Change {
            removes: Some((from.0, from.1.to_owned())),
            adds: Some((to.0, to.1.to_owned(), number)),
        });
        Some(())
    }

    /// Makes the names of a folder durable.
    pub(crate) fn sync_folder(&mut self, folder: u64) -> Option<()> {
        self.names(folder)?;
        if self.lies() {
            return Some(());
        }
        let changes = std::mem::take(&mut self.changes);
        let (now, later): (Vec<Change>, _) = changes
            .into_iter()
            .partition(|change| change.touches(folder));
        self.changes = later;
        for change in now {
            self.make(change);
        }
        Some(())
    }

    fn make(&mut self, change: Change) {
        if let Some((folder, name)) = change.removes
            && let Some(names) = self.folder(folder)
        {
            names.durable.remove(&name);
        }
        if let Some((folder, name, number)) = change.adds {
            // What this node was called before no longer matters.
            self.changes
                .retain(|other| other.adds.as_ref().is_none_or(|adds| adds.2 != number));
            if let Some(names) = self.folder(folder) {
                names.durable.insert(name, number);
            }
        }
    }

    // ---- bytes ----

    pub(crate) fn write(&mut self, number: u64, offset: u64, bytes: &[u8]) -> Option<()> {
        let content = self.file(number)?;
        let end = offset + bytes.len() as u64;
        let had = content.live.len() as u64;
        if end > had {
            content.live.resize(end as usize, 0);
        }
        content.live[offset as usize..end as usize].copy_from_slice(bytes);
        content.change(offset.min(had), end);
        Some(())
    }

    pub(crate) fn set_bytes(&mut self, number: u64, bytes: u64) -> Option<()> {
        let content = self.file(number)?;
        let had = content.live.len() as u64;
        content.live.resize(bytes as usize, 0);
        content.change(had.min(bytes), had.max(bytes));
        Some(())
    }

    /// Makes the bytes of a file durable. Its name is another matter.
    pub(crate) fn sync_file(&mut self, number: u64) -> Option<()> {
        self.file(number)?;
        if self.lies() {
            return Some(());
        }
        let content = self.file(number)?;
        content.durable.resize(content.live.len(), 0);
        for page in std::mem::take(&mut content.changed) {
            let from = ((page * PAGE_BYTES) as usize).min(content.live.len());
            let to = (from + PAGE_BYTES as usize).min(content.live.len());
            content.durable[from..to].copy_from_slice(&content.live[from..to]);
        }
        Some(())
    }

    fn lies(&mut self) -> bool {
        self.syncs.0 += 1;
        let lies = self.dice.below(100) < self.lies_percent;
        self.syncs.1 += u64::from(lies);
        lies
    }

    // ---- the cut ----

    /// The power goes and comes back.
    pub(crate) fn cut(&mut self) -> Lost {
        let mut lost = Lost {
            syncs: self.syncs,
            ..Lost::default()
        };
        let changes = std::mem::take(&mut self.changes);
        for change in changes {
            lost.names.0 += 1;
            if self.dice.below(2) == 0 {
                self.make(change);
            } else {
                lost.names.1 += 1;
            }
        }
        let Platter { nodes, dice, .. } = self;
        for node in nodes.values_mut() {
            match &mut node.kind {
                Kind::Folder(names) => names.live = names.durable.clone(),
                Kind::File(content) => content.cut(dice, &mut lost),
                Kind::Socket => {}
            }
        }
        self.forget_nameless();
        lost
    }

    /// Drops what no name leads to.
    fn forget_nameless(&mut self) {
        let (mut named, mut left) = (BTreeSet::new(), vec![ROOT]);
        while let Some(number) = left.pop() {
            if named.insert(number) {
                left.extend(self.names(number).into_iter().flat_map(|it| it.values()));
            }
        }
        self.nodes.retain(|number, _| named.contains(number));
    }
}

impl Content {
    fn change(&mut self, from: u64, to: u64) {
        if from < to {
            self.changed
                .extend(from / PAGE_BYTES..=(to - 1) / PAGE_BYTES);
        }
    }

    fn cut(&mut self, dice: &dyn Entropy, lost: &mut Lost) {
        let changed = std::mem::take(&mut self.changed);
        if changed.is_empty() {
            return;
        }
        lost.files += 1;
        let (live, durable) = (self.live.len(), self.durable.len());
        let bytes = match live >= durable {
            true => durable + dice.below((live - durable) as u64 + 1) as usize,
            false if dice.below(2) == 0 => live,
            false => durable,
        };
        self.durable.resize(bytes, 0);
        // All of it reached the disk, nothing, or any part.
        let kept_percent = [0, 50, 100][dice.below(3) as usize];
        let unit = UNITS[dice.below(UNITS.len() as u64) as usize];
        for start in changed {
            for at in (start * PAGE_BYTES..(start + 1) * PAGE_BYTES).step_by(unit as usize) {
                let end = ((at + unit) as usize).min(live.min(bytes));
                let from = at as usize;
                if from >= end {
                    continue;
                }
                if dice.below(100) < kept_percent {
                    lost.units.1 += 1;
                    self.durable[from..end].copy_from_slice(&self.live[from..end]);
                } else {
                    lost.units.0 += 1;
                }
            }
        }
        self.live = self.durable.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Node {
        Node {
            kind: Kind::File(Content::default()),
            mode: 0o600,
        }
    }

    fn read(platter: &Platter, name: &str) -> Option<Vec<u8>> {
        let number = platter.lookup(ROOT, OsStr::new(name))?;
        match &platter.node(number)?.kind {
            Kind::File(content) => Some(content.live.clone()),
            _ => None,
        }
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_may_be_there_in_any_part() {
        let mut states = BTreeSet::new();
        for seed in 0..300 {
            let mut platter = Platter::new(seed, 0);
            let a = platter.add(ROOT, OsStr::new("a"), file()).unwrap();
            platter.write(a, 0, &[b's'; 700]).unwrap();
            platter.sync_file(a).unwrap();
            platter.sync_folder(ROOT).unwrap();
            platter.write(a, 700, &[b'w'; 9_000]).unwrap();
            let b = platter.add(ROOT, OsStr::new("b"), file()).unwrap();
            platter.write(b, 0, b"unnamed").unwrap();
            platter.sync_file(b).unwrap();
            platter.cut();
            let a = read(&platter, "a").unwrap();
            assert!(a.len() >= 700 && a[..700].iter().all(|&byte| byte == b's'));
            let hole = a[700..].iter().position(|&byte| byte == 0);
            let later = hole.is_some_and(|at| a[700 + at..].contains(&b'w'));
            states.insert((later, read(&platter, "b").is_some()));
        }
        assert_eq!(states.len(), 4, "holes or none, a name or none: {states:?}");
    }

    #[test]
    fn a_rename_is_whole_or_not_done_and_stays_once_its_folder_was_synced() {
        let (mut old, mut new) = (0, 0);
        for seed in 0..100 {
            let mut platter = Platter::new(seed, 0);
            let put = |platter: &mut Platter, name: &str, text: &[u8]| {
                let number = platter.add(ROOT, OsStr::new(name), file()).unwrap();
                platter.write(number, 0, text).unwrap();
                platter.sync_file(number).unwrap();
            };
            put(&mut platter, "a", b"old");
            platter.sync_folder(ROOT).unwrap();
            put(&mut platter, "a.new", b"new");
            let (from, to) = (OsStr::new("a.new"), OsStr::new("a"));
            platter.rename((ROOT, from), (ROOT, to)).unwrap();
            if seed % 2 == 0 {
                platter.sync_folder(ROOT).unwrap();
            }
            platter.cut();
            match read(&platter, "a").unwrap().as_slice() {
                b"old" => old += 1,
                b"new" => new += 1,
                other => panic!("{other:?}"),
            }
            assert!(seed % 2 == 1 || read(&platter, "a.new").is_none());
        }
        assert!(old > 10 && new >= 50 + 10, "{old} {new}");
    }

    #[test]
    fn a_disk_that_lies_loses_what_it_acknowledged() {
        let mut platter = Platter::new(7, 100);
        let a = platter.add(ROOT, OsStr::new("a"), file()).unwrap();
        platter.write(a, 0, &[b's'; 9_000]).unwrap();
        platter.sync_file(a).unwrap();
        platter.sync_folder(ROOT).unwrap();
        let lost = platter.cut();
        assert_eq!((lost.syncs, lost.files), ((2, 2), 1));
    }
}

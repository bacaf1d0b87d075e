//! The platter as the kernel asks for it.
//!
//! In: requests of the FUSE protocol. Out: replies. May touch: the platter.
//! Invariant: the kernel is given nothing to keep, and writes reach the platter before the writing process goes on; so what
//! a killed process wrote is here, and what was not synced is lost only by a cut.

use std::ffi::OsStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use crate::platter::{Content, Kind, Names, Node, Platter, ROOT};

/// How long the kernel may believe what it was told of a node.
const TTL: Duration = Duration::ZERO;

/// Type bits of a socket (`S_IFSOCK`) and the mask of type bits (`S_IFMT`), as inode(7) numbers them.
const SOCKET: u32 = 0o140_000;
const TYPE: u32 = 0o170_000;

/// Blocks of 4 KiB that the disk says it has: 40 GB, so that nobody pauses for want of room.
const BLOCKS: u64 = 10_000_000;

/// See the module.
pub(crate) struct Mounted(Arc<Mutex<Platter>>);

impl Mounted {
    pub(crate) fn new(platter: Arc<Mutex<Platter>>) -> Mounted {
        Mounted(platter)
    }

    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a node and tells of it.
    fn make(
        &self,
        parent: INodeNo,
        name: &OsStr,
        kind: Kind,
        mode: u32,
    ) -> Result<FileAttr, Errno> {
        let mut platter = self.platter();
        if platter.lookup(parent.0, name).is_some() {
            return Err(Errno::EEXIST);
        }
        let mode = (mode & 0o7777) as u16;
        let number = platter.add(parent.0, name, Node { kind, mode });
        let number = number.ok_or(Errno::ENOENT)?;
        attributes(&platter, number).ok_or(Errno::EIO)
    }

    fn take_away(&self, parent: INodeNo, name: &OsStr, folder: bool) -> Result<(), Errno> {
        let mut platter = self.platter();
        let number = platter.lookup(parent.0, name).ok_or(Errno::ENOENT)?;
        match (platter.names(number), folder) {
            (Some(_), false) => return Err(Errno::EISDIR),
            (None, true) => return Err(Errno::ENOTDIR),
            (Some(names), true) if !names.is_empty() => return Err(Errno::ENOTEMPTY),
            _ => {}
        }
        platter.remove(parent.0, name).map(|_| ()).ok_or(Errno::EIO)
    }
}

fn attributes(platter: &Platter, number: u64) -> Option<FileAttr> {
    let node = platter.node(number)?;
    let (kind, size) = match &node.kind {
        Kind::Folder(_) => (FileType::Directory, 0),
        Kind::File(content) => (FileType::RegularFile, content.live.len() as u64),
        Kind::Socket => (FileType::Socket, 0),
    };
    Some(FileAttr {
        ino: INodeNo(number),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind,
        perm: node.mode,
        nlink: 1,
        uid: 0,
        gid: 0,
        rdev: 0,
        blksize: 4_096,
        flags: 0,
    })
}

fn empty(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

fn entry(reply: ReplyEntry, made: Result<FileAttr, Errno>) {
    match made {
        Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let platter = self.platter();
        let number = platter.lookup(parent.0, name);
        let found = number.and_then(|number| attributes(&platter, number));
        entry(reply, found.ok_or(Errno::ENOENT));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match attributes(&self.platter(), ino.0) {
            Some(attr) => reply.attr(&TTL, &attr),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let mut platter = self.platter();
        if let (Some(mode), Some(node)) = (mode, platter.node_mut(ino.0)) {
            node.mode = (mode & 0o7777) as u16;
        }
        if let Some(size) = size
            && platter.set_bytes(ino.0, size).is_none()
        {
            return reply.error(Errno::EISDIR);
        }
        match attributes(&platter, ino.0) {
            Some(attr) => reply.attr(&TTL, &attr),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn mknod(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let kind = match mode & TYPE {
            SOCKET => Kind::Socket,
            _ => Kind::File(Content::default()),
        };
        entry(reply, self.make(parent, name, kind, mode & !umask));
    }

    fn mkdir(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        reply: ReplyEntry,
    ) {
        let kind = Kind::Folder(Names::default());
        entry(reply, self.make(parent, name, kind, mode & !umask));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.take_away(parent, name, false));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        empty(reply, self.take_away(parent, name, true));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let done = self
            .platter()
            .rename((parent.0, name), (newparent.0, newname));
        empty(reply, done.ok_or(Errno::ENOENT));
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.platter().node(ino.0).map(|node| &node.kind) {
            Some(Kind::File(content)) => {
                let bytes = &content.live;
                let from = (offset as usize).min(bytes.len());
                let to = (from + size as usize).min(bytes.len());
                reply.data(&bytes[from..to]);
            }
            _ => reply.error(Errno::EISDIR),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.platter().write(ino.0, offset, data) {
            Some(()) => reply.written(data.len() as u32),
            None => reply.error(Errno::EISDIR),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        empty(reply, self.platter().sync_file(ino.0).ok_or(Errno::EISDIR));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let done = self.platter().sync_folder(ino.0);
        empty(reply, done.ok_or(Errno::ENOTDIR));
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let platter = self.platter();
        let Some(names) = platter.names(ino.0) else {
            return reply.error(Errno::ENOTDIR);
        };
        let dots = [(OsStr::new("."), ino.0), (OsStr::new(".."), ROOT)];
        let all = dots.into_iter().chain(
            names
                .iter()
                .map(|(name, &number)| (name.as_os_str(), number)),
        );
        for (place, (name, number)) in (1..).zip(all).skip(offset as usize) {
            let kind = attributes(&platter, number).map_or(FileType::Directory, |attr| attr.kind);
            if reply.add(INodeNo(number), place, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let kind = Kind::File(Content::default());
        match self.make(parent, name, kind, mode & !umask) {
            Ok(attr) => reply.created(
                &TTL,
                &attr,
                Generation(0),
                FileHandle(0),
                FopenFlags::empty(),
            ),
            Err(error) => reply.error(error),
        }
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: fuser::ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, 4_096, 255, 4_096);
    }
}

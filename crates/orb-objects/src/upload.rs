//! One object's way to the store.
//!
//! In: a file's committed bytes. Out: the object, proven, and its row in the ledger.
//! May touch: the store, the ledger, the file (reading). Must not touch: the file's removal; that is the caller's.
//! Invariant: whatever ends the process, the next call goes on from what the ledger says, and the object is there once.
//!
//! | the process ended | what the next call does |
//! |---|---|
//! | after the store opened an upload, before its row | opens another; the first has no part and holds nothing |
//! | after a part arrived, before its row | sends that part again, in its place |
//! | after a part's row | does not send it again, if the file still has the same bytes there |
//! | after the upload was completed, before its proof or row | finds the object, proves it, sends nothing |
//!
//! An upload that the store has forgotten meanwhile (they expire) is begun anew. A folder (`file://`) keeps no parts: what
//! an interrupted upload left there (`NAME#1`) is removed and the object sent from its beginning.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use object_store::multipart::PartId;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStoreExt, PutPayload};
use orb_env::{Disk, ReadFile};

use crate::connect::{ByParts, Kind};
use crate::ledger::{Begun, Event, Part, Proof};
use crate::limits::{PART_BYTES_LEAST, PARTS_AT_ONCE, PARTS_MAX, READ_BYTES};
use crate::verify::{Digesting, Sent, Verify, prove};
use crate::{Arrived, Ledger, Store, UploadError};

/// A file to be uploaded. It must not change meanwhile, but for growing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Where it is.
    pub path: PathBuf,
    /// Bytes that are uploaded; what stands behind them is not.
    pub bytes: u64,
    /// The object's name below the store's prefix, with `/`.
    pub object: String,
    /// Whether another object of this name is replaced: for files that can be made again, such as indexes.
    pub may_replace: bool,
}

/// Numbers of what goes on, for those who look on.
#[derive(Debug, Default)]
pub struct Meter {
    /// Bytes that the store acknowledged, those sent twice included.
    pub sent_bytes: AtomicU64,
    /// Bytes of uploads that were gone on with, which were not sent again.
    pub spared_bytes: AtomicU64,
}

/// Uploads to one store, one object at a time.
pub struct Uploader {
    store: Store,
    ledger: Ledger,
    disk: Arc<dyn Disk>,
    part_bytes: u64,
    verify: Verify,
    meter: Arc<Meter>,
}

impl Uploader {
    /// - `part_bytes`: size of a part; two are in memory at once. Smaller than 5 MiB is allowed for folders alone.
    #[must_use]
    pub fn new(
        store: Store,
        ledger: Ledger,
        disk: Arc<dyn Disk>,
        part_bytes: u64,
        verify: Verify,
    ) -> Uploader {
        Uploader {
            store,
            ledger,
            disk,
            part_bytes: part_bytes.max(PART_BYTES_LEAST),
            verify,
            meter: Arc::default(),
        }
    }

    /// Its numbers.
    #[must_use]
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether the ledger says that the object is in this store.
    #[must_use]
    pub fn has_arrived(&self, object: &str) -> bool {
        let to = self.store.place.to_string();
        self.ledger
            .arrived(object)
            .is_some_and(|arrived| arrived.to == to)
    }

    /// Brings the object to the store, unless it is there, and proves it. When this returns, the ledger says so durably.
    ///
    /// It may be dropped at any point and called again. Reading the file blocks.
    ///
    /// # Errors
    /// See [`UploadError`]; after one that may pass, call it again.
    pub async fn upload(&mut self, source: &Source) -> Result<Arrived, UploadError> {
        if let Some(arrived) = self.arrived_already(source)? {
            return Ok(arrived);
        }
        // A second time only when the store has forgotten the upload that was gone on with.
        let mut again = true;
        loop {
            let begun = self.begun(source);
            if let Some(there) = self.head(source).await? {
                let part_bytes = begun.as_ref().map_or(0, |begun| begun.part_bytes);
                let sent = self.digest(source, part_bytes)?;
                if let Some(proof) = self.proof(source, &there, &sent).await? {
                    return self.arrived(source, &sent, proof);
                }
                if begun.is_none() && !source.may_replace {
                    return Err(UploadError::Occupied {
                        object: source.object.clone(),
                        to: self.store.place.to_string(),
                        there_bytes: there.size,
                        bytes: source.bytes,
                    });
                }
            }
            match self.send(source, begun).await {
                Err(error) if error.is_unknown() && std::mem::take(&mut again) => {
                    tracing::info!(
                        object = source.object,
                        "the store has forgotten what was begun: the upload begins anew"
                    );
                    self.forget(source)?;
                }
                sent => return self.prove_sent(source, &sent?).await,
            }
        }
    }

    fn arrived_already(&self, source: &Source) -> Result<Option<Arrived>, UploadError> {
        let to = self.store.place.to_string();
        let arrived = self.ledger.arrived(&source.object);
        let Some(arrived) = arrived.filter(|arrived| arrived.to == to) else {
            return Ok(None);
        };
        let mut same = arrived.bytes == source.bytes;
        if same && source.may_replace {
            // It may have been made again.
            same = self.digest(source, 0)?.sha256 == arrived.sha256;
        }
        if !same && !source.may_replace {
            return Err(UploadError::Occupied {
                object: source.object.clone(),
                to,
                there_bytes: arrived.bytes,
                bytes: source.bytes,
            });
        }
        Ok(same.then(|| arrived.clone()))
    }

    /// What the ledger knows of an upload of this object to this store.
    fn begun(&self, source: &Source) -> Option<Begun> {
        let to = self.store.place.to_string();
        let begun = self.ledger.begun(&source.object);
        begun.filter(|begun| begun.to == to).cloned()
    }

    async fn prove_sent(&mut self, source: &Source, sent: &Sent) -> Result<Arrived, UploadError> {
        let proof = match self.head(source).await? {
            Some(there) => self.proof(source, &there, sent).await?,
            None => None,
        };
        match proof {
            Some(proof) => self.arrived(source, sent, proof),
            None => {
                self.forget(source)?;
                Err(UploadError::Differs {
                    object: source.object.clone(),
                    to: self.store.place.to_string(),
                })
            }
        }
    }

    /// Forgets parts and upload, but not that an object of this name is ours.
    fn forget(&mut self, source: &Source) -> Result<(), UploadError> {
        self.begin(source, self.part_bytes(source.bytes), String::new())
    }

    fn arrived(
        &mut self,
        source: &Source,
        sent: &Sent,
        proof: Proof,
    ) -> Result<Arrived, UploadError> {
        let arrived = Arrived {
            to: self.store.place.to_string(),
            bytes: sent.bytes,
            sha256: sent.sha256.clone(),
            proof,
        };
        let event = Event::Arrived {
            bytes: sent.bytes,
            sha256: sent.sha256.clone(),
            proof,
        };
        self.note(source, event)?;
        Ok(arrived)
    }

    // ---- the ledger, the file, the store ----

    fn note(&mut self, source: &Source, event: Event) -> Result<(), UploadError> {
        let at = self.store.clock.wall();
        let to = self.store.place.to_string();
        self.ledger.add(at, &source.object, &to, event)
    }

    fn failed<'s>(
        &self,
        what: &'static str,
        source: &'s Source,
    ) -> impl Fn(object_store::Error) -> UploadError + use<'s> {
        let to = self.store.place.to_string();
        move |error| UploadError::Store {
            what,
            object: source.object.clone(),
            to: to.clone(),
            source: Box::new(error),
        }
    }

    fn key(&self, source: &Source) -> Key {
        self.store.place.key(&source.object)
    }

    async fn head(&self, source: &Source) -> Result<Option<ObjectMeta>, UploadError> {
        match self.store.objects().head(&self.key(source)).await {
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            head => Ok(Some(head.map_err(self.failed("look for", source))?)),
        }
    }

    async fn proof(
        &self,
        source: &Source,
        there: &ObjectMeta,
        sent: &Sent,
    ) -> Result<Option<Proof>, UploadError> {
        let proof = prove(self.store.objects(), there, sent, self.verify).await;
        proof.map_err(self.failed("read back", source))
    }

    /// Size of the parts of a file of this length.
    fn part_bytes(&self, bytes: u64) -> u64 {
        self.part_bytes.max(bytes.div_ceil(PARTS_MAX))
    }

    /// Digests the file, as if it were sent in parts of `part_bytes`; 0 for the size that it would be sent in now.
    fn digest(&self, source: &Source, part_bytes: u64) -> Result<Sent, UploadError> {
        let part_bytes = match part_bytes {
            0 => self.part_bytes(source.bytes),
            known => known,
        };
        let mut file = Parts::open(self.disk.as_ref(), source, part_bytes)?;
        let mut digest = Digesting::new(source.bytes <= part_bytes);
        while let Some(part) = file.next()? {
            digest.part(&part);
        }
        Ok(digest.finish())
    }

    // ---- sending ----

    async fn send(&mut self, source: &Source, begun: Option<Begun>) -> Result<Sent, UploadError> {
        let part_bytes = self.part_bytes(source.bytes);
        if source.bytes <= part_bytes {
            return self.send_whole(source, part_bytes).await;
        }
        match self.store.kind.clone() {
            Kind::Parts(store) => {
                let begun = self.go_on(store.as_ref(), source, begun).await?;
                self.send_parts(&store, source, &begun).await
            }
            Kind::Folder(store) => {
                self.begin(source, part_bytes, String::new())?;
                self.clear_folder(source)?;
                let failed = self.failed("upload", source);
                let mut upload = store
                    .put_multipart(&self.key(source))
                    .await
                    .map_err(&failed)?;
                let mut file = Parts::open(self.disk.as_ref(), source, part_bytes)?;
                let mut digest = Digesting::new(false);
                while let Some(part) = file.next()? {
                    let bytes = part.len() as u64;
                    digest.part(&part);
                    upload.put_part(part.into()).await.map_err(&failed)?;
                    self.meter.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
                }
                upload.complete().await.map_err(&failed)?;
                Ok(digest.finish())
            }
        }
    }

    /// Sends an object of one part.
    async fn send_whole(&mut self, source: &Source, part_bytes: u64) -> Result<Sent, UploadError> {
        // Without a row, what a broken request left could not be told from what somebody else put there.
        self.begin(source, part_bytes, String::new())?;
        self.clear_folder(source)?;
        let mut file = Parts::open(self.disk.as_ref(), source, part_bytes)?;
        let mut digest = Digesting::new(true);
        let part = file.next()?.unwrap_or_default();
        digest.part(&part);
        let key = self.key(source);
        let put = self.store.objects().put(&key, part.into());
        put.await.map_err(self.failed("upload", source))?;
        let bytes = source.bytes;
        self.meter.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(digest.finish())
    }

    fn begin(
        &mut self,
        source: &Source,
        part_bytes: u64,
        upload: String,
    ) -> Result<(), UploadError> {
        let event = Event::Begun {
            bytes: source.bytes,
            part_bytes,
            upload,
        };
        self.note(source, event)
    }

    /// Goes on with what was begun, or opens an upload.
    async fn go_on(
        &mut self,
        store: &dyn ByParts,
        source: &Source,
        begun: Option<Begun>,
    ) -> Result<Begun, UploadError> {
        if let Some(begun) = begun.filter(|begun| !begun.upload.is_empty() || begun.has_parts()) {
            if begun.bytes == source.bytes {
                return Ok(begun);
            }
            // Its parts are of other bytes. One that is gone is no loss.
            let key = self.key(source);
            if let Err(error) = store.abort_multipart(&key, &begun.upload).await {
                tracing::debug!(%error, object = source.object, "abandoned upload was not ended");
            }
        }
        let part_bytes = self.part_bytes(source.bytes);
        let opened = store.create_multipart(&self.key(source)).await;
        let upload = opened.map_err(self.failed("begin", source))?;
        self.begin(source, part_bytes, upload.clone())?;
        Ok(Begun {
            to: self.store.place.to_string(),
            bytes: source.bytes,
            part_bytes,
            upload,
            parts: BTreeMap::new(),
        })
    }

    async fn send_parts(
        &mut self,
        store: &Arc<dyn ByParts>,
        source: &Source,
        begun: &Begun,
    ) -> Result<Sent, UploadError> {
        let key = self.key(source);
        let mut file = Parts::open(self.disk.as_ref(), source, begun.part_bytes)?;
        let mut digest = Digesting::new(false);
        let mut ids: BTreeMap<usize, String> = BTreeMap::new();
        let mut sending = FuturesUnordered::new();
        let mut at = 0;
        loop {
            let part = file.next()?;
            let ended = part.is_none();
            if let Some(part) = part {
                let md5 = digest.part(&part);
                match begun.parts.get(&at) {
                    Some(known) if known.md5 == md5 => {
                        let spared = part.len() as u64;
                        self.meter.spared_bytes.fetch_add(spared, Ordering::Relaxed);
                        ids.insert(at, known.id.clone());
                    }
                    _ => sending.push(send_part(
                        Arc::clone(store),
                        key.clone(),
                        begun.upload.clone(),
                        (at, md5),
                        part,
                    )),
                }
                at += 1;
            }
            while sending.len() >= PARTS_AT_ONCE || (ended && !sending.is_empty()) {
                let sent = sending.next().await.expect("it is not empty");
                let (at, bytes, part) = sent.map_err(self.failed("upload", source))?;
                self.meter.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
                ids.insert(at, part.id.clone());
                let event = Event::Part {
                    upload: begun.upload.clone(),
                    part: at,
                    id: part.id,
                    md5: part.md5,
                };
                self.note(source, event)?;
            }
            if ended {
                break;
            }
        }
        let ids = ids.into_values().map(|content_id| PartId { content_id });
        store
            .complete_multipart(&key, &begun.upload, ids.collect())
            .await
            .map_err(self.failed("complete", source))?;
        Ok(digest.finish())
    }

    /// Removes what an interrupted upload left in a folder.
    fn clear_folder(&self, source: &Source) -> Result<(), UploadError> {
        if !matches!(self.store.kind, Kind::Folder(_)) {
            return Ok(());
        }
        let path = PathBuf::from(format!("{}/{}", self.store.place.folder(), source.object));
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(());
        };
        let staged = format!("{}#", name.to_string_lossy());
        let read = |error| UploadError::Read {
            path: folder.to_path_buf(),
            source: error,
        };
        for entry in self.disk.list(folder).map_err(read)? {
            let number = entry.name.strip_prefix(&staged);
            if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())) {
                self.disk.remove(&folder.join(&entry.name)).map_err(read)?;
            }
        }
        Ok(())
    }
}

impl Begun {
    fn has_parts(&self) -> bool {
        !self.parts.is_empty()
    }
}

async fn send_part(
    store: Arc<dyn ByParts>,
    key: Key,
    upload: String,
    (at, md5): (usize, String),
    bytes: Bytes,
) -> object_store::Result<(usize, u64, Part)> {
    let len = bytes.len() as u64;
    let payload = PutPayload::from(bytes);
    let id = store.put_part(&key, &upload, at, payload).await?.content_id;
    Ok((at, len, Part { id, md5 }))
}

/// The parts of a file in their order.
struct Parts<'s> {
    source: &'s Source,
    file: Box<dyn ReadFile>,
    part_bytes: u64,
    at: u64,
}

impl<'s> Parts<'s> {
    fn open(
        disk: &dyn Disk,
        source: &'s Source,
        part_bytes: u64,
    ) -> Result<Parts<'s>, UploadError> {
        let file = disk.read(&source.path).map_err(|error| UploadError::Read {
            path: source.path.clone(),
            source: error,
        })?;
        Ok(Parts {
            source,
            file,
            part_bytes,
            at: 0,
        })
    }

    fn next(&mut self) -> Result<Option<Bytes>, UploadError> {
        let left = self.source.bytes - self.at;
        if left == 0 {
            return Ok(None);
        }
        let bytes = left.min(self.part_bytes);
        let mut part = vec![0; usize::try_from(bytes).expect("a part fits into memory")];
        let mut read = 0;
        // In pieces, for a read may be short only at the end.
        for piece in part.chunks_mut(READ_BYTES) {
            let got = self.file.read_at(self.at + read, piece);
            let got = got.map_err(|error| UploadError::Read {
                path: self.source.path.clone(),
                source: error,
            })?;
            read += got as u64;
            if got < piece.len() {
                return Err(UploadError::Short {
                    path: self.source.path.clone(),
                    bytes: self.source.bytes,
                });
            }
        }
        self.at += bytes;
        Ok(Some(part.into()))
    }
}

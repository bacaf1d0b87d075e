//! Uploads to a real S3 server in process, and what goes wrong with it: every object arrives once, whole.
//!
//! In: files, faults. Out: objects. May touch: 127.0.0.1, a folder of its own.

#![allow(clippy::unwrap_used, reason = "tests")]

mod s3;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use orb_env::{BootClock, Disk, DiskFaults, Entropy, MemoryDisk, SeededEntropy};
use orb_objects::{
    Arrived, Ledger, Place, Proof, Source, Store, StoreOptions, UploadError, Uploader, Verify,
};
use s3::{Asked, BUCKET, Fate, Server};

const PART: u64 = 5 << 20;
const LEDGER: &str = "/c/state/uploads.jsonl";

struct Bench {
    folder: tempfile::TempDir,
    server: Server,
    disk: MemoryDisk,
    verify: Verify,
    stall_max: Duration,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        Bench {
            server: Server::start(&folder.path().join("s3")),
            folder,
            disk: MemoryDisk::new(),
            verify: Verify::Checksum,
            // Long enough for a machine that is busy with something else.
            stall_max: Duration::from_secs(30),
        }
    }

    /// One whose server stalls, which is to be noticed soon.
    fn stalling() -> Bench {
        Bench {
            stall_max: Duration::from_secs(1),
            ..Bench::new()
        }
    }

    /// A file of bytes that no compression and no mistaken order leaves unnoticed.
    fn file(&self, name: &str, bytes: u64) -> Source {
        let path = PathBuf::from(format!("/c/{name}"));
        let entropy = SeededEntropy::new(bytes);
        let content: Vec<u8> = (0..bytes.div_ceil(16))
            .flat_map(|_| entropy.bytes16())
            .collect();
        let mut file = self.disk.append(&path).unwrap();
        file.append(&content[..bytes as usize]).unwrap();
        file.sync().unwrap();
        self.disk.sync_dir(path.parent().unwrap()).unwrap();
        Source {
            path,
            bytes,
            object: name.to_owned(),
            may_replace: false,
        }
    }

    fn uploader(&self, to: &str) -> Uploader {
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let options = StoreOptions {
            variables: vec![
                variable(
                    "AWS_ENDPOINT_URL",
                    &format!("http://{}", self.server.address),
                ),
                variable("AWS_ACCESS_KEY_ID", s3::KEY),
                variable("AWS_SECRET_ACCESS_KEY", s3::SECRET),
            ],
            retries_max: 2,
            retry_first: Duration::from_millis(1),
            stall_max: self.stall_max,
        };
        let place: Place = to.parse().unwrap();
        let store = Store::new(&place, &options, Arc::new(BootClock::new())).unwrap();
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let ledger = Ledger::open(Arc::clone(&disk), Path::new(LEDGER)).unwrap();
        Uploader::new(store, ledger, disk, PART, self.verify)
    }

    fn s3(&self) -> Uploader {
        self.uploader(&format!("s3://{BUCKET}/crawls/one"))
    }

    fn object(&self, source: &Source) -> PathBuf {
        let bucket = self.folder.path().join("s3").join(BUCKET);
        bucket.join("crawls/one").join(&source.object)
    }

    /// The object has the file's committed bytes.
    fn check_arrived(&self, source: &Source) {
        let object = std::fs::read(self.object(source)).unwrap();
        let file = self.disk.read_all(&source.path).unwrap();
        assert!(object == file[..source.bytes as usize], "{}", source.object);
    }
}

fn upload(uploader: &mut Uploader, source: &Source) -> Result<Arrived, UploadError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(uploader.upload(source))
}

/// How often each part was brought, and uploads completed, successfully.
fn tally(log: &[Asked]) -> (BTreeMap<usize, usize>, usize) {
    let mut parts = BTreeMap::new();
    for asked in log.iter().filter(|asked| asked.is_done()) {
        if let Some(part) = asked.part() {
            *parts.entry(part).or_default() += 1;
        }
    }
    let completed = log
        .iter()
        .filter(|asked| asked.completes() && asked.is_done());
    (parts, completed.count())
}

/// Sizes around those of a part; what stands behind the committed length stays here.
#[test]
fn objects_arrive_whole_by_one_request_or_by_parts() {
    let bench = Bench::new();
    let mut uploader = bench.s3();
    for bytes in [0, 1, PART, PART + 1, 2 * PART, 3 * PART + 7] {
        let source = bench.file(&format!("warc/ORB-{bytes}.warc.gz"), bytes);
        bench
            .disk
            .append(&source.path)
            .unwrap()
            .append(b"uncommitted")
            .unwrap();
        let arrived = upload(&mut uploader, &source).unwrap();
        assert_eq!((arrived.bytes, arrived.proof), (bytes, Proof::Checksum));
        bench.check_arrived(&source);
        bench.server.take_log();
        assert_eq!(upload(&mut uploader, &source).unwrap(), arrived);
        assert!(bench.server.take_log().is_empty(), "the ledger knows it");
    }
}

#[test]
fn a_folder_gets_the_same_and_its_remains_are_cleared() {
    let bench = Bench::new();
    let folder = bench.folder.path().join("store");
    let mut uploader = bench.uploader(&format!("file://{}", folder.display()));
    for bytes in [1, 2 * PART + 7] {
        let source = bench.file(&format!("warc/ORB-{bytes}.warc.gz"), bytes);
        let arrived = upload(&mut uploader, &source).unwrap();
        assert_eq!((arrived.bytes, arrived.proof), (bytes, Proof::ReadBack));
        let object = std::fs::read(folder.join(&source.object)).unwrap();
        assert!(object == bench.disk.read_all(&source.path).unwrap());
    }
}

/// Answers of 500, connections that break before and after a request is served, stalls: all by chance.
#[test]
fn whatever_fails_every_object_arrives_once() {
    let bench = Bench::stalling();
    for seed in 0..12 {
        let source = bench.file(&format!("warc/ORB-{seed}.warc.gz"), 3 * PART + seed);
        let entropy = SeededEntropy::new(seed);
        let dice = move |_: &str, _: &str| match entropy.bytes16()[0] % 16 {
            0 | 1 => Fate::Status(500),
            2 => Fate::Status(503),
            3 | 4 => Fate::DropBefore,
            5 | 6 => Fate::DropAfter,
            7 if seed % 4 == 0 => Fate::Stall,
            _ => Fate::Pass,
        };
        bench.server.judge(dice);
        let done = (0..200).find_map(|_| upload(&mut bench.s3(), &source).ok());
        assert_eq!(done.unwrap().bytes, source.bytes, "seed {seed}");
        bench.check_arrived(&source);
        let (_, completed) = tally(&bench.server.take_log());
        assert_eq!(completed, 1, "seed {seed}");
    }
}

/// The server ends while a part is on its way, and comes back later: what had arrived is not sent again.
#[test]
fn an_upload_goes_on_where_the_server_was_killed() {
    let mut bench = Bench::stalling();
    let source = bench.file("warc/ORB-1.warc.gz", 5 * PART);
    let mut parts = 0;
    bench.server.judge(move |_, target| {
        parts += usize::from(target.contains("partNumber="));
        if parts > 3 { Fate::Stall } else { Fate::Pass }
    });
    let error = upload(&mut bench.s3(), &source).unwrap_err();
    assert!(error.may_pass(), "{error}");
    let (before, _) = tally(&bench.server.take_log());
    assert_eq!(before.values().sum::<usize>(), 3);
    bench.server.kill();
    assert!(upload(&mut bench.s3(), &source).unwrap_err().may_pass());
    bench.server.judge(|_, _| Fate::Pass);
    bench.server.run();
    let mut uploader = bench.s3();
    upload(&mut uploader, &source).unwrap();
    bench.check_arrived(&source);
    let (after, completed) = tally(&bench.server.take_log());
    assert_eq!((after.values().sum::<usize>(), completed), (2, 1));
    let spared = uploader.meter().spared_bytes.load(Ordering::Relaxed);
    assert_eq!(spared, 3 * PART);
}

/// The process ends at every write of the ledger in turn, with all that was not synced.
#[test]
fn killed_at_every_row_of_the_ledger_the_object_arrives_once() {
    for killed_at in 1..60 {
        let bench = Bench::new();
        let source = bench.file("warc/ORB-1.warc.gz", 2 * PART + 9);
        let mut first = bench.s3();
        bench.disk.set_faults(DiskFaults {
            killed_at: Some(killed_at),
            ..DiskFaults::default()
        });
        let survived = upload(&mut first, &source).is_ok();
        drop(first);
        bench.disk.crash(&SeededEntropy::new(killed_at), true);
        bench.disk.set_faults(DiskFaults::default());
        upload(&mut bench.s3(), &source).unwrap();
        bench.check_arrived(&source);
        let (parts, completed) = tally(&bench.server.take_log());
        assert_eq!(completed, 1, "killed at write {killed_at}");
        let again = parts.values().sum::<usize>() - parts.len();
        assert!(again <= 2, "killed at write {killed_at}: {parts:?}");
        if survived {
            assert!(killed_at > 5, "so few writes?");
            return;
        }
    }
    panic!("never survived");
}

#[test]
fn what_somebody_else_put_there_is_left_alone() {
    let bench = Bench::new();
    let source = bench.file("warc/ORB-1.warc.gz", 100);
    let object = bench.object(&source);
    std::fs::create_dir_all(object.parent().unwrap()).unwrap();
    std::fs::write(&object, b"somebody else's").unwrap();
    let error = upload(&mut bench.s3(), &source).unwrap_err();
    assert!(matches!(
        error,
        UploadError::Occupied {
            there_bytes: 15,
            ..
        }
    ));
    assert!(!error.may_pass());
    assert_eq!(std::fs::read(&object).unwrap(), b"somebody else's");
    let index = Source {
        may_replace: true,
        ..source
    };
    upload(&mut bench.s3(), &index).unwrap();
    bench.check_arrived(&index);
}

/// An index that was made again replaces the one that is there; one that was not is not sent again.
#[test]
fn what_can_be_made_again_is_replaced_when_it_differs() {
    let bench = Bench::new();
    let mut source = bench.file("index/cdxj/a.cdxj", 100);
    source.may_replace = true;
    upload(&mut bench.s3(), &source).unwrap();
    bench.server.take_log();
    upload(&mut bench.s3(), &source).unwrap();
    assert!(bench.server.take_log().is_empty());
    bench.disk.replace(&source.path, &[7; 100]).unwrap();
    upload(&mut bench.s3(), &source).unwrap();
    bench.check_arrived(&source);
}

/// Bytes that rot between upload and proof: read back, the object is not believed, and is sent again.
#[test]
fn an_object_that_differs_is_sent_again() {
    let bench = Bench {
        verify: Verify::ReadBack,
        ..Bench::new()
    };
    let source = bench.file("warc/ORB-1.warc.gz", 2 * PART + 5);
    let object = bench.object(&source);
    let mut rotten = false;
    bench.server.judge(move |method, _| {
        if method == "GET" && !rotten {
            rotten = true;
            let mut bytes = std::fs::read(&object).unwrap();
            bytes[PART as usize + 3] ^= 1;
            std::fs::write(&object, bytes).unwrap();
        }
        Fate::Pass
    });
    let mut uploader = bench.s3();
    let error = upload(&mut uploader, &source).unwrap_err();
    assert!(matches!(error, UploadError::Differs { .. }), "{error}");
    assert_eq!(uploader.ledger().arrived(&source.object), None);
    // The upload is completed and gone; the ledger still has its row.
    let arrived = (0..3).find_map(|_| upload(&mut uploader, &source).ok());
    assert_eq!(arrived.unwrap().proof, Proof::ReadBack);
    bench.check_arrived(&source);
}

/// What comes back is compared with the ledger: an object that rotted does not get the name of the file.
#[test]
fn an_object_comes_back_only_as_it_went() {
    let bench = Bench::new();
    let source = bench.file("warc/ORB-1.warc.gz", 2 * PART + 5);
    let mut uploader = bench.s3();
    let arrived = upload(&mut uploader, &source).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let back = Path::new("/back/ORB-1.warc.gz");
    let fetch = || {
        let mut seen = 0;
        let mut progress = |bytes| seen = bytes;
        let fetched =
            uploader
                .store()
                .fetch(&source.object, &arrived, back, &bench.disk, &mut progress);
        runtime.block_on(fetched).map(|()| seen)
    };
    assert_eq!(fetch().unwrap(), source.bytes);
    assert!(bench.disk.read_all(back).unwrap() == bench.disk.read_all(&source.path).unwrap());
    bench.disk.remove(back).unwrap();
    let object = bench.object(&source);
    let mut bytes = std::fs::read(&object).unwrap();
    bytes[7] ^= 1;
    std::fs::write(&object, bytes).unwrap();
    assert!(matches!(fetch(), Err(UploadError::Differs { .. })));
    assert!(bench.disk.list(Path::new("/back")).unwrap().is_empty());
}

/// Stores forget uploads that were never completed, after days.
#[test]
fn a_forgotten_upload_is_begun_anew() {
    let bench = Bench::new();
    let source = bench.file("warc/ORB-1.warc.gz", 2 * PART + 5);
    let upload_id = |target: &str| Some(target.split_once("uploadId=")?.1.to_owned());
    bench.server.judge(move |method, target| match method {
        "POST" if upload_id(target).is_some() => Fate::Status(500),
        _ => Fate::Pass,
    });
    upload(&mut bench.s3(), &source).unwrap_err();
    let log = bench.server.take_log();
    let forgotten = log
        .iter()
        .find_map(|asked| upload_id(&asked.target))
        .unwrap();
    let forgotten = forgotten.split('&').next().unwrap().to_owned();
    bench.server.judge(move |_, target| {
        if target.contains(&forgotten) {
            Fate::Status(404)
        } else {
            Fate::Pass
        }
    });
    upload(&mut bench.s3(), &source).unwrap();
    bench.check_arrived(&source);
}

//! `orb archive upload` and `orb archive fetch`: a stopped crawl's WARC files to an object store, and back.
//!
//! In: a crawl's folder, a store. Out: objects, or files. May touch: the folder, under its lock; the store.
//! Invariant: no credential is an argument: they come from the environment or the instance.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use orb_api::CrawlDir;
use orb_crawl::{ArchiveConfig, StoppedUploads, fetch_segments, segments_away};
use orb_env::{Disk, KernelDisk};

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg};
use crate::last_run::LastRun;
use crate::progress_bar::ProgressBar;
use crate::terminal::{bytes, count, note, say, say_json};
use crate::world::KernelWorld;

/// Arguments of `orb archive upload`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_REGION=eu-central-1
  orb archive upload example --to s3://bucket/crawls/example
  orb archive upload example --to file:///mnt/archive/example --keep-local
  orb archive upload example --list                  what would be uploaded

Objects are PREFIX/warc/NAME and PREFIX/index/…. A WARC file goes after its index, is proven to be there whole (checksum
of the store, or read back), and is then removed here, unless --keep-local. Interrupted, the same command goes on: parts
that arrived are not sent again. Files that are still open are uploaded too; the crawl goes on in new ones. A running
crawl uploads by itself where `archive.store` is set.

Stores: s3://bucket/prefix (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL, or the
role of the instance), gs://bucket/prefix (GOOGLE_SERVICE_ACCOUNT, or application default credentials), az://container/prefix
(AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_KEY), file:///folder.

Exit codes: 0 all arrived, 2 wrong arguments, 4 the store or the disk failed: ask again.")]
pub(crate) struct UploadArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Store and prefix [default: archive.store of the crawl's last run].
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Leave the WARC files here too.
    #[arg(long)]
    keep_local: bool,
    /// Read every object back, whatever checksum the store tells.
    #[arg(long)]
    read_back: bool,
    /// Only list what would be uploaded.
    #[arg(long)]
    list: bool,
    /// Print the result as one JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `orb archive fetch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  orb archive fetch example                          back into example/warc, for audit, verify, export
  orb archive fetch example --into /srv/copy         into another folder
  orb archive fetch example ORB-20261122071000000-00007-s03.warc.gz

What comes is compared with the SHA-256 of what went. The next run with `archive.store` removes it again without sending it.")]
pub(crate) struct FetchArgs {
    /// The crawl's folder.
    #[arg(value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
    /// WARC files by name [default: all that are away].
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Folder they go to [default: warc in the crawl's folder].
    #[arg(long, value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    into: Option<PathBuf>,
}

/// Uploads what a stopped crawl holds.
pub(crate) fn upload(args: &UploadArgs) -> Outcome {
    let dir = args.folder.existing()?;
    let mut config =
        LastRun::read(&dir).map_or_else(ArchiveConfig::default, |run| run.config.archive);
    if let Some(to) = &args.to {
        config.store.clone_from(to);
    }
    config.store_keep_local |= args.keep_local;
    if args.read_back {
        config.store_verify = orb_crawl::StoreVerify::ReadBack;
    }
    let place = config.place().map_err(Failure::usage)?.ok_or_else(|| {
        Failure::usage_text("which store? Name it with --to, as in --to s3://bucket/prefix")
    })?;
    let _lock = folder::lock(&dir)?;
    let world = Arc::new(KernelWorld::for_reading());
    let uploads = StoppedUploads::open(world, dir.clone(), &config, &place)?;
    let bytes_total = uploads.files().iter().map(|(_, bytes)| bytes).sum();
    if args.list {
        for (name, size) in uploads.files() {
            say(&format!("{name}  {}", bytes(*size)));
        }
        let number = count(uploads.files().len() as u64);
        say(&format!(
            "{number} files, {} would go to {place}",
            bytes(bytes_total)
        ));
        return Ok(Exit::Fine);
    }
    let bar = ProgressBar::new("uploaded", bytes_total, args.json);
    let sum = uploads.run(&mut bar.of_file())?;
    drop(bar);
    if args.json {
        say_json(&sum)?;
        return Ok(Exit::Fine);
    }
    say(&format!(
        "{} WARC files, {} in {place}; {} sent, {} had arrived before",
        count(sum.files),
        bytes(sum.bytes),
        bytes(sum.sent_bytes),
        bytes(sum.spared_bytes),
    ));
    if sum.before > 0 {
        say(&format!("{} files were there already", count(sum.before)));
    }
    Ok(Exit::Fine)
}

/// Brings files back.
pub(crate) fn fetch(args: &FetchArgs) -> Outcome {
    let dir = CrawlDir::new(&args.dir);
    let mut away = segments_away(&KernelDisk, &dir).map_err(Failure::storage)?;
    if let Some(other) = args.names.iter().find(|name| !away.contains_key(*name)) {
        return Err(Failure::usage_text(format!(
            "{other} is no WARC file of {} that lies in an object store and not here",
            args.dir.display()
        )));
    }
    if !args.names.is_empty() {
        away.retain(|name, _| args.names.contains(name));
    }
    // A crawl at work removes what it finds in its folder and in the store.
    let lock = match &args.into {
        None if dir.identity().exists() => Some(folder::lock(&dir)?),
        _ => None,
    };
    let folder = args.into.clone().unwrap_or_else(|| dir.warc());
    KernelDisk
        .create_dir_all(&folder)
        .map_err(Failure::storage)?;
    let bar = ProgressBar::new("fetched", away.values().map(|one| one.bytes).sum(), false);
    let got = fetch_segments(
        &KernelWorld::for_reading(),
        &away,
        &folder,
        &mut bar.of_file(),
    )?;
    drop(bar);
    drop(lock);
    say(&format!(
        "{} WARC files, {} in {}",
        count(away.len() as u64),
        bytes(got),
        folder.display()
    ));
    Ok(Exit::Fine)
}

/// The crawl's files that lie in a store and not here, as a sentence; nothing when all are here.
pub(crate) fn away_text(dir: &CrawlDir) -> Result<Option<String>, Failure> {
    let away = segments_away(&KernelDisk, dir).map_err(Failure::storage)?;
    let Some(first) = away.values().next() else {
        return Ok(None);
    };
    let to = &first.to;
    let root = dir.root().display();
    Ok(Some(format!(
        "{} WARC files of {root} lie in {to} and not here; `orb archive fetch {root}` brings them back",
        count(away.len() as u64)
    )))
}

/// Tells that files of the crawl in `path` are elsewhere, if they are; refuses when none is here.
pub(crate) fn tell_away(path: &Path, here: bool) -> Result<(), Failure> {
    match away_text(&CrawlDir::new(path))? {
        Some(text) if here => note(&format!("orb: {text}")),
        Some(text) => return Err(Failure::usage_text(text)),
        None => {}
    }
    Ok(())
}

/// Refuses one of a crawl's files that is not here because it was uploaded.
pub(crate) fn refuse_away(file: &Path) -> Result<(), Failure> {
    let name = file.file_name().map(|name| name.to_string_lossy());
    let root = file.parent().and_then(Path::parent);
    let (Some(name), Some(root)) = (name, root) else {
        return Ok(());
    };
    let away = segments_away(&KernelDisk, &CrawlDir::new(root)).map_err(Failure::storage)?;
    match away.get(name.as_ref()) {
        Some(arrived) => Err(Failure::usage_text(format!(
            "{name} lies in {} and not here; `orb archive fetch {} {name}` brings it back",
            arrived.to,
            root.display()
        ))),
        None => Ok(()),
    }
}

//! `orb stop`, `orb pause`, `orb resume`: wishes to a running crawl.
//!
//! In: a folder. Out: the crawl's reply. May touch: its control socket.

use std::thread;
use std::time::Duration;

use clap::Args;
use orb_api::{Act, CrawlDir};
use orb_serve::{ClientError, Request, ask};

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg, LockError};
use crate::steer::give;
use crate::terminal::say;

/// Pause between two looks at a crawl that is ending.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Arguments of `orb stop`.
#[derive(Debug, Args)]
pub(crate) struct StopArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Come back when the crawl has ended.
    #[arg(long)]
    wait: bool,
    /// Why; kept with the order for those who ask later.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

/// Arguments of `orb pause` and `orb resume`.
#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    folder: FolderArg,
    /// Why; kept with the order for those who ask later.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

/// Ends a crawl cleanly.
pub(crate) fn stop(args: &StopArgs) -> Outcome {
    let dir = args.folder.existing()?;
    // A crawl that takes no orders, for it is only beginning, can be ended all the same.
    if give(&dir, Act::Stop {}, &args.why, false).is_err() {
        tell(&dir, &Request::Stop)?;
    }
    if args.wait {
        while matches!(folder::lock(&dir), Err(LockError::Held { .. })) {
            thread::sleep(LOOK_AGAIN);
        }
        say("stopped; the same `orb crawl` command goes on");
    } else {
        say("stopping: what is in flight ends and is committed");
    }
    Ok(Exit::Fine)
}

/// Lets a crawl rest.
pub(crate) fn pause(args: &PauseArgs) -> Outcome {
    let dir = args.folder.existing()?;
    give(&dir, Act::Pause {}, &args.why, false)?;
    say("pausing: nothing new begins until `orb resume`, after a restart neither");
    Ok(Exit::Fine)
}

/// Lets a resting crawl go on.
pub(crate) fn resume(args: &PauseArgs) -> Outcome {
    let dir = args.folder.existing()?;
    give(&dir, Act::Resume {}, &args.why, false)?;
    say("going on");
    Ok(Exit::Fine)
}

fn tell(dir: &CrawlDir, request: &Request) -> Result<(), Failure> {
    let reply = ask(&dir.socket(), request).map_err(|error| match error {
        ClientError::NotRunning => {
            Failure::usage_text(format!("no crawl runs in {}", dir.root().display()))
        }
        error => Failure::usage(error),
    })?;
    match reply.ok {
        true => Ok(()),
        false => Err(Failure::usage_text(
            reply
                .error
                .unwrap_or_else(|| "the crawl refused".to_owned()),
        )),
    }
}

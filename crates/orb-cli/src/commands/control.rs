//! `orb stop`, `orb pause`, `orb resume`: wishes to a running crawl.
//!
//! In: a folder. Out: the crawl's reply. May touch: its control socket.

use std::thread;
use std::time::Duration;

use clap::Args;
use orb_serve::{ClientError, Request, ask};

use crate::exit::{Exit, Failure, Outcome};
use crate::folder::{self, FolderArg, LockError};
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
}

/// Arguments of `orb pause` and `orb resume`.
#[derive(Debug, Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    folder: FolderArg,
}

/// Ends a crawl cleanly.
pub(crate) fn stop(args: &StopArgs) -> Outcome {
    tell(&args.folder, &Request::Stop)?;
    if args.wait {
        let dir = args.folder.existing()?;
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
    tell(&args.folder, &Request::Pause)?;
    say("pausing: nothing new begins until `orb resume`");
    Ok(Exit::Fine)
}

/// Lets a resting crawl go on.
pub(crate) fn resume(args: &PauseArgs) -> Outcome {
    tell(&args.folder, &Request::Resume)?;
    say("going on");
    Ok(Exit::Fine)
}

fn tell(folder: &FolderArg, request: &Request) -> Result<(), Failure> {
    let dir = folder.existing()?;
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

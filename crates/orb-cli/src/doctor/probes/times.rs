//! Watching the clocks for a moment.
//!
//! In: the clocks, `timedatectl`. Out: what was seen. May touch: one child process, for two seconds at most.
//! Invariant: where nobody tells whether the clock is synchronised, that is not known rather than assumed.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use orb_env::{BootClock, Clock};

use crate::bench::process;
use crate::doctor::clock::Clocks;
use crate::limits::DOCTOR_CHILD_MAX;

/// How long the clocks are watched against each other.
const WATCHED: Duration = Duration::from_millis(200);

/// - `last_run`: when the folder's last run began, seconds since 1970.
pub(crate) fn watch(last_run: Option<i64>) -> Clocks {
    let clock = BootClock::new();
    let (mono, wall) = (clock.mono(), clock.wall());
    thread::sleep(WATCHED);
    let (mono_after, wall_after) = (clock.mono(), clock.wall());
    let counted = mono_after.since(mono).as_secs_f64();
    let told = (wall_after.0 - wall.0) as f64 / 1e6;
    Clocks {
        boot_id: Path::new("/proc/sys/kernel/random/boot_id").exists(),
        boottime_moves: counted > 0.0,
        wall: wall_after.0 / 1_000_000,
        stepped: told - counted,
        synchronised: synchronised(),
        last_run,
    }
}

/// What systemd says, where it runs.
fn synchronised() -> Option<bool> {
    if !Path::new("/run/systemd/system").exists() {
        return None;
    }
    let mut child = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let clock = BootClock::new();
    let until = clock.mono().plus(DOCTOR_CHILD_MAX);
    process::wait(&mut child, || clock.mono() < until).ok()?;
    let mut text = String::new();
    std::io::Read::read_to_string(child.stdout.as_mut()?, &mut text).ok()?;
    yes_or_no(&text)
}

fn yes_or_no(text: &str) -> Option<bool> {
    match text.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_of_this_machine_can_be_watched() {
        let seen = watch(None);
        assert!(seen.boottime_moves && seen.wall > 1_700_000_000);
        assert_eq!(yes_or_no("yes\n"), Some(true));
        assert_eq!(yes_or_no("no"), Some(false));
        assert_eq!(yes_or_no(""), None);
    }
}

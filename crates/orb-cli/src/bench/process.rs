//! What a child process used, as the kernel accounts for it.
//!
//! In: a child. Out: its CPU time with that of its own children, bytes it wrote, how it ended.
//! May touch: `/proc/PID` of children. Must not touch: other processes.
//! Invariant: a child's account is read after its end and before it is forgotten, so nothing of it is missing.
//! These are the numbers that `wait4` hands out; `/proc` has them in ticks of usually 10 ms.

use std::fs;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

/// How often a child is looked after.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a process used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Account {
    /// User and system time of all its threads and of the children it waited for.
    pub(crate) cpu_seconds: f64,
    /// Bytes it caused to be sent to storage; `None` where the kernel does not count them.
    pub(crate) written_bytes: Option<u64>,
}

impl Account {
    /// Of the process `id`: of zeros when it is gone.
    pub(crate) fn of(id: u32) -> Account {
        let file =
            |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
        Account {
            cpu_seconds: cpu_ticks(&file("stat")).unwrap_or(0) as f64
                / rustix::param::clock_ticks_per_second() as f64,
            written_bytes: written(&file("io")),
        }
    }
}

/// Fields 14 to 17 of proc_pid_stat(5). The second, the program's name, may hold spaces and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields
        .get(11..15)?
        .iter()
        .map(|field| field.parse::<u64>().ok())
        .sum()
}

/// `write_bytes` of proc_pid_io(5); what was truncated before it reached storage is taken off.
fn written(io: &str) -> Option<u64> {
    let number = |name: &str| -> Option<u64> {
        let line = io.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().parse().ok()
    };
    let written = number("write_bytes:")?;
    Some(written.saturating_sub(number("cancelled_write_bytes:").unwrap_or(0)))
}

/// Waits for the end of `child` and reads its account before it is forgotten.
///
/// - `meanwhile`: called every few milliseconds; when it says `false` the child is killed.
pub(crate) fn wait(
    child: &mut Child,
    mut meanwhile: impl FnMut() -> bool,
) -> std::io::Result<(ExitStatus, Account)> {
    let pid = Pid::from_child(child);
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    while waitid(WaitId::Pid(pid), options)?.is_none() {
        if !meanwhile() {
            child.kill()?;
            break;
        }
        thread::sleep(LOOK_EVERY);
    }
    let account = Account::of(child.id());
    Ok((child.wait()?, account))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn accounts_are_read_as_the_kernel_writes_them() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 1";
        assert_eq!(cpu_ticks(stat), Some(127));
        assert_eq!(cpu_ticks("7 (a) S 1"), None);
        assert_eq!(cpu_ticks(""), None);
        let io = "rchar: 1\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n";
        assert_eq!(written(io), Some(4_096));
        assert_eq!(written("rchar: 1\n"), None);
    }

    /// The account outlives the process until it is waited for.
    #[test]
    fn an_ended_child_still_has_its_account() {
        let mut child = Command::new("sh")
            .args([
                "-c",
                "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 3",
            ])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let (status, account) = wait(&mut child, || true).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(account.cpu_seconds > 0.0, "{account:?}");
    }

    #[test]
    fn a_child_that_is_not_wanted_any_more_is_ended() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let (status, _) = wait(&mut child, || false).unwrap();
        assert_eq!(status.code(), None);
    }
}

//! What each thread of this process has cost.
//!
//! In: the kernel's account. Out: one row a thread.
//! May touch: `/proc/self/task`. Must not touch: what the threads do.
//! Invariant: what cannot be read is left out, never guessed.

use std::fs;
use std::time::Duration;

/// What one thread has used since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThreadUse {
    /// The kernel's number of it.
    pub id: u32,
    /// Its name, cut to 15 bytes by the kernel.
    pub name: String,
    /// Time on a core.
    pub cpu: Duration,
    /// Time in which it could have run, and others had the cores.
    pub waited: Duration,
}

/// CPU time of the calling thread so far. Cost: a system call, some 0.4 microseconds.
#[must_use]
pub fn thread_cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Every living thread of this process; none where the system keeps no such account.
///
/// Cost: two small files of `/proc` a thread, about ten microseconds.
#[must_use]
pub fn threads() -> Vec<ThreadUse> {
    let Ok(entries) = fs::read_dir("/proc/self/task") else {
        return Vec::new();
    };
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let folder = entry.ok()?.path();
        let id = folder.file_name()?.to_str()?.parse().ok()?;
        let (cpu, waited) = account(&fs::read_to_string(folder.join("schedstat")).ok()?)?;
        // A thread may end between two reads.
        let name = fs::read_to_string(folder.join("comm")).ok()?;
        let name = name.trim_end().to_owned();
        Some(ThreadUse {
            id,
            name,
            cpu,
            waited,
        })
    };
    entries.filter_map(read).collect()
}

/// `schedstat` of a thread: nanoseconds on a core, nanoseconds ready to run, turns.
fn account(text: &str) -> Option<(Duration, Duration)> {
    let mut numbers = text.split_whitespace().map(str::parse);
    let (cpu, waited) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    Some((Duration::from_nanos(cpu), Duration::from_nanos(waited)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_of_a_thread_is_read() {
        let nanos = Duration::from_nanos;
        assert_eq!(
            account("184992517 31413383 610\n"),
            Some((nanos(184_992_517), nanos(31_413_383)))
        );
        assert_eq!(account("1"), None);
        assert_eq!(account(""), None);
    }

    #[test]
    fn a_threads_clock_moves_with_its_work() {
        let before = thread_cpu();
        let sum: u64 = (0..1_000_000).map(std::hint::black_box).sum();
        assert!(sum > 0 && thread_cpu() > before);
    }

    /// Where the kernel keeps accounts, this very thread is among them.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_finds_itself_by_its_name() {
        let named = std::thread::Builder::new().name("orb-find-me".into());
        let found = named.spawn(threads).unwrap().join().unwrap();
        let kept = fs::metadata("/proc/self/schedstat").is_ok();
        assert_eq!(
            found.iter().any(|thread| thread.name == "orb-find-me"),
            kept
        );
    }
}

//! Which core each process of a bench has, and how busy the cores are.
//!
//! In: cores this process may use, /proc/stat. Out: a core for the crawler and one for its web; threads bound to them.
//! May touch: the affinity of threads it starts itself. Must not touch: that of any other.
//! Invariant: a child started inside [`Pins::on`] runs on that core from its first instruction.

use std::fs;
use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::exit::Failure;

/// Where the processes run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pins {
    /// The crawler's core; `None` is any.
    pub(crate) crawler: Option<usize>,
    /// The web's core; `None` is any.
    pub(crate) web: Option<usize>,
    /// In words.
    pub(crate) how: String,
    /// Why figures taken so are doubtful.
    pub(crate) warning: Option<String>,
}

impl Pins {
    /// Chooses from the cores this process may use.
    pub(crate) fn here() -> Pins {
        match sched_getaffinity(None) {
            Ok(set) => {
                let allowed: Vec<usize> = (0..CpuSet::MAX_CPU)
                    .filter(|&core| set.is_set(core))
                    .collect();
                Pins::choose(&allowed, siblings)
            }
            Err(error) => Pins::nowhere(&format!("the system does not tell its cores: {error}")),
        }
    }

    /// The crawler gets the last core (interrupts gather on the first), the web the first that shares no hardware with it.
    fn choose(allowed: &[usize], siblings: impl Fn(usize) -> Vec<usize>) -> Pins {
        let Some((&crawler, rest)) = allowed.split_last() else {
            return Pins::nowhere("no core may be used");
        };
        let Some(&other) = rest.first() else {
            return Pins::nowhere(
                "one core for crawler and web: they take turns, and each takes the other's caches",
            );
        };
        let shared = siblings(crawler);
        let apart = rest.iter().copied().find(|core| !shared.contains(core));
        let web = apart.unwrap_or(other);
        Pins {
            crawler: Some(crawler),
            web: Some(web),
            how: format!(
                "crawler on core {crawler}, web on core {web}, by sched_setaffinity before they start"
            ),
            warning: apart.is_none().then(|| {
                "crawler and web run on two threads of one physical core: each slows the other"
                    .into()
            }),
        }
    }

    fn nowhere(why: &str) -> Pins {
        Pins {
            crawler: None,
            web: None,
            how: "not pinned".into(),
            warning: Some(format!("not pinned: {why}")),
        }
    }

    /// Runs `work` on a thread bound to `core`; what it starts inherits that.
    pub(crate) fn on<T: Send>(
        core: Option<usize>,
        work: impl FnOnce() -> Result<T, Failure> + Send,
    ) -> Result<T, Failure> {
        thread::scope(|scope| {
            let bound = scope.spawn(move || {
                if let Some(core) = core {
                    let mut set = CpuSet::new();
                    set.set(core);
                    sched_setaffinity(None, &set).map_err(|error| {
                        Failure::usage_text(format!("core {core} cannot be taken: {error}"))
                    })?;
                }
                work()
            });
            bound
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// Logical cores that share a physical one with `core`, itself included.
fn siblings(core: usize) -> Vec<usize> {
    let file = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    core_list(fs::read_to_string(file).unwrap_or_default().trim())
}

/// `0-2,5` as the kernel writes sets of cores.
fn core_list(text: &str) -> Vec<usize> {
    text.split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

/// Seconds `core` has worked for processes since boot, interrupts left out: whose they are cannot be told.
pub(crate) fn busy_seconds(core: usize) -> Option<f64> {
    busy(&fs::read_to_string("/proc/stat").ok()?, core)
}

/// `user nice system idle iowait irq softirq steal` in ticks, proc(5).
fn busy(stat: &str, core: usize) -> Option<f64> {
    let name = format!("cpu{core}");
    let line = stat
        .lines()
        .find(|line| line.split(' ').next() == Some(&name))?;
    let ticks: Vec<u64> = line
        .split(' ')
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let part = |at: usize| ticks.get(at).copied().unwrap_or(0);
    let busy = part(0) + part(1) + part(2) + part(7);
    Some(busy as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        allowed: &[usize],
        pairs: &[[usize; 2]],
        crawler: Option<usize>,
        web: Option<usize>,
        warns: bool,
    ) {
        let siblings = |core: usize| {
            let pair = pairs.iter().find(|pair| pair.contains(&core));
            pair.map_or(vec![core], |pair| pair.to_vec())
        };
        let pins = Pins::choose(allowed, siblings);
        assert_eq!(
            (pins.crawler, pins.web, pins.warning.is_some()),
            (crawler, web, warns),
            "{allowed:?} {pairs:?}"
        );
    }

    #[test]
    fn crawler_and_web_share_no_core_where_there_are_two() {
        check(&[0, 1], &[], Some(1), Some(0), false);
        check(&[2, 5, 9], &[], Some(9), Some(2), false);
        check(&[0, 1, 2, 3], &[[0, 3], [1, 2]], Some(3), Some(1), false);
    }

    #[test]
    fn what_cannot_be_kept_apart_is_said() {
        check(&[0, 1], &[[0, 1]], Some(1), Some(0), true);
        check(&[3], &[], None, None, true);
        check(&[], &[], None, None, true);
    }

    #[test]
    fn the_kernels_lists_and_counters_are_read() {
        assert_eq!(core_list("0-2,5"), [0, 1, 2, 5]);
        assert!(core_list("").is_empty());
        let stat = "cpu  9 9 9 9\ncpu1 100 20 30 4000 50 60 70 50 0 0\ncpu10 1 1 1 1\n";
        let tick = rustix::param::clock_ticks_per_second() as f64;
        assert_eq!(busy(stat, 1), Some(200.0 / tick));
        assert_eq!(busy(stat, 10), Some(3.0 / tick));
        assert_eq!(busy(stat, 2), None);
    }

    /// The thread that asked keeps its cores.
    #[test]
    fn work_runs_where_it_should() {
        let pins = Pins::here();
        let set = Pins::on(pins.crawler, || Ok(sched_getaffinity(None).unwrap())).unwrap();
        if let Some(core) = pins.crawler {
            assert!(set.is_set(core) && set.count() == 1);
        }
    }
}

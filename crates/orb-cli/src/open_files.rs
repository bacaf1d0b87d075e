//! Open files: how many the process may have, and requests at once that fit them.
//!
//! In: settings, the process's limit. Out: settings that fit it, and a word on what was lowered.
//! May touch: the limit of open files. Invariant: a crawl that began does not run out of descriptors.

use orb_crawl::CrawlConfig;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::exit::Failure;
use crate::limits::{FILES_BESIDE_SOCKETS, IN_FLIGHT_MIN};

/// Raises the limit of open files to what the system lets us have, and says how many that are.
pub(crate) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current != limit.maximum && setrlimit(Resource::Nofile, raised).is_err() {
        return limit.current.unwrap_or(u64::MAX);
    }
    limit.maximum.unwrap_or(u64::MAX)
}

/// How many are open, 0 where the system does not tell, and how many may be.
pub(crate) fn count() -> (u64, u64) {
    // The folder that is read is one of them.
    let open =
        std::fs::read_dir("/proc/self/fd").map_or(0, |files| files.count().saturating_sub(1));
    let limit = getrlimit(Resource::Nofile).current;
    (open as u64, limit.unwrap_or(u64::MAX))
}

/// Lowers what would need more descriptors than there are; says what was lowered.
///
/// - `open_files`: how many this process may have.
pub(crate) fn fit(config: &mut CrawlConfig, open_files: u64) -> Result<Option<String>, Failure> {
    let files = open_files.min(config.files_max);
    let shards = u64::from(config.threads.max(1));
    let room = files.saturating_sub(FILES_BESIDE_SOCKETS.min(files / 2)) / shards;
    let wanted = u64::from(config.limits.in_flight_max);
    let idle = config.fetch.idle_connections_max as u64;
    // Room for slow requests is a defence; it takes what is left.
    let slow_wanted = u64::from(config.limits.slow_in_flight_max);
    let slow = slow_wanted.min(room.saturating_sub(wanted + idle));
    config.limits.slow_in_flight_max = u32::try_from(slow).unwrap_or(u32::MAX);
    if wanted + idle <= room {
        return Ok((slow < slow_wanted / 2).then(|| {
            format!(
                "only {files} files may be open, so only {slow} slow requests have places of their own in each of \
                 {shards} threads instead of {slow_wanted}: servers that never finish may keep good ones waiting; \
                 raise it with `ulimit -n 65536`"
            )
        }));
    }
    let in_flight = wanted.min(room / 2);
    if in_flight < IN_FLIGHT_MIN {
        return Err(Failure::usage_text(format!(
            "{files} open files are too few for {shards} threads: raise the limit (`ulimit -n 65536`, files_max) \
             or lower --threads"
        )));
    }
    let idle_left = idle.min(room - in_flight);
    config.limits.in_flight_max = u32::try_from(in_flight).unwrap_or(u32::MAX);
    config.fetch.idle_connections_max = usize::try_from(idle_left).unwrap_or(usize::MAX);
    // Idle connections are a convenience: fewer of them are not worth a word.
    Ok((in_flight < wanted).then(|| {
        format!(
            "only {files} files may be open, so at most {in_flight} requests run at once in each of {shards} \
             threads instead of {wanted}; raise it with `ulimit -n 65536`"
        )
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_at_once_fit_the_open_files() {
        let fitted = |files: u64| {
            let mut config = CrawlConfig {
                threads: 4,
                ..CrawlConfig::default()
            };
            let note = fit(&mut config, files);
            note.map(|note| (config.limits.in_flight_max, note.is_some()))
        };
        assert_eq!(fitted(1 << 20).unwrap(), (2_000, false));
        let slow = |files: u64| {
            let mut config = CrawlConfig {
                threads: 4,
                ..CrawlConfig::default()
            };
            fit(&mut config, files).unwrap();
            config.limits.slow_in_flight_max
        };
        assert_eq!((slow(1 << 20), slow(4_096)), (6_000, 0));
        let left = slow(20_000);
        assert!((1..3_000).contains(&left), "what is left: {left}");
        let noted = |files: u64| fitted(files).unwrap().1;
        assert!(noted(20_000) && !noted(30_000));
        let (in_flight, noted) = fitted(4_096).unwrap();
        assert!(noted && (64..=384).contains(&in_flight), "{in_flight}");
        assert!(
            fitted(64)
                .unwrap_err()
                .error
                .to_string()
                .contains("ulimit -n")
        );
    }
}

//! What work costs on this machine, out of short crawls that were measured.
//!
//! In: counts of three crawls of a synthetic web, one empty crawl, one disk probe. Out: costs per request, per byte,
//! per handshake. May touch: nothing. Invariant: no cost is negative or zero, whatever noise a busy machine adds.
//!
//! A crawl's CPU time is taken as `start + requests * a + bytes * b + handshakes * h`. The crawl that ends after one
//! page gives `start`; small and large pages over plain connections give `a` and `b`; small pages with a new TLS
//! connection each give `h`. Archived bytes are split into a part per request and one per byte in the same way.

use serde::{Deserialize, Serialize};

/// What was counted of one crawl.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Requests of any kind.
    pub requests: f64,
    /// Bytes received and sent.
    pub wire_bytes: f64,
    /// User and system time of the process, seconds.
    pub cpu_seconds: f64,
    /// Bytes appended to the archive.
    pub archived_bytes: f64,
    /// Bytes of the folder beside the archive.
    pub other_bytes: f64,
    /// Largest resident set.
    pub rss_bytes: f64,
}

/// The crawls that costs are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Samples {
    /// Ended after its first page.
    pub empty: Sample,
    /// Small pages, plain and kept connections.
    pub small: Sample,
    /// Large pages, plain and kept connections.
    pub large: Sample,
    /// Small pages, a new TLS connection for each.
    pub tls: Sample,
    /// Bytes a second that the disk took, synced at the end.
    pub disk_bytes_per_second: f64,
    /// Seconds of one sync of a small write.
    pub sync_seconds: f64,
}

/// What work costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineCosts {
    /// CPU seconds of one request over a kept, plain connection, its bytes apart.
    pub cpu_per_request: f64,
    /// CPU seconds of one byte received.
    pub cpu_per_byte: f64,
    /// CPU seconds that a new TLS connection adds.
    pub cpu_per_handshake: f64,
    /// Archive bytes of one request, its payload apart.
    pub archived_per_request: f64,
    /// Archive bytes of one byte received.
    pub archived_per_byte: f64,
    /// Bytes of index and state of one request.
    pub other_per_request: f64,
    /// Memory of a crawl with hardly any site.
    pub memory_base_bytes: f64,
    /// Bytes a second that the disk takes.
    pub disk_bytes_per_second: f64,
}

impl MachineCosts {
    /// Costs out of what was measured.
    #[must_use]
    pub fn of(samples: &Samples) -> MachineCosts {
        let Samples {
            empty,
            small,
            large,
            tls,
            ..
        } = samples;
        let cpu = |sample: &Sample| (sample.cpu_seconds - empty.cpu_seconds).max(1e-6);
        let (cpu_per_request, cpu_per_byte) = split(small, large, cpu);
        let plain = tls.requests * cpu_per_request + tls.wire_bytes * cpu_per_byte;
        let (archived_per_request, archived_per_byte) =
            split(small, large, |sample| sample.archived_bytes);
        MachineCosts {
            cpu_per_request,
            cpu_per_byte,
            cpu_per_handshake: ((cpu(tls) - plain) / tls.requests.max(1.0)).max(1e-6),
            archived_per_request,
            archived_per_byte,
            other_per_request: (small.other_bytes - empty.other_bytes).max(1.0)
                / small.requests.max(1.0),
            memory_base_bytes: small.rss_bytes.max(empty.rss_bytes),
            disk_bytes_per_second: samples.disk_bytes_per_second.max(1.0),
        }
    }

    /// CPU seconds of one request that brings `bytes` and needs a handshake in `handshakes` of the cases.
    #[must_use]
    pub fn cpu_of(&self, bytes: f64, handshakes: f64) -> f64 {
        self.cpu_per_request + bytes * self.cpu_per_byte + handshakes * self.cpu_per_handshake
    }

    /// Bytes written for one request that brings `bytes`.
    #[must_use]
    pub fn written_of(&self, bytes: f64) -> f64 {
        self.archived_of(bytes) + self.other_per_request
    }

    /// Bytes archived for one request that brings `bytes`.
    #[must_use]
    pub fn archived_of(&self, bytes: f64) -> f64 {
        self.archived_per_request + bytes * self.archived_per_byte
    }
}

/// Solves `total = requests * a + bytes * b` for two samples. Where noise makes one of them negative, the other carries
/// everything that was seen.
fn split(small: &Sample, large: &Sample, total: impl Fn(&Sample) -> f64) -> (f64, f64) {
    let per = |sample: &Sample| {
        let requests = sample.requests.max(1.0);
        (sample.wire_bytes / requests, total(sample) / requests)
    };
    let ((bytes_small, cost_small), (bytes_large, cost_large)) = (per(small), per(large));
    let apart = (bytes_large - bytes_small).max(1.0);
    let per_byte = ((cost_large - cost_small) / apart).max(0.0);
    let per_request = cost_small - bytes_small * per_byte;
    if per_request > 0.0 {
        (per_request, per_byte)
    } else {
        (1e-6, cost_large / bytes_large.max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(requests: f64, bytes_each: f64, handshakes: f64) -> Sample {
        Sample {
            requests,
            wire_bytes: requests * bytes_each,
            cpu_seconds: 0.05 + requests * (300e-6 + bytes_each * 10e-9 + handshakes * 400e-6),
            archived_bytes: requests * (900.0 + bytes_each * 0.9),
            other_bytes: requests * 700.0,
            rss_bytes: 80e6,
        }
    }

    fn samples() -> Samples {
        Samples {
            empty: Sample {
                cpu_seconds: 0.05,
                rss_bytes: 60e6,
                ..Sample::default()
            },
            small: sample(2_000.0, 5_000.0, 0.0),
            large: sample(1_000.0, 70_000.0, 0.0),
            tls: sample(1_000.0, 5_000.0, 1.0),
            disk_bytes_per_second: 500e6,
            sync_seconds: 0.002,
        }
    }

    #[test]
    fn costs_are_found_again_in_what_they_made() {
        let costs = MachineCosts::of(&samples());
        let near = |found: f64, planted: f64| assert!((found / planted - 1.0).abs() < 1e-6);
        near(costs.cpu_per_request, 300e-6);
        near(costs.cpu_per_byte, 10e-9);
        near(costs.cpu_per_handshake, 400e-6);
        near(costs.archived_per_request, 900.0);
        near(costs.archived_per_byte, 0.9);
        near(costs.other_per_request, 700.0);
        near(costs.cpu_of(70_000.0, 0.5), 300e-6 + 700e-6 + 200e-6);
        near(costs.written_of(1_000.0), 900.0 + 900.0 + 700.0);
    }

    #[test]
    fn noise_makes_no_cost_negative() {
        let mut noisy = samples();
        noisy.large.cpu_seconds = 0.051;
        noisy.tls.cpu_seconds = 0.0;
        let costs = MachineCosts::of(&noisy);
        assert!(costs.cpu_per_request > 0.0 && costs.cpu_per_byte >= 0.0);
        assert!(costs.cpu_per_handshake > 0.0);
        let mut steep = samples();
        steep.small.cpu_seconds = 0.0501;
        let costs = MachineCosts::of(&steep);
        assert!(costs.cpu_per_request > 0.0 && costs.cpu_per_byte > 0.0);
        let nothing = MachineCosts::of(&Samples::default());
        assert!(nothing.cpu_of(1.0, 1.0).is_finite());
    }
}

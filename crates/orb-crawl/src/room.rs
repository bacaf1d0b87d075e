//! Room: on the disk for the crawl, and what the crawl has taken of it.
//!
//! In: the file system, the folder. Out: intake held or not; numbers for the status.
//! May touch: the board's hold; the folder, reading. Must not touch: slots.
//! Invariant: intake stops below the mark and goes on by itself a little above it.

use std::time::Duration;

use orb_api::Phase;
use orb_env::{Clock, Mono};
use orb_metrics::happened;

use crate::board::SlotReport;
use crate::limits::FOLDER_COST_MAX;
use crate::shared::Shared;

/// What was last seen.
#[derive(Debug, Default)]
pub(crate) struct RoomWatch {
    pub(crate) used_bytes: u64,
    pub(crate) free_bytes: u64,
    pub(crate) free_bytes_min: u64,
    /// Uploads are behind, which alone would stop intake.
    uploads_behind: bool,
    /// Why intake stopped last: the disk, or else uploads alone.
    full: bool,
    folder_bytes: u64,
    measure_at: Mono,
}

impl RoomWatch {
    /// Stops intake below the watermark, and lets it go on when there is room again.
    pub(crate) fn look(&mut self, shared: &Shared, clock: &dyn Clock, reports: &[SlotReport]) {
        let config = &shared.config;
        self.look_at_uploads(shared);
        let Ok(room) = shared.world.disk().room(shared.dir.root()) else {
            return;
        };
        self.free_bytes = room.free_bytes;
        self.free_bytes_min = config.disk_free_min.bytes().min(room.total_bytes / 20);
        let capped = config.disk_max.bytes() > 0;
        self.measure(shared, clock, capped);
        let stores: u64 = reports.iter().map(|report| report.counts.disk_bytes).sum();
        self.used_bytes = stores + self.folder_bytes;
        let over = capped && self.used_bytes >= config.disk_max.bytes();
        let held = shared.board.is_held();
        let mark = self.free_bytes_min;
        // A little more room is asked for before going on, so that it does not go to and fro.
        let low = room.free_bytes < if held { mark + mark / 10 } else { mark };
        let full = low || over;
        let hold = full || self.uploads_behind;
        if hold {
            self.full = full;
        }
        if hold != held {
            shared.board.set_hold(hold);
            self.tell(held);
        }
    }

    /// What the crawl does while intake is stopped.
    pub(crate) fn phase(&self) -> Phase {
        if self.uploads_behind && !self.full {
            Phase::UploadsBehind
        } else {
            Phase::DiskFull
        }
    }

    fn tell(&self, held: bool) {
        let free_bytes = self.free_bytes;
        match (held, self.full) {
            (true, true) => {
                happened!(DiskHasRoom, free_bytes);
            }
            (true, false) => happened!(UploadsCaughtUp),
            (false, true) => {
                happened!(DiskFull, free_bytes, mark_bytes = self.free_bytes_min);
            }
            (false, false) => {
                happened!(UploadsBehind);
            }
        }
    }

    /// Closed files that nobody takes would fill the disk: intake stops before.
    fn look_at_uploads(&mut self, shared: &Shared) {
        let max = shared.config.archive.store_backlog_max.bytes();
        // As with the disk: a little less must wait before it goes on.
        let mark = max - if self.uploads_behind { max / 10 } else { 0 };
        self.uploads_behind = shared.shelf.waiting_bytes() > mark;
    }

    /// Adds up the folder's files: each time when a cap must hold, else as often as it is cheap.
    fn measure(&mut self, shared: &Shared, clock: &dyn Clock, capped: bool) {
        let began = clock.mono();
        if !capped && began < self.measure_at {
            return;
        }
        self.folder_bytes = folder_bytes(shared);
        let took = clock.mono().since(began).as_secs_f64();
        let pause = (took / FOLDER_COST_MAX).clamp(1.0, 600.0);
        self.measure_at = began.plus(Duration::from_secs_f64(pause));
    }
}

fn folder_bytes(shared: &Shared) -> u64 {
    crate::files::folder_bytes(shared.world.disk().as_ref(), &shared.dir, &shared.slots)
}

//! The file's bytes, with places: a window over a `Read` that can look ahead and go back a little.
//!
//! In: any `Read`. Out: bytes and the file offset of each.
//! May touch: the `Read`. Must not touch: what the bytes mean.
//! Invariant: the window holds at most what was asked ahead plus `RESCAN_BYTES_MAX` behind, rounded up to twice that by amortised moves.

use std::io::{self, Read};

use crate::limits::{RESCAN_BYTES_MAX, STEP_BYTES};

/// A window over the input.
pub(crate) struct Raw<R> {
    input: R,
    window: Vec<u8>,
    /// Index of the next byte in `window`.
    at: usize,
    /// File offset of `window[0]`.
    base: u64,
    /// File offset from which bytes are kept for going back.
    mark: u64,
    ended: bool,
    /// Why the input ended before its end; told once the bytes before it are used up.
    failure: Option<io::Error>,
}

impl<R: Read> Raw<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            window: Vec::new(),
            at: 0,
            base: 0,
            mark: 0,
            ended: false,
            failure: None,
        }
    }

    /// Declares that the input's first byte stands at this offset of the file.
    pub(crate) fn rebase(&mut self, offset: u64) {
        self.base = offset;
        self.mark = offset;
    }

    /// File offset of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.base + self.at as u64
    }

    /// The bytes ahead: at least `count`, fewer only at the end of the input or where it failed.
    /// A failure is an error only when no byte is ahead; who finds too few asks [`Raw::failure`].
    pub(crate) fn ahead(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.window.len() - self.at < count && !self.ended {
            self.read_more();
        }
        match self.failure.take_if(|_| self.at == self.window.len()) {
            Some(failure) => Err(failure),
            None => Ok(&self.window[self.at..]),
        }
    }

    /// Why the input ended before its end, unless that was told already.
    pub(crate) fn failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    /// The bytes ahead that are in the window already.
    pub(crate) fn seen(&self) -> &[u8] {
        &self.window[self.at..]
    }

    /// Steps over bytes that were seen.
    pub(crate) fn take(&mut self, count: usize) {
        debug_assert!(count <= self.window.len() - self.at);
        self.at += count;
    }

    /// Keeps the bytes from here on, as far as the limit allows.
    pub(crate) fn set_mark(&mut self) {
        self.mark = self.position();
    }

    /// Goes to `distance` bytes after the mark, or as near to that as the window reaches.
    pub(crate) fn go_back(&mut self, distance: u64) {
        let wanted = (self.mark + distance)
            .max(self.base)
            .min(self.base + self.window.len() as u64);
        self.at = (wanted - self.base) as usize;
    }

    fn read_more(&mut self) {
        let kept_from = (self.mark.saturating_sub(self.base) as usize)
            .max(self.at.saturating_sub(RESCAN_BYTES_MAX))
            .min(self.at);
        // Move only when at least half goes, so that the moves cost less than the reads.
        if kept_from > 0 && kept_from >= self.window.len() / 2 {
            self.window.drain(..kept_from);
            self.at -= kept_from;
            self.base += kept_from as u64;
        }
        let old = self.window.len();
        self.window.resize(old + STEP_BYTES, 0);
        loop {
            match self.input.read(&mut self.window[old..]) {
                Ok(count) => {
                    self.window.truncate(old + count);
                    self.ended = count == 0;
                    return;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.window.truncate(old);
                    self.ended = true;
                    self.failure = Some(error);
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_moves_of_the_window() {
        let bytes: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
        let mut raw = Raw::new(&bytes[..]);
        raw.rebase(7);
        while !raw.ahead(1).unwrap().is_empty() {
            assert_eq!(raw.seen()[0], bytes[(raw.position() - 7) as usize]);
            raw.set_mark();
            let step = raw.seen().len().min(1_009);
            raw.take(step);
        }
        assert_eq!(raw.position(), 1_000_007);
        assert!(raw.window.capacity() < 400_000, "{}", raw.window.capacity());
    }

    #[test]
    fn going_back_reaches_the_mark() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let mut raw = Raw::new(&bytes[..]);
        raw.ahead(10).unwrap();
        raw.take(10);
        raw.set_mark();
        while !raw.ahead(1).unwrap().is_empty() {
            let all = raw.seen().len();
            raw.take(all);
        }
        raw.go_back(1);
        assert_eq!((raw.position(), raw.seen()[0]), (11, 11));
    }
}

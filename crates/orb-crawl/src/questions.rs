//! Questions to a running crawl: what a watcher sees, what is known of a URL or site.
//!
//! In: a question from outside the shards. Out: the answer of the shard that owns the slot.
//! May touch: channels to shards. Must not touch: anything a slot owns.
//! Invariant: questions are bounded and never awaited by a shard; one that finds no room is refused at once.

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuestionError {
    /// The crawl is opening, or has ended.
    #[error("the crawl is starting or ending; ask again")]
    NotRunning,
    /// Too many questions wait, or the shard ended before it answered.
    #[error("the crawl has no time for this question; ask again")]
    Busy,
    /// Store or sieve could not be read.
    #[error("the crawl could not read its state; its log says why")]
    Unreadable,
}

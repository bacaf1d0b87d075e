//! Words that programs and people read: outcomes, states, summaries.

mod bytes;

pub use bytes::{ByteSize, ByteSizeError};

//! PDF files to text and links.
//!
//! In: the bytes of a file. Out: [`PdfText`]: title, author, the text of each page, the addresses it links to.
//! May touch: a process of its own, which [`Reader`] starts and [`serve`] is. Must not touch: files, sockets, settings.
//! Invariant: whatever a file holds, a reading ends within the bounds of [`limits`], and costs at most that process.
//!
//! The format is a program's worth of parsers: a small file may unpack to terabytes, nest without end or find a mistake
//! in the library. So it is read by a child process with little memory and little time, which may well die; the parent
//! sends it the file and takes back JSON.

mod extract;
pub mod limits;
mod process;
mod tidy;

/// The media type of what is read here (RFC 8118).
pub const MEDIA_TYPE: &str = "application/pdf";

pub use extract::PdfText;
pub use process::{PdfError, Reader, serve};

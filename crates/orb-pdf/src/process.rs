//! The process that reads, and how it is asked.
//!
//! In: a file's bytes on standard input. Out: a [`PdfText`] in JSON on standard output.
//! May touch: the limits of the reading process; a child. Must not touch: anything else of the machine.
//! Invariant: no parser runs before the limits stand; how the child ends is an error of that file, never of the parent.

use std::ffi::OsString;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::extract::{PdfText, extract};
use crate::limits::{ANSWER_BYTES_MAX, PDF_BYTES_MAX, PROCESS_BYTES_MAX, PROCESS_SECONDS_MAX};

/// Why a file has no text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PdfError {
    /// The file is larger than is read.
    #[error("the PDF is longer than {PDF_BYTES_MAX} bytes")]
    TooLong,
    /// It is no PDF, damaged, or needs a password.
    #[error("the PDF cannot be read: {0}")]
    Unreadable(String),
    /// The reading process died: too much memory or time, or a mistake of the library.
    #[error(
        "the PDF could not be read within {PROCESS_SECONDS_MAX} CPU seconds and {PROCESS_BYTES_MAX} bytes: {0}"
    )]
    Died(std::process::ExitStatus),
    /// No process could be started or spoken to.
    #[error("start the process that reads PDFs")]
    Start(#[source] io::Error),
}

/// Reads files by starting a process for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    program: PathBuf,
    arguments: Vec<OsString>,
}

/// What the process answers.
#[derive(Serialize, Deserialize)]
enum Answer {
    Text(PdfText),
    Unreadable(String),
}

impl Reader {
    /// - `program`, `arguments`: what calls [`serve`].
    pub fn new(program: PathBuf, arguments: &[&str]) -> Reader {
        Reader {
            program,
            arguments: arguments.iter().map(OsString::from).collect(),
        }
    }

    /// Reads one file. Blocking; some milliseconds for the process and two a page.
    ///
    /// # Errors
    /// See [`PdfError`].
    pub fn read(&self, bytes: &[u8]) -> Result<PdfText, PdfError> {
        if bytes.len() > PDF_BYTES_MAX {
            return Err(PdfError::TooLong);
        }
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // What the allocator sets aside at once must fit the limit of the process.
            .env("MIMALLOC_ARENA_RESERVE", "64MiB")
            .spawn()
            .map_err(PdfError::Start)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let answer = thread::scope(|scope| {
            scope.spawn(move || {
                // A child that died early takes no more, and says so by how it ended.
                input.map(|mut input| input.write_all(bytes))
            });
            let mut answer = Vec::new();
            let read = output.map(|output| output.take(ANSWER_BYTES_MAX).read_to_end(&mut answer));
            read.transpose().map(|_| answer)
        });
        let ended = child.wait().map_err(PdfError::Start)?;
        match serde_json::from_slice(&answer.map_err(PdfError::Start)?) {
            Ok(Answer::Text(text)) => Ok(text),
            Ok(Answer::Unreadable(why)) => Err(PdfError::Unreadable(why)),
            Err(_) => Err(PdfError::Died(ended)),
        }
    }
}

/// Sets a limit for good. Where the machine's is lower already it stays: nobody may raise it.
fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let there = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let most = Some(most.min(there));
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    Ok(setrlimit(resource, limit)?)
}

/// The reading process: reads a file from standard input and answers on standard output.
///
/// # Errors
/// When a limit cannot be set or the parent is gone.
pub fn serve() -> io::Result<()> {
    limit(Resource::As, PROCESS_BYTES_MAX)?;
    limit(Resource::Cpu, PROCESS_SECONDS_MAX)?;
    limit(Resource::Core, 0)?;
    let mut bytes = Vec::new();
    io::stdin()
        .take(PDF_BYTES_MAX as u64)
        .read_to_end(&mut bytes)?;
    let answer = match extract(&bytes) {
        Ok(text) => Answer::Text(text),
        Err(error) => Answer::Unreadable(error.to_string()),
    };
    let mut output = io::stdout().lock();
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}

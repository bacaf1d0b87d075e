//! The public corpora, read where the environment says they are.

use std::path::PathBuf;

/// The bytes of one corpus file as text; `None`, and a word on standard output, where no corpora
/// are named. A named folder without the file is a failure.
#[allow(
    clippy::disallowed_methods,
    reason = "the corpora are no part of the project: a variable says where they are"
)]
pub(crate) fn read(file: &str) -> Option<String> {
    let Some(folder) = std::env::var_os("ORB_CORPORA") else {
        println!("skipped: ORB_CORPORA is not set");
        return None;
    };
    let path = PathBuf::from(folder).join(file);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => panic!("read {}: {error}", path.display()),
    }
}

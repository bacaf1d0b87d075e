//! Pages to try the scanner on.
//!
//! In: folders. Out: the text of their `.html` files. May touch: those files.
//! Invariant: in the order of their names, so that a run sees the same pages each time.

use std::path::Path;

/// Longest page that is taken; few are longer, and those repeat themselves.
const PAGE_BYTES_MAX: u64 = 512 * 1024;

/// Adds the pages below a folder.
pub(crate) fn collect(folder: &Path, pages: &mut Vec<String>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    entries.sort_by_key(|entry| entry.file_name());
    for entry in entries {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|end| end == "html")
            && entry.metadata().unwrap().len() < PAGE_BYTES_MAX
        {
            let bytes = std::fs::read(&path).unwrap();
            pages.push(orb_page::decode_text(&bytes, None).text.into_owned());
        }
    }
}

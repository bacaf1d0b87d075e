//! The segments `.` and `..` of a path.
//!
//! In: a clean path. Out: the path without them. May touch: the text being made.
//! Must not touch: what stands before its path.
//! Invariant: the text keeps the first slash of its path.

/// Appends a path with its dot segments worked off (URL Standard, "path state"). `made` ends with
/// the slash before `path`; its own path begins at `path_start`. `None` where the standard's
/// parser must judge.
pub(crate) fn push_normalised(made: &mut String, path_start: usize, path: &str) -> Option<()> {
    // The parser spares what looks like a drive letter, also where the standard does not.
    if path.contains([':', '|']) || made[path_start..].contains([':', '|']) {
        return None;
    }
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => pop_segment(made, path_start),
            _ => {
                made.push_str(segment);
                if segments.peek().is_some() {
                    made.push('/');
                }
            }
        }
    }
    Some(())
}

/// Takes away the last segment with its slash; the path's first slash stays.
fn pop_segment(made: &mut String, path_start: usize) {
    let last_slash = made.len() - 1;
    if let Some(slash) = made[path_start..last_slash].rfind('/') {
        made.truncate(path_start + slash + 1);
    }
}

//! An error as people read it: with everything that caused it.
//!
//! In: an error. Out: a line. May touch: nothing. Invariant: no cause is left out.

use std::error::Error;

/// An error with its causes, outermost first, on one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot read {0}")]
    struct Outer(&'static str, #[source] std::io::Error);

    #[test]
    fn every_cause_is_named() {
        let error = Outer("x", std::io::Error::other("gone"));
        assert_eq!(with_causes(&error), "cannot read x: gone");
    }
}

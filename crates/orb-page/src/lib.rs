//! HTML bytes to links and facts.

//! The control socket of a running crawl.

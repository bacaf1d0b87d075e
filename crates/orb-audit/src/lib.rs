//! Judges a crawl's promises from what it left on disk.

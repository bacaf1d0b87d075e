//! A deterministic synthetic web.

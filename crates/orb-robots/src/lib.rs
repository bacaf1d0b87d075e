//! The Robots Exclusion Protocol, RFC 9309.

//! Durable keyspaces and the link journal.

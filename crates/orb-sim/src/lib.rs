//! Whole crawls in virtual time, with faults, replayed from a seed.

//! Canonical URLs, origins, sites, SURT keys and fingerprints.

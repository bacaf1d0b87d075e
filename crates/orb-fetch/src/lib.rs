//! DNS, TLS and HTTP/1.1 under limits.

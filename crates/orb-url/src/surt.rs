//! The Sort-friendly URI Reordering Transform, the key order of web archives.
//!
//! In: a canonical URL. Out: a key in which hosts sort from the top-level domain down.
//! May touch: nothing but its arguments. Must not touch: case or escapes of the path.
//! Invariant: two URLs of one scheme have one key only if they are equal.

use crate::crawl_url::ip_of_host;
use crate::{CrawlUrl, Scheme};

/// `com,example,www:8080)/path?query`; see [`CrawlUrl::surt`].
pub(crate) fn surt(url: &CrawlUrl) -> String {
    let mut key = String::with_capacity(url.as_str().len());
    push_host(&mut key, url.host());
    if url.port() != Scheme::default_port(url.scheme()) {
        key.push(':');
        key.push_str(&url.port().to_string());
    }
    key.push(')');
    key.push_str(url.path_and_query());
    key
}

/// Appends a canonical host from the top down, an address as it is.
pub(crate) fn push_host(key: &mut String, host: &str) {
    if ip_of_host(host).is_some() {
        return key.push_str(host);
    }
    for (index, label) in host.rsplit('.').enumerate() {
        if index > 0 {
            key.push(',');
        }
        push_label(key, label);
    }
}

fn push_label(key: &mut String, label: &str) {
    for c in label.chars() {
        match c {
            ',' => key.push_str("%2C"),
            ')' => key.push_str("%29"),
            _ => key.push(c),
        }
    }
}

//! A host in the parts that Common Crawl's schema has columns for.
//!
//! In: a canonical host. Out: its labels and suffixes. May touch: the public suffix list compiled in.
//! Invariant: addresses have no labels, and what has no registrable domain has none here.

use orb_url::registered_name;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostParts<'a> {
    pub(crate) tld: Option<&'a str>,
    /// The second to fifth label from the right.
    pub(crate) parts: [Option<&'a str>; 4],
    /// By the ICANN section of the list alone.
    pub(crate) registry_suffix: Option<&'a str>,
    pub(crate) registered_domain: Option<&'a str>,
    /// By the whole list.
    pub(crate) private_suffix: Option<&'a str>,
    pub(crate) private_domain: Option<&'a str>,
    /// `com.example.www`.
    pub(crate) reversed: Option<String>,
}

impl<'a> HostParts<'a> {
    pub(crate) fn of(host: &'a str) -> HostParts<'a> {
        if is_address(host) {
            return HostParts::default();
        }
        let mut labels = host.rsplit('.');
        let tld = labels.next();
        let parts = [labels.next(), labels.next(), labels.next(), labels.next()];
        let private_domain = psl::domain_str(host);
        let private_suffix = psl::suffix_str(host);
        let registered = registered_name(host);
        // A host that is a suffix itself is nobody's; the function gives it back as it is.
        let is_registered = registered != host || {
            let icann = psl::suffix(host.as_bytes());
            !icann.is_some_and(|suffix| {
                suffix.as_bytes() == host.as_bytes() && suffix.typ() != Some(psl::Type::Private)
            })
        };
        let registry_suffix = match registered.split_once('.') {
            Some((_, suffix)) if is_registered => Some(suffix),
            _ => private_suffix,
        };
        HostParts {
            tld,
            parts,
            registry_suffix,
            registered_domain: is_registered.then_some(registered),
            private_suffix,
            private_domain,
            reversed: Some(host.rsplit('.').collect::<Vec<_>>().join(".")),
        }
    }
}

/// A canonical host is an address where it is bracketed, or its last label is a number.
fn is_address(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.starts_with('[') || (!last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, expected: [Option<&str>; 5]) {
        let parts = HostParts::of(host);
        let found = [
            parts.tld,
            parts.registry_suffix,
            parts.registered_domain,
            parts.private_suffix,
            parts.private_domain,
        ];
        assert_eq!(found, expected, "{host}");
    }

    #[test]
    fn suffixes_are_those_of_the_public_suffix_list_with_and_without_its_private_section() {
        let s = Some;
        check(
            "www.bbc.co.uk",
            [
                s("uk"),
                s("co.uk"),
                s("bbc.co.uk"),
                s("co.uk"),
                s("bbc.co.uk"),
            ],
        );
        check(
            "a.b.github.io",
            [
                s("io"),
                s("io"),
                s("github.io"),
                s("github.io"),
                s("b.github.io"),
            ],
        );
        check(
            "github.io",
            [s("io"), s("io"), s("github.io"), s("github.io"), None],
        );
        check("co.uk", [s("uk"), s("co.uk"), None, s("co.uk"), None]);
        check(
            "localhost",
            [s("localhost"), s("localhost"), None, s("localhost"), None],
        );
        check("192.0.2.1", [None; 5]);
        check("[2001:db8::1]", [None; 5]);
    }

    #[test]
    fn labels_count_from_the_right() {
        let parts = HostParts::of("e.d.c.b.example.com");
        assert_eq!(parts.tld, Some("com"));
        assert_eq!(
            parts.parts,
            [Some("example"), Some("b"), Some("c"), Some("d")]
        );
        assert_eq!(parts.reversed.as_deref(), Some("com.example.b.c.d.e"));
    }
}

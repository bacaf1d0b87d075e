//! A URL that was found somewhere, on its way to the sieve and through the queues.
//!
//! In: a canonical URL and how it was found. Out: the same as bytes, and back.
//! May touch: `orb-url`. Must not touch: rules, sites, files.
//! Invariant: one encoding for journals, sieve buffers, admitted files and queue rows; each of those
//! carries the version.

use orb_url::CrawlUrl;

use crate::codec::{DecodeError, put_bytes, put_varint, take_str, take_u8, take_varint};

/// How a URL was found. The codes are stored and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum How {
    /// Given by a person.
    Seed = 0,
    /// A hyperlink of a page.
    Link = 1,
    /// The `Location` of a 3xx answer.
    Redirect = 2,
    /// A refresh header or its `meta` element.
    Refresh = 3,
    /// A page's `rel=canonical`.
    Canonical = 4,
    /// A page's `rel=alternate`.
    Alternate = 5,
    /// An image, script or style sheet that a page needs.
    Requisite = 6,
    /// A line of a sitemap or feed.
    Sitemap = 7,
    /// A sitemap file that robots.txt or a sitemap index names: what it lists is read, whatever its type.
    SitemapFile = 8,
}

impl How {
    /// Every way, in the order of the codes.
    pub const ALL: [How; 9] = [
        How::Seed,
        How::Link,
        How::Redirect,
        How::Refresh,
        How::Canonical,
        How::Alternate,
        How::Requisite,
        How::Sitemap,
        How::SitemapFile,
    ];

    /// The stored code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The way with a stored code.
    #[must_use]
    pub fn from_code(code: u8) -> Option<How> {
        How::ALL.get(usize::from(code)).copied()
    }

    /// The name that people and programs see.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            How::Seed => "seed",
            How::Link => "link",
            How::Redirect => "redirect",
            How::Refresh => "refresh",
            How::Canonical => "canonical",
            How::Alternate => "alternate",
            How::Requisite => "requisite",
            How::Sitemap => "sitemap",
            How::SitemapFile => "sitemap_file",
        }
    }
}

/// A found URL with what its queue row will need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What was found.
    pub url: CrawlUrl,
    /// The page, sitemap or redirecting URL that named it; none for a seed.
    pub via: Option<CrawlUrl>,
    /// Links between the nearest seed and this URL.
    pub depth: u16,
    /// Redirects in a row that led here.
    pub hops: u8,
    /// In which way it was found.
    pub how: How,
    /// A seed given as a bare domain: tried by https, then by http if that cannot connect.
    pub bare_domain: bool,
    /// The seed's rank in its list, 1 first.
    pub rank: Option<u32>,
}

impl Found {
    /// Links between the nearest seed and the pages that this URL is fetched for: its own, or of a sitemap file those
    /// that it lists.
    #[must_use]
    pub fn leads_to(&self) -> u16 {
        self.depth
            .saturating_add(u16::from(self.how == How::SitemapFile))
    }
}

const HAS_VIA: u8 = 1;
const BARE_DOMAIN: u8 = 2;
const HAS_RANK: u8 = 4;

impl Found {
    /// Appends the stored form. `via` is mostly on the same host, so it is stored as its difference
    /// from `url`.
    ///
    /// | bytes | content |
    /// |---|---|
    /// | 1 | 1 has `via`, 2 bare domain, 4 has a rank |
    /// | 1 | code of `how` |
    /// | 1 | hops |
    /// | varint | depth |
    /// | varint | rank, if there is one |
    /// | varint, n | URL |
    /// | varint, varint, n | `via`: bytes it shares with the URL's start, then the rest |
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        self.encode_head(out);
        let via = self.via.as_ref().map(|via| via.as_str().as_bytes());
        encode_urls(self.url.as_str().as_bytes(), via, out);
    }

    /// Appends what stands before the URL in the stored form.
    pub(crate) fn encode_head(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        let has_via = flag(self.via.is_some(), HAS_VIA);
        let has_rank = flag(self.rank.is_some(), HAS_RANK);
        out.push(has_via | has_rank | flag(self.bare_domain, BARE_DOMAIN));
        out.push(self.how.code());
        out.push(self.hops);
        put_varint(out, u64::from(self.depth));
        if let Some(rank) = self.rank {
            put_varint(out, u64::from(rank));
        }
    }

    /// Takes a stored form from the front of `input`.
    ///
    /// # Errors
    /// What does not fit; how much of `input` was taken is unknown then.
    pub fn decode(input: &mut &[u8]) -> Result<Found, DecodeError> {
        let value = |field| DecodeError::Value { field };
        let flags = take_u8(input)?;
        if flags & !(HAS_VIA | BARE_DOMAIN | HAS_RANK) != 0 {
            return Err(value("flags"));
        }
        let how = How::from_code(take_u8(input)?).ok_or(value("how"))?;
        let hops = take_u8(input)?;
        let depth = u16::try_from(take_varint(input)?).map_err(|_| value("depth"))?;
        let rank = match flags & HAS_RANK {
            0 => None,
            _ => Some(u32::try_from(take_varint(input)?).map_err(|_| value("rank"))?),
        };
        let text = take_str(input, "url")?;
        let url = CrawlUrl::from_stored(text).ok_or(value("url"))?;
        let via = match flags & HAS_VIA {
            0 => None,
            _ => {
                let shared = usize::try_from(take_varint(input)?).map_err(|_| value("via"))?;
                let start = text.get(..shared).ok_or(value("via"))?;
                let via = [start, take_str(input, "via")?].concat();
                Some(CrawlUrl::from_stored(&via).ok_or(value("via"))?)
            }
        };
        let bare_domain = flags & BARE_DOMAIN != 0;
        Ok(Found {
            url,
            via,
            depth,
            hops,
            how,
            bare_domain,
            rank,
        })
    }
}

/// Appends the URLs of the stored form, from their bytes.
pub(crate) fn encode_urls(url: &[u8], via: Option<&[u8]>, out: &mut Vec<u8>) {
    put_bytes(out, url);
    if let Some(via) = via {
        let shared = shared_start(url, via);
        put_varint(out, shared as u64);
        put_bytes(out, &via[shared..]);
    }
}

/// Bytes that both begin with. Cost: eight bytes a step.
pub(crate) fn shared_start(a: &[u8], b: &[u8]) -> usize {
    let (words_a, words_b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    for (place, (a, b)) in words_a.iter().zip(words_b).enumerate() {
        let differ = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differ != 0 {
            return place * 8 + differ.trailing_zeros() as usize / 8;
        }
    }
    let start = words_a.len().min(words_b.len()) * 8;
    let rest = a[start..].iter().zip(&b[start..]);
    start + rest.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url() -> impl Strategy<Value = CrawlUrl> {
        "https?://[a-c]{1,3}\\.(org|example)(:8080)?/[a-z0-9/]{0,40}(\\?[a-z=&%2F]{0,9})?"
            .prop_filter_map("not every text is a URL", |text| {
                CrawlUrl::parse(&text).ok()
            })
    }

    fn found() -> impl Strategy<Value = Found> {
        let flags = (any::<bool>(), any::<Option<u32>>());
        (
            url(),
            proptest::option::of(url()),
            any::<u16>(),
            any::<u8>(),
            0..9_u8,
            flags,
        )
            .prop_map(|(url, via, depth, hops, how, (bare_domain, rank))| {
                let how = How::from_code(how).unwrap();
                Found {
                    url,
                    via,
                    depth,
                    hops,
                    how,
                    bare_domain,
                    rank,
                }
            })
    }

    proptest! {
        #[test]
        fn found_urls_follow_each_other_in_a_buffer(all in proptest::collection::vec(found(), 0..5)) {
            let mut bytes = Vec::new();
            for found in &all {
                found.encode_into(&mut bytes);
            }
            let mut input = &bytes[..];
            for found in &all {
                prop_assert_eq!(&Found::decode(&mut input).unwrap(), found);
            }
            prop_assert!(input.is_empty());
        }

        #[test]
        fn a_shared_start_is_counted(a in "[ab]{0,40}", b in "[ab]{0,40}", same in "[a-c]{0,40}") {
            let expected = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
            let whole = |end: &str| format!("{same}{end}").into_bytes();
            prop_assert_eq!(shared_start(&whole(&a), &whole(&b)), same.len() + expected);
        }

        #[test]
        fn a_form_cut_short_is_refused(found in found(), cut in any::<proptest::sample::Index>()) {
            let mut bytes = Vec::new();
            found.encode_into(&mut bytes);
            let mut input = &bytes[..cut.index(bytes.len())];
            prop_assert!(Found::decode(&mut input).is_err());
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(bytes: Vec<u8>, found in found(), at: usize, to: u8) {
            let _either = Found::decode(&mut &bytes[..]);
            let mut near = Vec::new();
            found.encode_into(&mut near);
            let at = at % near.len();
            near[at] = to;
            let _either = Found::decode(&mut &near[..]);
        }
    }

    #[test]
    fn codes_and_names_are_those_that_are_stored() {
        let names = How::ALL.map(How::name);
        let stored = [
            "seed",
            "link",
            "redirect",
            "refresh",
            "canonical",
            "alternate",
            "requisite",
            "sitemap",
            "sitemap_file",
        ];
        assert_eq!(names, stored);
        for (code, how) in How::ALL.into_iter().enumerate() {
            assert_eq!(
                (usize::from(how.code()), How::from_code(code as u8)),
                (code, Some(how))
            );
        }
        assert_eq!(How::from_code(9), None);
    }

    /// The stored form itself, so that a change of it cannot go unnoticed.
    #[test]
    fn a_link_is_stored_as_its_difference_from_its_page() {
        let found = Found {
            url: CrawlUrl::parse("https://a.example/b/2").unwrap(),
            via: Some(CrawlUrl::parse("https://a.example/b/1").unwrap()),
            depth: 300,
            hops: 1,
            how: How::Link,
            bare_domain: false,
            rank: None,
        };
        let mut bytes = Vec::new();
        found.encode_into(&mut bytes);
        assert_eq!(
            bytes,
            b"\x01\x01\x01\xac\x02\x15https://a.example/b/2\x14\x011"
        );
    }
}

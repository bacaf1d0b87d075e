//! Links with their keys, in one go and without an allocation.
//!
//! In: a crawl's key, pages' bases, links as pages write them. Out: canonical text, fingerprint,
//! site, the site's hash, SURT.
//! May touch: `shortcut`, `base_url`, `key`. Must not touch: what happens with a link.
//! Invariant: every key is that of the [`CrawlUrl`] that [`BaseUrl::join`] gives for the link, or of
//! that URL rewritten, where a rewriter is given.

use siphasher::sip::SipHasher24;

use crate::canonical::{Shape, offset};
use crate::limits::ORIGINS_REMEMBERED;
use crate::site::site_of_host;
use crate::{BaseUrl, CrawlKey, CrawlUrl, Fingerprint, Rewriter, UrlError, surt};

/// Bytes that SipHash takes in at a time.
const WORD: usize = 8;

/// Makes links canonical and derives their keys, page after page.
///
/// It remembers the origins it met last, and so asks the public suffix list and hashes a site
/// once for many links. One thread, one linker.
pub struct Linker {
    key: CrawlKey,
    origins: Box<[Option<OriginKeys>]>,
    /// Room for texts being made.
    made: String,
    /// The last link that took the long way.
    long: Option<CrawlUrl>,
    rewriter: Rewriter,
    /// The last link that was rewritten.
    rewritten: Option<CrawlUrl>,
}

/// What all URLs of one origin share.
#[derive(Clone)]
struct OriginKeys {
    /// `scheme://host[:port]`.
    origin: Box<str>,
    site_bytes: u16,
    site_hash: u64,
    /// The SURT key up to the path.
    surt: Box<str>,
}

impl Linker {
    /// A linker for one crawl.
    pub fn new(key: CrawlKey) -> Linker {
        Linker {
            key,
            origins: vec![None; ORIGINS_REMEMBERED].into(),
            made: String::new(),
            long: None,
            rewriter: Rewriter::default(),
            rewritten: None,
        }
    }

    /// The same for a crawl that rewrites links: keys are those of the rewritten URL.
    pub fn with_rewriter(self, rewriter: Rewriter) -> Linker {
        Linker { rewriter, ..self }
    }

    /// The links of one page.
    pub fn page<'p>(&'p mut self, base: &'p BaseUrl) -> PageLinker<'p> {
        let folder = base.folder();
        let prefix = &folder[..folder.len() - folder.len() % WORD];
        PageLinker {
            prefix,
            prefix_state: self.key.state_after(prefix),
            base,
            linker: self,
        }
    }
}

impl OriginKeys {
    fn new(key: &CrawlKey, text: &str, shape: Shape) -> OriginKeys {
        let origin = &text[..usize::from(shape.path_start)];
        let host_start = 3 + text.find("://").expect("a canonical URL has a scheme");
        let host_end = usize::from(shape.host_end);
        let host = &text[host_start..host_end];
        let site = match usize::from(shape.site_start) {
            0 => site_of_host(host),
            known => &text[known..host_end],
        };
        let mut surt = String::with_capacity(origin.len());
        surt::push_host(&mut surt, host);
        surt.push_str(&origin[host_end..]);
        surt.push(')');
        OriginKeys {
            origin: origin.into(),
            site_bytes: offset(site.len()),
            site_hash: key.hash(site),
            surt: surt.into(),
        }
    }
}

/// Where an origin is remembered. Who makes origins fall together only takes our memory of them.
fn slot_of(origin: &[u8]) -> usize {
    let (words, rest) = origin.as_chunks::<WORD>();
    let mix = |state: u64, word: u64| (state ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let state = words.iter().fold(0, |state: u64, word| {
        mix(state.rotate_left(23), u64::from_le_bytes(*word))
    });
    let state = rest.iter().fold(state, |state, &byte| {
        mix(state.rotate_left(23), u64::from(byte))
    });
    (state >> 32) as usize % ORIGINS_REMEMBERED
}

/// The keys of the origin that `text` begins with, remembered or made.
fn keys_of<'o>(
    origins: &'o mut [Option<OriginKeys>],
    key: &CrawlKey,
    (text, shape): (&str, Shape),
) -> &'o OriginKeys {
    let origin = &text[..usize::from(shape.path_start)];
    let slot = &mut origins[slot_of(origin.as_bytes())];
    if slot.as_ref().is_none_or(|keys| *keys.origin != *origin) {
        *slot = Some(OriginKeys::new(key, text, shape));
    }
    slot.as_ref().expect("just filled")
}

/// The links of one page; see [`Linker::page`].
pub struct PageLinker<'p> {
    linker: &'p mut Linker,
    base: &'p BaseUrl,
    /// The whole words of the base's folder, with which most links begin.
    prefix: &'p str,
    /// The fingerprint's state behind `prefix`.
    prefix_state: SipHasher24,
}

impl PageLinker<'_> {
    /// Resolves one link and derives its keys. Cost: O(bytes of base and `href`); allocates only
    /// for a link that takes the long way and for an origin not remembered.
    pub fn link<'l>(&'l mut self, href: &'l str) -> Result<Linked<'l>, UrlError> {
        let Linker {
            key,
            origins,
            made,
            long,
            rewriter,
            rewritten,
        } = &mut *self.linker;
        made.clear();
        let (mut text, mut shape) = match self.base.shortcut(href, made) {
            Some(found) => found,
            None => {
                let url = long.insert(self.base.join_the_long_way(href)?);
                (url.as_str(), url.shape())
            }
        };
        if !rewriter.is_idle()
            && let Some(found) = rewriter.rewrite(&CrawlUrl::from_parts(text.into(), shape))
        {
            let url = rewritten.insert(found.url);
            (text, shape) = (url.as_str(), url.shape());
        }
        let keys = keys_of(origins, key, (text, shape));
        shape.site_start = shape.host_end - keys.site_bytes;
        let fingerprint = match text.strip_prefix(self.prefix) {
            Some(rest) => self.prefix_state.hash(rest.as_bytes()),
            None => key.hash(text),
        };
        Ok(Linked {
            text,
            shape,
            keys,
            fingerprint: Fingerprint(fingerprint),
        })
    }
}

/// A canonical link that is not yet a value of its own.
#[derive(Clone, Copy)]
pub struct Linked<'l> {
    text: &'l str,
    shape: Shape,
    keys: &'l OriginKeys,
    fingerprint: Fingerprint,
}

impl<'l> Linked<'l> {
    /// The canonical URL, as [`CrawlUrl::as_str`] gives it.
    pub fn as_str(&self) -> &'l str {
        self.text
    }

    /// As [`CrawlKey::fingerprint`] gives it.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// As [`CrawlUrl::site_str`] gives it.
    pub fn site_str(&self) -> &'l str {
        &self.text[usize::from(self.shape.site_start)..usize::from(self.shape.host_end)]
    }

    /// As [`CrawlKey::site_hash`] gives it.
    pub fn site_hash(&self) -> u64 {
        self.keys.site_hash
    }

    /// Appends the key that [`CrawlUrl::surt`] gives.
    pub fn push_surt(&self, out: &mut String) {
        out.push_str(&self.keys.surt);
        out.push_str(&self.text[usize::from(self.shape.path_start)..]);
    }

    /// The link as a value. Cost: one allocation.
    pub fn to_url(&self) -> CrawlUrl {
        CrawlUrl::from_parts(self.text.into(), self.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two origins that fall together only cost time.
    #[test]
    fn origins_that_share_a_place_keep_their_keys() {
        let key = CrawlKey::new([3; 16]);
        let mut linker = Linker::new(key);
        let page = CrawlUrl::parse("http://page.example/a/b").expect("valid");
        let base = BaseUrl::new(&page);
        let mut linked = linker.page(&base);
        for round in 0..2 {
            for host in 0..4 * ORIGINS_REMEMBERED {
                let href = format!("https://www.site-{host}.co.uk:8080/{round}?x");
                let url = CrawlUrl::parse(&href).expect("valid");
                let link = linked.link(&href).expect("valid");
                assert_eq!(link.site_hash(), key.site_hash(&url.site()), "{href}");
                assert_eq!(link.fingerprint(), key.fingerprint(&url), "{href}");
            }
        }
    }
}

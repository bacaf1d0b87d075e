//! The words of the crawler: canonical URLs, origins, sites, SURT keys and fingerprints.
//!
//! In: text that a person, a page or a server wrote.
//! Out: values that are valid by construction, or an error that names what to do.
//! May touch: nothing but its arguments. Must not touch: sockets, disk, clocks, settings.
//! Invariant: two texts that the URL Standard calls one address (after the rules listed at
//! [`CrawlUrl`]) become the same bytes, so equality, order, keys and hashes are those of the text.

mod base_url;
mod canonical;
mod clean;
mod crawl_url;
mod error;
mod explain;
mod key;
pub mod limits;
mod linker;
mod origin;
mod rewrites;
mod seed;
mod segments;
mod shortcut;
mod site;
mod surt;
mod text_type;

pub use base_url::BaseUrl;
pub use crawl_url::{CrawlUrl, Scheme};
pub use error::{Excerpt, HostFault, UrlError};
pub use explain::{Explained, explain, explain_rewritten};
pub use key::{CrawlKey, Fingerprint, FingerprintFormError};
pub use linker::{Linked, Linker, PageLinker};
pub use origin::Origin;
pub use rewrites::{Removed, Rewriter, Rewritten, Rule, RuleError, RuleKind, UrlRewrites};
pub use seed::{Seed, is_seed_header, parse_seed_line};
pub use site::{PSL_VERSION, Site, registered_name};

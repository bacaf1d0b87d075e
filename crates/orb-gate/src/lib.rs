//! Politeness: decides *when* a site, an address or a group may be contacted again.
//!
//! In: settings, finished exchanges, the current instant (arguments, never read here).
//! Out: a [`Permit`] for one request, or the time to ask again.
//! May touch: `orb-url`, `orb-env`'s time types. Must not touch: sockets, disk, settings files, robots.txt.
//! Invariant: one permit out per site; a permit exists only if site, address, groups and caps agreed to it.
//!
//! [`AddressClocks`] has one owner in the process and answers with an [`AddressGrant`]; the site's
//! [`SiteClock`] lives in the site's slot and turns a grant into the permit that `orb-fetch` takes by value.

mod address;
mod config;
mod limits;
mod permit;
mod retry_after;
mod site;

pub use address::{AddressClocks, AddressGrant, AddressKey, Answer};
pub use config::{AddressRule, GroupRule, PolitenessConfig, SitePace};
pub use limits::{GRANT_WINDOW, OWN_SITES_MAX};
pub use permit::{Exchanging, Permit, Spent, Stale};
pub use retry_after::retry_after;
pub use site::{Feedback, NotYet, SiteClock, StoredSiteClock};

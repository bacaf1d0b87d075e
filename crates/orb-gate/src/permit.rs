//! The permit: what a request needs, and what becomes of it.
//!
//! In: made by `SiteClock` alone. Out: permit, exchange under way, spent.
//! May touch: nothing. Must not touch: clocks' insides.
//! Invariant: no value of these types can be cloned or made anywhere else, so an ungated request does not compile.

use std::net::IpAddr;
use std::time::Duration;

use orb_env::Mono;
use orb_env::mutant::{Mutant, planted};
use orb_url::Site;

use crate::AddressGrant;

/// The right to begin one request to one site at one address between two instants.
///
/// ```compile_fail
/// fn twice(permit: orb_gate::Permit) -> (orb_gate::Permit, orb_gate::Permit) {
///     (permit.clone(), permit)
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit is either started or given back"]
pub struct Permit {
    site: Site,
    grant: AddressGrant,
    not_before: Mono,
    delay: Duration,
}

impl Permit {
    pub(crate) fn new(
        site: Site,
        grant: AddressGrant,
        not_before: Mono,
        delay: Duration,
    ) -> Permit {
        Permit {
            site,
            grant,
            not_before,
            delay,
        }
    }

    /// The planted mistake [`Mutant::UngatedHop`]: a permit nobody agreed to.
    #[cfg(feature = "mutants")]
    pub fn ungated(site: Site, address: IpAddr, now: Mono) -> Permit {
        let grant = AddressGrant::ungated(address, now);
        Permit {
            site,
            grant,
            not_before: now,
            delay: Duration::ZERO,
        }
    }

    /// The site that may be contacted.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The one address that may be dialled.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.grant.address()
    }

    /// The group whose clock agreed, if the address is in one.
    #[must_use]
    pub fn group(&self) -> Option<&str> {
        self.grant.group()
    }

    /// The pause the site was given since its last exchange, at least.
    #[must_use]
    pub fn delay_in_force(&self) -> Duration {
        self.delay
    }

    /// The pause of the address in force.
    #[must_use]
    pub fn address_delay(&self) -> Duration {
        self.grant.delay()
    }

    /// The first instant it is good at.
    #[must_use]
    pub fn not_before(&self) -> Mono {
        self.not_before
    }

    /// The last instant it is good at.
    #[must_use]
    pub fn not_after(&self) -> Mono {
        self.grant.not_after()
    }

    /// Begins the exchange: call it right before the first packet.
    ///
    /// # Errors
    /// [`Stale`] with the permit when `now` is outside its window; give it back and ask anew.
    pub fn start(self, now: Mono) -> Result<Exchanging, Box<Stale>> {
        let in_time = now >= self.not_before && now <= self.grant.not_after();
        if in_time || planted(Mutant::StaleAddressTime) {
            Ok(Exchanging {
                permit: self,
                started: now,
            })
        } else {
            Err(Box::new(Stale(self)))
        }
    }
}

/// A permit whose time has passed or not yet come.
#[derive(Debug, thiserror::Error)]
#[error("permit for {} is outside its window", .0.site)]
pub struct Stale(pub Permit);

/// An exchange under way.
#[derive(Debug)]
#[must_use = "an exchange ends and is told to the site's clock"]
pub struct Exchanging {
    permit: Permit,
    started: Mono,
}

impl Exchanging {
    /// The permit it runs under.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// When it began.
    #[must_use]
    pub fn started(&self) -> Mono {
        self.started
    }

    /// The last byte was read or the exchange was given up.
    pub fn end(self, now: Mono) -> Spent {
        Spent {
            permit: self.permit,
            started: self.started,
            ended: now.max(self.started),
        }
    }
}

/// A permit that was used. The site's clock wants it back: `SiteClock::finish`.
#[derive(Debug)]
#[must_use = "the site stays closed until its clock has this back"]
pub struct Spent {
    permit: Permit,
    started: Mono,
    ended: Mono,
}

impl Spent {
    /// The permit that was used.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// When the exchange began.
    #[must_use]
    pub fn started(&self) -> Mono {
        self.started
    }

    /// When the exchange ended.
    #[must_use]
    pub fn ended(&self) -> Mono {
        self.ended
    }
}

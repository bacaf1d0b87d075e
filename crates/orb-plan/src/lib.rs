//! Forecasts: how fast a crawl can be, what binds it, how long it takes and what it needs.
//!
//! In: how many sites of which sizes, the rules of the crawl, what work costs on this machine; or the attempt rows of
//! a crawl that runs. Out: a [`Forecast`], and what the rows tell ([`Learnt`]).
//! May touch: nothing; it is arithmetic. Must not touch: clocks, files, sockets.
//! Invariant: the same question has the same answer; every figure in it follows from a formula written beside it.
//!
//! Read `pace` for the pause of one site, `runout` for how sites end one after another, [`forecast`] for the whole.

mod ceilings;
mod cohorts;
mod costs;
mod forecast;
mod learnt;
mod limits;
mod needs;
mod pace;
mod question;
mod runout;
mod spread;

pub use ceilings::{Bound, Ceiling};
pub use costs::{MachineCosts, Sample, Samples};
pub use forecast::{End, Forecast, Milestone, forecast};
pub use learnt::{Learnt, LearntSite};
pub use needs::Needs;
pub use pace::Pace;
pub use question::{KnownSite, PageKind, Question, Rules, Sites, handshake_share};
pub use runout::Moment;
pub use spread::Spread;

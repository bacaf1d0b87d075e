//! Politeness: when a site, an address or a group may be contacted again.

//! Which slot owns a site: partitions and slots.

//! Promise `politeness_address`: the pause of each address and of each group, from start to start.
//!
//! In: attempt rows, settings. Out: the verdict.
//! May touch: nothing. Must not touch: sites, the engine's clocks.
//! Invariant: every request counts for its address (IPv6: its /64) and, by the settings, for its group.
//!
//! A granted time is good from T to T + 100 ms and the next one begins at T + 100 ms + delay, so two starts are at least
//! the delay apart. A row tells the delay of its address; that of a group only the settings tell.

use std::collections::BTreeMap;

use orb_gate::{AddressKey, PolitenessConfig};

use crate::AuditSettings;
use crate::limits::PAUSE_TOLERANCE;
use crate::report::{Case, Promise, Violation};
use crate::row::Row;
use crate::rows::Rows;

/// Judges every address and group.
pub(crate) fn judge(rows: &Rows, settings: &AuditSettings) -> Case {
    let mut case = Case::new(Promise::PolitenessAddress);
    let mut addresses: BTreeMap<AddressKey, Vec<usize>> = BTreeMap::new();
    let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (at, row) in rows.all.iter().enumerate() {
        let Some(address) = row.target.address else {
            continue;
        };
        addresses
            .entry(AddressKey::of(address))
            .or_default()
            .push(at);
        if let Some(group) = row.target.group {
            groups.entry(group).or_default().push(at);
        }
        judge_row(rows, row, settings, &mut case);
    }
    case.count("addresses", addresses.len() as u64);
    case.count("groups", groups.len() as u64);
    if settings.runs.is_empty() {
        case.unknown("no settings of the crawl are known: only what its rows claim was checked");
    }
    for (address, mut starts) in addresses {
        let asked = |row: &Row| row.address_delay_us;
        judge_starts(
            rows,
            &mut starts,
            asked,
            "address_pause_too_short",
            &address.to_string(),
            &mut case,
        );
    }
    for (group, mut starts) in groups {
        let name = rows.names.text(group);
        let asked = |row: &Row| settings.least_at(row.start.wall, |rules| group_delay(rules, name));
        judge_starts(
            rows,
            &mut starts,
            asked,
            "group_pause_too_short",
            name,
            &mut case,
        );
    }
    case
}

fn judge_starts(
    rows: &Rows,
    starts: &mut [usize],
    asked: impl Fn(&Row) -> u64,
    rule: &'static str,
    whose: &str,
    case: &mut Case,
) {
    starts.sort_by_key(|&at| (rows.all[at].start.order(), at));
    for pair in starts.windows(2) {
        let (before, row) = (&rows.all[pair[0]], &rows.all[pair[1]]);
        case.count("pauses", 1);
        let pause = row.start.since_us(before.start);
        let asked = i64::try_from(asked(row)).unwrap_or(i64::MAX);
        // A delay of zero means that there is no clock.
        if asked > 0 && pause + (PAUSE_TOLERANCE.as_micros() as i64) < asked {
            case.violate(|| Violation {
                rule,
                seat: row.seat(),
                url: Some(row.url.to_string()),
                expected: format!("{asked} µs between two starts at {whose}"),
                seen: format!("{pause} µs after {}", before.seat()),
            });
        }
    }
}

/// Whether the delay and the group that a row tells are those of the settings.
fn judge_row(rows: &Rows, row: &Row, settings: &AuditSettings, case: &mut Case) {
    let Some(address) = row.target.address else {
        return;
    };
    let least = settings.least_at(row.start.wall, |rules| {
        rules.delay_of(address).as_micros() as u64
    });
    if row
        .address_delay_us
        .saturating_add(PAUSE_TOLERANCE.as_micros() as u64)
        < least
    {
        case.violate(|| Violation {
            rule: "below_setting",
            seat: row.seat(),
            url: Some(row.url.to_string()),
            expected: format!("a pause in force of at least {least} µs at {address}"),
            seen: format!("{} µs", row.address_delay_us),
        });
    }
    let told = row.target.group.map(|group| rows.names.text(group));
    let mut known = settings.politeness_at(row.start.wall).peekable();
    let group_of =
        |rules: &PolitenessConfig| rules.group_of(address).map(|group| group.name.clone());
    if known.peek().is_some() && !known.any(|rules| group_of(rules).as_deref() == told) {
        let own = settings
            .politeness_at(row.start.wall)
            .last()
            .and_then(group_of);
        case.violate(|| Violation {
            rule: "wrong_group",
            seat: row.seat(),
            url: Some(row.url.to_string()),
            expected: format!("group {} of {address}", own.as_deref().unwrap_or("none")),
            seen: format!("group {}", told.unwrap_or("none")),
        });
    }
}

fn group_delay(rules: &PolitenessConfig, name: &str) -> u64 {
    let group = rules.groups.iter().find(|group| group.name == name);
    group.map_or(0, |group| group.delay.as_micros() as u64)
}

//! Address ranges as JSON, in the form that large crawlers publish theirs and that firewalls read.
//!
//! In: ranges, the date. Out: one JSON object. May touch: nothing.
//! Invariant: the ranges are told in order, each once, none inside another.

use ipnet::IpNet;
use jiff::Timestamp;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ranges {
    creation_time: String,
    prefixes: Vec<Prefix>,
}

#[derive(Serialize)]
enum Prefix {
    #[serde(rename = "ipv4Prefix")]
    V4(String),
    #[serde(rename = "ipv6Prefix")]
    V6(String),
}

/// `{"creationTime": …, "prefixes": [{"ipv4Prefix": …}, {"ipv6Prefix": …}]}`.
///
/// - `now_us`: microseconds since 1970, for the date inside.
pub fn ranges(addresses: &[IpNet], now_us: i64) -> String {
    let date = Timestamp::from_microsecond(now_us).unwrap_or_default();
    let merged = IpNet::aggregate(&addresses.to_vec());
    let prefixes = merged.iter().map(|net| match net {
        IpNet::V4(net) => Prefix::V4(net.to_string()),
        IpNet::V6(net) => Prefix::V6(net.to_string()),
    });
    let object = Ranges {
        creation_time: date.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        prefixes: prefixes.collect(),
    };
    serde_json::to_string_pretty(&object).expect("the object has only plain keys")
}

//! Revisits: which payloads the slot's archive holds already, and which bodies are not kept at all.
//!
//! In: responses and their digests. Out: the record to refer to, or a reason to keep no body.
//! May touch: the slot's store, fresh payloads, the group's batch. Must not touch: files.
//! Invariant: a record is referred to only when it is committed, in the group being built, or in an earlier archive.

use orb_api::Reason;
use orb_env::Wall;
use orb_fetch::Response;
use orb_store::Keyspace;
use orb_warc::{Digest, RecordId};

use crate::archive::Original;
use crate::config::Keep;
use crate::earlier::Payload;
use crate::limits::REVISIT_BYTES_MIN;
use crate::page::PageFacts;
use crate::slot::Slot;
use crate::verdict::Verdict;

/// Why the body of a response is not kept, if it is not.
pub(crate) fn withheld(
    slot: &Slot,
    verdict: &Verdict,
    response: &Response,
    facts: &PageFacts,
) -> Option<&'static str> {
    if facts.directives.noarchive {
        Some("noarchive")
    } else if verdict.reason == Reason::TypeFilter {
        Some("type_filter")
    } else if !slot.archivist.keeps_status(response.status) {
        Some("status_filter")
    } else {
        match slot.archivist.keep() {
            Keep::Full => None,
            Keep::Text => Some("keep_text"),
            Keep::None => Some("keep_none"),
        }
    }
}

/// The record of this slot that already holds the same payload.
pub(crate) fn original(slot: &Slot, response: &Response, digest: Digest) -> Option<Original> {
    if response.payload().len() < REVISIT_BYTES_MIN {
        return None;
    }
    stored_original(slot, digest)
}

/// The record of this slot whose payload has this digest.
pub(crate) fn stored_original(slot: &Slot, digest: Digest) -> Option<Original> {
    if let Some((_, original)) = slot.fresh.get(&digest.to_bytes()) {
        return Some(original.clone());
    }
    // One look-up in the store; for a payload never seen it ends in a filter in memory.
    let row = slot
        .store()
        .get(Keyspace::Payloads, &digest.to_bytes())
        .ok()??;
    let (id, rest) = row.split_first_chunk::<16>()?;
    let (at, uri) = rest.split_first_chunk::<8>()?;
    let id = match *id {
        NO_ID => None,
        id => Some(RecordId::from_uri(&uuid_of(id))?),
    };
    Some(Original {
        id,
        uri: String::from_utf8(uri.to_vec()).ok()?,
        at: Wall(i64::from_be_bytes(*at)),
    })
}

/// The record of an earlier archive whose payload was the same, at this address.
pub(crate) fn earlier_original(
    payloads: &[Payload],
    response: &Response,
    digest: Digest,
) -> Option<Original> {
    if response.payload().len() < REVISIT_BYTES_MIN {
        return None;
    }
    let same = payloads.iter().rev().find(|it| it.digest == digest)?;
    Some(same.original.clone())
}

/// Stands for the id of a record that only an index tells of; no id that is made has no version.
const NO_ID: [u8; 16] = [0; 16];

/// A stored id is written as it stands; making it anew would change its version bits, which are already set.
fn uuid_of(id: [u8; 16]) -> String {
    let hex = data_encoding::HEXLOWER.encode(&id);
    format!(
        "<urn:uuid:{}-{}-{}-{}-{}>",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// Remembers where a payload is, if it has `bytes_min` at least: archived just now, or in an earlier archive.
pub(crate) fn remember(
    slot: &mut Slot,
    bytes_min: usize,
    response: &Response,
    digest: Digest,
    original: Original,
) {
    if response.payload().len() < bytes_min {
        return;
    }
    let key = digest.to_bytes();
    let id = original.id.map_or(NO_ID, RecordId::to_bytes);
    let at = original.at.0.to_be_bytes();
    let row = [&id[..], &at, original.uri.as_bytes()].concat();
    slot.fresh.insert(key, (slot.group.number, original));
    slot.group.batch.put(Keyspace::Payloads, key.to_vec(), row);
}

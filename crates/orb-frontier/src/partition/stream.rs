//! The frames of an exported partition.
//!
//! In: rows. Out: checked frames, and rows again. May touch: what it is given to write to or read from.
//! Invariant: no payload is believed before its checksum was right.

use std::io::{self, Read, Write};

use orb_store::{Keyspace, Row};
use serde::Serialize;

use super::{MOVED, MoveError, PartitionHead};
use crate::codec::{put_bytes, take_bytes, take_str};
use crate::limits::{PARTITION_FRAME_BYTES, PARTITION_FRAME_BYTES_MAX};
use crate::{DecodeError, Found};

const MAGIC: [u8; 4] = *b"ORBP";
const VERSION: u16 = 1;

pub(super) fn framed_rows(payload: &[u8]) -> Result<(Keyspace, Vec<Row>), MoveError> {
    let mut rest = payload;
    let name = take_str(&mut rest, "keyspace")?;
    let keyspace = MOVED.into_iter().find(|known| known.name() == name);
    let keyspace = keyspace.ok_or(DecodeError::Value { field: "keyspace" })?;
    let mut rows = Vec::new();
    while !rest.is_empty() {
        let key = take_bytes(&mut rest)?.to_vec();
        rows.push((key, take_bytes(&mut rest)?.to_vec()));
    }
    Ok((keyspace, rows))
}

pub(super) fn found_of(mut payload: &[u8]) -> Result<Vec<Found>, MoveError> {
    let mut found = Vec::new();
    while !payload.is_empty() {
        found.push(Found::decode(&mut payload)?);
    }
    Ok(found)
}

/// Gathers rows of a kind into frames.
pub(super) struct Frames<'a> {
    out: &'a mut dyn Write,
    kind: u8,
    keyspace: Option<Keyspace>,
    payload: Vec<u8>,
}

impl<'a> Frames<'a> {
    pub(super) fn begin(out: &'a mut dyn Write) -> Result<Frames<'a>, MoveError> {
        out.write_all(&MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Frames {
            out,
            kind: 0,
            keyspace: None,
            payload: Vec::new(),
        })
    }

    pub(super) fn row(
        &mut self,
        keyspace: Keyspace,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), MoveError> {
        if self.keyspace != Some(keyspace) {
            self.flush()?;
            self.keyspace = Some(keyspace);
        }
        if self.payload.is_empty() {
            put_bytes(&mut self.payload, keyspace.name().as_bytes());
        }
        let mut row = Vec::with_capacity(key.len() + value.len() + 8);
        put_bytes(&mut row, key);
        put_bytes(&mut row, value);
        self.add(b'R', &row)
    }

    pub(super) fn add(&mut self, kind: u8, bytes: &[u8]) -> Result<(), MoveError> {
        if self.kind != kind && self.kind != 0 && kind != b'R' {
            self.flush()?;
        }
        self.kind = kind;
        self.payload.extend_from_slice(bytes);
        if self.payload.len() >= PARTITION_FRAME_BYTES {
            self.flush()?;
        }
        Ok(())
    }

    pub(super) fn json(&mut self, kind: u8, value: &impl Serialize) -> Result<(), MoveError> {
        self.flush()?;
        self.kind = kind;
        self.payload = serde_json::to_vec(value).map_err(io::Error::from)?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), MoveError> {
        if !self.payload.is_empty() {
            let mut crc = crc32fast::Hasher::new();
            crc.update(&[self.kind]);
            crc.update(&self.payload);
            self.out.write_all(&[self.kind])?;
            let bytes = self.payload.len() as u32;
            self.out.write_all(&bytes.to_le_bytes())?;
            self.out.write_all(&crc.finalize().to_le_bytes())?;
            self.out.write_all(&self.payload)?;
        }
        self.payload.clear();
        (self.kind, self.keyspace) = (0, None);
        Ok(())
    }
}

pub(super) struct FrameReader<'a> {
    input: &'a mut dyn Read,
    at: u64,
}

impl<'a> FrameReader<'a> {
    pub(super) fn begin(input: &'a mut dyn Read) -> Result<FrameReader<'a>, MoveError> {
        let mut head = [0; 6];
        let damaged = |what| MoveError::Damaged { at: 0, what };
        input
            .read_exact(&mut head)
            .map_err(|_| damaged("shorter than its head"))?;
        if head[..4] != MAGIC {
            return Err(damaged("not an exported partition"));
        }
        if head[4..] != VERSION.to_le_bytes() {
            return Err(damaged("an export of another version"));
        }
        Ok(FrameReader { input, at: 6 })
    }

    pub(super) fn head(&mut self) -> Result<PartitionHead, MoveError> {
        let (at, kind, payload) = self.next()?;
        let damaged = |what| MoveError::Damaged { at, what };
        if kind != b'H' {
            return Err(damaged("no head"));
        }
        serde_json::from_slice(&payload).map_err(|_| damaged("a head of another form"))
    }

    /// Offset, kind and payload of the next frame.
    pub(super) fn next(&mut self) -> Result<(u64, u8, Vec<u8>), MoveError> {
        let at = self.at;
        let damaged = |what| MoveError::Damaged { at, what };
        let mut head = [0; 9];
        self.input
            .read_exact(&mut head)
            .map_err(|_| damaged("it ends too early"))?;
        let [kind, b0, b1, b2, b3, crc @ ..] = head;
        let bytes = u32::from_le_bytes([b0, b1, b2, b3]) as usize;
        if bytes > PARTITION_FRAME_BYTES_MAX {
            return Err(damaged("a frame that is too long"));
        }
        let mut payload = vec![0; bytes];
        self.input
            .read_exact(&mut payload)
            .map_err(|_| damaged("a frame is cut short"))?;
        let mut own = crc32fast::Hasher::new();
        own.update(&[kind]);
        own.update(&payload);
        if own.finalize().to_le_bytes() != crc {
            return Err(damaged("wrong checksum of a frame"));
        }
        self.at += 9 + bytes as u64;
        Ok((at, kind, payload))
    }
}

#!/usr/bin/env python3
"""Reads an archive with two readers that are not ours, and lists what was captured.

In: the `.warc.gz` files of a crawl. Out: counts and each complaint; with --out, the captures as JSON for compare.py.
Checked: fastwarc (no quirks) and `warcio check` read every record, both the same number; block digests by fastwarc;
payload digests by warcio, and by hand where it cannot (below); each response or revisit has one request and one
metadata record; revisits refer to a response of the archive with the same digest; each gzip member is one record.

WARC 1.1 wants payload digests with the transfer coding removed. warcio hashes chunked bodies as they lie in the record,
so for `Transfer-Encoding: chunked` its complaint is expected; those are counted apart and the digest is computed here
from the de-chunked body instead.

  check_warc.py FOLDER|FILE... [--out FILE]
"""

import argparse
import base64
import collections
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import zlib

from fastwarc.warc import ArchiveIterator, WarcRecordType

NAMED_MAX = 10
PIECE_BYTES = 1 << 14
BODY_KINDS = (WarcRecordType.response, WarcRecordType.revisit)


def dechunk(body):
    """The payload of a chunked body; None when its framing is broken."""
    out, at = [], 0
    while True:
        line = body.find(b"\r\n", at)
        try:
            size = int(body[at:line].split(b";")[0].strip(), 16)
        except ValueError:
            return None
        at = line + 2
        if size == 0:
            return b"".join(out)
        if body[at + size:at + size + 2] != b"\r\n":
            return None
        out.append(body[at:at + size])
        at += size + 2


def head_and_body(block):
    head, _, body = block.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = collections.defaultdict(str)
    for line in lines[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return int(lines[0].split()[1]), fields, body


def sha1(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


class Archive:
    def __init__(self):
        self.counts, self.problems = collections.Counter(), collections.Counter()
        self.main, self.requests, self.metadata = {}, collections.Counter(), collections.defaultdict(list)
        self.chunked = set()

    def problem(self, rule, text):
        self.problems[rule] += 1
        if self.problems[rule] <= NAMED_MAX:
            print(f"  BREACH {rule}: {text}")

    def read(self, path):
        for record in ArchiveIterator(str(path), parse_http=False, quirks_mode=False):
            headers = dict(record.headers)
            self.counts[str(record.record_type)] += 1
            ident, url = record.record_id, headers.get("WARC-Target-URI")
            record.freeze()
            if "WARC-Block-Digest" in headers:
                self.counts["block digests"] += 1
                if not record.verify_block_digest():
                    self.problem("block_digest", f"{path.name} {url}")
            elif record.record_type in BODY_KINDS:
                self.problem("no_block_digest", f"{path.name} {url}")
            block = record.reader.read()
            if len(block) != int(headers["Content-Length"]):
                self.problem("length", f"{path.name} {url}")
            if record.record_type in BODY_KINDS:
                self.take_main(record, ident, url, headers, block)
            elif record.record_type == WarcRecordType.request:
                self.requests[headers.get("WARC-Concurrent-To", "").strip("<>")] += 1
            elif record.record_type == WarcRecordType.metadata:
                fields = dict(line.split(": ", 1) for line in block.decode().split("\r\n") if ": " in line
                              and not line.startswith("outlink: "))
                about = headers.get("WARC-Concurrent-To", "").strip("<>")
                self.metadata[about or strip(ident)].append((url, fields))

    def take_main(self, record, ident, url, headers, block):
        status, fields, body = head_and_body(block)
        kind = str(record.record_type)
        digest = headers.get("WARC-Payload-Digest")
        if kind == "response":
            chunked = "chunked" in fields["transfer-encoding"].lower()
            payload = dechunk(body) if chunked else body
            if chunked:
                self.counts["chunked responses"] += 1
                self.chunked.add(strip(ident))
            if payload is None:
                self.problem("chunk_framing", url)
            elif digest != sha1(payload):
                self.problem("payload_digest", f"{url}: {digest}, computed {sha1(payload)}")
            else:
                self.counts["payload digests"] += 1
        if strip(ident) in self.main:
            self.problem("record_id_twice", ident)
        self.main[strip(ident)] = {
            "url": url, "kind": kind, "status": status, "digest": digest,
            "type": fields["content-type"].split(";")[0].strip().lower(),
            "refers": headers.get("WARC-Refers-To", "").strip("<>"),
            "truncated": headers.get("WARC-Truncated"),
        }

    def check_links(self):
        for ident, record in self.main.items():
            if self.requests[ident] != 1:
                self.problem("requests", f"{record['url']} has {self.requests[ident]} request records")
            if len(self.metadata[ident]) != 1:
                self.problem("metadata", f"{record['url']} has {len(self.metadata[ident])} metadata records")
            if record["kind"] == "revisit":
                first = self.main.get(strip(record["refers"]))
                if first is None or first["kind"] != "response" or first["digest"] != record["digest"]:
                    self.problem("revisit", f"{record['url']} refers to {record['refers']}")

    def captures(self):
        """One entry for each exchange that reached the archive; robots.txt apart."""
        for ident, entries in self.metadata.items():
            for url, fields in entries:
                main = self.main.get(ident)
                entry = {"url": url, "outcome": fields.get("outcome"), "robots": "robotsOf" in fields}
                if main:
                    entry.update({key: main[key] for key in ("kind", "status", "type", "digest", "truncated")})
                else:
                    entry.update({"kind": "absent", "why": fields.get("bodyAbsent")})
                yield entry


def strip(ident):
    return ident.strip("<>")


def members(path):
    """Gzip members of a file, each inflated by itself, and whether each is whole and begins a record."""
    data, at, count = memoryview(path.read_bytes()), 0, 0
    while at < len(data):
        inflater, begin = zlib.decompressobj(31), b""
        while not inflater.eof and at < len(data):
            piece = data[at:at + PIECE_BYTES]
            try:
                begin += inflater.decompress(piece)[:10]
            except zlib.error:
                return count, False
            at += len(piece) - len(inflater.unused_data)
        if not inflater.eof or not begin.startswith(b"WARC/1.1\r\n"):
            return count, False
        count += 1
    return count, True


def warcio_check(paths, archive):
    """Runs `warcio check -v`: every record must be read, and only chunked payloads may be complained of."""
    tool = pathlib.Path(sys.executable).with_name("warcio")
    out = subprocess.run([str(tool), "check", "-v", *map(str, paths)], capture_output=True, text=True, check=False)
    read, expected = 0, 0
    ident = kind = None
    for line in out.stdout.splitlines():
        found = re.match(r"  offset (\d+) WARC-Record-ID (\S+) (\S+)", line)
        if found:
            read += 1
            ident, kind = strip(found.group(2)), found.group(3)
        elif line.startswith("    ") and not re.match(r"    (digest pass|digest present|no digest)", line):
            if line.strip().startswith("payload digest failed") and kind == "response" and ident in archive.chunked:
                expected += 1
            else:
                archive.problem("warcio", f"{ident} {kind}: {line.strip()}")
        elif line.startswith("  saw") or line.startswith("  skipping"):
            archive.problem("warcio", line.strip())
    if out.stderr.strip():
        archive.problem("warcio", out.stderr.strip()[-300:])
    return read, expected


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--out")
    args = parser.parse_args()
    paths = sorted(p for path in args.paths for p in (path.glob("*.warc.gz") if path.is_dir() else [path]))
    if not paths:
        sys.exit("warc: no .warc.gz file")
    archive, whole = Archive(), 0
    for path in paths:
        try:
            archive.read(path)
        except OSError as error:
            archive.problem("fastwarc", f"{path.name}: {error}")
        count, sound = members(path)
        whole += count
        if not sound:
            archive.problem("members", f"{path.name}: member {count} is no whole record")
    archive.check_links()
    records = sum(archive.counts[name] for name in ("warcinfo", "response", "revisit", "request", "metadata"))
    read, expected = warcio_check(paths, archive)
    if not records == read == whole:
        archive.problem("count", f"fastwarc {records}, warcio {read}, gzip members {whole}")
    captures = list(archive.captures())
    print(f"warc: {len(paths)} files, {sum(p.stat().st_size for p in paths)} bytes, {dict(archive.counts)}")
    print(f"warc: fastwarc {records} records, warcio {read}, gzip members {whole}; "
          f"{expected} payload complaints of warcio about {len(archive.chunked)} chunked bodies, all right when de-chunked")
    print(f"warc: breaches {dict(archive.problems) or 'none'}")
    if args.out:
        pathlib.Path(args.out).write_text(json.dumps(captures))
    sys.exit(1 if archive.problems else 0)


if __name__ == "__main__":
    main()

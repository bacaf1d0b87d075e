#!/usr/bin/env python3
"""Forges copies of a crawl's folder, each in one way, and asks `orb audit` whether it notices.

In: the `orb` binary, a folder that passes. Out: one line a forgery; exit code 1 when the audit passes a forgery, fails
without naming the promise that was broken, or fails the untouched copy.
Forgeries keep every length, so that only what they say is wrong: a changed record is compressed anew and padded in the
gzip member's FNAME to its old size. The crude one that cuts bytes out is there as well.

  tamper.py ORB FOLDER COPY [--seed N]      COPY is made and removed
"""

import argparse
import base64
import hashlib
import json
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import zlib


def sha1(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def member_of(data, size):
    """One gzip member holding `data` in exactly `size` bytes; None when it does not fit."""
    for level in (9, 6):
        for memory in (9, 8):
            deflate = zlib.compressobj(level, zlib.DEFLATED, -15, memory)
            body = deflate.compress(data) + deflate.flush()
            tail = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
            spare = size - 10 - len(body) - len(tail)
            if spare >= 0:
                flags, name = (8, b"x" * (spare - 1) + b"\0") if spare else (0, b"")
                return b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + name + body + tail
    return None


class Copy:
    """A copy of the folder and its rows, to be forged."""

    def __init__(self, source, place):
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(source, place, symlinks=True, ignore=lambda folder, names: [
            name for name in names if not (pathlib.Path(folder) / name).is_file() and not (pathlib.Path(folder) / name).is_dir()])
        self.place = place
        self.rows = []
        for path in sorted((place / "index/attempts").glob("*.jsonl")):
            offset = 0
            for line in path.read_bytes().splitlines(keepends=True):
                row = json.loads(line)
                if "id" in row:
                    self.rows.append({"path": path, "offset": offset, "bytes": len(line), "row": row})
                offset += len(line)

    def record(self, entry):
        """Path, offset, size and inflated bytes of a row's record."""
        at = entry["row"]["archive"]
        path = self.place / "warc" / at["file"]
        with open(path, "rb") as file:
            file.seek(at["offset"])
            return path, at["offset"], at["bytes"], zlib.decompress(file.read(at["bytes"]), 31)

    @staticmethod
    def write(path, offset, data):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(data)

    def rewrite_record(self, entry, data):
        path, offset, size, _ = self.record(entry)
        member = member_of(data, size)
        if member is None:
            return False
        self.write(path, offset, member)
        return True

    def rewrite_row(self, entry, change):
        """Changes a row's text; its length must stay."""
        with open(entry["path"], "rb") as file:
            file.seek(entry["offset"])
            line = file.read(entry["bytes"])
        changed = change(line)
        assert len(changed) == len(line) and changed != line, (line, changed)
        self.write(entry["path"], entry["offset"], changed)

    def responses(self, kind="page", outcome="captured"):
        return [entry for entry in self.rows if entry["row"]["kind"] == kind and entry["row"].get("archive")
                and entry["row"]["outcome"] == outcome and entry["row"].get("status") == 200]


def cut_record(copy, chance):
    """A response's bytes are taken out of the middle of its segment."""
    entry = chance.choice(copy.responses())
    path, offset, size, _ = copy.record(entry)
    data = path.read_bytes()
    path.write_bytes(data[:offset] + data[offset + size:])


def blank_record(copy, chance):
    """A response's bytes are overwritten with zeros."""
    path, offset, size, _ = copy.record(chance.choice(copy.responses()))
    copy.write(path, offset, b"\0" * size)


def replace_record(copy, chance):
    """A response becomes a sound `resource` record of the same size: whole archive, one response fewer."""
    entry = fitting(copy, chance, copy.responses(), lambda data: re.sub(
        rb"^WARC-Type: response", b"WARC-Type: resource", data, count=1, flags=re.M))
    return entry["row"]["url"]


def flip_payload_byte(copy, chance):
    """One byte of a page's text differs; record and gzip member are sound."""
    def flip(data):
        at = len(data) - 5
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
    return fitting(copy, chance, copy.responses(), flip)["row"]["url"]


def flip_digest(copy, chance):
    """One character of a payload digest differs."""
    return fitting(copy, chance, copy.responses(), lambda data: re.sub(
        rb"(WARC-Payload-Digest: sha1:.)(.)", lambda m: m[1] + (b"A" if m[2] != b"A" else b"B"), data, count=1))["row"]["url"]


def fitting(copy, chance, entries, change):
    """Applies `change` to the first record, in random order, that can be compressed into its old size."""
    entries = list(entries)
    chance.shuffle(entries)
    for entry in entries:
        data = copy.record(entry)[3]
        changed = change(data)
        if changed != data and copy.rewrite_record(entry, changed):
            return entry
    raise SystemExit("tamper: no record can be forged without changing its size")


def shorten_gap(copy, chance):
    """A request is said to have begun before its site's pause was over."""
    before, entry = chance.choice(neighbours(copy))
    shift_start(copy, entry, entry["row"]["start"]["mono"] - before["row"]["end"] - 1_000)
    return entry["row"]["url"]


def overlap(copy, chance):
    """A request is said to have begun before the one before it at the same site had ended."""
    before, entry = chance.choice(neighbours(copy))
    shift_start(copy, entry, entry["row"]["start"]["mono"] - before["row"]["end"] + 200)
    return entry["row"]["url"]


def neighbours(copy):
    """Pairs of one site's successive requests, with a start that keeps its number of digits."""
    by_site = {}
    for entry in copy.rows:
        if entry["row"].get("address"):
            by_site.setdefault(entry["row"]["site"], []).append(entry)
    pairs = []
    for entries in by_site.values():
        entries.sort(key=lambda entry: entry["row"]["start"]["mono"])
        pairs += [(a, b) for a, b in zip(entries, entries[1:]) if b["row"]["start"]["mono"] > 10 ** 7]
    return pairs


def shift_start(copy, entry, microseconds):
    mono = entry["row"]["start"]["mono"]

    def change(line):
        changed = line.replace(f'"mono":{mono}'.encode(), f'"mono":{mono - microseconds}'.encode(), 1)
        assert len(changed) == len(line)
        return changed
    copy.rewrite_row(entry, change)


def shorten_delay(copy, chance):
    """A row claims a smaller pause in force than the settings and robots.txt ask for."""
    entry = chance.choice([e for e in copy.rows if e["row"]["site_delay_us"] >= 1_000_000])
    delay = str(entry["row"]["site_delay_us"]).encode()
    copy.rewrite_row(entry, lambda line: line.replace(b'"site_delay_us":' + delay, b'"site_delay_us":' + b"1" + b"0" * (len(delay) - 2) + b" ", 1))
    return entry["row"]["url"]


def with_robots(copy):
    """robots.txt answers that forbid something."""
    return [entry for entry in copy.responses("robots") if b"\nDisallow: /" in copy.record(entry)[3]]


def forbid_all(data):
    """The first `Disallow: /x…` of the body says `Disallow: /` and as many blanks."""
    return re.sub(rb"(\nDisallow: /)([^\r\n]+)", lambda m: m[1] + b" " * len(m[2]), data, count=1)


def change_robots(copy, chance):
    """The kept robots.txt forbids more than was obeyed; its digests are left as they were."""
    return fitting(copy, chance, ours(copy), forbid_all)["row"]["url"]


def change_robots_and_digests(copy, chance):
    """The same, and all three digests of it are forged too: only the rules are left to give it away."""
    def forge(data):
        data = forbid_all(data)
        head, _, block = data.partition(b"\r\n\r\n")
        block = block[:-4]  # every record ends in two line ends
        payload = block.partition(b"\r\n\r\n")[2]
        head = re.sub(rb"(WARC-Block-Digest: )\S+", lambda m: m[1] + sha1(block).encode(), head)
        head = re.sub(rb"(WARC-Payload-Digest: )\S+", lambda m: m[1] + sha1(payload).encode(), head)
        return head + b"\r\n\r\n" + block + b"\r\n\r\n"
    entry = fitting(copy, chance, ours(copy), forge)
    payload = copy.record(entry)[3].partition(b"\r\n\r\n")[2][:-4].partition(b"\r\n\r\n")[2]
    copy.rewrite_row(entry, lambda line: line.replace(entry["row"]["digest"].encode(), sha1(payload).encode(), 1))
    return entry["row"]["url"]


def ours(copy):
    """Those whose first forbidding rule is in the group that binds us, so that changing it matters."""
    def binds(entry):
        body = copy.record(entry)[3].partition(b"\r\n\r\n")[2]
        return body.find(b"User-agent: *") < body.find(b"\nDisallow: /")
    return [entry for entry in with_robots(copy) if binds(entry)]


def drop_row(copy, chance):
    """A row of a captured page is blanked: its record has no request any more."""
    entry = chance.choice(copy.responses())
    copy.rewrite_row(entry, lambda line: b" " * (len(line) - 1) + b"\n")
    return entry["row"]["url"]


# Forgery, promises that must fail, promises that may fail besides; no other may.
FORGERIES = [
    (cut_record, {"one_record_per_fetch"}, {"digests", "robots", "revisits", "books"}),
    (blank_record, {"one_record_per_fetch"}, {"revisits", "books"}),
    (replace_record, {"one_record_per_fetch"}, {"revisits", "digests", "books"}),
    (flip_payload_byte, {"digests"}, set()),
    (flip_digest, {"digests"}, {"revisits"}),
    (shorten_gap, {"politeness_site"}, {"politeness_address"}),
    (overlap, {"politeness_site"}, {"politeness_address"}),
    (shorten_delay, {"politeness_site"}, set()),
    (change_robots, {"digests", "robots"}, set()),
    (change_robots_and_digests, {"robots"}, set()),
    (drop_row, {"frame", "one_record_per_fetch"}, {"revisits", "books"}),
]


def audit(orb, folder):
    done = subprocess.run([orb, "audit", str(folder), "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        return done.returncode, set(), [done.stderr.strip()]
    verdicts = json.loads(done.stdout)["verdicts"]
    failed = {verdict["promise"] for verdict in verdicts if verdict["judgement"] == "fail"}
    named = [f"{v['promise']}: {v['named'][0]['rule']} at {v['named'][0]['seat'].get('file')}" for v in verdicts if v["named"]]
    return done.returncode, failed, named


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("orb")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("copy", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    bad = 0
    Copy(args.folder, args.copy)
    code, failed, named = audit(args.orb, args.copy)
    print(f"  {'untouched':26} exit {code}, failed {sorted(failed) or 'nothing'}")
    bad += code != 0
    for forge, expected, also in FORGERIES:
        copy = Copy(args.folder, args.copy)
        about = forge(copy, random.Random(f"{args.seed}/{forge.__name__}"))
        code, failed, named = audit(args.orb, args.copy)
        right = code == 1 and expected <= failed <= expected | also
        bad += not right
        print(f"  {forge.__name__:26} exit {code}, failed {sorted(failed)}{'' if right else '   <- NOT AS EXPECTED'}")
        print(f"  {'':26} {about or ''}")
        for line in named[:3]:
            print(f"  {'':26} {line}")
    shutil.rmtree(args.copy, ignore_errors=True)
    print(f"tamper: {len(FORGERIES)} forgeries, {bad} not judged as expected")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

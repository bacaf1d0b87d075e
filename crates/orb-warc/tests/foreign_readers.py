"""Reads the sample archives with readers of other makers: warcio and FastWARC must see the records and fields written.

    cargo run -p orb-warc --example sample -- FOLDER
    python3 -m venv VENV && VENV/bin/pip install warcio fastwarc
    VENV/bin/python crates/orb-warc/tests/foreign_readers.py FOLDER

Both are asked for every record, every header field and the block digest, and must agree with each other; the reference
is the uncompressed file, split by hand along its own lengths. Payload digests are not asked of them: both digest a chunked
body with its framing, where WARC 1.1 (6.3.2) takes the transfer coding off first, so that check is done here.
"""

import base64
import hashlib
import pathlib
import sys

from fastwarc.warc import ArchiveIterator as FastIterator
from warcio.archiveiterator import ArchiveIterator


def sha1(data):
    return "sha1:" + base64.b32encode(hashlib.sha1(data).digest()).decode()


def by_hand(data):
    """Fields and block of each record of a plain file, trusting nothing but Content-Length."""
    at = 0
    while at < len(data):
        end = data.index(b"\r\n\r\n", at)
        lines = data[at:end].decode("ascii").split("\r\n")
        assert lines[0] == "WARC/1.1", lines[0]
        fields = [tuple(line.split(": ", 1)) for line in lines[1:]]
        length = int(dict(fields)["Content-Length"])
        block = data[end + 4 : end + 4 + length]
        at = end + 4 + length + 4
        assert data[at - 4 : at] == b"\r\n\r\n"
        yield fields, block


def dechunked(body):
    out = b""
    while True:
        line, body = body.split(b"\r\n", 1)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return out
        out, body = out + body[:size], body[size + 2 :]


def payload(block):
    head, body = block.split(b"\r\n\r\n", 1)
    return dechunked(body) if b"Transfer-Encoding: chunked" in head else body


def with_warcio(path):
    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream, no_record_parse=True):
            yield list(record.rec_headers.headers), record.raw_stream.read()


def with_fastwarc(path):
    with open(path, "rb") as stream:
        for record in FastIterator(stream, parse_http=False):
            fields = [(str(name), value) for name, value in record.headers]
            assert record.verify_block_digest(), record.record_id
            yield fields, record.reader.read()


def check(folder, stem):
    expected = list(by_hand((folder / f"{stem}.warc").read_bytes()))
    for fields, block in expected:
        fields = dict(fields)
        assert fields["WARC-Block-Digest"] == sha1(block)
        if "WARC-Payload-Digest" in fields and fields["WARC-Type"] == "response":
            assert fields["WARC-Payload-Digest"] == sha1(payload(block)), fields
    for suffix, readers in [
        (".warc", [with_warcio, with_fastwarc]),
        (".warc.gz", [with_warcio, with_fastwarc]),
        (".warc.zst", [with_fastwarc]),
        ("-with-dictionary.warc.zst", [with_fastwarc]),
    ]:
        path = folder / (stem + suffix)
        for reader in readers:
            if not path.exists():
                continue
            found = list(reader(path))
            assert len(found) == len(expected), (path, reader.__name__, len(found), len(expected))
            for (fields, block), (want_fields, want_block) in zip(found, expected):
                assert block == want_block, (path, reader.__name__, want_fields)
                assert fields == want_fields, (path, reader.__name__, fields, want_fields)
            print(f"{path.name}: {reader.__name__}: {len(found)} records, every field and block as written")


for stem in ["honest", "sample"]:
    check(pathlib.Path(sys.argv[1]), stem)

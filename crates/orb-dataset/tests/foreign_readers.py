"""Reads a crawl's index with readers of other makers: pyarrow, DuckDB, FastWARC, cdxj-indexer.

    python3 -m venv VENV && VENV/bin/pip install pyarrow duckdb pytz fastwarc cdxj-indexer
    VENV/bin/python crates/orb-dataset/tests/foreign_readers.py FOLDER

FOLDER is a crawl's folder whose index is complete (`orb demo`, or `orb archive reindex FOLDER`). Asked is: do all tables have
one schema, with Common Crawl's columns first, in order; does each row name a record that is there, with that id, address and
digest; do questions like those Common Crawl publishes have answers; does another indexer write the same lines.
Rows of zstd files are counted, not looked up: FastWARC finds a dictionary only at the beginning of a file.
"""

import io
import json
import pathlib
import subprocess
import sys

import duckdb
import pyarrow.dataset
from fastwarc.warc import ArchiveIterator

COMMON_CRAWL = """url_surtkey url url_host_name url_host_tld url_host_2nd_last_part url_host_3rd_last_part
url_host_4th_last_part url_host_5th_last_part url_host_registry_suffix url_host_registered_domain url_host_private_suffix
url_host_private_domain url_host_name_reversed url_protocol url_port url_path url_query fetch_time fetch_status fetch_redirect
content_digest content_mime_type content_mime_detected content_charset content_languages content_truncated warc_record_id
warc_filename warc_record_offset warc_record_length warc_segment""".split()

QUESTIONS = {
    "pages, hosts and domains by top-level domain": """SELECT url_host_tld, count(*), count(DISTINCT url_host_name),
        count(DISTINCT url_host_registered_domain) FROM captures WHERE subset = 'warc' GROUP BY 1 ORDER BY 2 DESC""",
    "declared and detected types": """SELECT content_mime_type, content_mime_detected, count(*) FROM captures
        WHERE subset = 'warc' GROUP BY 1, 2 ORDER BY 3 DESC""",
    "record length by type": """SELECT content_mime_detected, avg(warc_record_length), sum(warc_record_length)
        FROM captures GROUP BY 1 ORDER BY 3 DESC""",
    "status by subset": "SELECT subset, fetch_status, count(*) FROM captures GROUP BY 1, 2 ORDER BY 3 DESC",
    "languages and charsets": """SELECT content_languages, content_charset, count(*) FROM captures
        WHERE subset = 'warc' GROUP BY 1, 2 ORDER BY 3 DESC""",
    "outcomes and preferences": """SELECT fetch_outcome, usage_preferences IS NOT NULL, count(*), min(fetch_time)
        FROM captures GROUP BY 1, 2 ORDER BY 3 DESC""",
}


def tables(folder):
    root = folder / "index" / "captures"
    data = pyarrow.dataset.dataset(str(root), partitioning="hive")
    names = data.schema.names
    assert names[: len(COMMON_CRAWL)] == COMMON_CRAWL, names
    assert names[-2:] == ["crawl", "subset"], names
    for part in data.get_fragments():
        keys = part.to_table(columns=["url_surtkey", "fetch_time"]).to_pylist()
        rows = [(row["url_surtkey"].encode(), row["fetch_time"]) for row in keys]
        assert rows == sorted(rows), part.path
    print(f"pyarrow: {data.count_rows()} rows, {len(names)} columns, every file sorted")
    view = duckdb.connect()
    view.execute(
        f"CREATE VIEW captures AS SELECT * FROM read_parquet('{root}/**/*.parquet', hive_partitioning = true)"
    )
    for question, sql in QUESTIONS.items():
        print(f"duckdb: {question}: {view.execute(sql).fetchall()[:3]}")
    return view


def rows_and_records(folder, view):
    columns = "url, warc_filename, warc_record_offset, warc_record_length, hex(warc_record_id), content_digest"
    seen = zst = 0
    for url, name, offset, length, id, digest in view.execute(f"SELECT {columns} FROM captures").fetchall():
        if name.endswith(".zst"):
            zst += 1
            continue
        with open(folder / "warc" / name, "rb") as file:
            file.seek(offset)
            member = io.BytesIO(file.read(length))
        (record,) = ArchiveIterator(member, parse_http=False)
        assert record.headers["WARC-Target-URI"] == url, (name, offset)
        assert record.record_id.replace("-", "").strip("<>")[-32:].lower() == id.lower(), (name, offset)
        assert record.headers["WARC-Payload-Digest"] == f"sha1:{digest}", (name, offset)
        seen += 1
    print(f"fastwarc: {seen} rows name the record that is there; {zst} rows of zstd files not looked up")


def lines(text):
    found = {}
    for line in text.splitlines():
        key, time, fields = line.split(" ", 2)
        fields = json.loads(fields)
        digest = fields.get("digest", "")
        digest = digest if ":" in digest or not digest else f"sha1:{digest}"
        place = (fields["filename"], fields["offset"])
        found[place] = (key, time, fields["url"], fields.get("status"), fields["mime"], digest, fields["length"])
    return found


def cdxj(folder):
    files = sorted(str(path) for path in (folder / "warc").glob("*.warc.gz"))
    if not files:
        return
    indexer = pathlib.Path(sys.executable).parent / "cdxj-indexer"
    theirs = lines(subprocess.run([indexer, *files], check=True, capture_output=True, text=True).stdout)
    ours = {}
    for path in (folder / "index" / "cdxj").glob("*.warc.gz.cdxj"):
        ours.update(lines(path.read_text()))
    different = [place for place in ours.keys() | theirs.keys() if ours.get(place) != theirs.get(place)]
    for place in different[:5]:
        print(place, ours.get(place), theirs.get(place))
    assert not different, len(different)
    print(f"cdxj-indexer: {len(ours)} lines, key, time, address, status, type, digest and length alike")


def main():
    folder = pathlib.Path(sys.argv[1])
    view = tables(folder)
    rows_and_records(folder, view)
    cdxj(folder)


main()

#!/usr/bin/env python3
"""Holds what a crawl wrote against the tools that others read it with.

In: the `orb` binary, a prepared WORK (run.sh) with nginx serving, a finished crawl of it. Out: what each reader found;
screenshots in WORK/readers; exit code 1 when one of them disagrees.

  readers.py ORB WORK CRAWL

  records  warcio, fastwarc and our CDXJ name the same captures; a second crawl, in zstd, is read by fastwarc
  tables   pyarrow and DuckDB read the Parquet, by queries of the shapes that are published for Common Crawl's index
  replay   pywb serves the crawl's own WARC and CDXJ files; headless Chromium shows pages from it, by HTTP and HTTPS, one
           of them a revisit, with the text that it shows of the living ones
"""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.request

import duckdb
import pyarrow.compute as pc
import pyarrow.dataset as ds
from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator

from web import names

PORT = 8095
KINDS = ("response", "revisit", "resource")
# What runs in the page, or is put into it by the replay itself.
NOT_TEXT = {"script", "style", "template", "noscript"}


class Failed(Exception):
    """A reader that disagrees."""


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    if seen != wanted:
        raise Failed(f"{what}: {seen}, wanted {wanted}")


def cdxj(crawl):
    for path in sorted((crawl / "index/cdxj").glob("*.cdxj")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield line.split(" ", 2)[1], json.loads(line.split(" ", 2)[2])


def fastwarc_captures(folder):
    found = []
    for path in sorted(folder.iterdir()):
        for record in ArchiveIterator(str(path), parse_http=False):
            kind = record.headers.get("WARC-Type")
            if kind in KINDS:
                record.reader.read()
                found.append((record.headers["WARC-Target-URI"], kind))
    return sorted(found)


def warcio_captures(folder):
    found = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as stream:
            for record in WarcioIterator(stream):
                if record.rec_type in KINDS:
                    record.content_stream().read()
                    found.append((record.rec_headers.get_header("WARC-Target-URI"), record.rec_type))
    return sorted(found)


def crawl_zstd(orb, work, crawl):
    """A small crawl of the same web whose frames share a dictionary."""
    folder = work / "readers/zstd"
    shutil.rmtree(folder, ignore_errors=True)
    command = [orb, "crawl", "--seeds", str(work / "web/seeds.txt"), "--out", str(folder), "--dns", "127.0.1.9:5300",
               "--allow-net", "127.0.0.0/8", "--ca", str(work / "web/ca.pem"), "--delay", "120ms", "--json", "--quiet",
               "--set", "politeness.address_delay=10ms", "--set", "archive.compression=zstd", "--max-pages", "400",
               "--contact", "real-pages@example.org", "--revisits-of", str(crawl)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)
    return folder


def records(orb, work, crawl):
    by_index = sorted((line["url"], "revisit" if line["mime"] == "warc/revisit" else "response") for _, line in cdxj(crawl))
    expect("records: fastwarc names what the CDXJ names", fastwarc_captures(crawl / "warc") == by_index, True)
    expect("records: warcio names what the CDXJ names", warcio_captures(crawl / "warc") == by_index, True)
    dense = crawl_zstd(orb, work, crawl)
    by_index = sorted((line["url"], "revisit" if line["mime"] == "warc/revisit" else "response") for _, line in cdxj(dense))
    seen = fastwarc_captures(dense / "warc")
    expect("records: fastwarc names of the zstd files what their CDXJ names", seen == by_index, True)
    revisits = sum(kind == "revisit" for _, kind in seen)
    print(f"records: {len(seen)} captures in zstd, {revisits} of them revisits of the first crawl or of this one")
    expect("records: orb audit of it", subprocess.run([orb, "audit", str(dense)], stdout=subprocess.DEVNULL, check=False).returncode, 0)


def tables(_, __, crawl):
    folder = crawl / "index/captures"
    lines = [line for _, line in cdxj(crawl)]
    dataset = ds.dataset(folder, partitioning="hive", format="parquet")
    expect("tables: pyarrow counts the rows", dataset.count_rows(), len(lines))
    status = dataset.to_table(columns=["fetch_status"]).column("fetch_status")
    expect("tables: pyarrow counts 200", pc.sum(pc.equal(status, 200)).as_py(), sum(line.get("status") == "200" for line in lines))
    duck = duckdb.connect()
    duck.execute(f"CREATE VIEW ccindex AS SELECT * FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true)")
    # The published examples: captures by domain under a suffix, by type, by language, duplicates, places to fetch from.
    queries = {
        "hosts of a top-level domain": """SELECT url_host_name, count(*) AS n FROM ccindex WHERE crawl = 'whole'
            AND subset = 'warc' AND url_host_tld = 'test' GROUP BY url_host_name ORDER BY n DESC, url_host_name""",
        "registered domains": """SELECT url_host_registered_domain, count(DISTINCT url_host_name) AS hosts, count(*) AS n
            FROM ccindex WHERE subset = 'warc' GROUP BY url_host_registered_domain HAVING count(*) >= 1 ORDER BY n DESC""",
        "media types": """SELECT content_mime_type, content_mime_detected, count(*) AS n, sum(warc_record_length) AS bytes,
            round(count(*) * 100.0 / sum(count(*)) OVER (), 2) AS perc FROM ccindex WHERE subset = 'warc'
            GROUP BY ALL ORDER BY n DESC""",
        "languages": "SELECT content_languages, count(*) AS n FROM ccindex WHERE subset = 'warc' GROUP BY 1 ORDER BY n DESC LIMIT 5",
        "unique payloads": """SELECT count(*) AS n, count(DISTINCT url_surtkey) AS urls, count(DISTINCT content_digest) AS payloads
            FROM ccindex WHERE subset = 'warc'""",
        "robots.txt": """SELECT url_host_name, fetch_status, content_digest FROM ccindex WHERE subset = 'robotstxt'
            AND url_path = '/robots.txt' ORDER BY url_host_name""",
        "status": "SELECT subset, fetch_status, count(*) AS n FROM ccindex GROUP BY ALL ORDER BY n DESC",
    }
    for name, query in queries.items():
        rows = duck.execute(query).fetchall()
        print(f"tables: {name}: {len(rows)} rows, first {rows[:2]}")
        if not rows:
            raise Failed(f"tables: {name} finds nothing")
    place = duck.execute("""SELECT url, warc_filename, warc_record_offset, warc_record_length FROM ccindex WHERE subset = 'warc'
        AND url_path LIKE '%.html' ORDER BY warc_record_length DESC LIMIT 5""").fetchall()
    for url, name, offset, length in place:
        with (crawl / "warc" / pathlib.Path(name).name).open("rb") as file:
            file.seek(offset)
            cut = subprocess.run(["gzip", "-dc"], input=file.read(length), stdout=subprocess.PIPE, check=True).stdout
        if f"WARC-Target-URI: {url}\r\n".encode() not in cut[:2000]:
            raise Failed(f"tables: {url} is not where its row says")
    print(f"tables: {len(place)} records were where their rows say")


class Text(html.parser.HTMLParser):
    """The words of a page."""

    def __init__(self):
        super().__init__()
        self.words, self.within = [], 0

    def handle_starttag(self, tag, attrs):
        self.within += tag in NOT_TEXT

    def handle_endtag(self, tag):
        self.within -= tag in NOT_TEXT and self.within > 0

    def handle_data(self, data):
        if not self.within:
            self.words += data.split()


def words(text):
    reader = Text()
    # Of a replayed page the body: the head is where the replay puts its own.
    reader.feed(re.sub(r"(?is)^.*?<body", "<body", text, count=1))
    return reader.words


def chromium(work, url, *extra):
    rules = ", ".join(f"MAP {name} {address}" for name, address in names().items())
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--ignore-certificate-errors",
               f"--user-data-dir={work / 'readers/profile'}", f"--host-resolver-rules={rules}", "--window-size=1100,800",
               "--virtual-time-budget=8000", *extra, url]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120, check=False)
    return done.stdout.decode("utf-8", "replace")


def chosen(crawl):
    """The largest page of three names, one by http, and one that is a revisit."""
    pages, revisit = {}, None
    for time_, line in cdxj(crawl):
        url, host = line["url"], line["url"].split("/")[2]
        if line["mime"] == "warc/revisit" and url.endswith(".html") and line.get("status") == "200":
            revisit = revisit or (time_, url)
        elif line["mime"] == "text/html" and line["status"] == "200":
            best = pages.get((host, url[:5]))
            if 20_000 < int(line["length"]) < 120_000 and (best is None or url < best[1]):
                pages[host, url[:5]] = (time_, url)
    plain = [page for (_, scheme), page in sorted(pages.items()) if scheme == "http:"][:1]
    secure = [page for (_, scheme), page in sorted(pages.items()) if scheme != "http:"][:2]
    return plain + secure + [revisit]


def replay(_, work, crawl):
    place = work / "readers/pywb"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    (place / "config.yaml").write_text(
        f"framed_replay: false\ncollections:\n  crawl:\n    index_paths: {crawl}/index/cdxj/\n    archive_paths: {crawl}/warc/\n", encoding="utf-8")
    wayback = pathlib.Path(sys.executable).with_name("wayback")
    with (place / "log").open("wb") as log:
        server = subprocess.Popen([str(wayback), "-p", str(PORT), "-b", "127.0.0.1"], cwd=place, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{PORT}/crawl"
        for _ in range(100):
            try:
                urllib.request.urlopen(base, timeout=5).read()
                break
            except OSError:
                time.sleep(0.2)
        for number, (stamp, url) in enumerate(chosen(crawl)):
            old = words(chromium(work, f"{base}/{stamp}/{url}", "--dump-dom"))
            live = words(chromium(work, url, "--dump-dom"))
            # The replay puts a banner of its own before or behind.
            same = " ".join(live) in " ".join(old) and len(old) - len(live) < 20
            expect(f"replay: {url}: {len(live)} words, the same", same and len(live) > 50, True)
            shot = work / f"readers/replay-{number}.png"
            chromium(work, f"{base}/{stamp}/{url}", f"--screenshot={shot}")
            print(f"replay: {shot.name}, {shot.stat().st_size} bytes")
    finally:
        server.terminate()
        server.wait()


def main():
    orb, work, crawl = sys.argv[1], pathlib.Path(sys.argv[2]).resolve(), pathlib.Path(sys.argv[3]).resolve()
    (work / "readers").mkdir(exist_ok=True)
    broken = []
    for part in (records, tables, replay):
        try:
            part(orb, work, crawl)
        except (Failed, subprocess.SubprocessError) as failure:
            broken.append(str(failure))
            print(f"FAILED: {failure}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Holds what a crawl captured against two lists that are not its own: wget's, and that of reference.py.

In: captures (check_warc.py --out), the reference, the server's log of wget's recursive spider.
Out: counts, every difference with its cause; exit code 1 when one has none, or a page was captured twice or not at all.

  compare.py CAPTURES --reference FILE [--log LOG --from BYTE --to BYTE]     against the lists
  compare.py CAPTURES --same-as OTHER                                        two crawls of the same web
"""

import argparse
import collections
import json
import sys

import web
from reference import HTML_TYPES, canonical

NAMED_MAX = 20


def pages_of(path):
    """URL to its entries, robots.txt left out."""
    pages = collections.defaultdict(list)
    with open(path, encoding="utf-8") as captures:
        for entry in json.load(captures):
            if not entry["robots"]:
                pages[entry["url"]].append(entry)
    return pages


def report(name, urls, bad):
    for url in sorted(urls)[:NAMED_MAX]:
        print(f"    {name}: {url}")
    if len(urls) > NAMED_MAX:
        print(f"    {name}: and {len(urls) - NAMED_MAX} more")
    return [f"{len(urls)} {name}"] if bad and urls else []


def wget_pages(log, start, to):
    """HTML pages that wget's requests were answered with, and everything it asked for."""
    with open(log, "rb") as rows:
        rows.seek(start)
        data = rows.read(to - start)
    html, asked = set(), set()
    for line in data.splitlines():
        row = json.loads(line)
        if not row["agent"].startswith("Wget") or row["uri"] == "/robots.txt":
            continue
        url = canonical(web.origin(row["scheme"], row["host"]) + row["uri"])
        asked.add(url)
        if row["status"] == 200 and row["type"].split(";")[0] in HTML_TYPES:
            html.add(url)
    return html, asked


def against_reference(pages, reference):
    bad = []
    followed = reference["followed"]
    bad += report("captured more than once", [url for url, entries in pages.items() if len(entries) > 1], True)
    bad += report("reachable but not in the archive", set(followed) - set(pages), True)
    bad += report("in the archive but not reachable", set(pages) - set(followed), True)
    wrong = []
    for url in set(followed) & set(pages):
        entry, page = pages[url][0], followed[url]
        if entry["kind"] == "absent":
            if page["type"].startswith("text/"):
                wrong.append(f"{url}: no body, {entry.get('why')}")
        elif entry["status"] != page["status"] or entry["truncated"]:
            wrong.append(f"{url}: status {entry['status']}, reference {page['status']}, truncated {entry['truncated']}")
    bad += report("captured unlike the reference", wrong, True)
    kinds = collections.Counter((e[0]["kind"], e[0].get("status"), e[0]["outcome"]) for e in pages.values())
    print(f"reference: {len(followed)} URLs reachable, {len(pages)} in the archive")
    for (kind, status, outcome), count in sorted(kinds.items(), key=str):
        print(f"    {count:6} {kind} {status or ''} {outcome}")
    return bad


def against_wget(pages, reference, log, start, to):
    html, asked = wget_pages(log, start, to)
    ours = {url for url, (entry, *_) in pages.items() if entry.get("status") == 200 and entry["type"] in HTML_TYPES}
    print(f"wget: {len(html)} HTML pages of {len(asked)} URLs asked for; captured: {len(ours)} HTML pages, {len(ours & html)} in both")
    causes = collections.defaultdict(list)
    for url in html - ours:
        wide = reference["wide"].get(url)
        if wide and url not in reference["followed"]:
            causes[f"only wget: referred to by {', '.join(wide['by'])}, which is no link to a page"].append(url)
        else:
            causes["only wget: no cause known"].append(url)
    for url in ours - html:
        by = reference["followed"][url]["by"]
        cause = "asked for by wget, but not answered with a page" if url in asked else f"referred to by {', '.join(by)}"
        causes[f"only captured: {cause}"].append(url)
    for cause, urls in sorted(causes.items()):
        print(f"  {len(urls):5} {cause}")
        report("e.g.", urls[:3], False)
    unknown = causes["only wget: no cause known"]
    return [f"{len(unknown)} pages only wget found, without a cause"] if unknown else []


def same(pages, other):
    bad = report("only in the first", set(pages) - set(other), True)
    bad += report("only in the second", set(other) - set(pages), True)
    for name, crawl in (("first", pages), ("second", other)):
        bad += report(f"twice in the {name}", [url for url, entries in crawl.items() if len(entries) > 1], True)
    # Which of two equal pages is the response and which the revisit depends on their order; status and digest do not.
    differing = [url for url in set(pages) & set(other)
                 if any(pages[url][0].get(key) != other[url][0].get(key) for key in ("status", "digest", "type"))
                 and "absent" not in (pages[url][0]["kind"], other[url][0]["kind"])]
    bad += report("differing in status, type or digest", differing, True)
    print(f"same: {len(pages)} and {len(other)} URLs, {len(set(pages) & set(other))} in both, {len(differing)} differ")
    return bad


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("captures")
    parser.add_argument("--reference")
    parser.add_argument("--log")
    parser.add_argument("--from", dest="start", type=int, default=0)
    parser.add_argument("--to", type=int)
    parser.add_argument("--same-as")
    args = parser.parse_args()
    pages, bad = pages_of(args.captures), []
    if args.same_as:
        bad += same(pages, pages_of(args.same_as))
    if args.reference:
        with open(args.reference, encoding="utf-8") as file:
            reference = json.load(file)
        bad += against_reference(pages, reference)
        if args.log:
            bad += against_wget(pages, reference, args.log, args.start, args.to)
    print(f"compare: {'; '.join(bad) or 'no unexplained difference'}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

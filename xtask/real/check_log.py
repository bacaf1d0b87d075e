#!/usr/bin/env python3
"""Judges a crawl from what the server saw: nginx's access log.

In: the log (from one byte on), the delays. Out: counts, and each breach; exit code 1 when there is one.
Judged for the product token's requests only:
  site      from the end of one exchange to the start of the next, per registrable domain: at least the largest of the
            delay, the crawl-delays of its origins in use, and five times the exchange before
  overlap   no two exchanges of a site at once
  address   from start to start, per address: at least the address delay
  robots    no disallowed path; robots.txt of an origin before its first page, and not asked for again
  once      no URL twice, unless a kill lies between the two (then the first was not yet durable)
nginx tells milliseconds, cut off, so every bound has 2 ms of tolerance (times five for the exchange before).

  check_log.py LOG --delay MS --address-delay MS [--from BYTE] [--to BYTE] [--kills FILE] [--agent NAME]
"""

import argparse
import collections
import json
import sys

import web

TOLERANCE = 0.002
FACTOR = 5
ADAPTIVE_MAX = 30.0
NAMED_MAX = 10


class Verdict:
    def __init__(self):
        self.breaches = collections.Counter()

    def breach(self, rule, text):
        self.breaches[rule] += 1
        if self.breaches[rule] <= NAMED_MAX:
            print(f"  BREACH {rule}: {text}")


def read(args):
    with open(args.log, "rb") as log:
        log.seek(args.start)
        data = log.read() if args.to is None else log.read(args.to - args.start)
    rows = [json.loads(line) for line in data.splitlines() if line.strip()]
    rows = [row for row in rows if row["agent"].lower().startswith(args.agent.lower())]
    for row in rows:
        row["end"] = row["msec"]
        # The first request of a connection began when the connection did.
        row["begin"] = row["msec"] - (row["age"] if row["nth"] == 1 else row["request_time"])
        row["site"] = web.site_of(row["host"].split(":")[0])
    return sorted(rows, key=lambda row: (row["begin"], row["end"]))


def is_robots(row):
    return row["uri"] == "/robots.txt"


def between(before, row, kills):
    """Whether the process was killed after the one request began and before the other did."""
    return any(before["begin"] - TOLERANCE <= kill <= row["begin"] + TOLERANCE for kill in kills)


def check_sites(rows, args, kills, verdict):
    """Gaps of each site, with the least the server saw. A killed process cannot tell how long its last exchange took."""
    by_site = collections.defaultdict(list)
    for row in rows:
        by_site[row["site"]].append(row)
    for site, requests in sorted(by_site.items()):
        crawl_delay = {}
        gaps, last_end, before = [], None, None
        for row in requests:
            if not is_robots(row):
                name = row["host"].split(":")[0]
                crawl_delay[(row["scheme"], name)] = web.rules_of(row["scheme"], name)[0]
            asked = max([args.delay, *crawl_delay.values()])
            if last_end is not None:
                gap = row["begin"] - last_end
                gaps.append(gap)
                took = 0 if between(before, row, kills) else (before["end"] - before["begin"]) * FACTOR
                rounding = TOLERANCE
                if min(took, ADAPTIVE_MAX) > asked:
                    asked, rounding = min(took, ADAPTIVE_MAX), TOLERANCE * FACTOR
                if gap < 0 - TOLERANCE:
                    verdict.breach("overlap", f"{site} {row['uri']} began {-gap:.3f} s before the end of the one before")
                elif gap + rounding < asked:
                    verdict.breach("site_pause", f"{site} {row['uri']}: {gap:.3f} s after {before['uri']}, asked {asked:.3f}")
            last_end, before = max(last_end or 0, row["end"]), row
        least = f"least gap {min(gaps) * 1000:.0f} ms, median {sorted(gaps)[len(gaps) // 2] * 1000:.0f} ms" if gaps else ""
        print(f"  site {site:14} {len(requests):6} requests  {least}")


def check_addresses(rows, args, verdict):
    by_address = collections.defaultdict(list)
    for row in rows:
        by_address[row["address"]].append(row)
    for address, requests in sorted(by_address.items()):
        gaps = [after["begin"] - before["begin"] for before, after in zip(requests, requests[1:])]
        for gap, row in zip(gaps, requests[1:]):
            if gap + TOLERANCE < args.address_delay:
                verdict.breach("address_pause", f"{address} {row['host']}{row['uri']}: {gap:.3f} s from start to start")
        names = len({row["host"] for row in requests})
        least = f"least {min(gaps) * 1000:.0f} ms from start to start" if gaps else ""
        print(f"  address {address:11} {len(requests):6} requests to {names} names  {least}")


def check_robots(rows, verdict):
    asked = collections.Counter()
    for row in rows:
        name = row["host"].split(":")[0]
        origin = (row["scheme"], name)
        if is_robots(row):
            asked[origin] += 1
        elif not web.allowed(*origin, row["uri"]):
            verdict.breach("disallowed", f"{row['scheme']}://{row['host']}{row['uri']}")
        elif not asked[origin]:
            verdict.breach("before_robots", f"{row['scheme']}://{row['host']}{row['uri']}")
    return asked


def check_once(rows, kills, verdict):
    """Requests of each URL; between two of one URL there must have been a kill."""
    seen, again, robots_again = {}, 0, 0
    for row in rows:
        url = f"{row['scheme']}://{row['host']}{row['uri']}"
        before = seen.get(url)
        if before is not None:
            if between(before, row, kills):
                again += not is_robots(row)
                robots_again += is_robots(row)
            else:
                verdict.breach("twice", f"{url} at {before['begin']:.3f} and {row['begin']:.3f}")
        seen[url] = row
    print(f"  {len(seen)} URLs asked for; again after a kill: {again} pages, {robots_again} robots.txt")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--delay", type=float, required=True)
    parser.add_argument("--address-delay", type=float, required=True)
    parser.add_argument("--from", dest="start", type=int, default=0)
    parser.add_argument("--to", type=int)
    parser.add_argument("--kills")
    parser.add_argument("--agent", default="orbweaver")
    args = parser.parse_args()
    args.delay /= 1000
    args.address_delay /= 1000
    kills = [float(line) for line in open(args.kills)] if args.kills else []
    rows, verdict = read(args), Verdict()
    if not rows:
        sys.exit(f"log: no request of {args.agent}")
    check_sites(rows, args, kills, verdict)
    check_addresses(rows, args, verdict)
    asked = check_robots(rows, verdict)
    check_once(rows, kills, verdict)
    statuses = collections.Counter(row["status"] for row in rows)
    print(f"log: {len(rows)} requests, robots.txt asked for by {len(asked)} origins, statuses {dict(sorted(statuses.items()))},"
          f" {len({row['connection'] for row in rows})} connections, breaches {dict(verdict.breaches) or 'none'}")
    sys.exit(1 if verdict.breaches else 0)


if __name__ == "__main__":
    main()

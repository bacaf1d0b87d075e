#!/usr/bin/env python3
"""The long run `wildcard` (fault N16): five million sub-domains of one domain beside 200 good sites.

The trap web (`orb simweb --traps`) answers for any sub-domain of its last domain. All of them are given as seeds, behind
the good sites'. The crawl runs twice for the same time, once with five million URLs of a single sub-domain and once with
five million sub-domains, and each time, measured at the servers: the domain gets at most one request in a hundred, no
pause of a site or of an address is too short, and the good sites give as many pages. Memory must stay below `memory_max`
of 512 MiB; how much more sub-domains take than URLs is told.

  xtask/wildcard/run.py [--orb FILE] [--hosts N] [--seconds N]

Needs root (packets are looked at), python3, cargo; loopback only; six minutes and some gigabytes of disk. Exit 1 when a promise is broken.
"""

import argparse
import collections
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from arrivals import Arrivals  # noqa: E402
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

SITES = 201
WEB = ["--traps", "--sites", str(SITES), "--pages-per-site", "400", "--addresses", "200"]
SITE_DELAY, ADDRESS_DELAY = 1.0, 0.2
# The server shares the processors with a crawl that uses them whole: it notes the end of a request that much late.
SITE_TOLERANCE = 0.02
MEMORY_MAX = 512 << 20


def label(number):
    """A sub-domain: as many letters as those of the trap web have."""
    letters = ""
    for _ in range(LETTERS):
        number, letter = divmod(number, 26)
        letters += chr(ord("a") + letter)
    return letters


LETTERS = 5


def crawl(orb, folder, urls, apart, seconds):
    log, out, seeds = folder / "requests.jsonl", folder / f"crawl-{apart}", folder / "seeds.txt"
    log.unlink(missing_ok=True)
    with SyntheticWeb(orb, str(folder / "web"), [*WEB, "--log", str(log)]) as served:
        lines = Path(served["seeds"]).read_text().splitlines()
        domain = f"s{SITES - 1:06}.sim"
        good = [line for line in lines if domain not in line]
        with seeds.open("w") as file:
            file.write("\n".join(good) + "\n")
            for number in range(urls):
                host, path = (label(number), "") if apart else (label(0), f"page{number:07}")
                file.write(f"http://{host}.{domain}:{served['http_port']}/{path}\n")
        arrivals = Arrivals(served["http_port"])
        command = [orb, "crawl", "--seeds", str(seeds), "--out", str(out), "--dns", served["dns"], "--allow-net",
                   served["range"], "--contact", "wildcard@example.org", "--delay", f"{SITE_DELAY}s",
                   "--set", f"politeness.address_delay={ADDRESS_DELAY}s", "--max-duration", f"{seconds}s", "--json",
                   "--quiet", "--set", "fetch.keep_alive=false", "--set", f"memory_max={MEMORY_MAX >> 20}MiB"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        summary = json.loads(done.stdout.splitlines()[-1])
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    return summary, sorted(rows, key=lambda row: row["begun_us"]), domain, sorted(arrivals.seen)


def least_site_pause(rows):
    """The smallest time from the end of a request to the beginning of the next of its site, as the server noted them."""
    ends, least = {}, float("inf")
    for row in rows:
        if row["host"]:
            site = ".".join(row["host"].split(":")[0].split(".")[-2:])
            if site in ends:
                least = min(least, row["begun_us"] / 1e6 - ends[site])
            ends[site] = max(row["ended_us"] / 1e6, ends.get(site, 0))
    return least


def least_address_pause(arrivals):
    """The smallest time between two connections to an address, as the kernel saw them arrive."""
    last, least = {}, float("inf")
    for at, address in arrivals:
        if address in last:
            least = min(least, at - last[address])
        last[address] = at
    return least


def judge(summary, rows, domain, arrivals, what, seconds):
    wild = [row for row in rows if row["host"].split(":")[0].endswith(domain)]
    pages = collections.Counter(row["host"].split(":")[0].endswith(domain) for row in rows
                                if row["host"] and row["path"] != "/robots.txt")
    site_least, address_least = least_site_pause(rows), least_address_pause(arrivals)
    share = len(wild) / len(rows)
    print(f"{what}: {len(rows)} requests in {seconds} s, {len(wild)} of them to the domain, {100 * share:.2f} %; "
          f"{pages[False]} pages of good sites; smallest pause of a site {site_least * 1000:.1f} ms, of an address "
          f"{address_least * 1000:.1f} ms; {summary['rss_peak_bytes'] >> 20} MB at the peak; states "
          f"{json.dumps(summary['states'])}", flush=True)
    wrong = []
    if share > 0.01:
        wrong.append(f"{what}: {100 * share:.2f} % of all requests went to the domain")
    if not wild:
        wrong.append(f"{what}: nothing of the domain was asked for")
    # Every request has a connection of its own; a watch that has not seen them sees no pause that is too short either.
    if len(arrivals) < 0.95 * len(rows) or float("inf") in (site_least, address_least):
        wrong.append(f"{what}: {len(arrivals)} connections were seen of {len(rows)} requests")
    if site_least + SITE_TOLERANCE < SITE_DELAY or address_least < ADDRESS_DELAY:
        wrong.append(f"{what}: a pause was too short")
    return wrong, pages[False], summary["rss_peak_bytes"]


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--hosts", type=int, default=5_000_000, help="how many URLs of the domain")
    told.add_argument("--seconds", type=int, default=100)
    told = told.parse_args()
    orb = program(told.orb)
    broken, pages, peaks = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for apart in [False, True]:
            what = f"{told.hosts} {'sub-domains' if apart else 'URLs of one sub-domain'}"
            found = crawl(orb, Path(folder), told.hosts, apart, told.seconds)
            wrong, good, peak = judge(*found, what, told.seconds)
            broken += wrong
            pages.append(good)
            peaks.append(peak)
    if pages[1] < 0.95 * pages[0]:
        broken.append(f"the good sites gave {pages[1]} pages beside all sub-domains, {pages[0]} beside one")
    if max(peaks) > MEMORY_MAX:
        broken.append(f"{max(peaks) >> 20} MB at the peak are more than memory_max")
    print(f"sub-domains took {(peaks[1] - peaks[0]) / 2**20:+.0f} MB beside as many URLs of one")
    print("\n".join(broken) or "every promise was kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""`cargo xtask long traps`: a crawl of the trap web, judged by its truth.

In: a program (built when not given). Out: fetches by kind, and whether the musts hold; exit code 1 when not.
May touch: a folder of its own under the temporary folder, loopback. Must not touch: the internet.

101 sites: 100 of 100 real pages each, with an endless calendar, sessions, directories in themselves and facets in
every one, and a domain with a million sub-domains. Musts: 95 of 100 real pages within 20,000 fetches, and at most a
quarter of all fetches for traps. What was cut is then counted, and how much of it would come back.
"""

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

SITES = 101
PAGES = 100


def kind_of(url):
    """What is at a URL of the trap web: the spellings of orb-simweb's traps/address.rs."""
    host, target = re.match(r"http://([^/:]+)(?::\d+)?(/.*)$", url).groups()
    site = int(re.search(r"s(\d{6})\.sim", host).group(1))
    if site == SITES - 1:
        return "wildcard"
    if "sid=" in target or ";jsessionid=" in target or target.startswith("/s/"):
        return "session"
    if re.match(r"/(calendar|events|agenda)\b", target):
        return "calendar"
    if target.startswith("/list"):
        return "facets"
    if re.search(r"/(a|more|back)/$", target):
        return "deeper"
    return "real"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--orb", help="program to try; built when not given")
    parser.add_argument("--delay", default="100ms", help="pause between two requests to one site")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    args = parser.parse_args()
    orb = program(args.orb)
    folder = tempfile.mkdtemp(prefix="orb-traps-")
    web = SyntheticWeb(orb, f"{folder}/web", ["--traps", "--sites", str(SITES), "--pages-per-site", str(PAGES), "--seed",
                                              args.seed])
    try:
        with web as served:
            out = f"{folder}/crawl"
            crawl = subprocess.run(
                [orb, "crawl", "--seeds", served["seeds"], "--out", out, "--dns", served["dns"], "--allow-net",
                 served["range"], "--contact", "traps@example.org", "--delay", args.delay, "--set",
                 "politeness.address_delay=0s", "--set", "frontier.novelty=true", "--max-pages", "20000", "--max-duration",
                 "10m", "--json", "--quiet"],
                stdout=subprocess.PIPE, text=True, check=True)
            summary = json.loads(crawl.stdout.splitlines()[-1])
            kinds, real, robots = collections.Counter(), set(), 0
            for name in sorted(os.listdir(f"{out}/index/attempts")):
                with open(f"{out}/index/attempts/{name}") as rows:
                    for row in map(json.loads, rows):
                        if row["kind"] != "page":
                            robots += 1
                            continue
                        kind = kind_of(row["url"])
                        kinds[kind] += 1
                        if kind == "real":
                            real.add(row["url"])
            restore = subprocess.run([orb, "frontier", "restore", out, "--dry-run", "--json"],
                                     stdout=subprocess.PIPE, text=True, check=True)
            check = subprocess.run([orb, "state", "check", out], stdout=subprocess.DEVNULL)
    finally:
        if args.keep:
            print(folder)
        else:
            shutil.rmtree(folder)
    fetches = sum(kinds.values())
    traps = fetches - kinds["real"]
    wanted = (SITES - 1) * PAGES
    print(f"fetches {fetches} and {robots} of robots.txt in {summary['seconds']:.0f} s, "
          f"{summary['cpu_seconds']:.1f} s of CPU; states {json.dumps(summary['states'])}")
    for kind, count in kinds.most_common():
        print(f"  {kind:9} {count:6}  {100 * count / fetches:.1f} %")
    print(f"real pages reached: {len(real)} of {wanted}, {100 * len(real) / wanted:.1f} % (must: 95 %)")
    print(f"traps: {100 * traps / fetches:.1f} % of all fetches (must: at most 25 %)")
    print(f"cut and restorable: {json.loads(restore.stdout)['urls']} URLs; state check "
          f"{'agrees' if check.returncode == 0 else 'FAILED'}")
    good = len(real) * 100 >= wanted * 95 and fetches <= 20_000 and traps * 4 <= fetches and check.returncode == 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

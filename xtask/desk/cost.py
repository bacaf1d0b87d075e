#!/usr/bin/env python3
"""The long run `desk-cost`: what metrics, traces and logs cost a page together, in instructions.

The same crawl, counted by callgrind: once as anybody crawls, with the logs that are kept by default and `/metrics`
scraped; and once by a program that tells nothing: built with `Tally::traced` and `Tally::turn` of orb-crawl returning at
once, without a listener, with ORB_LOG=off. Each is crawled for few and for many pages; the difference is what pages cost.

  xtask/desk/cost.py --off FILE [--orb FILE] [--runs N]

Without --off the same program is taken with logs and listener off, which is less than all. Needs python3 and valgrind;
loopback only; three minutes. Exit 1 when the medians differ by more than 3 %.
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from loopback import free_port  # noqa: E402
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

WEB = ["--sites", "60", "--pages-per-site", "60", "--size", "small", "--faults", "none"]
FEW, MANY = 400, 2_400
# Under valgrind some fifty pages a second: more scrapes a page than a crawl of any speed has every fifteen seconds.
SCRAPE_SECONDS = 5
COST_MAX = 0.03


def crawl(orb, served, folder, pages, on):
    """Instructions of one run, and how often it was scraped."""
    port = free_port()
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", orb, "crawl", "--quiet"]
    command += ["--out", str(folder / "crawl"), "--seeds", served["seeds"], "--dns", served["dns"], "--ca", served["ca"]]
    command += ["--allow-net", served["range"], "--scope", "any", "--threads", "1", "--max-pages", str(pages)]
    command += ["--set", "archive.index=false", "--set", "politeness.site_delay=1ms"]
    command += ["--set", "politeness.address_delay=0ms", "--set", "memory_max=2GiB"]
    environment = dict(os.environ)
    if on:
        command += ["--listen", f"127.0.0.1:{port}"]
    else:
        environment["ORB_LOG"] = "off"
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    ended, scraped = threading.Event(), [0]

    def scrape():
        while not ended.wait(SCRAPE_SECONDS):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read()
                scraped[0] += 1
            except OSError:
                pass  # it has not begun, or ended just now

    watcher = threading.Thread(target=scrape if on else ended.wait)
    watcher.start()
    _, told = child.communicate()
    ended.set()
    watcher.join()
    counted = re.search(r"Collected : (\d+)", told)
    if child.returncode != 0 or not counted:
        sys.exit(f"the crawl ended with {child.returncode}: {told[-500:]}")
    shutil.rmtree(folder / "crawl")
    return int(counted[1]), scraped[0]


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--off", help="program that tells nothing")
    told.add_argument("--runs", type=int, default=3)
    told = told.parse_args()
    orb = program(told.orb)
    off = program(told.off) if told.off else orb
    pages = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        with SyntheticWeb(orb, Path(folder) / "web", WEB) as served:
            for number in range(told.runs):
                for on in (False, True):
                    few, _ = crawl(orb if on else off, served, Path(folder), FEW, on)
                    many, scrapes = crawl(orb if on else off, served, Path(folder), MANY, on)
                    pages[on].append((many - few) / (MANY - FEW))
                    print(f"{'on ' if on else 'off'} {pages[on][-1]:,.0f} instructions a page, {scrapes} scrapes", flush=True)
    off, on = (statistics.median(pages[which]) for which in (False, True))
    print(f"medians of {told.runs}: off {off:,.0f} instructions a page, on {on:,.0f}: {on / off - 1:+.2%}")
    return 1 if on / off - 1 > COST_MAX else 0


if __name__ == "__main__":
    sys.exit(main())

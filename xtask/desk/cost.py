#!/usr/bin/env python3
"""The long run `desk-cost`: what metrics, traces and logs cost together, in pairs of the same crawl.

One of each pair is crawled as anybody would: logs as they are by default, `/metrics` scraped once a second. The other by
a program that tells nothing: built with `Tally::traced` and `Tally::turn` of orb-crawl returning at once, without a
listener, ORB_LOG=off. CPU time of the process, system calls included, by page; the order changes from pair to pair.

  xtask/desk/cost.py --off FILE [--orb FILE] [--pairs N] [--pages N] [--cores CRAWL,WEB]

Without --off the same program is taken with logs and listener off, which is less than all. Needs python3; loopback
only; three minutes. Exit 1 when the median of the pairs is more than 3 %.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

WEB = ["--sites", "300", "--pages-per-site", "200", "--size", "small", "--faults", "none"]
COST_MAX = 0.03


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def crawl(orb, served, folder, told, on):
    """CPU seconds of one run, and how often it was scraped."""
    command = ["taskset", "-c", told.cores.split(",")[0], orb, "crawl", "--quiet", "--out", str(folder)]
    command += ["--seeds", served["seeds"], "--dns", served["dns"], "--allow-net", served["range"], "--ca", served["ca"]]
    command += ["--scope", "any", "--threads", "1", "--max-pages", str(told.pages), "--set", "archive.index=false"]
    command += ["--set", "politeness.site_delay=1ms", "--set", "politeness.address_delay=0ms"]
    environment = dict(os.environ)
    port = free_port()
    if on:
        command += ["--listen", f"127.0.0.1:{port}"]
    else:
        environment["ORB_LOG"] = "off"
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended, scraped = threading.Event(), [0]

    def scrape():
        while not ended.wait(1):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
                scraped[0] += 1
            except OSError:
                pass  # it has not begun, or ended just now

    watcher = threading.Thread(target=scrape if on else ended.wait)
    watcher.start()
    _, status, used = os.wait4(child.pid, 0)
    ended.set()
    watcher.join()
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"the crawl in {folder} ended with {os.waitstatus_to_exitcode(status)}")
    shutil.rmtree(folder)
    return used.ru_utime + used.ru_stime, scraped[0]


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--off", help="program that tells nothing")
    told.add_argument("--pairs", type=int, default=20)
    told.add_argument("--pages", type=int, default=8_000)
    told.add_argument("--cores", default="0,1")
    told = told.parse_args()
    orb = program(told.orb)
    off = program(told.off) if told.off else orb
    pairs = []
    with tempfile.TemporaryDirectory() as folder:
        with SyntheticWeb(orb, Path(folder) / "web", WEB) as served:
            for number in range(told.pairs):
                run = {}
                for on in (True, False) if number % 2 else (False, True):
                    run[on] = crawl(orb if on else off, served, Path(folder) / "crawl", told, on)
                pairs.append((run[False][0], run[True][0]))
                print(f"pair {number + 1}: off {pairs[-1][0]:.2f} s, on {pairs[-1][1]:.2f} s of CPU, "
                      f"{run[True][1]} scrapes ({pairs[-1][1] / pairs[-1][0] - 1:+.2%})", flush=True)
    costs = sorted(on / off - 1 for off, on in pairs)
    pages = told.pages / 1e6
    print(f"{len(pairs)} pairs of {told.pages:,} pages: off {statistics.median(off for off, _ in pairs) / pages:.0f} us a "
          f"page, on {statistics.median(on for _, on in pairs) / pages:.0f}; median of the pairs "
          f"{statistics.median(costs):+.2%}, quarters {costs[len(costs) // 4]:+.2%} and {costs[-len(costs) // 4]:+.2%}")
    return 1 if statistics.median(costs) > COST_MAX else 0


if __name__ == "__main__":
    sys.exit(main())

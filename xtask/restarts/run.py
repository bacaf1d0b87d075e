#!/usr/bin/env python3
"""The long run `restart-gaps` (fault R7): a crawl killed a thousand times, its pauses measured at the servers.

`orb simweb` serves forty sites on eight addresses and logs when each request began and ended. `orb crawl` is killed with
SIGKILL at a random moment, started again at once, and so on. Who forgot at a restart when a site or an address was asked
last would ask too soon: the smallest pause of each, within a process and across a kill, must not be below the delay. No
request goes without its pause because the process before it was killed in the middle of one.

  xtask/restarts/run.py [--orb FILE] [--rounds N] [--seed N]

Needs python3, cargo; loopback only; a thousand rounds take about twenty minutes. Exit 1 when a pause is too short, when
fewer than half of the kills hit a crawl that had made requests, or when `orb audit` fails at the end.
"""

import argparse
import collections
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

SITE_DELAY, ADDRESS_DELAY = 0.3, 0.1
# A server learns of a connection some time after it came; it may have been quicker the next time.
TOLERANCE = 0.005
WEB = ["--sites", "40", "--pages-per-site", "4000", "--size", "tiny", "--faults", "none", "--https-share", "0.3",
       "--addresses", "8"]


def killed_crawl(orb, served, out, rounds, seed):
    """Crawls and kills; the instants of the kills by the server's clock."""
    command = [orb, "crawl", "--seeds", served["seeds"], "--out", out, "--dns", served["dns"], "--allow-net",
               served["range"], "--ca", served["ca"], "--contact", "restarts@example.org", "--delay",
               f"{SITE_DELAY}s", "--set", f"politeness.address_delay={ADDRESS_DELAY}s", "--quiet"]
    draw, kills = random.Random(seed), []
    for number in range(rounds):
        lives = draw.choice([0.1, 0.5, 1.0, 1.6]) * draw.uniform(0.5, 1.5)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            process.wait(lives)
            sys.exit(f"round {number}: the crawl ended by itself (exit {process.returncode}): {process.stderr.read().decode()}")
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills.append(time.clock_gettime(time.CLOCK_BOOTTIME))
        process.wait()
        process.stderr.close()
        if number % 100 == 99:
            print(f"{number + 1} kills", flush=True)
    return kills


class Pauses:
    """Pauses of sites or addresses: the smallest, how many, and those too short."""

    def __init__(self, what, least):
        self.what, self.least = what, least
        self.seen = {False: [], True: []}
        self.short = []

    def add(self, name, pause, across):
        self.seen[across].append(pause)
        if pause + TOLERANCE < self.least:
            self.short.append(f"{self.what} {name}: {pause * 1000:.1f} ms{' across a kill' if across else ''}")

    def tell(self):
        for across, pauses in self.seen.items():
            if pauses:
                where = "across a kill" if across else "within a process"
                print(f"{self.what} pauses {where}: {len(pauses)}, the smallest {min(pauses) * 1000:.1f} ms, "
                      f"must {self.least * 1000:.0f} ms")


def judge(log, kills):
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    rows.sort(key=lambda row: row["begun_us"])
    sites, addresses = Pauses("site", SITE_DELAY), Pauses("address", ADDRESS_DELAY)
    ends, starts, asked = {}, {}, collections.Counter()
    kill, hit = 0, set()
    for row in rows:
        begun, ended = row["begun_us"] / 1e6, row["ended_us"] / 1e6
        while kill < len(kills) and kills[kill] < begun:
            kill += 1
        hit.add(kill)
        address = row["address"]
        if address in starts:
            last, life = starts[address]
            addresses.add(address, begun - last, life != kill)
        starts[address] = (begun, kill)
        if not row["host"]:
            continue
        site = ".".join(row["host"].split(":")[0].split(".")[-2:])
        asked[site] += 1
        if site in ends:
            last, life = ends[site]
            sites.add(f"{site} {row['path']}", begun - last, life != kill)
        ends[site] = (max(ended, ends.get(site, (0, 0))[0]), kill)
    sites.tell()
    addresses.tell()
    print(f"{len(rows)} requests to {len(asked)} sites at {len(starts)} addresses; {len(kills)} kills, "
          f"{len(hit)} processes made requests")
    broken = sites.short + addresses.short
    print("\n".join(broken[:20]))
    if 2 * len(hit) < len(kills) or not sites.seen[True]:
        broken.append("too few kills hit a crawl at work")
        print(broken[-1])
    return broken


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--rounds", type=int, default=1000)
    told.add_argument("--seed", type=int, default=1)
    told = told.parse_args()
    orb = program(told.orb)
    with tempfile.TemporaryDirectory() as folder:
        out, log = f"{folder}/crawl", Path(folder) / "requests.jsonl"
        with SyntheticWeb(orb, f"{folder}/web", [*WEB, "--log", str(log)]) as served:
            kills = killed_crawl(orb, served, out, told.rounds, told.seed)
        broken = judge(log, kills)
        audit = subprocess.run([orb, "audit", out], stdout=subprocess.PIPE, text=True)
        print(audit.stdout.strip().splitlines()[-1] if audit.stdout.strip() else "")
    return 1 if broken or audit.returncode else 0


if __name__ == "__main__":
    sys.exit(main())

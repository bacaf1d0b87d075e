#!/usr/bin/env python3
"""The long run `plan`: what `orb plan` says before a crawl against what comes of it.

Three synthetic webs: many small sites, few big ones, slow ones. Two plans are made of each. One is told what an operator
knows at best: the sites, how many pages each has, how large pages are, how long an exchange takes; the rest is as the
plan assumes it. The other is told the mean of the pages and how unlike sites are instead of the sizes. Nothing is
fetched for either. Then the web is crawled with the pauses of the defaults.

  xtask/plan/run.py [--orb FILE] [--work DIR] [--within SHARE] [CASE...]

Prints a table. Exit 1 when pages, requests or time of the first plan are off by more than SHARE (0.2). The shares on the
way are shown, not judged: a plan gives every site the same requests for robots.txt and redirects, and here the sites
with a second origin, which are also twice as large, have most of them. The second plan is shown, not judged: the end of
a crawl hangs on its few largest sites, which a mean does not tell. Each crawl takes one to two minutes, nearly all of it
waiting politely. Needs python3 and cargo, nothing else; loopback only.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402


# The spread of page counts of the synthetic web (orb-simweb, site.rs).
SPREAD = "0.8"

QUIET = ["--faults", "none", "--size", "small"]

# Settings of whoever starts this stay outside; the cache of measured costs is theirs.
ENVIRONMENT = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ}

# name: (what, arguments of `orb simweb`, what the plan is told of exchanges)
CASES = {
    "many-small": (
        "400 sites of 6 pages, 100 ms an answer",
        ["--sites", "400", "--pages-per-site", "6", "--addresses", "4096", "--latency", "100ms"],
        "100ms",
    ),
    "few-big": (
        "8 sites of 40 pages, 100 ms an answer",
        ["--sites", "8", "--pages-per-site", "40", "--addresses", "4096", "--latency", "100ms"],
        "100ms",
    ),
    # Evenly spread over 300 to 1,500 ms: the fast tenth ends at 420, the slow one begins at 1,380.
    "slow": (
        "60 sites of 4 pages, 0.3 to 1.5 s an answer",
        ["--sites", "60", "--pages-per-site", "4", "--addresses", "4096", "--latency", "300ms..1500ms"],
        "420ms..1380ms",
    ),
}


def last_object(command):
    """Runs a command and reads the last line of its output as JSON."""
    print("$", " ".join(command), file=sys.stderr, flush=True)
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=600, env=ENVIRONMENT)
    if ended.returncode != 0:
        sys.exit(f"exit code {ended.returncode}")
    return json.loads(ended.stdout.splitlines()[-1])


def run_case(orb, work, name):
    what, web_arguments, exchange = CASES[name]
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    with SyntheticWeb(orb, folder / "web", [*QUIET, *web_arguments]) as served:
        told = [orb, "plan", "--json", "--seeds", served["seeds"], "--exchange-time", exchange, "--page-size", "8kB"]
        told += ["--out", str(folder / "crawl")]
        known = last_object(told + ["--sizes", served["sizes"]])["forecast"]
        mean = served["pages"] / served["sites"]
        blind = last_object(told + ["--pages-per-site", f"{mean:.3f}", "--pages-spread", SPREAD])["forecast"]
        crawl = last_object(
            [orb, "crawl", "--json", "--quiet", "--seeds", served["seeds"], "--out", str(folder / "crawl")]
            + ["--dns", served["dns"], "--allow-net", served["range"], "--ca", served["ca"], "--max-duration", "4m"]
        )
    compared = last_object([orb, "plan", "--json", str(folder / "crawl")])
    return what, known, blind, crawl, compared


def rows(known, blind, crawl, compared):
    """(what, planned with sizes known, planned with their mean and spread, is, whether the first is judged)"""
    fact = compared["fact"]
    seconds = [[one["seconds"] for one in plan["milestones"]] for plan in (known, blind)]
    return [
        ("pages", known["pages"], blind["pages"], crawl["pages"], True),
        ("s to half of them", seconds[0][0], seconds[1][0], fact["seconds_of_half"], False),
        ("s to nine tenths", seconds[0][1], seconds[1][1], fact["seconds_of_nine_tenths"], False),
        ("s to all", seconds[0][2], seconds[1][2], fact["seconds"], True),
        ("requests", known["requests"], blind["requests"], fact["requests"], True),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orb", help="the program; built when not given")
    parser.add_argument("--work", type=Path, help="folder to keep; a temporary one when not given")
    parser.add_argument("--within", type=float, default=0.2, help="how far off is still right")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    arguments = parser.parse_args()
    unknown = [name for name in arguments.cases if name not in CASES]
    if unknown:
        parser.error(f"no case is called {unknown[0]}; there are {', '.join(CASES)}")
    orb = program(arguments.orb)
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        work = (arguments.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        print("| web | | fact | plan, sizes known | fact / plan | plan, mean size | fact / plan |")
        print("|---|---|---|---|---|---|---|")
        for name in arguments.cases or CASES:
            what, *parts = run_case(orb, work, name)
            for at, (measure, known, blind, found, judged) in enumerate(rows(*parts)):
                right = not judged or abs(found / known - 1) <= arguments.within
                mark = "" if right else " (off)"
                digits = 1 if measure.startswith("s ") else 0
                print(
                    f"| {what if at == 0 else ''} | {measure} | {found:,.{digits}f} | {known:,.{digits}f} "
                    f"| {found / known:.2f}{mark} | {blind:,.{digits}f} | {found / blind:.2f} |",
                    flush=True,
                )
                if not right:
                    failed.append(f"{name}: {measure}")
    if failed:
        print("off by more than", arguments.within, "-", "; ".join(failed))
        return 1
    print("all within", arguments.within)
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""What the live view costs: the same crawl with and without it, in pairs, on a terminal of 200x60.

In: the program `orb`, built for release. Out: CPU seconds of each run, the difference of each pair, the CPU time of
the view's own threads; exit code 1 when the view costs more than 1 % of the crawl's CPU by the latter.
May touch: a folder of its own below the system's temporary one, loopback sockets, two cores.
Invariant: both kinds of run have a terminal, the same seeds, limits and cores; they alternate, so that whatever else
the machine does meets both.

  cost.py [--orb PATH] [--pairs N] [--pages N] [--cores CRAWL,WEB]
"""

import argparse
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402

# Names of threads, as the kernel cuts them: those that only a view has, and the one that answers its questions.
OF_VIEW = ("orb-view", "orb-keys", "orb-view-asker", "orb-serve")
COST_MAX = 0.01


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--orb", help="program to try; built when not given")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--pages", type=int, default=10_000)
    parser.add_argument("--cores", default="0,1")
    return parser.parse_args()


def serve(orb, folder, core):
    """The synthetic web as a child that ends with us, and where it is."""
    command = [orb, "simweb", "--json", "--until-stdin-ends", "--http-port", "0", "--https-port", "0"]
    command += ["--dns", "127.0.0.1:0", "--sites", "300", "--pages-per-site", "200", "--size", "small"]
    command += ["--faults", "none", "--out", str(folder)]
    web = subprocess.Popen(
        ["taskset", "-c", core, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    return web, json.loads(web.stdout.readline())


def crawl(orb, served, folder, pages, core, view):
    """One run on a terminal: its CPU seconds, and those of the threads of a view."""
    command = ["taskset", "-c", core, orb, "crawl", "--out", str(folder), "--seeds", served["seeds"]]
    command += ["--dns", served["dns"], "--allow-net", served["range"], "--ca", served["ca"], "--scope", "any"]
    command += ["--threads", "1", "--max-pages", str(pages), "--set", "politeness.site_delay=1ms"]
    command += ["--set", "politeness.address_delay=0ms"]
    if not view:
        command.append("--plain")
    pid, terminal = pty.fork()
    if pid == 0:
        environment = {name: value for name, value in os.environ.items() if name != "CI"}
        environment.update(TERM="xterm-256color", LANG="C.UTF-8")
        os.execvpe(command[0], command, environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
    own = {}
    shown = 0
    looked = 0.0
    while True:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                part = os.read(terminal, 65_536)
            except OSError:
                break  # the run has closed its terminal
            if not part:
                break
            shown += len(part)
        if time.monotonic() - looked > 0.3:
            looked = time.monotonic()
            own.update(threads(pid))
    _, status, used = os.wait4(pid, 0)
    os.close(terminal)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"the crawl in {folder} ended with {os.waitstatus_to_exitcode(status)}")
    return used.ru_utime + used.ru_stime, sum(own.values()), shown


def threads(pid):
    """CPU seconds so far of the threads of the view, by thread."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
        try:
            name = (task / "comm").read_text().strip()
            spent = int((task / "schedstat").read_text().split()[0]) / 1e9
        except (OSError, ValueError, IndexError):
            continue  # it has just ended
        if name in OF_VIEW:
            found[task.name] = spent
    return found


def main():
    given = arguments()
    orb = program(given.orb)
    crawl_core, web_core = given.cores.split(",")
    work = pathlib.Path(tempfile.mkdtemp(prefix="orb-view-cost-"))
    web, served = serve(orb, work / "web", web_core)
    pairs = []
    try:
        for number in range(given.pairs):
            run = {}
            # Which of the two is first changes from pair to pair.
            for view in (True, False) if number % 2 else (False, True):
                folder = work / "crawl"
                run[view] = crawl(orb, served, folder, given.pages, crawl_core, view)
                shutil.rmtree(folder)
            pairs.append(run)
            (plain, _, _), (with_view, own, shown) = run[False], run[True]
            print(
                f"pair {number + 1}: plain {plain:.2f} s, view {with_view:.2f} s of CPU "
                f"({(with_view - plain) / plain:+.2%}); threads of the view {own:.3f} s "
                f"({own / with_view:.2%}), {shown:,} bytes drawn",
                flush=True,
            )
    finally:
        web.stdin.close()
        web.wait()
        shutil.rmtree(work)
    plain = [run[False][0] for run in pairs]
    differences = sorted((run[True][0] - run[False][0]) / run[False][0] for run in pairs)
    own = [run[True][1] / run[True][0] for run in pairs]
    print(
        f"{len(pairs)} pairs of {given.pages:,} pages: plain {statistics.median(plain):.2f} s of CPU; with the view "
        f"{statistics.median(differences):+.2%} (from {differences[0]:+.2%} to {differences[-1]:+.2%}); "
        f"threads of the view {statistics.median(own):.2%} (at most {max(own):.2%})"
    )
    if statistics.median(own) > COST_MAX:
        sys.exit(f"the view costs more than {COST_MAX:.0%}")


if __name__ == "__main__":
    main()

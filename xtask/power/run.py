#!/usr/bin/env python3
"""The long run `power-cut-mount`: the real program and the real store on a disk whose power goes, again and again.

A crawl of the synthetic web works on a file system of our own (`orb-powercut`), which loses what was not synced: whole
changes of names, sectors and pages of files, in any order. In each round the crawl is killed at a random moment, what it
had acknowledged by then is noted (its `commits` log, whose rows are written after a group's sync), and the power is cut.
What is left is judged as it lies (`orb audit`, `orb state check`), and the crawl is gone on with: opening must take less
than half a minute, and every group that was acknowledged must still be there. A crawl that ends is begun anew, in a
folder of its own, after its whole archive, its books and its pages were judged.

  xtask/power/run.py [--orb FILE] [--powercut FILE] [--rounds N] [--seed N] [--lies PERCENT] [--kill-only]

With --kill-only the power stays: what a killed process wrote is there, synced or not. With --lies that share of syncs is acknowledged and not done: then the run must fail, which shows that it can.
Needs root and /dev/fuse, python3 and cargo; loopback only; 100 rounds take about ten minutes. Exit 1 when a promise is broken.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import types
import uuid
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

WEB = ["--faults", "none", "--size", "small", "--sites", "40", "--pages-per-site", "12", "--addresses", "256"]
RECOVERY_SECONDS_MAX = 30
BOOT_ID = "/proc/sys/kernel/random/boot_id"


class Failed(Exception):
    """A promise that was broken."""


class Disk:
    """The file system whose power can be cut."""

    def __init__(self, powercut, place, seed, lies):
        place.mkdir()
        command = [powercut, str(place), "--seed", str(seed), "--lies", str(lies)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.place = place
        self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the file system ended by itself")
        return json.loads(line)

    def cut(self):
        self.process.stdin.write("cut\n")
        self.process.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=30)


class Boot:
    """A boot id that is another after each cut: crawls tell by it that the machine was started anew."""

    def __init__(self, work):
        self.file = work / "boot_id"
        self.again()
        subprocess.run(["mount", "--bind", str(self.file), BOOT_ID], check=True)

    def again(self):
        self.file.write_text(f"{uuid.uuid4()}\n")


def own_mounts():
    """Goes on in a mount namespace of its own, so that no other process sees the made-up boot id."""
    if os.environ.pop("POWER_OWN_MOUNTS", None) is None:
        environment = dict(os.environ, POWER_OWN_MOUNTS="1")
        command = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvpe(command[0], command, environment)


def crawl_command(orb, served, folder):
    command = [orb, "crawl", "--json", "--quiet", "--scope=any", "--threads=2", f"--seeds={served['seeds']}", f"--out={folder}"]
    command += [f"--ca={served['ca']}", f"--dns={served['dns']}", f"--allow-net={served['range']}"]
    command += ["--delay=30ms", "--set=politeness.address_delay=1ms", "--set=politeness.site_delay_factor=0"]
    # Small, so that segments are closed and indexed and journals turn over within seconds.
    return command + ["--set=archive.segment_bytes_max=256KiB", "--set=memory_max=128MiB"]


def said(arguments, ok=(0,)):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode not in ok:
        text = (done.stdout + done.stderr).strip()
        raise Failed(f"{' '.join(arguments[1:3])}: exit {done.returncode}\n{text[-3000:]}")
    return done.stdout


def groups(folder):
    """The newest group of each slot that its `commits` log names: acknowledged."""
    newest = {}
    for path in sorted((folder / "index/commits").glob("slot-*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            try:
                newest[path.stem] = max(newest.get(path.stem, 0), json.loads(line)["group"])
            except (ValueError, KeyError, TypeError):
                continue
    return newest


def attempts(folder):
    """Ids of rows that belong to acknowledged groups, and where their records are."""
    newest, found = groups(folder), {}
    for path in sorted((folder / "index/attempts").glob("slot-*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if row.get("commit", 1 << 62) <= newest.get(path.stem, 0):
                found[row["id"]] = json.dumps(row.get("archive"), sort_keys=True)
    return found


class Crawl:
    """One folder on the disk, killed and gone on with until its crawl ends by itself."""

    def __init__(self, orb, served, folder):
        self.orb, self.folder = orb, folder
        self.command = crawl_command(orb, served, folder)
        self.acknowledged, self.slowest = {}, 0.0

    def live(self, seconds, log):
        """Runs it for a while. True when it ended by itself."""
        (self.folder / "state/control.sock").unlink(missing_ok=True)
        began = time.monotonic()
        log.write(f"\n$ {' '.join(self.command)}\n")
        log.flush()
        process = subprocess.Popen(self.command, stdout=log, stderr=log)
        try:
            opened = None
            while process.poll() is None and time.monotonic() - began < seconds:
                if opened is None and self.is_open():
                    opened = time.monotonic() - began
                    self.slowest = max(self.slowest, opened)
                if opened is None and time.monotonic() - began > RECOVERY_SECONDS_MAX:
                    raise Failed(f"not open after {RECOVERY_SECONDS_MAX} s")
                time.sleep(0.01)
            if process.poll() not in (None, 0):
                raise Failed(f"the crawl ended with {process.returncode}")
            return process.poll() == 0
        finally:
            process.kill()
            process.wait()
            if (self.folder / "index").is_dir():
                self.acknowledged.update(attempts(self.folder))

    def is_open(self):
        return (self.folder / "state/control.sock").exists()

    def judge(self, whole):
        """What lies there after a cut, or at the end."""
        if not (self.folder / "state/crawl.json").is_file():
            if self.acknowledged:
                raise Failed("the folder's identity is gone, and groups had been acknowledged")
            return
        found = attempts(self.folder) if whole else self.kept()
        lost = [one for one, place in self.acknowledged.items() if found.get(one) != place]
        if lost:
            raise Failed(f"{len(lost)} of {len(self.acknowledged)} acknowledged fetches are gone, {lost[0]} among them")
        said([self.orb, "audit", str(self.folder)])
        said([self.orb, "state", "check", str(self.folder)])
        if whole:
            said([self.orb, "archive", "verify", str(self.folder)])

    def kept(self):
        """Rows as they lie, whatever the witness says of groups: it is not synced and may be gone."""
        found = {}
        for path in (self.folder / "index/attempts").glob("slot-*.jsonl"):
            for line in path.read_bytes().split(b"\n"):
                try:
                    row = json.loads(line)
                    found[row["id"]] = json.dumps(row.get("archive"), sort_keys=True)
                except (ValueError, KeyError, TypeError):
                    continue
        return found

    def pages(self):
        status = json.loads(said([self.orb, "status", "--json", str(self.folder)]).splitlines()[-1])
        states = status["states"]
        if states["pending"] or states["in_flight"]:
            raise Failed(f"a finished crawl has something left: {states}")
        return states["done"]


@contextlib.contextmanager
def disk_of(powercut, place, arguments):
    """Ours, which holds in memory what was not synced; a folder as any other where the power stays."""
    if arguments.kill_only:
        place.mkdir()
        yield types.SimpleNamespace(place=place)
    else:
        with Disk(powercut, place, arguments.seed, arguments.lies) as disk:
            yield disk


def run(orb, powercut, work, arguments):
    dice = random.Random(arguments.seed)
    boot = Boot(work)
    totals, slowest, finished = {}, 0.0, 0
    with SyntheticWeb(orb, work / "web", WEB) as served, open(work / "crawls.log", "w", encoding="utf-8") as log, \
            disk_of(powercut, work / "disk", arguments) as disk:
        whole = Crawl(orb, served, work / "undisturbed")
        if not whole.live(600, log):
            raise Failed("the undisturbed crawl did not end")
        expected = whole.pages()
        print(f"undisturbed: {expected} URLs done", flush=True)
        crawl = None
        for number in range(arguments.rounds):
            crawl = crawl or Crawl(orb, served, disk.place / f"crawl-{number}")
            ended = crawl.live(dice.choice([0.3, 1.5, 5]) * dice.uniform(0.1, 1), log)
            lost = {}
            if not arguments.kill_only:
                lost = disk.cut()
                boot.again()
            for name, count in lost.items():
                # Of syncs the file system tells the sum itself.
                totals[name] = count if name in ("syncs", "lies") else totals.get(name, 0) + count
            try:
                crawl.judge(whole=False)
                if ended:
                    # After its clean end, and a cut, it has all it should have.
                    crawl.live(120, log)
                    crawl.judge(whole=True)
                    if crawl.pages() != expected:
                        raise Failed(f"{crawl.pages()} URLs done, undisturbed {expected}")
                    finished += 1
                    shutil.rmtree(crawl.folder)
            except Failed as failure:
                raise Failed(f"round {number}: {failure}") from failure
            slowest = max(slowest, crawl.slowest)
            print(f"round {number}: {'ended' if ended else 'killed'}, {len(crawl.acknowledged)} fetches acknowledged, {lost}", flush=True)
            crawl = None if ended else crawl
    print(f"{arguments.rounds} {'kills' if arguments.kill_only else 'cuts'}, {finished} crawls to their end with all {expected} URLs; slowest opening {slowest:.1f} s; {totals}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orb", help="the program; default: a release build of this tree")
    parser.add_argument("--powercut", help="the file system; default: a release build of this tree")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lies", type=int, default=0, metavar="PERCENT")
    parser.add_argument("--kill-only", action="store_true", help="processes are killed, the power stays")
    parser.add_argument("--work", help="folder that is kept; default: a temporary one")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: it mounts a file system")
    own_mounts()
    orb, powercut = program(arguments.orb), program(arguments.powercut, "orb-powercut", "orb-powercut")
    try:
        if arguments.work:
            Path(arguments.work).mkdir(parents=True)
            run(orb, powercut, Path(arguments.work).resolve(), arguments)
        else:
            with tempfile.TemporaryDirectory() as work:
                run(orb, powercut, Path(work), arguments)
    except Failed as failure:
        sys.exit(f"FAILED: {failure}")


if __name__ == "__main__":
    main()

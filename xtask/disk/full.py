#!/usr/bin/env python3
"""The long run `disk-full`: a crawl on a disk that gets full in the middle, twice, and goes on by itself.

A small file system in memory is mounted for the crawl's folder; the web it crawls and the log lie elsewhere. First a
file takes the disk's room down to below the crawl's watermark: intake must stop and say so. When the room is given back,
the crawl must go on. Then a file takes every byte, so that commits fail too; and is removed again. At the end the crawl
must have finished by itself, with the pages that the same crawl has on a disk with room, and `orb audit` must find
nothing wrong.

  xtask/disk/full.py [--orb FILE] [--size MIB]

Needs root (for the mount), python3 and cargo; loopback only; about a minute. Exit 1 when a promise is broken.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

WEB = ["--faults", "none", "--size", "small", "--sites", "300", "--pages-per-site", "20", "--addresses", "4096",
       "--latency", "20ms"]
FULL = "the disk is nearly full"
ROOM = "disk has room again, intake goes on"


class Failed(Exception):
    """A promise that was broken."""


class Disk:
    """A file system of its own, in memory."""

    def __init__(self, place, mebibytes):
        self.place = place
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", str(place)], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", str(self.place)], check=True)

    def free(self):
        room = os.statvfs(self.place)
        return room.f_bavail * room.f_frsize

    def leave(self, free):
        """Takes room until `free` bytes are left; none for 0."""
        with open(self.place / "ballast", "ab", buffering=0) as ballast:
            try:
                while self.free() > free:
                    ballast.write(bytes(min(1 << 20, self.free() - free) or 4096))
            except OSError:
                pass  # full, as it was meant

    def give_back(self):
        (self.place / "ballast").unlink()


def crawl_command(orb, served, folder):
    command = [orb, "crawl", "--json", "--scope=any", "--threads=1", f"--seeds={served['seeds']}", f"--out={folder}"]
    command += [f"--ca={served['ca']}", f"--dns={served['dns']}", f"--allow-net={served['range']}"]
    command += ["--delay=100ms", "--set=politeness.address_delay=0s", "--max-duration=5m"]
    return command


def wait_for(what, seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise Failed(f"{what}: not within {seconds} s")


def pages(orb, folder):
    told = subprocess.run([orb, "status", "--json", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False)
    try:
        return json.loads(told.stdout.splitlines()[-1])["pages"]
    except (IndexError, KeyError, json.JSONDecodeError):
        return None


def squeeze(orb, disk, folder, log, process, free):
    """Takes the room, watches the crawl stand still, gives the room back, watches it go on."""
    shown = log.stat().st_size
    told = lambda: "".join(one.read_text() for one in (folder / "logs").iterdir()).count(ROOM)
    times = told()
    disk.leave(free)
    wait_for("the crawl says that the disk is full", 20, lambda: FULL in log.read_text()[shown:])
    time.sleep(3)  # what is under way ends
    before = pages(orb, folder)
    if free == 0:
        disk.leave(0)
    time.sleep(4)
    after = pages(orb, folder)
    if process.poll() is not None:
        raise Failed(f"the crawl ended with {process.returncode} on a full disk")
    if before is None or after is None or after - before > 2:
        raise Failed(f"the crawl did not stand still on a full disk: {before} pages, then {after}")
    print(f"{free} bytes free: stood still at {after} pages")
    disk.give_back()
    wait_for("the crawl says that there is room", 20, lambda: told() > times)
    wait_for("the crawl goes on", 30, lambda: process.poll() is not None or (pages(orb, folder) or 0) > after)
    print("room again: went on by itself")


def run(orb, work, mebibytes):
    with SyntheticWeb(orb, work / "web", WEB) as served:
        usual = subprocess.run(crawl_command(orb, served, work / "usual"), stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True, check=True)
        expected = json.loads(usual.stdout.splitlines()[-1])
        print(f"with room: {expected['pages']} pages in {expected['seconds']:.0f} s")
        with Disk(work / "disk", mebibytes) as disk:
            folder, log = disk.place / "crawl", work / "log"
            with open(log, "w") as errors:
                process = subprocess.Popen(crawl_command(orb, served, folder), stdout=subprocess.PIPE, stderr=errors,
                                           text=True)
                try:
                    enough = expected["pages"] // 10
                    wait_for("the crawl is under way", 60, lambda: (pages(orb, folder) or 0) >= enough)
                    squeeze(orb, disk, folder, log, process, 12 << 20)
                    squeeze(orb, disk, folder, log, process, 0)
                    out, _ = process.communicate(timeout=300)
                finally:
                    if process.poll() is None:
                        process.kill()
                        process.wait()
            if process.returncode != 0:
                raise Failed(f"the crawl ended with {process.returncode}: {log.read_text()[-2000:]}")
            summary = json.loads(out.splitlines()[-1])
            states = summary["states"]
            print(f"on the full disk: {summary['pages']} pages, states {json.dumps(states)}")
            if states["pending"] or states["in_flight"]:
                raise Failed("URLs were left pending")
            done = lambda one: (one["states"]["done"], one["states"]["failed"])
            if done(summary) != done(expected):
                raise Failed(f"done and failed are {done(summary)}, with room they were {done(expected)}")
            audit = subprocess.run([orb, "audit", str(folder)], stdout=subprocess.PIPE, text=True, check=False)
            print(audit.stdout.strip())
            if audit.returncode != 0:
                raise Failed("the audit found something")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orb", help="the program; built when not given")
    parser.add_argument("--size", type=int, default=400, metavar="MIB", help="size of the crawl's disk")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root, to mount a small file system")
    orb = program(arguments.orb)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            run(orb, Path(temporary), arguments.size)
        except Failed as failed:
            print("BROKEN:", failed)
            print((Path(temporary) / "log").read_text()[-3000:])
            return 1
    print("kept: it stopped, said so, went on by itself, and nothing is lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The long run `uploads`: a crawl whose archive goes to an S3 server of another make, through everything that goes wrong.

moto serves S3 in a process of its own. Between it and the crawl stands a line that this script breaks: answers of 500,
connections that end in the middle of a part, a slow line, a server that is away. The crawl is killed (SIGKILL) in the
middle, several times, and gone on with. At the end:

  - every WARC file of every slot is in the store, by unbroken serial numbers, with the SHA-256 that the ledger says;
  - every file was stored once: by one upload, whose end was acknowledged at most once (a request whose answer was cut off
    is repeated, and so it must be);
  - the WARC files in the folder never took more than the backlog that the settings allow and two files a slot;
  - while the store was away intake stopped, said so, and went on by itself;
  - no upload with parts is left unfinished in the store;
  - brought back, `orb archive verify` and `orb audit` find nothing wrong.

  xtask/uploads/run.py [--orb FILE] [--kills N] [--seed N]

Needs python3 with moto[server] and boto3 (PyPI), and cargo; loopback only; four minutes. Exit 1 when a promise is broken.
"""

import argparse
import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from loopback import free_port  # noqa: E402
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

WEB = ["--faults", "none", "--size", "large", "--sites", "120", "--pages-per-site", "50", "--addresses", "4096",
       "--latency", "5ms"]
SEGMENT, BACKLOG, SLOTS = 12 << 20, 30 << 20, 4
# What a slot writes at once may go beyond a file's size by one commit group: a twelfth of the memory for two of each slot.
GROUP = (512 << 20) // 12 // 2 // SLOTS
BUCKET, PREFIX = "archive", "crawls/one"


class Failed(Exception):
    """A promise that was broken."""


class Line:
    """What stands between the crawl and the server; one request a connection."""

    def __init__(self, server_port, seed):
        self.server_port, self.dice = server_port, random.Random(seed)
        self.state, self.stored, self.told, self.broken = "good", {}, Counter(), Counter()
        self.loop, ready = asyncio.new_event_loop(), threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)

        async def begin():
            listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
            self.port = listening.sockets[0].getsockname()[1]
            ready.set()

        self.loop.run_until_complete(begin())
        self.loop.run_forever()

    def end(self):
        async def cancel():
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(cancel(), self.loop).result()

    def _fate(self):
        """Of one request."""
        if self.state != "bad":
            return self.state
        return self.dice.choices(["good", "500", "cut", "cut after", "slow"], [10, 2, 2, 1, 1])[0]

    async def _serve(self, reader, writer):
        try:
            await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, reader, writer):
        fate = self._fate()
        if fate == "away":
            return
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = head.split(b" ", 2)[:2]
        if fate != "good":
            self.broken[fate] += 1
        if fate == "500":
            writer.write(b"HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        fields = {name.lower(): value for name, value in fields.items()}
        left = int(fields.get(b"content-length", b"0"))
        cut_at = self.dice.randrange(left + 1) if fate == "cut" else None
        upstream_reader, upstream = await asyncio.open_connection("127.0.0.1", self.server_port)
        try:
            upstream.write(head)
            while left:
                piece = await reader.read(min(left, 1 << 16))
                if not piece or self.state == "away":
                    return
                left -= len(piece)
                if cut_at is not None and left <= cut_at:
                    return
                if fate == "slow":
                    await asyncio.sleep(len(piece) / (2 << 20))
                upstream.write(piece)
                await upstream.drain()
            if cut_at is not None:
                return
            answer = await upstream_reader.readuntil(b"\r\n\r\n")
            told = fate != "cut after" and self.state != "away"
            self._note(method.decode(), target.decode(), answer, told)
            if not told:
                return
            writer.write(answer)
            while piece := await upstream_reader.read(1 << 16):
                writer.write(piece)
                await writer.drain()
        finally:
            upstream.close()

    def _note(self, method, target, answer, told):
        """Keeps what made an object, and counts how often that was told."""
        path, _, query = target.partition("?")
        whole = method == "PUT" and "partNumber=" not in query
        completed = method == "POST" and "uploadId=" in query
        if (whole or completed) and answer.split(b" ", 2)[1].startswith(b"2") and "/warc/" in path:
            name = path.rsplit("/", 1)[1]
            self.stored.setdefault(name, set()).add(query)
            self.told[name] += told


class Moto:
    """The server of another make."""

    def __init__(self, folder):
        self.port = free_port()
        log = open(folder / "moto.log", "w")
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def __enter__(self):
        import boto3
        self.s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1",
                               aws_access_key_id="key", aws_secret_access_key="secret")
        for _ in range(100):
            try:
                self.s3.create_bucket(Bucket=BUCKET)
                return self
            except Exception:  # not up yet
                time.sleep(0.2)
        raise Failed("moto did not start")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def objects(self, below):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/{below}")
        return {one["Key"][len(PREFIX) + 1:]: one["Size"] for page in pages for one in page.get("Contents", [])}

    def sha256(self, name):
        body = self.s3.get_object(Bucket=BUCKET, Key=f"{PREFIX}/{name}")["Body"]
        digest = hashlib.sha256()
        for piece in body.iter_chunks(1 << 20):
            digest.update(piece)
        return digest.hexdigest()

    def unfinished(self):
        """Uploads that hold parts and were never completed."""
        uploads = self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
        parts = lambda one: self.s3.list_parts(Bucket=BUCKET, Key=one["Key"], UploadId=one["UploadId"]).get("Parts", [])
        return [one["Key"] for one in uploads if parts(one)]


class Watch:
    """The size of the WARC files here, at its largest, and what the crawl says it does."""

    def __init__(self, address, folder):
        self.address, self.folder, self.most, self.phases, self.ended = address, folder, 0, Counter(), threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        turn = 0
        while not self.ended.wait(0.1):
            size = 0
            for path in (self.folder / "warc").glob("*"):
                try:
                    size += path.stat().st_size
                except OSError:
                    pass  # it went meanwhile
            self.most = max(self.most, size)
            turn += 1
            if turn % 5 == 0:
                self.phases[status(self.address).get("phase", "none")] += 1


def status(address):
    """What the running crawl says; nothing when none answers."""
    try:
        with urllib.request.urlopen(f"http://{address}/status", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return {}


def crawl_command(orb, served, folder, address):
    command = [orb, "crawl", "--json", "--scope=any", "--threads=1", f"--seeds={served['seeds']}", f"--out={folder}"]
    command += [f"--ca={served['ca']}", f"--dns={served['dns']}", f"--allow-net={served['range']}", "--delay=100ms",
                f"--listen={address}", "--quiet"]
    settings = ["politeness.address_delay=0s", "politeness.site_delay_factor=0", f"slots={SLOTS}", "memory_max=512MiB",
                f"archive.segment_bytes_max={SEGMENT}", "archive.store_part_bytes=5MiB",
                f"archive.store=s3://{BUCKET}/{PREFIX}", f"archive.store_backlog_max={BACKLOG}"]
    return command + [f"--set={one}" for one in settings]


def wait_for(what, seconds, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    raise Failed(f"{what}: not within {seconds} s")


def crawl(orb, served, folder, address, moto, line, kills, log):
    environment = {**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{line.port}", "AWS_ACCESS_KEY_ID": "key",
                   "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
    command = crawl_command(orb, served, folder, address)
    begin = lambda: subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    dice, there = random.Random(line.dice.random()), lambda: len(moto.objects("warc/"))
    for number in range(kills):
        process, before = begin(), there()
        wait_for("files arrive", 120, lambda: process.poll() is not None or there() >= before + 2)
        time.sleep(dice.random() * 2)
        process.kill()
        process.wait()
        print(f"killed, {there()} files in the store")
        line.state = "bad"
    process = begin()
    # The server is away until the crawl stands still for it.
    line.state = "away"
    wait_for("intake stops, for uploads are behind", 120,
             lambda: status(address).get("phase") == "uploads_behind" or process.poll() is not None)
    if process.poll() is not None:
        raise Failed(f"the crawl ended with {process.returncode} before its store was back")
    time.sleep(3)  # what is under way ends
    pages = status(address)["pages"]
    time.sleep(4)
    told = status(address)
    if told["pages"] - pages > 2 or told["limiting"] != "uploads":
        raise Failed(f"the crawl did not stand still: {pages} pages, then {told['pages']}, limited by {told['limiting']}")
    print(f"the store is away: stood still at {pages} pages; {told['uploads']}")
    line.state = "bad"
    wait_for("the crawl goes on", 120, lambda: process.poll() is not None or status(address).get("pages", 0) > pages)
    out, _ = process.communicate(timeout=600)
    if process.returncode != 0:
        raise Failed(f"the crawl ended with {process.returncode}")
    return json.loads(out.splitlines()[-1])


def judge(orb, folder, moto, line, watch, environment):
    rows = [json.loads(row) for row in (folder / "state/uploads.jsonl").read_text().splitlines()]
    ledger = {row["object"]: row for row in rows if row["event"] == "arrived"}
    warc = moto.objects("warc/")
    if sorted(warc) != sorted(name for name in ledger if name.startswith("warc/")):
        raise Failed("the store and the ledger name other files")
    for name, size in {**warc, **moto.objects("index/")}.items():
        if size != ledger[name]["bytes"] or moto.sha256(name) != ledger[name]["sha256"]:
            raise Failed(f"{name} is not what the ledger says")
    slots = {}
    for name in warc:
        serial, slot = name.split(".")[0].rsplit("-", 2)[1:]
        slots.setdefault(slot, []).append(int(serial))
    for slot, serials in slots.items():
        if sorted(serials) != list(range(min(serials), min(serials) + len(serials))):
            raise Failed(f"slot {slot} has files {sorted(serials)}")
    print(f"{len(warc)} WARC files of {sum(warc.values()) >> 20} MiB, slots {({s: len(n) for s, n in slots.items()})}")
    twice = [name for name, uploads in line.stored.items() if len(uploads) != 1 or line.told[name] > 1]
    if twice or len(line.stored) != len(warc):
        raise Failed(f"stored more than once, or never: {twice}")
    if unfinished := moto.unfinished():
        raise Failed(f"uploads with parts were left: {unfinished}")
    # When intake stops, each slot has a file that it writes, and one that is being indexed.
    bound = BACKLOG + 2 * SLOTS * (SEGMENT + GROUP)
    print(f"broken: {dict(line.broken)}; most here {watch.most >> 20} MiB of {bound >> 20} MiB; seen {dict(watch.phases)}")
    if watch.most > bound:
        raise Failed(f"{watch.most} bytes of WARC files lay here")
    if left := [path.name for path in (folder / "warc").iterdir()]:
        raise Failed(f"left here: {left}")
    for arguments in (["archive", "fetch", str(folder)], ["archive", "verify", str(folder)], ["audit", str(folder)]):
        ran = subprocess.run([orb, *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=False)
        print(ran.stdout.strip().splitlines()[-1])
        if ran.returncode != 0:
            raise Failed(f"orb {' '.join(arguments)}: {ran.stdout[-3000:]}")


def run(orb, work, kills, seed):
    folder = work / "crawl"
    with SyntheticWeb(orb, work / "web", WEB) as served, Moto(work) as moto, open(work / "log", "w") as log:
        line = Line(moto.port, seed)
        address = f"127.0.0.1:{free_port()}"
        watch = Watch(address, folder)
        summary = crawl(orb, served, folder, address, moto, line, kills, log)
        watch.ended.set()
        watch.thread.join()
        print(f"{summary['pages']} pages in the last run, states {json.dumps(summary['states'])}")
        line.state = "good"
        environment = {**os.environ, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{line.port}", "AWS_ACCESS_KEY_ID": "key",
                       "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
        judge(orb, folder, moto, line, watch, environment)
        line.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orb", help="the program; built when not given")
    parser.add_argument("--kills", type=int, default=3, metavar="N", help="how often the crawl is killed")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the line's faults")
    arguments = parser.parse_args()
    orb = program(arguments.orb)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            run(orb, Path(temporary), arguments.kills, arguments.seed)
        except Failed as failed:
            print("BROKEN:", failed)
            print((Path(temporary) / "log").read_text()[-3000:])
            return 1
    print("kept: every file arrived once and whole, and the room here was bounded")
    return 0


if __name__ == "__main__":
    sys.exit(main())

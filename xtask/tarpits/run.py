#!/usr/bin/env python3
"""The long run `tarpits`: ten thousand servers that never finish beside a thousand good sites.

The same good sites are crawled twice for the same time: alone, and with ten thousand others that accept a connection and
then say nothing, or send a header or a body a byte at a time. The good ones must give as many pages as before, to five
in a hundred, and every slow request must end at a limit and be told as such.

  xtask/tarpits/run.py [--orb FILE] [--tarpits N] [--seconds N] [--set KEY=VALUE]...

Needs python3, cargo, and 25,000 open files (`ulimit -n`); loopback only; some four minutes. Exit 1 when the good sites
lose more.
"""

import argparse
import asyncio
import collections
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

SITES, PORT = 1_000, 8099
WEB = ["--faults", "none", "--size", "small", "--https-share", "0", "--latency", "50ms", "--sites", str(SITES),
       "--pages-per-site", "200", "--addresses", "1000"]
# How a request to a tarpit may end: its error, or why its answer was cut.
TOO_SLOW = {"connect_timeout", "first_byte_timeout", "too_slow", "timeout"}


async def drip(reader, writer):
    """One of three ways to be slow, by the address that was dialled."""
    kind = int(writer.get_extra_info("sockname")[0].rsplit(".", 1)[1]) % 3
    try:
        await reader.readuntil(b"\r\n\r\n")
        if kind == 1:
            writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        elif kind == 2:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100000\r\n\r\n")
        while True:
            await asyncio.sleep(4)
            if kind:
                writer.write(b"a" * 4)
                await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


def serve_tarpits(ready):
    async def serve():
        server = await asyncio.start_server(drip, "0.0.0.0", PORT, backlog=4096)
        ready.set()
        await server.serve_forever()

    asyncio.run(serve())


def tarpit(number):
    return f"127.{20 + number // 60_000}.{number // 250 % 240}.{number % 250 + 1}"


def crawl(told, folder, name, served, tarpits):
    """Pages of good sites, and the errors of the others."""
    out, seeds = folder / name, folder / f"{name}.txt"
    lines = [f"http://{tarpit(number)}:{PORT}/" for number in range(tarpits)]
    seeds.write_text(Path(served["seeds"]).read_text() + "\n".join(lines) + "\n")
    command = [told.orb, "crawl", "--seeds", str(seeds), "--out", str(out), "--dns", served["dns"], "--quiet"]
    command += ["--allow-net", "127.0.0.0/8", "--ca", served["ca"], "--delay", "5s", "--max-duration", f"{told.seconds}s"]
    command += [word for setting in told.set for word in ("--set", setting)]
    subprocess.run(command, check=True, timeout=told.seconds + 120)
    subprocess.run([told.orb, "audit", str(out)], check=True, timeout=120, stdout=subprocess.DEVNULL)
    good, slow = 0, collections.Counter()
    for file in (out / "index/attempts").iterdir():
        for line in file.open():
            row = json.loads(line)
            if f":{PORT}/" in row["url"]:
                slow[row.get("error") or row["reason"]] += 1
            elif row["kind"] == "page" and row.get("status") == 200:
                good += 1
    return good, slow


def judge(alone, beside, slow):
    """What is wrong with the two counts, or with the tarpits themselves."""
    broken = []
    if alone == 0 or beside < 0.95 * alone:
        broken.append("too few pages of the good sites")
    # A tarpit that refuses, or that nobody asked, holds nobody up.
    unlike = {name for name in slow if name not in TOO_SLOW}
    if not slow or unlike:
        broken.append(f"the tarpits were none: {', '.join(sorted(unlike)) or 'no request ended there'}")
    return broken


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--tarpits", type=int, default=10_000)
    told.add_argument("--seconds", type=int, default=90)
    told.add_argument("--set", action="append", default=[], help="a setting of both crawls")
    told = told.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    told.orb = program(told.orb)
    ready = multiprocessing.Event()
    pits = multiprocessing.Process(target=serve_tarpits, args=(ready,), daemon=True)
    pits.start()
    ready.wait(30)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        with SyntheticWeb(told.orb, folder / "web", WEB) as served:
            alone, _ = crawl(told, folder, "alone", served, 0)
            beside, slow = crawl(told, folder, "beside", served, told.tarpits)
    pits.terminate()
    print(f"{SITES} good sites in {told.seconds} s: {alone} pages alone, {beside} beside {told.tarpits} tarpits: "
          f"{100 * beside / alone:.1f} %")
    print("slow requests: " + ", ".join(f"{count} {name}" for name, count in slow.most_common()))
    broken = judge(alone, beside, slow)
    print("\n".join(broken) or "every promise was kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

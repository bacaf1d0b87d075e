#!/usr/bin/env python3
"""The long run `walks`: from an alert down to the one slow fetch, with a real Prometheus.

Four crawls of the synthetic web go well for a while, and then each meets another trouble:

  servers    a third of the sites begin to answer six seconds late, every second time with 503
  dns        the name server falls silent
  disk       the disk comes near its mark, and then beneath it
  flood      each page of one site begins to link to five thousand pages of it that nobody has seen

Prometheus scrapes the crawl under the rules of docs/alerts, with exemplars stored. The right alert must fire within the
time its rule allows; the query in its `exemplars` annotation must give the id of a request; `orb trace` must know that
request and what it spent its time on. What was seen at each step is printed as it is.

  xtask/desk/walks.py [--orb FILE] [--walk NAME]... [--faster N] [--keep DIR]

Every time span of the rules is divided by N, 20 unless given: 1 walks in real time, half an hour each. Needs python3,
prometheus, promtool and, for `disk`, root; loopback only; ten minutes. Exit 1 when a walk does not arrive.
"""

import argparse
import asyncio
import datetime
import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from loopback import free_port  # noqa: E402
from program import ROOT, program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

HEALTHY = ["--faults", "none", "--size", "small", "--https-share", "0", "--latency", "50ms", "--sites", "300",
           "--pages-per-site", "2000", "--addresses", "300"]
RULES = ROOT / "docs/alerts/orb.rules.yml"
UNITS = {"s": 1, "m": 60, "h": 3600}
LATE_SECONDS = 6


class Failed(Exception):
    """A walk that did not arrive."""


def shortened(rules, faster):
    """The rules with every time span divided."""
    def divided(match):
        seconds = int(match[1]) * UNITS[match[2]]
        return f"{max(1, round(seconds / faster))}s"

    spans = re.compile(r"\b(\d+)([smh])\b")
    lines = []
    for line in rules.splitlines():
        if re.match(r"\s+(expr|for):", line):
            line = spans.sub(divided, line).replace("4 * 3600", str(round(4 * 3600 / faster)))
        lines.append(line)
    return "\n".join(lines) + "\n"


class Between:
    """The way between a crawl and its web: name service that can fall silent, and a third of the sites behind a server
    that relays, and can begin to be late and to refuse."""

    def __init__(self, served, address, http_port):
        host, port = served["dns"].rsplit(":", 1)
        self.upstream, self.address, self.http_port = (host, int(port)), address, http_port
        self.silent = self.ill = False
        self.asked = 0
        self.homes = {}
        self.dns = None
        ready = threading.Event()
        threading.Thread(target=self.run, args=(ready,), daemon=True).start()
        if not ready.wait(10):
            raise Failed("the server between crawl and web did not start")

    def run(self, ready):
        asyncio.run(self.serve(ready))

    async def serve(self, ready):
        between = self

        class Names(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport
                between.dns = transport.get_extra_info("sockname")

            def datagram_received(self, data, sender):
                if not between.silent:
                    asyncio.ensure_future(between.name(self.transport, data, sender))

        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
        server = await asyncio.start_server(self.relay, self.address, self.http_port, backlog=2048)
        ready.set()
        await server.serve_forever()

    async def name(self, transport, question, sender):
        """Answers as the web's own name server, but for a third of the sites with the address of the relay."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as up:
            up.setblocking(False)
            up.connect(self.upstream)
            await loop.sock_sendall(up, question)
            try:
                answer = bytearray(await asyncio.wait_for(loop.sock_recv(up, 4096), 5))
            except (TimeoutError, asyncio.TimeoutError, OSError):
                return
        host = name_in(question)
        number = re.search(r"(\d+)", host)
        # One answer record of four bytes at the very end: an address.
        if number and int(number[1]) % 3 == 0 and answer[6:8] == b"\0\1" and answer[-6:-4] == b"\0\4":
            self.homes[host] = socket.inet_ntoa(bytes(answer[-4:]))
            answer[-4:] = socket.inet_aton(self.address)
        transport.sendto(bytes(answer), sender)

    async def relay(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                host = re.search(rb"(?i)\r\nhost: *([^:\r\n]+)", head)[1].decode()
                if self.ill:
                    await asyncio.sleep(LATE_SECONDS)
                    self.asked += 1
                    if self.asked % 2:
                        writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
                        await writer.drain()
                        continue
                home_reader, home = await asyncio.open_connection(self.homes[host], self.http_port)
                home.write(re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                while block := await home_reader.read(65536):
                    writer.write(block)
                    await writer.drain()
                home.close()
                return
        except (OSError, KeyError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def name_in(question):
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode())
        at += 1 + question[at]
    return ".".join(labels)


class Prometheus:
    """A Prometheus of its own, scraping one crawl."""

    def __init__(self, folder, target, faster):
        self.port = free_port()
        interval = f"{max(1, round(15 / faster))}s"
        (folder / "rules.yml").write_text(shortened(RULES.read_text(), faster))
        subprocess.run(["promtool", "check", "rules", str(folder / "rules.yml")], check=True, stdout=subprocess.DEVNULL)
        (folder / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {interval}, evaluation_interval: {interval}}}\n"
            "rule_files: [rules.yml]\n"
            f"scrape_configs:\n  - job_name: orb\n    static_configs: [{{targets: ['{target}']}}]\n")
        self.log = open(folder / "prometheus.log", "w")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
             f"--web.listen-address=127.0.0.1:{self.port}", "--enable-feature=exemplar-storage"],
            stdout=self.log, stderr=self.log)

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except (urllib.error.URLError, ConnectionError):
            return None

    def firing(self):
        alerts = self.ask("alerts") or {"alerts": []}
        return {alert["labels"]["alertname"]: alert for alert in alerts["alerts"] if alert["state"] == "firing"}

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


class Walk:
    """A crawl, its web and its Prometheus, and the steps from an alert to a request."""

    name = ""
    alerts = ()
    web = HEALTHY
    # The stage in which the trouble shows, as `orb trace` names it; None where the alert is about no single request.
    stage = None

    def __init__(self, told, folder):
        self.told, self.folder = told, folder
        self.crawl = self.prometheus = self.between = None
        self.out = folder / "crawl"

    def settings(self):
        return []

    def seeds(self, served):
        return served["seeds"]

    def trouble(self):
        """Makes it, and says what it is."""
        raise NotImplementedError

    def run(self):
        with SyntheticWeb(self.told.orb, self.folder / "web", self.web) as served:
            try:
                self.start(served)
                self.walk()
            finally:
                self.end()

    def start(self, served):
        port = urllib.parse.urlsplit(Path(served["seeds"]).read_text().split()[0]).port
        self.between = Between(served, f"127.99.0.{1 + WALKS.index(type(self))}", port)
        listen = f"127.0.0.1:{free_port()}"
        command = [self.told.orb, "crawl", "--seeds", self.seeds(served), "--out", str(self.out), "--ca", served["ca"],
                   "--dns", f"{self.between.dns[0]}:{self.between.dns[1]}", "--allow-net", "127.0.0.0/8", "--quiet",
                   "--delay", "10s", "--set", "politeness.address_delay=0s", "--scope", "any", "--listen", listen,
                   "--set", "memory_max=1GiB", *self.settings()]
        self.crawl = subprocess.Popen(command, start_new_session=True)
        self.prometheus = Prometheus(self.folder, listen, self.told.faster)

    def walk(self):
        say(f"{self.name}: crawling in good health")
        self.healthy()
        say(f"{self.name}: {self.trouble()}")
        began = time.time()
        alert = self.wait_for_alert()
        say(f"{self.name}: after {time.time() - began:.0f} s the alert {alert['labels']['alertname']} "
            f"({alert['labels']['severity']}) fires: {alert['annotations']['summary']}")
        say(f"    runbook: {alert['annotations']['runbook_url']}")
        others = sorted(set(self.prometheus.firing()) - {alert["labels"]["alertname"]})
        if others:
            say(f"    beside it: {', '.join(others)}")
        self.follow(alert["annotations"]["exemplars"], began)
        self.look()

    def healthy(self):
        # As long as the longest window of the rules in use, so that what was before is known.
        end = time.time() + max(20, 600 / self.told.faster)
        while time.time() < end:
            time.sleep(1)
            if self.crawl.poll() is not None:
                raise Failed(f"the crawl ended with {self.crawl.returncode}")
            if unwanted := set(self.prometheus.firing()):
                raise Failed(f"in good health {', '.join(unwanted)} fired")

    def wait_for_alert(self):
        end = time.time() + 180 + 2400 / self.told.faster
        while time.time() < end:
            time.sleep(1)
            self.more()
            firing = self.prometheus.firing()
            for name in self.alerts:
                if name in firing:
                    return firing[name]
        raise Failed(f"none of {', '.join(self.alerts)} fired; firing: {', '.join(self.prometheus.firing()) or 'none'}")

    def more(self):
        """What goes on while the alert is waited for."""

    def follow(self, query, began):
        """From the alert's query to a request, and to where its time went."""
        say(f"    query_exemplars {query}")
        ids = []
        for _ in range(30):
            found = self.prometheus.ask("query_exemplars", query=query, start=began, end=time.time()) or []
            ids = [(float(one["value"]), one["labels"]["trace_id"]) for series in found for one in series["exemplars"]]
            if ids:
                break
            time.sleep(1)
        if not ids:
            raise Failed("no exemplar was kept")
        seconds, trace = max(ids)
        say(f"    {len(ids)} exemplars; the slowest: {seconds} s, trace_id {trace}")
        said = self.orb("trace", trace, "--out", str(self.out))
        row = json.loads(self.orb("trace", trace, "--out", str(self.out), "--json").splitlines()[-1])
        show(f"orb trace {trace[:8]}… --out {self.out.name}", said)
        if not self.stage:
            return
        # The queue is the sum of what a request waited for; its parts are told apart.
        parts = [span for span in row["spans"] if span["name"] != "queue"]
        longest = max(parts, key=lambda span: span["took_us"])["name"]
        if longest != self.stage:
            raise Failed(f"the slow span is {longest}, not {self.stage}")

    def look(self):
        """What else an operator asks."""

    def orb(self, *words):
        done = subprocess.run([self.told.orb, *words], capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(f"orb {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def end(self):
        if self.crawl and self.crawl.poll() is None:
            self.crawl.send_signal(signal.SIGTERM)
            try:
                self.crawl.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(self.crawl.pid, signal.SIGKILL)
        if self.prometheus:
            self.prometheus.stop()


class Servers(Walk):
    name, alerts, stage = "servers", ("OrbSitesInTrouble",), "first_byte"

    def trouble(self):
        self.between.ill = True
        return f"a third of the sites begin to answer {LATE_SECONDS} s late, every second time with 503"


class Dns(Walk):
    name, alerts, stage = "dns", ("OrbDnsInTrouble",), "dns"
    # So many that there are always sites nobody has asked for yet.
    web = [*HEALTHY[:-8], "--latency", "1s", "--sites", "100000", "--pages-per-site", "20", "--addresses", "300"]

    def settings(self):
        return ["--set", "limits.in_flight_max=40"]

    def trouble(self):
        self.between.silent = True
        return "the name server falls silent"


class Disk(Walk):
    name, alerts = "disk", ("OrbDiskFull",)

    def settings(self):
        return ["--set", "disk_free_min=200MiB"]

    def start(self, served):
        self.out.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3g", "none", str(self.out)], check=True)
        super().start(served)

    def trouble(self):
        self.fill(600)
        return "somebody else's file takes the disk's room, more by the second"

    def fill(self, mebibytes_left):
        room = os.statvfs(self.out)
        take = room.f_bavail * room.f_frsize - (mebibytes_left << 20)
        with open(self.out / "ballast", "ab") as ballast:
            while take > 0:
                ballast.write(bytes(min(1 << 20, take)))
                take -= 1 << 20

    def more(self):
        room = os.statvfs(self.out)
        left = room.f_bavail * room.f_frsize >> 20
        if left > 150:
            self.fill(max(150, left - max(1, round(5 * self.told.faster / 20))))
        firing = self.prometheus.firing().get("OrbDiskFillsUp")
        if firing and not getattr(self, "warned", False):
            self.warned = True
            say(f"disk: first the warning OrbDiskFillsUp: {firing['annotations']['summary']}")

    def look(self):
        if not getattr(self, "warned", False):
            raise Failed("OrbDiskFillsUp did not fire before")
        show("orb status", self.orb("status", str(self.out)))
        (self.out / "ballast").unlink()
        before = requests(self.orb("status", str(self.out), "--json"))
        for _ in range(60):
            time.sleep(1)
            if requests(self.orb("status", str(self.out), "--json")) > before:
                say("disk: with room again the crawl goes on by itself")
                return
        raise Failed("the crawl did not go on when there was room")

    def end(self):
        super().end()
        subprocess.run(["umount", "-l", str(self.out)], check=False)


class Flood(Walk):
    name, alerts = "flood", ("OrbOneTakesOver",)
    # Of the others enough is left to fetch, and soon nothing to find.
    web = [*HEALTHY[:-4], "--pages-per-site", "150", "--addresses", "300"]
    HOME = "127.98.0.1"

    def seeds(self, served):
        port = free_port()
        threading.Thread(target=lambda: asyncio.run(self.serve(port)), daemon=True).start()
        self.floods = False
        file = self.folder / "seeds.txt"
        file.write_text(Path(served["seeds"]).read_text() + f"http://{self.HOME}:{port}/\n")
        return str(file)

    async def serve(self, port):
        server = await asyncio.start_server(self.page, self.HOME, port)
        await server.serve_forever()

    async def page(self, reader, writer):
        """Ten links to itself while in good health, then thousands."""
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                self.served = getattr(self, "served", 0) + 1
                number = 5_000 if self.floods else 10
                links = "".join(f"<a href=/{self.served}/{at}>{at}</a>\n" for at in range(number))
                body = f"<!doctype html><title>{self.served}</title>{links}".encode()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body))
                writer.write(body)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def trouble(self):
        self.floods = True
        return "each page of one site begins to link to five thousand others of it"

    def look(self):
        show("orb inspect site", self.orb("inspect", "site", self.HOME, str(self.out)))


WALKS = [Servers, Dns, Disk, Flood]


def requests(status):
    return json.loads(status.splitlines()[-1])["pages"]


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", flush=True)


def show(command, text):
    say(f"$ {command}\n" + "\n".join(f"    {line}" for line in text.rstrip().splitlines()))


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--walk", action="append", choices=[walk.name for walk in WALKS], help="only this one")
    told.add_argument("--faster", type=float, default=20, help="what the rules' time spans are divided by")
    told.add_argument("--keep", help="folder to work in and to leave as it is")
    told = told.parse_args()
    for tool in ("prometheus", "promtool"):
        if not shutil.which(tool):
            sys.exit(f"{tool} is not installed")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    told.orb = program(told.orb)
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for walk in WALKS:
            if told.walk and walk.name not in told.walk:
                continue
            place = Path(told.keep or folder) / walk.name
            place.mkdir(parents=True)
            try:
                walk(told, place).run()
                say(f"{walk.name}: arrived")
            except Failed as why:
                failed.append(walk.name)
                say(f"{walk.name}: FAILED: {why}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

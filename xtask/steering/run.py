#!/usr/bin/env python3
"""The long run `steering`: a crawl of 100,000 queued sites is steered while it runs, and killed in the middle of orders.

`orb simweb` serves the sites and logs when each request began. The crawl takes all of them as seeds. While it crawls,
domains and a pattern are excluded, domains opt out, budgets and priorities are set, and in the end all of it is taken
back. Judged, at the servers: no request to what was taken out begins later than a second after the order was asked for,
until it is taken back, and then they come again. Dry runs foretell the effect: exactly for domains, as a bound for the
pattern. Every order is in the trail, with who and why. `orb audit` agrees. /metrics is read by the strict OpenMetrics
parser of prometheus_client and by `promtool check metrics`; it stays below a megabyte, and names no host, URL or folder.

Then another crawl is killed with SIGKILL in the middle of an order, and started again, round after round: the order is
given, whole, or was not given; one that was acknowledged is given.

  xtask/steering/run.py [--orb FILE] [--sites N] [--rounds N] [--seed N]

Needs python3 with prometheus_client, promtool (Debian: prometheus), cargo; loopback only; three minutes and a gigabyte
of disk. Exit 1 when a promise is broken.
"""

import argparse
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402
from synthetic_web import SyntheticWeb  # noqa: E402

WEB = ["--pages-per-site", "60", "--size", "tiny", "--faults", "none", "--https-share", "0", "--addresses", "200"]
WHY = "steering, the long run"
LATE_MAX = 1.0
METRICS_BYTES_MAX = 1 << 20
# Label sets are closed: this many, whatever is crawled.
SERIES_MAX = 500


def now():
    """The clock of the server's log."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def site_of(host):
    """The registrable domain of a host of the synthetic web."""
    return ".".join(host.split(":")[0].split(".")[-2:])


def among(sites):
    """Whether a host is of one of these sites."""
    sites = frozenset(sites)
    return lambda host: site_of(host) in sites


def say(text):
    print(text, flush=True)


class Crawl:
    """A crawl of the synthetic web, and commands to it."""

    def __init__(self, orb, out, config):
        self.orb, self.out, self.process, self.page = orb, str(out), None, None
        self.environment = {**os.environ, "XDG_CONFIG_HOME": str(config), "USER": "operator"}

    def start(self, served, *more):
        command = [self.orb, "crawl", "--out", self.out, "--dns", served["dns"], "--allow-net", served["range"],
                   "--contact", "steering@example.org", "--plain", *more]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        env=self.environment)
        while "--listen" in more and self.page is None:
            line = self.process.stderr.readline()
            if not line:
                sys.exit("the crawl ended before it listened")
            if "/metrics" in line:
                self.page = line.split()[-1]

    def run(self, *arguments, fine=(0,)):
        """A command's end: its JSON lines."""
        done = subprocess.run([self.orb, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=self.environment, timeout=120)
        if done.returncode not in fine:
            sys.exit(f"orb {' '.join(arguments)[:200]}: exit {done.returncode}: {done.stderr[-2000:]}")
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def order(self, *arguments, dry=False):
        """When it was asked for, and its replies."""
        began = now()
        more = ["--dry-run"] if dry else ["--why", WHY]
        return began, self.run(*arguments, "--out", self.out, "--json", *more)

    def answers(self):
        """Waits for its socket: who asks a crawl that is only starting would take its folder's lock."""
        for _ in range(600):
            try:
                with socket.socket(socket.AF_UNIX) as there:
                    there.connect(f"{self.out}/state/control.sock")
                return
            except OSError:
                time.sleep(0.05)
        sys.exit(f"the crawl does not answer: {self.process.poll()}")

    def status(self):
        """How it stands; nothing while its folder is being made."""
        told = self.run("status", self.out, "--json", fine=(0, 2))
        return told[-1] if told else {"phase": "", "states": {}}

    def until(self, what, asked, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status = self.status()
            if asked(status):
                return status
            time.sleep(0.3)
        sys.exit(f"{what} did not come about: {json.dumps(status)[:600]}")

    def orders(self):
        return self.run("orders", self.out, "--json")


class Judge:
    def __init__(self):
        self.broken, self.spans = [], []

    def hold(self, fine, words):
        if not fine:
            self.broken.append(words)

    def taken_out(self, kind, matches, asked, few=False):
        """From here on nobody may ask there; `few`: where it is hosts too few to be asked soon again."""
        span = {"kind": kind, "matches": matches, "asked": asked, "back": float("inf"), "few": few}
        self.spans.append(span)
        return span

    def requests(self, log):
        """Holds the servers' log against what was taken out when."""
        rows = [json.loads(line) for line in log.read_text().splitlines()]
        hosts = {}
        for row in rows:
            hosts.setdefault(row["host"].split(":")[0], []).append(row)
        for span in self.spans:
            inside, again, latest, robots = 0, 0, 0.0, 0
            for host, asked in hosts.items():
                if not span["matches"](host):
                    continue
                for row in asked:
                    begun = row["begun_us"] / 1e6
                    # A pattern is about pages; where some are left to judge, robots.txt is asked for.
                    if "pattern" in span["kind"] and row["path"] == "/robots.txt":
                        robots += span["asked"] < begun < span["back"]
                        continue
                    if span["asked"] < begun < span["back"]:
                        inside += 1
                        latest = max(latest, begun - span["asked"])
                    again += begun > span["back"]
            say(f"{span['kind']}: {inside} requests after it was asked for, the last {latest * 1000:.0f} ms later; "
                f"{again} after it was taken back" + (f"; {robots} times robots.txt" if robots else ""))
            self.hold(latest <= LATE_MAX, f"{span['kind']}: a request began {latest:.3f} s after it was asked for")
            # Of a hundred thousand sites a single one may have no turn in what is left of the time.
            self.hold(again > 0 or span["few"], f"{span['kind']}: nobody was asked after it was undone")
        return rows


def read_metrics(crawl, judge, secrets):
    """The metrics of this moment: read by strict parsers, short, and without a stranger's word."""
    ask = urllib.request.Request(crawl.page, headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    open_text = urllib.request.urlopen(ask, timeout=10).read().decode()
    plain = urllib.request.urlopen(crawl.page, timeout=10).read()
    families = list(text_string_to_metric_families(open_text))
    checked = subprocess.run(["promtool", "check", "metrics"], input=plain, capture_output=True)
    judge.hold(checked.returncode == 0, f"promtool: {checked.stdout.decode()}{checked.stderr.decode()}")
    judge.hold(len(open_text) < METRICS_BYTES_MAX, f"/metrics has {len(open_text)} bytes")
    said = [secret for secret in secrets if secret in open_text]
    judge.hold(not said, f"/metrics says {said}")
    series = sum(len(family.samples) for family in families)
    values = {(sample.name, *sorted(sample.labels.items())): sample.value
              for family in families for sample in family.samples}
    say(f"/metrics: {len(open_text)} bytes, {len(families)} families, {series} series; the strict parser and promtool accept it")
    judge.hold(values[("orb_events_total", ("event", "politeness_breached"))] == 0, "a pause was broken")
    return series


def steer(crawl, judge, sites, seed):
    """Orders of every kind, their dry runs, and all of it undone."""
    draw = random.Random(seed)
    names = [f"s{number:06}.sim" for number in draw.sample(range(sites), 220)]
    singles, outs, bounded, liked, calm = names[:100], names[100:120], names[120:140], names[140:150], names[150:200]
    given, undos = [], []

    # While nothing moves a dry run is the effect, to the URL.
    crawl.run("pause", crawl.out)
    crawl.until("a pause", lambda now: now["phase"] == "paused" and now["states"]["in_flight"] == 0)
    _, foreseen = crawl.order("exclude", "add", *calm, dry=True)
    asked, done = crawl.order("exclude", "add", *calm)
    effects = [[reply["effect"] for reply in replies] for replies in (foreseen, done)]
    judge.hold(effects[0] == effects[1], f"dry run and effect of domains differ: {effects}")
    judge.hold(all(e["urls_min"] == e["urls_max"] for e in effects[1]), "the effect of a domain is not exact")
    urls = sum(effect["urls_max"] for effect in effects[1])
    judge.hold(urls > 0, "domains without URLs are no test")
    say(f"{len(calm)} domains: {urls} URLs foreseen, {urls} excluded")
    undos.append((judge.taken_out("domains, while paused", among(calm), asked),
                  [reply["order"] for reply in done]))
    crawl.run("resume", crawl.out)

    asked, done = crawl.order("exclude", "add", *singles)
    undos.append((judge.taken_out("domains, one by one", among(singles), now()),
                  [reply["order"] for reply in done]))
    say(f"{len(singles)} domains were excluded in {now() - asked:.2f} s, one command")
    for name in names[200:205]:
        asked, done = crawl.order("exclude", "add", name)
        undos.append((judge.taken_out(f"the domain {name}", among([name]), asked, few=True), [done[0]["order"]]))

    pattern, matches = "*://s00*7.sim*", lambda host: host.startswith("s00") and host.endswith("7.sim")
    before = crawl.status()["states"]
    _, foreseen = crawl.order("exclude", "add", pattern, dry=True)
    asked, done = crawl.order("exclude", "add", pattern)
    undos.append((judge.taken_out(f"the pattern {pattern}", matches, asked), [done[0]["order"]]))
    time.sleep(5)
    rule = lambda states: states["excluded"].get("rule", 0)
    settled = rule(crawl.status()["states"]) - rule(before)
    bound = foreseen[0]["effect"]
    say(f"the pattern: {bound['urls_min']} to {bound['urls_max']} URLs foreseen, {settled} settled in five seconds")
    judge.hold(bound["urls_min"] <= settled <= bound["urls_max"], f"{settled} URLs are outside of {bound}")

    asked = now()
    crawl.run("opt-out", *outs, "--out", crawl.out, "--why", WHY)
    span = judge.taken_out("opt-outs", among(outs), now())
    say(f"{len(outs)} domains opted out in {now() - asked:.2f} s")

    budget = []
    for name in bounded:
        _, dry = crawl.order("budget", "set", name, "pages=1", dry=True)
        asked, done = crawl.order("budget", "set", name, "pages=1")
        judge.hold(done[0]["order"] > 0 and "effect" in dry[0], f"budget of {name}")
        budget.append((name, asked, done[0]["order"]))
    for name in liked:
        crawl.order("priority", "set", name, "high")
        crawl.order("rate", "set", name, "3s")
    time.sleep(15)

    for out, orders in undos:
        out["back"] = now()
        for order in orders:
            crawl.order("exclude", "undo", str(order))
    span["back"] = now()
    crawl.run("opt-out", *outs, "--undo", "--out", crawl.out, "--why", WHY)
    for _, _, order in budget[:10]:
        crawl.order("budget", "undo", str(order))
    return budget, pattern


def judge_budgets(judge, rows, budget):
    """A site with a budget of one URL has no second page after the order."""
    for name, asked, _ in budget[10:]:
        pages = [row for row in rows if site_of(row["host"]) == name and row["path"] != "/robots.txt"]
        before = sum(row["begun_us"] / 1e6 <= asked + LATE_MAX for row in pages)
        # One request may have been on its way to the clock of its address.
        judge.hold(len(pages) <= max(1, before + 1), f"{name}: {len(pages)} pages, {before} before its budget of one")


def judge_trail(crawl, judge):
    orders = crawl.orders()
    numbers = [order["order"] for order in orders]
    judge.hold(numbers == list(range(1, len(orders) + 1)), "the trail's numbers are not one after the other")
    nameless = [order for order in orders if order["who"] != "operator" and order["act"] not in ("pause", "resume", "stop")]
    judge.hold(not nameless, f"orders by nobody: {nameless[:3]}")
    kinds = {kind: sum(order["act"] == kind for order in orders) for kind in sorted({order["act"] for order in orders})}
    say(f"the trail: {len(orders)} orders, {json.dumps(kinds)}")
    for kind, least in [("exclude", 156), ("opt_out", 20), ("undo", 186), ("budget", 20), ("priority", 10), ("rate", 10)]:
        judge.hold(kinds.get(kind, 0) >= least, f"the trail has {kinds.get(kind, 0)} of {kind}")
    judge.hold(all(order.get("why") == WHY for order in orders if order["act"] in ("exclude", "budget", "priority")),
               "the trail does not say why")


def at_size(told, folder, judge):
    log = folder / "requests.jsonl"
    crawl = Crawl(told.orb, folder / "crawl", folder / "config")
    web = [*WEB, "--sites", str(told.sites), "--log", str(log)]
    with SyntheticWeb(told.orb, folder / "web", web) as served:
        crawl.start(served, "--seeds", served["seeds"], "--delay", "1s", "--listen", "127.0.0.1:0", "--set",
                    "politeness.address_delay=5ms", "--max-duration", "10m")
        crawl.answers()
        known = crawl.until("queued sites", lambda now: now["sites_pending"] >= 0.97 * told.sites, 300)
        say(f"{known['sites_pending']} sites are queued, {known['pages']} pages fetched")
        secrets = [".sim", "s0000", "http:", str(folder), "steering@example.org"]
        read_metrics(crawl, judge, secrets)
        budget, _ = steer(crawl, judge, told.sites, told.seed)
        crawl.until("requests to what came back", lambda now: now["pages"] > 0, 10)
        time.sleep(25)
        series = read_metrics(crawl, judge, secrets)
        judge.hold(series < SERIES_MAX, f"/metrics has {series} series")
        crawl.run("stop", crawl.out, "--wait")
        code = crawl.process.wait(timeout=120)
        judge.hold(code in (0, 3), f"the crawl ended with {code}")
    rows = judge.requests(log)
    judge_budgets(judge, rows, budget)
    judge_trail(crawl, judge)
    audit = subprocess.run([told.orb, "audit", crawl.out], stdout=subprocess.PIPE, text=True)
    say(f"orb audit: exit {audit.returncode}; {len(rows)} requests at the servers")
    judge.hold(audit.returncode == 0, f"orb audit: {audit.stdout}")


def killed(told, folder, judge):
    """A crawl is killed at a random moment of an order: it is in the book, whole, or it is not."""
    draw, crawl = random.Random(told.seed), Crawl(told.orb, folder / "killed", folder / "config2")
    given, lost, unanswered = 0, 0, 0
    with SyntheticWeb(told.orb, folder / "web2", [*WEB, "--sites", "200"]) as served:
        for number in range(told.rounds):
            more = ["--seeds", served["seeds"]] if number == 0 else []
            crawl.start(served, *more, "--delay", "2s")
            crawl.answers()
            crawl.until("a crawl", lambda now: now["phase"] == "running", 60)
            what = f"k{number}.example"
            arguments = [("exclude", "add", what), ("budget", "set", what, "pages=3"), ("opt-out", what)][number % 3]
            command = [told.orb, *arguments, "--out", crawl.out, "--why", WHY]
            asking = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=crawl.environment)
            time.sleep(draw.uniform(0.0, 0.03))
            crawl.process.send_signal(signal.SIGKILL)
            crawl.process.wait()
            crawl.process.stderr.close()
            acknowledged = asking.wait(timeout=60) == 0
            asking.communicate()
            orders = crawl.orders()
            mine = [order for order in orders if what in json.dumps(order)]
            judge.hold(len(mine) == 1 or (not mine and not acknowledged),
                       f"round {number}: {len(mine)} orders, acknowledged: {acknowledged}")
            judge.hold([order["order"] for order in orders] == list(range(1, len(orders) + 1)), f"round {number}: numbers")
            given, lost, unanswered = given + bool(mine), lost + (not mine), unanswered + (not acknowledged)
    say(f"{told.rounds} kills in the middle of an order: {given} given, {lost} not given, {unanswered} not acknowledged")
    judge.hold(unanswered > 0, "no kill hit an order: they prove nothing")
    checked = subprocess.run([told.orb, "state", "check", crawl.out], stdout=subprocess.PIPE, text=True)
    judge.hold(checked.returncode == 0, f"orb state check: {checked.stdout}")


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--sites", type=int, default=100_000)
    told.add_argument("--rounds", type=int, default=60)
    told.add_argument("--seed", type=int, default=1)
    told = told.parse_args()
    told.orb = program(told.orb)
    judge = Judge()
    with tempfile.TemporaryDirectory() as folder:
        at_size(told, Path(folder), judge)
        killed(told, Path(folder), judge)
    print("\n".join(judge.broken) or "every promise was kept")
    return 1 if judge.broken else 0


if __name__ == "__main__":
    sys.exit(main())

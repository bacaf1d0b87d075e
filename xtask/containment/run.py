#!/usr/bin/env python3
"""The long run `containment`: every way into a private network, tried; not one packet may reach it.

In a network namespace of its own stand a public web, a resolver, and what must not be reached: the cloud's metadata
address, private networks, the machine itself. Pages of the public web point there in every notation: as seeds, links,
redirects, refreshes, canonical links, redirects of robots.txt, names with private addresses, names that lead to such
names, names that change between a public and a private address with every answer. Every packet of the namespace is
looked at: one with a guarded destination breaks the promise. The public pages, by IPv4 and IPv6, must all be captured,
and `orb audit` must pass.

Then the same with the first layer off: every range is opened to the crawler, which runs as a user of its own, and the
rules that `orb identity firewall` prints drop what it sends to guarded addresses. Again not one packet, and the public
pages are captured. At last one range is opened and nothing drops: packets must be seen, or the watch is blind.

  xtask/containment/run.py [--orb FILE]

Needs root (for the namespace), python3, ip, nft (package nftables), unshare, cargo. Two minutes. Exit 1 when a promise is broken.
"""

import argparse
import errno
import html
import ipaddress
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402

WEB, RESOLVER, WEB6 = "93.184.215.14", "9.9.9.9", "2a00:1450:4001:80b::200e"
METADATA, INNER, INNER6 = "169.254.169.254", "10.0.0.5", "fd00::5"
PUBLIC = {WEB, RESOLVER, WEB6}

TARGETS = [
    f"http://{METADATA}/latest/meta-data/", "http://2852039166/latest/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/",
    "http://169.254.43518/", f"http://[::ffff:{METADATA}]/", "http://[::ffff:a9fe:a9fe]/", "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/", f"http://{INNER}/", "http://10.5/", "http://012.0.0.5/", f"http://[::ffff:{INNER}]/",
    "http://[::ffff:0:10.0.0.5]/", "http://[::10.0.0.5]/", f"http://[{INNER6}]/", "http://[::1]/", "http://[::]/",
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0/", "http://0.0.0.0/", "http://localhost/",
    "http://localhost./", "http://192.168.0.1/", "http://172.16.0.1/", "http://100.64.0.1/", "http://[fe80::1]/",
    "http://１６９.２５４.１６９.２５４/", "http://inner.test/", "http://leads-in.test/", "http://inner6.test/", "http://metadata.test/",
]
HOPS = [f"hop-{number}.test" for number in range(len(TARGETS))]
REBINDING = 100
NOBODY = 65534


class Page(BaseHTTPRequestHandler):
    """The public web, told by host and path. Whoever is asked at a guarded address answers too."""

    protocol_version = "HTTP/1.1"
    served = []

    def do_GET(self):
        host = (self.headers["Host"] or "").split(":")[0]
        Page.served.append((self.connection.getsockname()[0].removeprefix("::ffff:"), host, self.path))
        status, fields, body = self.answer(host, self.path)
        body = body.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", "Content-Length": len(body), **fields}.items():
            # The library writes Latin-1; what it is given stands for the bytes of UTF-8.
            self.send_header(name, str(value).encode().decode("latin-1"))
        self.end_headers()
        self.wfile.write(body)

    def answer(self, host, path):
        if path == "/robots.txt":
            if host in HOPS:
                return 302, {"Location": TARGETS[HOPS.index(host)]}, ""
            return 404, {}, ""
        link = lambda url: f'<a href="{html.escape(url)}">x</a>\n'
        if host == "web.test" and path == "/":
            ways = [f"/{way}/{number}" for way in ["redirect", "refresh", "canonical"] for number in range(len(TARGETS))]
            names = [f"http://{name}/" for name in [*HOPS, "six.test", "mixed.test"]]
            names += [f"http://rebinding.test/{number}" for number in range(REBINDING)]
            return 200, {}, "".join(map(link, [*TARGETS, *ways, *names]))
        way, _, number = path[1:].partition("/")
        if host == "web.test" and number.isdigit() and int(number) < len(TARGETS):
            target = TARGETS[int(number)]
            if way == "redirect":
                return 302, {"Location": target}, ""
            if way == "refresh":
                return 200, {}, f'<meta http-equiv="refresh" content="0; url={html.escape(target)}">'
            if way == "canonical":
                return 200, {}, f'<link rel="canonical" href="{html.escape(target)}">page {number}'
        return 200, {}, f"<title>{html.escape(host)}</title>{html.escape(path)}"

    def log_message(self, *_):
        pass


class Web(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True
    request_queue_size = 256

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def records(name, kind, turn):
    """Answers to a question: (name, type, data) each."""
    a = lambda address: (name, 1, socket.inet_aton(address))
    aaaa = lambda address: (name, 28, socket.inet_pton(socket.AF_INET6, address))
    if name == "leads-in.test":
        label = b"\5inner\4test\0"
        return [(name, 5, label)] + ([("inner.test", 1, socket.inet_aton(INNER))] if kind == 1 else [])
    v4 = {"inner.test": [INNER], "metadata.test": [METADATA], "mixed.test": [WEB, INNER], "six.test": [], "inner6.test": [],
          "localhost": ["127.0.0.1"], "rebinding.test": [WEB if turn % 2 else INNER]}.get(name, [WEB])
    v6 = {"six.test": [WEB6], "inner6.test": [INNER6, "::1"], "localhost": ["::1"]}.get(name, [])
    return [a(address) for address in v4] if kind == 1 else [aaaa(address) for address in v6] if kind == 28 else []


def resolve():
    """Answers questions for ever, every answer good for no time at all."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((RESOLVER, 53))
    encode = lambda name: b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0"
    turns = {}
    while True:
        query, sender = sock.recvfrom(4096)
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        turns[name] = turns.get(name, 0) + (kind == 1)
        found = records(name, kind, turns[name])
        reply = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(found), 0, 0) + query[12:at + 5]
        for owner, code, data in found:
            reply += encode(owner) + struct.pack(">HHIH", code, 1, 0, len(data)) + data
        sock.sendto(reply, sender)


class Watch(threading.Thread):
    """Counts packets by destination."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self.packets, self.guarded = 0, {}

    def forget(self):
        self.packets, self.guarded = 0, {}

    def run(self):
        while True:
            frame = self.socket.recv(65535)
            kind = frame[12:14]
            if kind == b"\x08\x00":
                to = str(ipaddress.ip_address(frame[30:34]))
            elif kind == b"\x86\xdd":
                to = str(ipaddress.ip_address(frame[38:54]))
            else:
                continue
            self.packets += 1
            # Neighbours and routers are found by groups of IPv6, which nobody crawls.
            if to not in PUBLIC and not to.startswith("ff02"):
                self.guarded[to] = self.guarded.get(to, 0) + 1


def inside(orb):
    run = lambda *words: subprocess.run(words, check=True)
    run("ip", "link", "set", "lo", "up")
    for address in [WEB, RESOLVER, METADATA, INNER, "192.168.0.1", "172.16.0.1", "100.64.0.1"]:
        run("ip", "address", "add", f"{address}/32", "dev", "lo")
    for address in [WEB6, INNER6]:
        run("ip", "-6", "address", "add", f"{address}/128", "dev", "lo", "nodad")
    web = Web(("::", 80), Page)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    threading.Thread(target=resolve, daemon=True).start()
    watch = Watch()
    watch.start()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        rows = crawl(orb, Path(folder), "closed", "40s")
        broken = judge(rows, watch)
        broken |= second_layer(orb, Path(folder), watch)
        # Who sees nothing proves nothing: with one range opened, packets must be seen.
        crawl(orb, Path(folder), "opened", "10s", "--allow-net", "10.0.0.0/8")
    opened = watch.guarded.get(INNER, 0)
    print(f"with 10.0.0.0/8 opened: {opened} packets to {INNER}")
    return 1 if broken or not opened else 0


def second_layer(orb, folder, watch):
    """The crawl with every range opened, as a user whose packets to guarded ranges the firewall drops."""
    print("with every range opened, and the firewall's rules:")
    own = folder / "own"
    own.mkdir()
    os.chown(own, NOBODY, NOBODY)
    orb = shutil.copy(orb, folder / "orb")
    rules = subprocess.run([orb, "identity", "firewall", "--user", str(NOBODY), "--dns", f"{RESOLVER}:53"],
                           check=True, stdout=subprocess.PIPE, text=True).stdout
    subprocess.run(["nft", "-f", "-"], input=rules, check=True, text=True)
    # The rules are for the crawler's packets alone: not for another user's, and not for those that no user sends, by
    # which IPv6 finds its neighbours.
    broken = not reaches_neighbour()
    watch.forget()
    Page.served.clear()
    rows = crawl(orb, own, "open", "60s", "--allow-net", "0.0.0.0/0", "--allow-net", "::/0",
                 "--set", "fetch.connect_timeout=1s", user=NOBODY)
    broken |= judge(rows, watch)
    shown = subprocess.run(["nft", "list", "table", "inet", "orbweaver"], check=True, stdout=subprocess.PIPE, text=True).stdout
    dropped = sum(int(count) for count in re.findall(r"counter packets (\d+)", shown))
    tried = {row["address"] for row in rows if row.get("address") and host_of(row["address"]) not in PUBLIC}
    print(f"the firewall dropped {dropped} packets; the crawler tried {len(tried)} guarded addresses")
    subprocess.run(["nft", "delete", "table", "inet", "orbweaver"], check=True)
    if broken:
        print("the firewall's rules are not right, or stand in others' way")
    if not dropped:
        print("nothing was dropped: the first layer was not off, and the second not tried")
    return broken or not dropped


def host_of(address):
    return address.rsplit(":", 1)[0].strip("[]")


def reaches_neighbour():
    """Whether root gets an answer from a machine on a link of its own, by IPv6."""
    other = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo; exec sleep 60"], stdout=subprocess.PIPE)
    other.stdout.readline()
    inside = ["nsenter", "--net", "--target", str(other.pid)]
    try:
        for command in [["ip", "link", "add", "near", "type", "veth", "peer", "name", "far"],
                        ["ip", "link", "set", "far", "netns", str(other.pid)],
                        ["ip", "address", "add", "fd12::1/64", "dev", "near", "nodad"],
                        ["ip", "link", "set", "near", "up"],
                        [*inside, "ip", "address", "add", "fd12::2/64", "dev", "far", "nodad"],
                        [*inside, "ip", "link", "set", "far", "up"]]:
            subprocess.run(command, check=True)
        # Nobody listens there: to be refused is an answer.
        return socket.socket(socket.AF_INET6).connect_ex(("fd12::2", 9)) == errno.ECONNREFUSED
    finally:
        other.kill()
        other.wait()


def crawl(orb, folder, name, time, *more, user=None):
    """Rows of the attempts of a crawl of everything, as a user of its own if one is given."""
    out, seeds = folder / name, folder / "seeds.txt"
    seeds.write_text("\n".join(["http://web.test/", *TARGETS]) + "\n")
    command = [orb, "crawl", "--seeds", str(seeds), "--out", str(out), "--scope", "any", "--dns", f"{RESOLVER}:53"]
    command += ["--contact", "crawl@example.org", "--delay", "0s", "--quiet", "--max-duration", time]
    command += ["--set", "politeness.address_delay=0s", "--set", "politeness.site_delay_factor=0"]
    # Names are asked for again and again, so that one that changes does so often.
    command += ["--set", "dns.ttl_min=0s", "--set", "dns.stale_max=0s", *more]
    environment = {**os.environ, "HOME": str(folder)}
    subprocess.run(command, check=True, timeout=180, user=user, group=user, extra_groups=[] if user else None, env=environment)
    subprocess.run([orb, "audit", str(out)], check=True, timeout=60, stdout=subprocess.DEVNULL)
    return [json.loads(line) for file in (out / "index/attempts").iterdir() for line in file.read_text().splitlines()]


def judge(rows, watch):
    wrong = [f"{count} packets to {address}" for address, count in sorted(watch.guarded.items())]
    wrong += [f"asked at {at}: http://{host}{path}" for at, host, path in Page.served if at not in PUBLIC]
    pages = {row["url"] for row in rows if row["kind"] == "page" and row.get("status") == 200}
    own = [f"http://web.test/{way}/{number}" for way in ["refresh", "canonical"] for number in range(len(TARGETS))]
    rebound = [f"http://rebinding.test/{number}" for number in range(REBINDING)]
    missing = [url for url in ["http://web.test/", "http://six.test/", *own] if url not in pages]
    wrong += [f"not captured: {url}" for url in missing]
    came = sum(url in pages for url in rebound)
    if came == 0:
        wrong.append("nothing of rebinding.test was captured from its public address")
    print("\n".join(wrong))
    print(f"{watch.packets} packets, {sum(watch.guarded.values())} to guarded addresses; {len(TARGETS)} notations by seven "
          f"ways; {len(pages)} public pages captured, {came} of {REBINDING} of the name that rebinds")
    return bool(wrong)


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    told = told.parse_args()
    if told.inside:
        return inside(told.orb)
    if os.getuid() != 0:
        sys.exit("needs root: a network namespace is made")
    if shutil.which("nft") is None:
        sys.exit("needs nft: apt-get install nftables")
    orb = program(told.orb)
    return subprocess.run(["unshare", "--net", sys.executable, __file__, "--inside", "--orb", Path(orb).resolve()]).returncode


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""A second opinion on what can be reached: a plain breadth-first walk with html.parser and ada's URL parser.

In: the running web of web.py. Out: a JSON object of walks, each URL to {status, type, by}, where `by` lists how pages
refer to it; and `forbidden`, the URLs that robots.txt kept the walk from. Two walks: `followed` goes where a crawler of pages goes (a, area, frame, iframe, meta refresh, link rel=canonical,
alternate, next, prev; no nofollow, no disallowed path); `wide` goes over every reference that HTML knows besides,
which is what wget follows, so that its surplus can be told apart by cause.

  reference.py OUT.json
"""

import collections
import html.parser
import http.client
import json
import re
import ssl
import sys
import urllib.parse

import ada_url

import web

FOLLOWED_TAGS = {"a": "href", "area": "href", "frame": "src", "iframe": "src"}
FOLLOWED_RELS = {"canonical", "alternate", "next", "prev", "previous"}
REQUISITE_RELS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "apple-touch-icon"}
# Where wget looks besides (its html-url.c, from its manual and by observation).
OTHER = {"img": ["src", "href", "lowsrc"], "script": ["src"], "form": ["action"], "embed": ["src", "href"],
         "object": ["data"], "input": ["src"], "body": ["background"], "table": ["background"], "td": ["background"],
         "th": ["background"], "bgsound": ["src"], "applet": ["code"], "audio": ["src"], "video": ["src", "poster"],
         "source": ["src"], "layer": ["src"], "overlay": ["src"], "fig": ["src"]}
HTML_TYPES = ("text/html", "application/xhtml+xml")


def canonical(url, base=None):
    """The WHATWG form without its fragment; None for what is no http(s) URL."""
    try:
        parsed = ada_url.URL(url, base=base) if base else ada_url.URL(url)
    except ValueError:
        return None
    if parsed.protocol not in ("http:", "https:"):
        return None
    parsed.hash = parsed.username = parsed.password = ""
    return parsed.href


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.base, self.links, self.nofollow, self.template = None, [], False, 0

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        if tag == "template" and self.template:
            self.template -= 1

    def handle_starttag(self, tag, attributes):
        given = {}
        for name, value in attributes:
            given.setdefault(name, value or "")
        rel = set(given.get("rel", "").lower().replace(",", " ").split())
        if tag == "template":
            self.template += 1
        elif self.template:
            return
        elif tag == "base" and self.base is None and "href" in given:
            self.base = given["href"]
        elif tag == "meta":
            self.meta(given)
        elif tag == "link" and "href" in given:
            followed = rel & FOLLOWED_RELS and not rel & REQUISITE_RELS and "nofollow" not in rel
            self.add(given["href"], f"link rel={given.get('rel', '')}", bool(followed))
        elif tag in FOLLOWED_TAGS and FOLLOWED_TAGS[tag] in given:
            self.add(given[FOLLOWED_TAGS[tag]], tag, "nofollow" not in rel)
        for name in OTHER.get(tag, []):
            if name in given:
                self.add(given[name], tag, False)

    def meta(self, given):
        name, content = given.get("name", "").lower(), given.get("content", "")
        if name == "robots" and re.search(r"\b(nofollow|none)\b", content.lower()):
            self.nofollow = True
        if given.get("http-equiv", "").lower() == "refresh":
            found = re.match(r"\s*[\d.]+\s*[;,]?\s*(?:url\s*=\s*)?['\"]?([^'\"]*)", content, re.I)
            if found and found.group(1).strip():
                self.add(found.group(1).strip(), "meta refresh", True)

    def add(self, href, how, followed):
        self.links.append((href.strip("\t\n\f\r "), how, followed))


class Client:
    """Keep-alive connections straight to the table's addresses."""

    def __init__(self):
        self.open = {}
        self.tls = ssl.create_default_context()
        self.tls.check_hostname, self.tls.verify_mode = False, ssl.CERT_NONE

    def get(self, url):
        parts = urllib.parse.urlsplit(url)
        key = (parts.scheme, parts.netloc)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        for attempt in (1, 2):
            if key not in self.open:
                self.open[key] = self.connect(parts)
            try:
                self.open[key].request("GET", target, headers={"Host": parts.netloc, "User-Agent": "reference"})
                answer = self.open[key].getresponse()
                return answer.status, dict((k.lower(), v) for k, v in answer.getheaders()), answer.read()
            except (http.client.HTTPException, OSError):
                self.open.pop(key).close()
                if attempt == 2:
                    raise

    def connect(self, parts):
        address = web.names()[parts.hostname]
        port = parts.port or (443 if parts.scheme == "https" else 80)
        if parts.scheme == "http":
            return http.client.HTTPConnection(address, port, timeout=30)
        return Tls(address, port, parts.hostname, self.tls)


class Tls(http.client.HTTPSConnection):
    """To an address, but greeting the server by name; also when http.client dials again by itself."""

    def __init__(self, address, port, name, context):
        super().__init__(address, port, timeout=30)
        self.name, self.tls = name, context

    def connect(self):
        http.client.HTTPConnection.connect(self)
        self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.name)


def in_scope(url):
    parts = urllib.parse.urlsplit(url)
    known = {(s, n) for s, n, *_ in web.VHOSTS}
    return (parts.scheme, parts.hostname or "") in known and url.startswith(web.origin(parts.scheme, parts.hostname) + "/")


def permitted(url):
    parts = urllib.parse.urlsplit(url)
    return web.allowed(parts.scheme, parts.hostname, parts.path + (f"?{parts.query}" if parts.query else ""))


class Walk:
    def __init__(self):
        self.client, self.pages, self.forbidden = Client(), {}, {True: set(), False: set()}

    def page(self, url):
        """Status, type, and [(target, how, followed)] of a URL; fetched once."""
        if url not in self.pages:
            status, head, body = self.client.get(url)
            kind = head.get("content-type", "").split(";")[0].strip().lower()
            links = []
            if 300 <= status < 400 and "location" in head:
                links.append((canonical(head["location"], url), "redirect", True))
            elif 200 <= status < 300 and kind in HTML_TYPES:
                links = self.links(url, body)
            self.pages[url] = (status, kind, [link for link in links if link[0] and link[0] != url])
        return self.pages[url]

    @staticmethod
    def links(url, body):
        parser = Links()
        parser.feed(body.decode("utf-8", "replace"))
        parser.close()
        base = (canonical(parser.base, url) if parser.base else None) or url
        return [(canonical(href, base), how, followed and not parser.nofollow) for href, how, followed in parser.links]

    def run(self, seeds, wide):
        """Breadth first; returns URL -> sorted kinds of reference seen."""
        by = {url: {"seed"} for url in seeds}
        queue = collections.deque(seeds)
        while queue:
            _, _, links = self.page(queue.popleft())
            for target, how, followed in links:
                if not (wide or followed) or not in_scope(target):
                    continue
                if not permitted(target):
                    self.forbidden[wide].add(target)
                    continue
                if target not in by:
                    by[target] = set()
                    queue.append(target)
                by[target].add(how)
        return by


def main():
    walk = Walk()
    seeds = [canonical(url) for url in web.seeds()]
    result = {}
    for name, wide in (("followed", False), ("wide", True)):
        by = walk.run(seeds, wide)
        result[name] = {
            url: {"status": walk.pages[url][0], "type": walk.pages[url][1], "by": sorted(how)}
            for url, how in sorted(by.items())
        }
        good = [page for page in result[name].values() if page["status"] == 200 and page["type"] in HTML_TYPES]
        print(f"reference: {name}: {len(result[name])} URLs, {len(good)} of them HTML pages with status 200")
    result["forbidden"] = sorted(walk.forbidden[False])
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(result, out)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The web of the long run `real-pages`: which names there are, what nginx serves for each, and the DNS for them.

In: a folder with unpacked documentation packages. Out: nginx.conf, certificates of an own authority, robots files,
seeds, a hosts file; a DNS server on one loopback port.
Invariant: this table is the only place that knows a name, an address or a robots rule; the checks read it from here.

  web.py prepare WORK          writes everything into WORK/web
  web.py dns ADDR:PORT         answers A queries from the table until it is ended
  web.py packages              prints the Debian packages whose pages are served
"""

import os
import pathlib
import socketserver
import struct
import subprocess
import sys

HTTP_PORT = int(os.environ.get("REAL_HTTP_PORT", "80"))
HTTPS_PORT = int(os.environ.get("REAL_HTTPS_PORT", "443"))


def port_suffix(scheme):
    port = HTTPS_PORT if scheme == "https" else HTTP_PORT
    return "" if port == (443 if scheme == "https" else 80) else f":{port}"


# A pause that robots.txt asks for; seconds.
GIT_CRAWL_DELAY = 1

GNU_ROBOTS = """\
# The first group is for somebody else.
User-agent: some-other-bot
Disallow: /

User-agent: *
Disallow: /user/a016
Disallow: /user/inherit
Disallow: /images/
"""

# Rules for which first match (wget) and longest match (RFC 9309) agree.
PYTHON_ROBOTS = """\
User-agent: *
Allow: /whatsnew/3.11.html
Disallow: /whatsnew/
Disallow: /_sources/
"""

GIT_ROBOTS = f"""\
User-agent: *
Crawl-delay: {GIT_CRAWL_DELAY}
Disallow: /technical/
Disallow: /RelNotes/
"""

HANDBOOK_ROBOTS = """\
User-agent: *
Disallow: /zh-CN/
Disallow: /zh-TW/
"""

# scheme, name, address, folder below usr/share/doc or None for a redirect, robots text or None for 404, nginx lines
VHOSTS = [
    ("https", "pydocs.test", "127.0.1.1", "python3.11/html", PYTHON_ROBOTS, "gzip on; gzip_types text/plain text/css;"),
    ("http", "pgdocs.test", "127.0.1.2", "postgresql-doc-15/html", None, ""),
    ("https", "pgdocs.test", "127.0.1.2", "postgresql-doc-15/html", "User-agent: *\nDisallow:\n", ""),
    ("https", "gitdocs.test", "127.0.1.2", "git-doc", GIT_ROBOTS, ""),
    ("http", "www.gitdocs.test", "127.0.1.2", None, None, f"return 301 https://gitdocs.test{port_suffix('https')}$request_uri;"),
    ("https", "handbook.test", "127.0.1.3", "debian-handbook/html", HANDBOOK_ROBOTS, "autoindex on; gzip_static on;"),
    ("http", "gnudocs.test", "127.0.1.4", "gcc-12-base/libstdc++", GNU_ROBOTS, ""),
]

# Packages that hold the folders above.
PACKAGES = ["python3.11-doc", "postgresql-doc-15", "git-doc", "debian-handbook", "libstdc++-12-doc"]

# Folders whose pages also lie beside themselves as `.gz`.
PRECOMPRESSED = ["debian-handbook/html"]

TYPES = {
    "text/html": "html htm",
    "text/css": "css",
    "text/plain": "txt",
    "text/xml": "xml",
    "application/javascript": "js",
    "image/png": "png",
    "image/svg+xml": "svg",
    "image/gif": "gif",
    "image/jpeg": "jpg jpeg",
}

LOG_FORMAT = (
    '{"msec":$msec,"request_time":$request_time,"address":"$server_addr","scheme":"$scheme","host":"$host",'
    '"uri":"$request_uri","method":"$request_method","status":$status,"type":"$sent_http_content_type",'
    '"coding":"$sent_http_content_encoding","framing":"$sent_http_transfer_encoding","bytes":$bytes_sent,'
    '"completion":"$request_completion","connection":$connection,"nth":$connection_requests,"age":$connection_time,'
    '"agent":"$http_user_agent"}'
)


def names():
    """Name to address."""
    return {name: address for _, name, address, *_ in VHOSTS}


def site_of(host):
    """The registrable domain: `test` is on no suffix list, so the last two labels."""
    return ".".join(host.split(".")[-2:])


def origin(scheme, name):
    return f"{scheme}://{name}{port_suffix(scheme)}"


def seeds():
    """One per origin; where a folder has its entry page is the server's business."""
    return [origin(scheme, name) + "/" for scheme, name, *_ in VHOSTS]


def rules_of(scheme, name):
    """Crawl-delay in seconds and [(allowed, prefix)] of the group `*`. The table's robots use plain prefixes only."""
    text = next(robots for s, n, _, _, robots, _ in VHOSTS if (s, n) == (scheme, name))
    delay, rules, ours = 0.0, [], False
    for line in (text or "").splitlines():
        line = line.split("#")[0].strip()
        key, _, value = (part.strip() for part in line.partition(":"))
        if key.lower() == "user-agent":
            ours = value == "*"
        elif ours and key.lower() == "crawl-delay":
            delay = float(value)
        elif ours and key.lower() in ("allow", "disallow") and value:
            rules.append((key.lower() == "allow", value))
    return delay, rules


def allowed(scheme, name, path):
    """The longest matching rule decides; a tie allows (RFC 9309, 2.2.2)."""
    _, rules = rules_of(scheme, name)
    matching = [(len(prefix), allow) for allow, prefix in rules if path.startswith(prefix)]
    return max(matching)[1] if matching else True


def server_block(vhost, work):
    scheme, name, address, folder, robots, lines = vhost
    secure = scheme == "https"
    port = HTTPS_PORT if secure else HTTP_PORT
    out = [f"  server {{ listen {address}:{port}{' ssl' if secure else ''}; server_name {name};"]
    if secure:
        out.append(f"    ssl_certificate {work}/web/{name}.pem; ssl_certificate_key {work}/web/{name}.key;")
    if folder:
        out.append(f"    root {work}/root/usr/share/doc/{folder};")
    body = "return 404;" if robots is None else f"default_type text/plain; alias {work}/web/robots-{scheme}-{name}.txt;"
    out.append(f"    location = /robots.txt {{ {body} }}")
    out.append(f"    location / {{ index index.html; {lines} }}\n  }}")
    return "\n".join(out)


def nginx_conf(work):
    types = " ".join(f"{kind} {suffixes};" for kind, suffixes in TYPES.items())
    blocks = "\n".join(server_block(vhost, work) for vhost in VHOSTS)
    return f"""\
user root; worker_processes 1; pid {work}/web/nginx.pid; error_log {work}/web/error.log warn;
events {{ worker_connections 1024; }}
http {{
  types {{ {types} }}
  default_type application/octet-stream;
  log_format real escape=json '{LOG_FORMAT}';
  access_log {work}/web/access.log real;
  sendfile on; keepalive_timeout 30s; keepalive_requests 100; gzip_min_length 256;
  absolute_redirect off;
  client_body_temp_path {work}/web/t1; proxy_temp_path {work}/web/t2; fastcgi_temp_path {work}/web/t3;
  uwsgi_temp_path {work}/web/t4; scgi_temp_path {work}/web/t5;
{blocks}
}}
"""


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificates(web):
    """An authority that exists for this run only, and a leaf for each name."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "7",
            "-subj", "/CN=real-pages authority", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", f"{web}/ca.key", "-out", f"{web}/ca.pem")
    for name in sorted({name for scheme, name, *_ in VHOSTS if scheme == "https"}):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{web}/{name}.key", "-out", f"{web}/{name}.csr")
        (web / "leaf.ext").write_text(
            f"subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\nkeyUsage=digitalSignature\n"
            "extendedKeyUsage=serverAuth\n")
        openssl("x509", "-req", "-in", f"{web}/{name}.csr", "-CA", f"{web}/ca.pem", "-CAkey", f"{web}/ca.key",
                "-CAcreateserial", "-days", "7", "-extfile", f"{web}/leaf.ext", "-out", f"{web}/{name}.pem")


def prepare(work):
    web = work / "web"
    web.mkdir(exist_ok=True)
    certificates(web)
    for scheme, name, _, _, robots, _ in VHOSTS:
        if robots is not None:
            (web / f"robots-{scheme}-{name}.txt").write_text(robots)
    for folder in PRECOMPRESSED:
        for page in (work / "root/usr/share/doc" / folder).rglob("*.html"):
            subprocess.run(["gzip", "-9kfn", str(page)], check=True)
    (web / "nginx.conf").write_text(nginx_conf(work))
    (web / "seeds.txt").write_text("\n".join(seeds()) + "\n")
    hosts = [f"{address} {name}" for name, address in names().items()]
    (web / "hosts").write_text("127.0.0.1 localhost\n" + "\n".join(hosts) + "\n")


class Answer(socketserver.BaseRequestHandler):
    """A records from the table; an empty answer for other types, NXDOMAIN for other names."""

    def handle(self):
        query, socket = self.request
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
            at += 1 + query[at]
        question = query[12:at + 5]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        address = names().get(".".join(labels))
        found = address is not None and kind == 1
        flags = 0x8580 if address else 0x8583
        head = query[:2] + struct.pack(">HHHHH", flags, 1, int(found), 0, 0)
        body = b""
        if found:
            body = b"\xc0\x0c\x00\x01\x00\x01" + struct.pack(">IH", 300, 4) + bytes(map(int, address.split(".")))
        socket.sendto(head + question + body, self.client_address)


def main():
    if sys.argv[1] == "prepare":
        prepare(pathlib.Path(sys.argv[2]))
    elif sys.argv[1] == "packages":
        print(*PACKAGES)
    elif sys.argv[1] == "dns":
        address, port = sys.argv[2].rsplit(":", 1)
        socketserver.UDPServer((address, int(port)), Answer).serve_forever()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

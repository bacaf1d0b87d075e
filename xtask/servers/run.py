#!/usr/bin/env python3
"""The long run `servers`: the servers that most of the web runs on, crawled, and held against what curl downloads.

nginx, Apache, lighttpd, Caddy and HAProxy (before an nginx that compresses nothing) serve the same small site from
loopback addresses of their own: by HTTP, by TLS 1.2 alone and by TLS 1.3 alone, with gzip and, where the server can,
with brotli or zstd. One crawl takes all of it. Every page must be captured once, and its payload digest must be that of
the bytes curl downloads with the same `Accept-Encoding`. A server that packs while it reads may pack the same page in
other words each time; then what the archive holds must be the file that was served, once unpacked. `orb audit` must pass.

  xtask/servers/run.py [--orb FILE] [--work DIR]

Needs python3, curl, openssl, cargo, and the servers, as Debian packages them: nginx libnginx-mod-http-brotli-filter
apache2 lighttpd lighttpd-mod-deflate lighttpd-mod-openssl caddy haproxy. A server that is not installed is an error.
Loopback only, half a minute. Exit 1 when something differs.
"""

import argparse
import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote, unquote

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from program import program  # noqa: E402

HTTP, TLS12, TLS13 = 8080, 8412, 8413
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")


def site(folder):
    """The files, and the pages' paths; one page links to all others."""
    chance = random.Random(7)
    word = lambda: "".join(chance.choice("etaoinshrdlu") for _ in range(chance.randint(2, 9)))
    text = lambda words: " ".join(word() for _ in range(words))
    files = {f"page-{number}.html": f"<title>{number}</title><p>{text(40 * 4 ** number)}</p>" for number in range(6)}
    files["with space & ümlaut.html"] = f"<title>odd name</title><p>{text(300)}</p>"
    files["notes.txt"] = text(2_000)
    files["style.css"] = "body { color: black } " * 200
    files["data.json"] = json.dumps([text(5) for _ in range(200)])
    files["empty.html"] = ""
    links = "".join(f'<p><a href="/{quote(name)}">{number}</a></p>' for number, name in enumerate(files))
    files["index.html"] = f"<title>all</title>{links}<p>{text(500)}</p>"
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    (folder / "noise.bin").write_bytes(chance.randbytes(200_000))
    (folder / "index.html").write_text(files["index.html"] + '<p><a href="/noise.bin">noise</a></p>')
    return ["/"] + ["/" + quote(name) for name in [*files, "noise.bin"] if name != "index.html"]


def certificate(work, addresses):
    """An authority, and one certificate of it for every address."""
    names = ",".join(f"IP:{address}" for address in addresses)
    (work / "ext").write_text(f"subjectAltName={names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run = lambda *words: subprocess.run(["openssl", *words], cwd=work, check=True, capture_output=True)
    run("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=servers run")
    run("req", *curve, "-keyout", "key.pem", "-out", "req.pem", "-subj", "/CN=loopback")
    run("x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
        "-extfile", "ext", "-out", "cert.pem")
    (work / "both.pem").write_text((work / "cert.pem").read_text() + (work / "key.pem").read_text())


def nginx(work, address, coding):
    modules = "load_module /usr/lib/nginx/modules/ngx_http_brotli_filter_module.so;" if coding == "br" else ""
    switch = {"gzip": "gzip on; gzip_min_length 20; gzip_types *;", "br": "brotli on; brotli_min_length 20; brotli_types *;",
              "": ""}[coding]
    tls = "ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;".format(work)
    servers = f"server {{ listen {address}:{HTTP}; root {work}/site; }}\n"
    if coding:
        servers += "".join(f"server {{ listen {address}:{port} ssl; ssl_protocols {version}; {tls} root {work}/site; }}\n"
                           for port, version in [(TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")])
    own = work / f"nginx-{address}"
    own.mkdir()
    temps = " ".join(f"{kind}_temp_path {own}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"])
    (own / "conf").write_text(f"""{modules}
worker_processes 1; pid {own}/pid; daemon off; {"user root;" if os.getuid() == 0 else ""}
events {{ worker_connections 256; }}
http {{ include /etc/nginx/mime.types; access_log off; {temps} {switch}
{servers} }}""")
    return ["nginx", "-c", str(own / "conf"), "-e", str(own / "error.log")]


def apache(work, address, coding):
    own = work / f"apache-{address}"
    own.mkdir()
    names = ["mpm_event", "authz_core", "mime", "dir", "ssl", "filter", {"gzip": "deflate", "br": "brotli"}[coding]]
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in names)
    out = {"gzip": "DEFLATE", "br": "BROTLI_COMPRESS"}[coding]
    tls = "".join(f"""<VirtualHost {address}:{port}>
SSLEngine on
SSLProtocol {version}
SSLCertificateFile {work}/cert.pem
SSLCertificateKeyFile {work}/key.pem
</VirtualHost>
""" for port, version in [(TLS12, "-all +TLSv1.2"), (TLS13, "-all +TLSv1.3")])
    (own / "conf").write_text(f"""{modules}
ServerRoot {own}
PidFile {own}/pid
ServerName {address}
ErrorLog {own}/error.log
User www-data
Group www-data
TypesConfig /etc/mime.types
DirectoryIndex index.html
DocumentRoot {work}/site
<Directory {work}/site>
Require all granted
</Directory>
SetOutputFilter {out}
{"".join(f"Listen {address}:{port}" + chr(10) for port in (HTTP, TLS12, TLS13))}{tls}""")
    return ["apache2", "-f", str(own / "conf"), "-DFOREGROUND"]


def lighttpd(work, address, coding):
    own = work / f"lighttpd-{address}"
    own.mkdir()
    tls = "".join(f"""$SERVER["socket"] == "{address}:{port}" {{
ssl.engine = "enable"
ssl.pemfile = "{work}/both.pem"
ssl.openssl.ssl-conf-cmd = ("MinProtocol" => "{version}", "MaxProtocol" => "{version}")
}}
""" for port, version in [(TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")])
    (own / "conf").write_text(f"""server.modules = ("mod_deflate", "mod_openssl")
server.document-root = "{work}/site"
server.bind = "{address}"
server.port = {HTTP}
server.errorlog = "{own}/error.log"
server.feature-flags = ("server.h2proto" => "disable")
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", ".css" => "text/css", ".json" => "application/json",
    "" => "application/octet-stream")
deflate.mimetypes = ("text/", "application/json")
deflate.allowed-encodings = ("{coding}")
{tls}""")
    return ["lighttpd", "-D", "-f", str(own / "conf")]


def caddy(work, address, coding):
    own = work / f"caddy-{address}"
    own.mkdir()
    body = f"bind {address}\nroot * {work}/site\nencode {coding}\nfile_server\n"
    tls = "".join(f"""https://{address}:{port} {{
tls {work}/cert.pem {work}/key.pem {{
protocols {version} {version}
}}
{body}}}
""" for port, version in [(TLS12, "tls1.2"), (TLS13, "tls1.3")])
    (own / "conf").write_text(f"""{{
admin off
auto_https off
storage file_system {own}/storage
default_sni {address}
}}
http://{address}:{HTTP} {{
{body}}}
{tls}""")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(own / "conf")]


def haproxy(work, address, coding, behind):
    own = work / f"haproxy-{address}"
    own.mkdir()
    tls = "\n".join(f"bind {address}:{port} ssl crt {work}/both.pem ssl-min-ver {version} ssl-max-ver {version}"
                    for port, version in [(TLS12, "TLSv1.2"), (TLS13, "TLSv1.3")])
    (own / "conf").write_text(f"""global
maxconn 500
defaults
mode http
timeout connect 5s
timeout client 30s
timeout server 30s
compression algo {coding}
compression type text/html text/plain text/css application/json
frontend all
bind {address}:{HTTP}
{tls}
default_backend files
backend files
server one {behind}:{HTTP}
""")
    return ["haproxy", "-db", "-f", str(own / "conf")]


def servers(work):
    """Name, address, and command of each; the last stands behind HAProxy and is not crawled."""
    plan = [("nginx", nginx, "gzip"), ("nginx", nginx, "br"), ("apache", apache, "gzip"), ("apache", apache, "br"),
            ("lighttpd", lighttpd, "gzip"), ("lighttpd", lighttpd, "br"), ("caddy", caddy, "gzip"),
            ("caddy", caddy, "zstd"), ("haproxy", haproxy, "gzip")]
    behind = f"127.0.2.{len(plan) + 1}"
    addresses = [f"127.0.2.{number + 1}" for number in range(len(plan))]
    certificate(work, addresses)
    for (name, make, coding), address in zip(plan, addresses):
        more = [behind] if make is haproxy else []
        yield f"{name} {coding}", address, make(work, address, coding, *more)
    yield "nginx behind", behind, nginx(work, behind, "")


def curl(url, work):
    """The body of `url` as it came, but without its chunks."""
    words = ["curl", "-sS", "--fail", "--http1.1", "--cacert", str(work / "ca.pem")]
    words += ["-H", "Accept-Encoding: gzip, deflate, br, zstd", url]
    return subprocess.run(words, check=True, capture_output=True).stdout


def sha1(body):
    return "sha1:" + base64.b32encode(hashlib.sha1(body).digest()).decode()


def rows(out):
    for file in sorted((out / "index/attempts").iterdir()):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def crawl(orb, work, origins):
    out = work / "crawl"
    (work / "seeds.txt").write_text("".join(f"{origin}/\n" for origin in origins))
    command = [orb, "crawl", "--seeds", str(work / "seeds.txt"), "--out", str(out), "--allow-net", "127.0.0.0/8", "--quiet"]
    command += ["--ca", str(work / "ca.pem"), "--delay", "0s", "--dns", "127.0.0.1:9", "--set", "politeness.address_delay=0s"]
    command += ["--set", "politeness.site_delay_factor=0", "--set", 'limits.types=[]']
    subprocess.run(command, check=True, timeout=300)
    subprocess.run([orb, "audit", str(out)], check=True, timeout=120, stdout=subprocess.DEVNULL)
    return out


def archived(orb, out, url):
    return subprocess.run([orb, "archive", "extract", str(out), "--url", url], check=True, capture_output=True).stdout


def compare(orb, work, out, names, paths):
    """Differences; pages whose bytes are curl's; pages that a server packs in other words each time."""
    wrong, same, repacked, captured = [], 0, 0, {}
    for row in rows(out):
        if row["kind"] == "page":
            captured.setdefault(row["url"], []).append(row)
    for origin, name in names.items():
        for path in paths:
            url = origin + path
            mine = captured.pop(url, [])
            if len(mine) != 1 or mine[0].get("status") != 200:
                wrong.append(f"{name}: {url}: {len(mine)} requests, {[row.get('error') for row in mine]}")
                continue
            theirs = sha1(curl(url, work))
            served = (work / "site" / ("index.html" if path == "/" else unquote(path[1:]))).read_bytes()
            if mine[0]["digest"] == theirs:
                same += 1
            elif archived(orb, out, url) == served:
                repacked += 1
            else:
                wrong.append(f"{name}: {url}: digest {mine[0]['digest']}, of curl's bytes {theirs}")
    wrong += [f"not asked for: {url}" for url in captured]
    return wrong, same, repacked


def wait_for(work, origins, processes):
    for origin in origins:
        for _ in range(100):
            if subprocess.run(["curl", "-sf", "-o", "/dev/null", "--cacert", str(work / "ca.pem"), origin + "/"]).returncode == 0:
                break
            ended = [name for name, process in processes if process.poll() is not None]
            if ended:
                sys.exit(f"ended early: {', '.join(ended)}: see its error.log below {work}")
            time.sleep(0.1)
        else:
            sys.exit(f"{origin} does not answer: see the logs below {work}")


def main():
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--orb", help="program to try; built when not given")
    told.add_argument("--work", type=Path, help="folder to work in, kept; must not exist")
    told = told.parse_args()
    os.environ["PATH"] = PATH
    for tool in ["nginx", "apache2", "lighttpd", "caddy", "haproxy", "curl", "openssl"]:
        shutil.which(tool) or sys.exit(f"needs {tool}: see --help")
    orb = program(told.orb)
    work = told.work or Path(tempfile.mkdtemp())
    work.mkdir(exist_ok=told.work is None)
    work = work.resolve()
    work.chmod(0o755)
    processes = []
    try:
        paths = site(work / "site")
        names = {}
        for name, address, command in servers(work):
            log = (work / f"{name}.log").open("w")
            processes.append((name, subprocess.Popen(command, stdout=log, stderr=log)))
            if name != "nginx behind":
                names |= {f"http://{address}:{HTTP}": name, f"https://{address}:{TLS12}": f"{name}, TLS 1.2",
                          f"https://{address}:{TLS13}": f"{name}, TLS 1.3"}
        wait_for(work, names, processes)
        out = crawl(orb, work, names)
        wrong, same, repacked = compare(orb, work, out, names, paths)
    finally:
        for _, process in processes:
            process.terminate()
        for _, process in processes:
            process.wait(timeout=30)
        if told.work is None:
            shutil.rmtree(work)
    print("\n".join(wrong + [f"{len(names)} servers: {same} pages as curl's bytes, {repacked} the same once unpacked, "
                             f"{len(wrong)} wrong"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

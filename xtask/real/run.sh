#!/usr/bin/env bash
# The long run `real-pages`: orb against real documentation, a real server, and readers that are not ours.
#
# nginx serves five Debian documentation packages (over 9,000 pages) on six names at four loopback addresses, two names
# sharing one, by HTTP and by HTTPS with an authority made for this run. Then, in this order:
#   reference  what can be reached, by html.parser, and what wget's recursive spider finds
#   crawl      one whole crawl; nginx's log, the archive, both lists and `orb audit` are held against it
#   tamper     copies of its folder are forged; `orb audit` must name each forgery
#   readers    its archive and tables by pywb in Chromium, DuckDB, pyarrow, fastwarc, warcio; needs chromium
#   kill       the crawl again, killed with SIGKILL at 20 random moments; same captures, nothing twice
#
#   xtask/real/run.sh [--work DIR] [--orb FILE] [--seed N] [--kills N] [PHASE…]
#
# Everything is kept below DIR (default: a temporary folder, removed at the end). Given a DIR, phases can be run one by
# one: prepare, reference, crawl, tamper, readers, kill. Needs root, apt's Debian archive, PyPI, cargo; ports 80
# and 443 of 127.0.1.1-4 (REAL_HTTP_PORT, REAL_HTTPS_PORT) and 5300 of 127.0.1.9. Takes about half an hour on two cores.
# Nothing is installed into the system: packages are unpacked, readers live in a virtual environment.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

work='' orb='' seed=1 kills=20 phases=()
while [ $# -gt 0 ]; do
    case $1 in
        --work) work=$2; shift 2 ;;
        --orb) orb=$2; shift 2 ;;
        --seed) seed=$2; shift 2 ;;
        --kills) kills=$2; shift 2 ;;
        prepare | reference | crawl | tamper | readers | kill) phases+=("$1"); shift ;;
        *) echo "unknown argument: $1" >&2; exit 2 ;;
    esac
done
[ ${#phases[@]} -gt 0 ] || phases=(prepare reference crawl tamper readers kill)
[ "$(id -u)" = 0 ] || { echo "needs root: ports below 1024, a mount namespace for wget's hosts file" >&2; exit 2; }

for tool in apt-get dpkg openssl wget curl unshare gzip python3 cargo; do
    command -v "$tool" >/dev/null || { echo "needs $tool" >&2; exit 2; }
done

# Short enough for thousands of pages in minutes. A granted time of an address is good for 100 ms and the next begins
# that and the address delay later, so a site delay above their sum is what a site that has an address alone waits for.
delay_ms=120
address_delay_ms=10
dns=127.0.1.9:5300

cleanup() {
    local running
    running=$(jobs -p)
    [ -z "$running" ] || kill $running 2>/dev/null || true
    wait 2>/dev/null || true
    [ -z "${temporary:-}" ] || rm -rf "$temporary"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
if [ -z "$work" ]; then
    temporary=$(mktemp -d)
    work=$temporary
fi
mkdir -p "$work"
work=$(cd "$work" && pwd)
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1
python=$work/venv/bin/python
log=$work/web/access.log

say() { printf '\n== %s\n' "$*"; }
failures=()
# check NAME COMMAND…: a failed check is remembered and the run goes on, so that one run tells everything.
check() {
    local name=$1
    shift
    if "$@"; then echo "ok: $name" >&2; else echo "FAILED: $name (exit $?)" >&2; failures+=("$name"); fi
}
log_end() { stat -c %s "$log" 2>/dev/null || echo 0; }

prepare() {
    say "packages, readers, certificates"
    mkdir -p "$work/debs" "$work/root"
    (cd "$work/debs" && apt-get -qq update &&
        timeout 600 apt-get -qq -o APT::Sandbox::User=root download nginx $("$system_python" "$here/web.py" packages))
    for package in "$work"/debs/*.deb; do dpkg -x "$package" "$work/root"; done
    [ -x "$python" ] || "$system_python" -m venv "$work/venv"
    "$work/venv/bin/pip" -q install --disable-pip-version-check warcio==1.8.1 fastwarc==2.0.1 ada-url==4.0.0
    "$python" "$here/web.py" prepare "$work"
    [ -n "$orb" ] || (cd "$root" && cargo build -q --release -p orb-cli)
    find "$work/root/usr/share/doc" -name '*.html' | awk -F/ -v skip="$(awk -F/ '{print NF}' <<<"$work/root/usr/share/doc")" \
        '{ count[$(skip + 1)] += 1 } END { for (name in count) printf "%7d HTML files in %s\n", count[name], name }'
}

serve() {
    "$work/root/usr/sbin/nginx" -c "$work/web/nginx.conf" -e "$work/web/error.log" -g 'daemon off;' &
    "$python" "$here/web.py" dns "$dns" &
    local tries=0
    until curl -sf -o "$work/probe" --cacert "$work/web/ca.pem" --resolve "pydocs.test:${REAL_HTTPS_PORT:-443}:127.0.1.1" \
        "https://pydocs.test:${REAL_HTTPS_PORT:-443}/"; do
        tries=$((tries + 1))
        [ $tries -lt 50 ] || { echo "nginx does not answer: see $work/web/error.log" >&2; exit 1; }
        sleep 0.2
    done
}

reference() {
    say "reference: html.parser"
    timeout 900 "$python" "$here/reference.py" "$work/reference.json"
    say "reference: wget --spider --recursive"
    log_end >"$work/wget.from"
    mkdir -p "$work/wget"
    # wget has no resolver option; a mount namespace gives it a hosts file of its own.
    # 8 is "a server answered with an error", which dead links of the pages do.
    timeout 1800 unshare --mount sh -c '
        mount --bind "$1/web/hosts" /etc/hosts && cd "$1/wget" && shift 1
        exec wget --no-config --no-hsts --no-verbose --spider --recursive --level=inf --tries=2 --timeout=30 \
            --ca-certificate=../web/ca.pem "$@"' sh "$work" $(cat "$work/web/seeds.txt") >"$work/wget.log" 2>&1 ||
        [ $? = 8 ]
    log_end >"$work/wget.to"
    tail -n 3 "$work/wget.log"
}

# crawl_command DIR: sets `command`, which starts a crawl in DIR or goes on with it.
crawl_command() {
    command=("$orb" crawl --seeds "$work/web/seeds.txt" --out "$1" --dns "$dns" --allow-net 127.0.0.0/8
        --ca "$work/web/ca.pem" --delay "${delay_ms}ms" --set "politeness.address_delay=${address_delay_ms}ms"
        --contact real-pages@example.org --json --quiet)
}

# judge NAME DIR FROM TO [KILLS]: all checks of one finished crawl.
judge() {
    local name=$1 dir=$2 from=$3 to=$4 killed=${5:-}
    check "$name: nginx's log" "$python" "$here/check_log.py" "$log" --delay $delay_ms --address-delay $address_delay_ms \
        --from "$from" --to "$to" ${killed:+--kills "$killed"}
    check "$name: archive" "$python" "$here/check_warc.py" "$dir/warc" --out "$work/$name.json"
    check "$name: books" "$python" "$here/check_books.py" "$orb" "$dir" "$work/$name.json" "$work/reference.json"
    check "$name: orb audit" timeout 900 "$orb" audit "$dir"
}

crawl() {
    say "crawl"
    rm -rf "$work/whole" "$work/whole.out"
    log_end >"$work/whole.from"
    crawl_command "$work/whole"
    printf '$ %s\n' "${command[*]}"
    check "crawl: finished" timeout 2400 "${command[@]}" >>"$work/whole.out"
    cat "$work/whole.out"
    log_end >"$work/whole.to"
    judge whole "$work/whole" "$(cat "$work/whole.from")" "$(cat "$work/whole.to")"
    check "crawl: same pages as the references" "$python" "$here/compare.py" "$work/whole.json" \
        --reference "$work/reference.json" --log "$log" --from "$(cat "$work/wget.from")" --to "$(cat "$work/wget.to")"
}

tamper() {
    say "tamper"
    check "tamper: every forgery is named" timeout 1800 "$python" "$here/tamper.py" "$orb" "$work/whole" "$work/forged" --seed "$seed"
}

readers() {
    say "readers"
    command -v chromium >/dev/null || { echo "needs chromium" >&2; exit 2; }
    "$work/venv/bin/pip" -q install --disable-pip-version-check pywb==2.10.0 duckdb==2.0.0 pyarrow==26.0.1 pytz==2026.6
    check "readers: everyone reads what the crawl wrote" timeout 1800 "$python" "$here/readers.py" "$orb" "$work" "$work/whole"
}

kill_rounds() {
    say "kill: $kills times, seed $seed"
    rm -rf "$work/killed" "$work/kills"
    log_end >"$work/killed.from"
    source "$here/kill_rounds.sh"
    check "kill: all $kills kills fell into the crawl" killed_crawl "$work/killed" "$work/kills" "$kills" "$seed"
    log_end >"$work/killed.to"
    judge killed "$work/killed" "$(cat "$work/killed.from")" "$(cat "$work/killed.to")" "$work/kills"
    check "kill: same captures as the whole crawl" "$python" "$here/compare.py" "$work/killed.json" --same-as "$work/whole.json"
}

system_python=$(command -v python3)
for phase in "${phases[@]}"; do
    [ "$phase" != prepare ] || prepare
done
orb=${orb:-${CARGO_TARGET_DIR:-$root/target}/release/orb}
serve
for phase in "${phases[@]}"; do
    case $phase in
        reference) reference ;;
        crawl) crawl ;;
        tamper) tamper ;;
        readers) readers ;;
        kill) kill_rounds ;;
    esac
done
say "result"
if [ ${#failures[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failures[@]}"
    exit 1
fi
echo "all checks passed in $SECONDS s"

#!/usr/bin/env bash
# How well main content is found: the labelled pages of orb-read, and pages of Debian's documentation packages, which
# are downloaded into a folder of their own and not kept. Needs apt and dpkg; without them only our own pages are read.
#
#   xtask/read/quality.sh [FOLDER]    FOLDER: an unpacked usr/share/doc, instead of downloading
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

packages=(git-doc sqlite3-doc apache2-doc postgresql-doc-15 python3.11-doc python-django-doc python-sqlalchemy-doc
    cmake-doc cmake-data exim4-doc-html sphinx-doc octave-doc debian-policy maint-guide harden-doc)
folder=${1:-}
if [ -z "$folder" ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    for package in "${packages[@]}"; do
        (cd "$scratch" && apt-get download "$package" >/dev/null 2>&1) || echo "not there: $package"
    done
    for deb in "$scratch"/*.deb; do
        dpkg-deb -x "$deb" "$scratch/root"
    done
    folder=$scratch/root/usr/share/doc
fi
cargo run --release --quiet -p orb-read --example read_quality -- ${folder:+"$folder"}

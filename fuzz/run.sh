#!/bin/sh
# Fuzzes each reader of foreign bytes for SECONDS (900), or only the targets named behind.
# Usage: fuzz/run.sh [SECONDS] [TARGET...]
# Needs a nightly compiler and `cargo install cargo-fuzz`. Ends with an error at the first crash; its input is then in
# fuzz/artifacts/TARGET.
set -eu
cd "$(dirname "$0")"
seconds=${1:-900}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- robots sitemap head chunked decoders dns
for target; do
    echo "fuzzing $target for $seconds s"
    mkdir -p "corpus/$target"
    cargo +nightly fuzz run "$target" "corpus/$target" "seeds/$target" -- \
        -max_total_time="$seconds" -max_len=65536 -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1
done

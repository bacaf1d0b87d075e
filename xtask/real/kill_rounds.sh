# Sourced by run.sh: the crawl, killed with SIGKILL at random moments and resumed each time.
#
# killed_crawl DIR KILLS COUNT SEED: writes the instant of each kill (Unix seconds) to KILLS, one a line. How long a
# process lives is drawn from the seed: hundredths of a second to a minute, so that kills fall into opening, robots.txt,
# the full crawl, merges and commits alike. Fails when the crawl ends before the last kill.
killed_crawl() {
    local dir=$1 kills=$2 count=$3 seed=$4 round lives pid status
    crawl_command "$dir"
    : >"$kills"
    for round in $(seq "$count"); do
        lives=$(python3 -c "import random; r = random.Random('$seed/$round'); print(round(r.choice([0.1, 2, 6]) * r.uniform(0.2, 10), 3))")
        "${command[@]}" >>"$work/killed.out" 2>&1 &
        pid=$!
        sleep "$lives"
        if ! kill -KILL "$pid" 2>/dev/null; then
            status=0
            wait "$pid" || status=$?
            echo "round $round: the crawl had ended by itself before $lives s (exit $status)"
            return 1
        fi
        date +%s.%N >>"$kills"
        wait "$pid" 2>/dev/null || true
        printf 'round %d: killed after %s s, %s attempts so far\n' "$round" "$lives" \
            "$(cat "$dir"/index/attempts/*.jsonl 2>/dev/null | wc -l)"
    done 2>>"$work/killed.out" # where bash reports each `Killed`
    timeout 2400 "${command[@]}" >>"$work/killed.out" || return 1
    tail -n 1 "$work/killed.out"
}

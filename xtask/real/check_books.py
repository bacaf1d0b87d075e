#!/usr/bin/env python3
"""Holds the books of a finished crawl against its archive.

In: the `orb` binary, the crawl's folder, its captures (check_warc.py --out), the reference. Out: the states; exit code
1 when they do not add up, something is left over, or archive and reference tell other numbers.

  check_books.py ORB FOLDER CAPTURES REFERENCE
"""

import json
import subprocess
import sys

DONE = ("captured", "not_modified", "redirect", "gone")


def main():
    orb, folder, captures, reference = sys.argv[1:]
    done = subprocess.run([orb, "status", folder, "--json"], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"books: orb status: exit {done.returncode}: {done.stderr.strip()}")
    status = json.loads(done.stdout)
    states = status["states"]
    excluded = sum(states["excluded"].values())
    total = states["pending"] + states["in_flight"] + states["done"] + states["failed"] + excluded
    with open(captures, encoding="utf-8") as file:
        pages = [entry for entry in json.load(file) if not entry["robots"]]
    archived = len({entry["url"] for entry in pages if entry["outcome"] in DONE})
    filtered = len({entry["url"] for entry in pages if entry["outcome"] == "refused"})
    with open(reference, encoding="utf-8") as file:
        known = json.load(file)
    print(f"books: discovered {status['discovered']}, states {json.dumps(states)}; the archive has {archived} finished URLs")
    bad = []
    if total != status["discovered"]:
        bad.append(f"states sum to {total}")
    if states["pending"] or states["in_flight"]:
        bad.append("a finished crawl has something left")
    if archived != states["done"]:
        bad.append(f"{states['done']} done, {archived} in the archive")
    for name, ours, theirs in (
        ("discovered", status["discovered"], len(known["followed"]) + len(known["forbidden"])),
        ("excluded by robots", states["excluded"].get("robots", 0), len(known["forbidden"])),
        ("excluded by type", states["excluded"].get("type_filter", 0), filtered),
    ):
        if ours != theirs:
            bad.append(f"{name}: {ours}, others count {theirs}")
    print(f"books: {'; '.join(bad) or 'balanced'}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()

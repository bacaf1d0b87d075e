"""The `orb` that a long run tries."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def program(given):
    """Absolute path of the program: the one given, else a release build of this tree."""
    if given is None:
        subprocess.run(["cargo", "build", "-q", "--release", "-p", "orb-cli"], cwd=ROOT, check=True)
        given = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release/orb"
    return str(Path(given).resolve())

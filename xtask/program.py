"""The programs that a long run tries, or tries them with."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def program(given, package="orb-cli", name="orb"):
    """Absolute path of the program: the one given, else a release build of this tree."""
    if given is None:
        subprocess.run(["cargo", "build", "-q", "--release", "-p", package], cwd=ROOT, check=True)
        given = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / name
    return str(Path(given).resolve())

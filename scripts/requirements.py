"""Rewrite the hashes of requirements files: requirements.py FILE...

A line NAME==VERSION is what a person pins; the hashes behind it are those of the files that pip takes on Linux, x86-64 or
arm64, for the versions of Python that Debian has. To change a version, change it in the file and run this. Needs pip and
the index that pip is set to; run it on Linux on x86-64.
"""

import hashlib
import pathlib
import re
import subprocess
import sys
import tempfile

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
ARM = [f"--platform={tag}_aarch64" for tag in ("manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")]
PIP = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]


def fetch(folder, requirement, *options):
    """Downloads what pip chooses, and says whether there is any."""
    return subprocess.run([*PIP, *options, "-d", folder, requirement], capture_output=True).returncode == 0


def hashes(requirement):
    """The SHA-256 of every file of a requirement: its wheels or, if it has none, its source."""
    with tempfile.TemporaryDirectory() as folder:
        wheels = ["--only-binary=:all:"]
        found = [fetch(folder, requirement, *wheels, f"--python-version={v}", *where) for v in PYTHONS for where in ([], ARM)]
        if not any(found) and not fetch(folder, requirement, "--no-binary=:all:"):
            sys.exit(f"requirements: pip finds no {requirement}")
        return sorted(hashlib.sha256(f.read_bytes()).hexdigest() for f in pathlib.Path(folder).iterdir())


def rewrite(path):
    out = []
    for line in path.read_text().splitlines():
        if line.startswith("#"):
            out.append(line)
        elif m := re.match(r"[\w.-]+==[\w.]+", line):
            out.append(" \\\n".join([m[0], *(f"    --hash=sha256:{h}" for h in hashes(m[0]))]))
    path.write_text("\n".join(out) + "\n")


for name in sys.argv[1:]:
    rewrite(pathlib.Path(name))

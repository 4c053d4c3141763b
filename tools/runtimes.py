# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtimes for graphics processors: which files, for what. Needs Python 3.11.

    python tools/runtimes.py lock     resolve anew and write core/runtimes.lock.toml (downloads
                                      every file once, some gigabytes, and keeps none)
    python tools/runtimes.py check    the lock is whole and fits the bundled wheels (no network)

They are never part of the extension: its user fetches one by a button (worker/runtimes.py), and
pip takes no other file than the lock's.
`python3 tools/dev.py run core tools/runtimes.py lock` runs this with everything it needs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import tomllib
from email.message import Message
from pathlib import Path
from zipfile import ZipFile

from devtools import licences
from devtools.places import cache
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import wheels as bundled

LOCK = bundled.ROOT / "core" / "runtimes.lock.toml"
HEAD = "# Written by `tools/runtimes.py lock`: what a user may fetch for a graphics processor."
# What is fetched for each runtime, and where it can be used. The version of onnxruntime is that of
# the bundled one where the maker still publishes it; DirectML's last one is older.
RUNTIMES = {
    "cuda": ("onnxruntime-gpu[cuda,cudnn]=={version}", ("linux-x64", "windows-x64")),
    "directml": ("onnxruntime-directml==1.24.4", ("windows-x64",)),
}
# Brought by Blender or by the extension's own wheels, which stay on the module path behind these
ALREADY_THERE = {"numpy", "flatbuffers", "packaging", "protobuf"}
# What older ones ask for without using it here
NOT_NEEDED = {"sympy", "mpmath", "coloredlogs", "humanfriendly", "pyreadline3"}


def lock() -> None:
    """Ask the registry for every runtime's files and write down which they were."""
    rows: dict[str, dict[str, object]] = {}
    for name, (wanted, platforms) in RUNTIMES.items():
        for platform in platforms:
            for python in bundled.PYTHONS:
                target = bundled.Target(python, platform)
                with tempfile.TemporaryDirectory(dir=cache()) as folder:
                    _download(wanted.format(version=_bundled_version()), target, Path(folder))
                    for path in sorted(Path(folder).glob("*.whl")):
                        _add(rows, path, name, target)
    ordered = sorted(rows.values(), key=lambda row: (str(row["runtimes"]), str(row["file"])))
    lines = [HEAD, ""]
    for row in ordered:
        # JSON's strings, numbers and lists of strings are TOML's too
        lines += ["[[wheel]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items()), ""]
    LOCK.write_text("\n".join(lines), encoding="utf-8")


def _bundled_version() -> str:
    versions = {wheel.version for wheel in bundled.read_lock() if wheel.package == "onnxruntime"}
    if len(versions) != 1:
        raise bundled.Problem(f"The bundled onnxruntime has several versions: {versions}.")
    return versions.pop()


def _download(wanted: str, target: bundled.Target, folder: Path) -> None:
    """Let pip choose and download a package and all that it needs on another computer."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-cache-dir"]
    command += ["--only-binary=:all:", *_tags(target), "--dest", str(folder), wanted]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise bundled.Problem(f"pip could not download {wanted}: " + " ".join(reason))


def _tags(target: bundled.Target) -> list[str]:
    """The bundled wheels' tags and the older ones that makers of such libraries still use."""
    older = ("manylinux_2_26", "manylinux_2_24", "manylinux2010", "manylinux1")
    more = [f"{tag}_x86_64" for tag in older] if target.platform == "linux-x64" else []
    return [*target.pip_options(), *(word for tag in more for word in ("--platform", tag))]


def _add(
    rows: dict[str, dict[str, object]], path: Path, runtime: str, target: bundled.Target
) -> None:
    info = bundled._metadata(path)
    package = canonicalize_name(str(info["Name"]))
    if package in ALREADY_THERE | NOT_NEEDED:
        return
    row = rows.setdefault(path.name, _row(path, info, package))
    for key, value in (
        ("runtimes", runtime),
        ("platforms", target.platform),
        ("pythons", target.python),
    ):
        row[key] = sorted({*row[key], value})  # type: ignore[misc]


def _row(path: Path, info: Message, package: str) -> dict[str, object]:
    with ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    return {
        "runtimes": [],
        "file": path.name,
        "package": package,
        "version": str(info["Version"]),
        "pythons": [],
        "platforms": [],
        "size": path.stat().st_size,
        "unpacked": unpacked,
        "sha256": bundled._sha256(path),
        "license": _licence(package, info),
    }


def _licence(package: str, info: Message) -> str:
    """SPDX expression; a maker's own terms are written as a reference to them."""
    if package.startswith("nvidia-"):
        return str(info["License-Expression"] or "LicenseRef-NVIDIA-Proprietary")
    try:
        return licences.of_wheel(info)
    except licences.Unclear:
        words = str(info["License"] or "").strip()
        if words.startswith("MIT"):
            return "MIT"
        raise


def check() -> None:
    """Every runtime is there for each of its targets; raises Problem at the first fault."""
    with LOCK.open("rb") as file:
        rows = tomllib.load(file)["wheel"]
    for name, (wanted, platforms) in RUNTIMES.items():
        base = Requirement(wanted.format(version=_bundled_version()))
        for platform in platforms:
            for python in bundled.PYTHONS:
                found = [
                    row["version"]
                    for row in rows
                    if row["package"] == canonicalize_name(base.name)
                    and name in row["runtimes"]
                    and platform in row["platforms"]
                    and python in row["pythons"]
                ]
                if len(found) != 1 or not base.specifier.contains(found[0]):
                    raise bundled.Problem(
                        f"The lock lacks {base} for {python} on {platform}; "
                        "run tools/runtimes.py lock."
                    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="The runtimes for graphics processors.")
    parser.add_argument("command", choices=("lock", "check"))
    try:
        if parser.parse_args(arguments).command == "lock":
            lock()
        check()
    except (bundled.Problem, licences.Unclear) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

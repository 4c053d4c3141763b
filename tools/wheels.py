# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheels inside the extension: which, from where, under what licence. Needs Python 3.11.

    python tools/wheels.py lock      resolve anew from tools/requirements, write lock and notices
    python tools/wheels.py fetch     download what wheels/ lacks, checked against the lock
    python tools/wheels.py check     lock, manifest, licences and notices agree (no network)

The worker's libraries are pinned once, in tools/requirements/core3*.txt; the lock takes
onnxruntime, scipy, soundfile and sounddevice from there with all that they need, but never numpy:
Blender brings its own.
`tools/dev.py` runs this with the Python of its environment "core", which has pip and packaging.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from zipfile import ZipFile

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

from devtools import licences  # noqa: E402 - its folder must be on the path first
from devtools.places import cache  # noqa: E402

FOLDER = ROOT / "wheels"
LOCK = FOLDER / "wheels.lock.toml"
MANIFEST = ROOT / "blender_manifest.toml"
WANTED = ("onnxruntime", "scipy", "soundfile", "sounddevice")
BLENDERS_OWN = {"numpy"}
PLATFORMS = {
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64",),
    "linux-x64": tuple(
        f"{tag}_x86_64"
        for tag in ("manylinux_2_28", "manylinux_2_27", "manylinux2014", "manylinux_2_17")
    ),
}
PYTHONS = {"cp311": "core311.txt", "cp313": "core313.txt"}
# Debian sid's Blender runs on a Python for which no Blender is released: for tests/gui only
TEST_PYTHONS = {"cp314": "core313.txt"}


class Problem(Exception):
    """Something in lock, manifest or wheels that has to be mended by hand."""


@dataclass(frozen=True)
class Wheel:
    """One file of the lock, and the Pythons and platforms it serves."""

    file: str
    package: str
    version: str
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    size: int
    sha256: str
    license: str
    test_only: bool


@dataclass(frozen=True)
class Target:
    """One combination of Python and platform that wheels are chosen for."""

    python: str
    platform: str

    def pip_options(self) -> list[str]:
        version = f"{self.python[2]}.{self.python[3:]}"
        tags = [option for tag in PLATFORMS[self.platform] for option in ("--platform", tag)]
        return ["--python-version", version, "--implementation", "cp", *tags]


TARGETS = tuple(Target(python, platform) for python in PYTHONS for platform in PLATFORMS)
TEST_TARGETS = tuple(Target(python, "linux-x64") for python in TEST_PYTHONS)


# ---- resolving


def lock() -> None:
    """Ask the registry for every target's wheels and write down which they were."""
    served: dict[str, set[Target]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for target in (*TARGETS, *TEST_TARGETS):
            place = Path(folder) / f"{target.python}-{target.platform}"
            _download(target, [f"{name}=={version}" for name, version in _pins(target)], place)
            _check_complete(place)
            for path in place.glob("*.whl"):
                served.setdefault(path.name, set()).add(target)
                _keep(path)
    wheels = sorted(
        (_describe(cache() / "wheels" / name, targets) for name, targets in served.items()),
        key=lambda wheel: wheel.file.lower(),
    )
    LOCK.write_text(_lock_text(wheels), encoding="utf-8")
    MANIFEST.write_text(_with_wheels(MANIFEST.read_text(encoding="utf-8"), wheels), "utf-8")
    licences.NOTICES.write_text(_notices(wheels), encoding="utf-8")
    print(f"{len(wheels)} wheels, {sum(wheel.size for wheel in wheels) / 1e6:.0f} MB")


def _pins(target: Target) -> list[tuple[str, str]]:
    """Name and version of the wanted packages and of all that these need, for one target."""
    pinned: dict[str, str] = {}
    needed_by: dict[str, set[str]] = {}
    name = ""
    pins = {**PYTHONS, **TEST_PYTHONS}[target.python]
    text = (ROOT / "tools" / "requirements" / pins).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            name, version = line.split(";")[0].rstrip("\\ ").split("==")
            pinned.setdefault(name, version)
        elif line.startswith("    # ") and not line.startswith("    # via -r"):
            needed_by.setdefault(name, set()).add(line.split()[-1])
    chosen = set(WANTED)
    while True:
        more = {name for name, users in needed_by.items() if users & chosen} | chosen
        if more == chosen:
            return sorted((name, pinned[name]) for name in chosen - BLENDERS_OWN)
        chosen = more


def _download(target: Target, requirements: list[str], folder: Path) -> None:
    """Let pip choose and download wheels for a target that need not be this machine."""
    folder.mkdir(parents=True, exist_ok=True)
    listing = folder / "requirements.txt"
    listing.write_text("\n".join(requirements) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-input"]
    command += ["--only-binary=:all:", *target.pip_options(), "--dest", str(folder)]
    done = subprocess.run([*command, "-r", str(listing)], capture_output=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()[-3:]
        raise Problem(f"pip could not download for {target.platform}: " + " ".join(reason))


def _check_complete(folder: Path) -> None:
    """Every wheel's requirements are met by the others, for the target they were chosen for."""
    infos = {canonicalize_name(str(i["Name"])): i for i in map(_metadata, folder.glob("*.whl"))}
    for name, info in infos.items():
        for text in info.get_all("Requires-Dist") or []:
            wanted = Requirement(text)
            needed = canonicalize_name(wanted.name)
            if needed in BLENDERS_OWN or "extra ==" in str(wanted.marker or ""):
                continue
            if needed not in infos:
                raise Problem(f"{name} needs {text}, which is not among the wheels.")
            if not wanted.specifier.contains(str(infos[needed]["Version"])):
                raise Problem(f"{name} needs {text}, but {infos[needed]['Version']} is pinned.")


def _describe(path: Path, targets: set[Target]) -> Wheel:
    info = _metadata(path)
    return Wheel(
        file=path.name,
        package=canonicalize_name(str(info["Name"])),
        version=str(info["Version"]),
        pythons=tuple(sorted({target.python for target in targets})),
        platforms=tuple(sorted({target.platform for target in targets})),
        size=path.stat().st_size,
        sha256=_sha256(path),
        license=licences.of_wheel(info),
        test_only=all(target in TEST_TARGETS for target in targets),
    )


def _metadata(path: Path) -> Message:
    with ZipFile(path) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode("utf-8"))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- lock, manifest, notices


def read_lock() -> list[Wheel]:
    with LOCK.open("rb") as file:
        rows = tomllib.load(file)["wheel"]
    for row in rows:
        row.update(pythons=tuple(row["pythons"]), platforms=tuple(row["platforms"]))
    return [Wheel(**row) for row in rows]


def _lock_text(wheels: list[Wheel]) -> str:
    lines = ["# Written by `tools/wheels.py lock`: the wheels inside the extension.", ""]
    for wheel in wheels:
        lines.append("[[wheel]]")
        for key, value in vars(wheel).items():
            # JSON's strings, numbers and lists of strings are TOML's too
            lines.append(f"{key} = {json.dumps(value)}")
        lines.append("")
    return "\n".join(lines)


def _with_wheels(manifest: str, wheels: Iterable[Wheel]) -> str:
    """The manifest's text with exactly those of these wheels in its list that are shipped."""
    head, rest = manifest.split("wheels = [\n", 1)
    _, tail = rest.split("]\n", 1)
    listed = "".join(f'  "./wheels/{wheel.file}",\n' for wheel in wheels if not wheel.test_only)
    return f"{head}wheels = [\n{listed}]\n{tail}"


def _notices(wheels: list[Wheel]) -> str:
    rows = sorted({(wheel.package, wheel.version, wheel.license) for wheel in wheels})
    return licences.notices(rows)


# ---- the folder


def fetch(targets: tuple[Target, ...]) -> list[Wheel]:
    """Make sure that wheels/ holds the wheels of these targets, each as the lock says."""
    wanted = [wheel for wheel in read_lock() if any(_serves(wheel, t) for t in targets)]
    (cache() / "wheels").mkdir(parents=True, exist_ok=True)
    missing = [wheel for wheel in wanted if not _is_right(cache() / "wheels" / wheel.file, wheel)]
    for target in targets:
        rows = [wheel for wheel in missing if _serves(wheel, target)]
        if rows:
            _fetch_for(target, rows)
            missing = [wheel for wheel in missing if wheel not in rows]
    for wheel in wanted:
        _place(cache() / "wheels" / wheel.file, FOLDER / wheel.file, wheel)
    return wanted


def _serves(wheel: Wheel, target: Target) -> bool:
    return target.python in wheel.pythons and target.platform in wheel.platforms


def _fetch_for(target: Target, wheels: list[Wheel]) -> None:
    """Download these wheels; the hash lets pip take no other file than the locked one."""
    with tempfile.TemporaryDirectory(dir=cache() / "wheels") as folder:
        lines = [f"{w.package}=={w.version} --hash=sha256:{w.sha256}" for w in wheels]
        _download(target, lines, Path(folder))
        for wheel in wheels:
            path = Path(folder) / wheel.file
            if not _is_right(path, wheel):
                raise Problem(f"{wheel.file} is not what the lock says.")
            _keep(path)


def _keep(path: Path) -> None:
    folder = cache() / "wheels"
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{path.name}.{os.getpid()}"
    shutil.copyfile(path, aside)
    aside.replace(folder / path.name)


def _place(source: Path, target: Path, wheel: Wheel) -> None:
    if _is_right(target, wheel):
        return
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        os.link(source, aside)
    except OSError:
        shutil.copyfile(source, aside)
    aside.replace(target)


def _is_right(path: Path, wheel: Wheel) -> bool:
    return path.exists() and path.stat().st_size == wheel.size and _sha256(path) == wheel.sha256


# ---- checking


def check() -> None:
    """Everything that can be told without a network; raises Problem at the first fault."""
    wheels = read_lock()
    text = MANIFEST.read_text(encoding="utf-8")
    if _with_wheels(text, wheels) != text:
        raise Problem("The manifest's wheels are not those of the lock; run tools/wheels.py lock.")
    if licences.NOTICES.read_text(encoding="utf-8") != _notices(wheels):
        raise Problem("The notices are not those of the lock; run tools/wheels.py lock.")
    if any(wheel.package in BLENDERS_OWN for wheel in wheels):
        raise Problem("numpy must not be among the wheels: Blender brings its own.")
    for target in (*TARGETS, *TEST_TARGETS):
        _check_target(target, wheels)
    declared = {name.removeprefix("SPDX:") for name in tomllib.loads(text)["license"]}
    for wheel in wheels:
        licences.check(wheel.file, wheel.license, declared)
    for name, licence in licences.data_licences().items():
        if licence not in declared:
            raise Problem(f"{name} is under {licence}, which the manifest does not declare.")
    for path in FOLDER.glob("*.whl"):
        if path.name not in {wheel.file for wheel in wheels}:
            raise Problem(f"wheels/{path.name} is not in the lock; delete it.")


def _check_target(target: Target, wheels: list[Wheel]) -> None:
    """The lock holds exactly the pinned versions for a target."""
    found = sorted((wheel.package, wheel.version) for wheel in wheels if _serves(wheel, target))
    if found != _pins(target):
        raise Problem(
            f"The lock for {target.python} on {target.platform} differs from tools/requirements; "
            "run tools/wheels.py lock."
        )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="The wheels inside the extension.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("lock", help="resolve anew and write the lock")
    commands.add_parser("check", help="lock, manifest and licences agree")
    fetching = commands.add_parser("fetch", help="download and verify")
    fetching.add_argument("--platform", action="append", choices=sorted(PLATFORMS))
    fetching.add_argument("--test", action="store_true", help="those that only tests use")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "lock":
            lock()
        elif chosen.command == "fetch":
            platforms = chosen.platform or PLATFORMS
            targets = TEST_TARGETS if chosen.test else TARGETS
            wheels = fetch(tuple(target for target in targets if target.platform in platforms))
            print(f"{len(wheels)} wheels, {sum(wheel.size for wheel in wheels) / 1e6:.0f} MB")
        check()
    except (Problem, licences.Unclear) as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

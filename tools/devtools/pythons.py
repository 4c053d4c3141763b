# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds a Python of a wanted version on this machine, or gets one through uv."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator, List, Optional

from .console import Failure, run, say
from .places import WINDOWS, cache, locked

PROBE = (
    "import ensurepip, sys, venv; "
    "print('%d.%d' % sys.version_info[:2], sys.maxsize > 2**32, "
    "getattr(sys, '_base_executable', None) or sys.executable, sep='|')"
)
HINTS = {
    "linux": "Install it, e.g. apt-get install python{0} python{0}-venv, or: pyenv install {0}",
    "darwin": "Install it, e.g. brew install python@{0}",
    "win32": "Install it from the Microsoft Store or python.org (version {0}, 64 bit)",
}


@functools.lru_cache(maxsize=None)
def find(version: str) -> str:
    """Path of a 64-bit Python of this version, such as "3.11", that can make environments."""
    found = _on_this_machine(version) or _from_uv(version)
    if found:
        return found
    hint = HINTS.get(sys.platform, HINTS["linux"]).format(version)
    raise Failure(f"No Python {version} with venv was found on this machine.", hint)


def is_here(version: str) -> bool:
    """Whether the machine has such a Python already."""
    return _on_this_machine(version) is not None


@functools.lru_cache(maxsize=None)
def _on_this_machine(version: str) -> Optional[str]:
    for candidate in _candidates(version):
        found = _probe(candidate, version)
        if found:
            return found
    return None


def _candidates(version: str) -> Iterator[List[str]]:
    """Command lines that may start such a Python, the likeliest first."""
    yield [sys.executable]
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in (f"python{version}", "python3", "python"):
            path = shutil.which(name, path=folder) if folder else None
            if path:
                yield [path]
    if shutil.which("py"):
        yield ["py", f"-{version}"]
    for place in _installed(version):
        yield [str(place)]


def _installed(version: str) -> Iterator[Path]:
    """Pythons of pyenv, of uv and of the usual installers, which need not be on PATH."""
    home = Path.home()
    binary = "python.exe" if WINDOWS else f"bin/python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or home / ".pyenv")
    folders = [
        (pyenv / "versions", f"{version}*"),
        (cache() / "pythons", f"cpython-{version}*"),
        (home / ".local" / "share" / "uv" / "python", f"cpython-{version}*"),
        (Path("/Library/Frameworks/Python.framework/Versions"), version),
        (Path("/opt/homebrew/opt"), f"python@{version}"),
        (Path("/usr/local"), ""),
    ]
    for folder, pattern in folders:
        for place in sorted(folder.glob(pattern)) if pattern else [folder]:
            if (place / binary).exists():
                yield place / binary


def _probe(command: List[str], version: str) -> Optional[str]:
    """The interpreter behind this command, if it works and is what we want.

    It has to be run: a pyenv shim on PATH may only print "command not found", and Debian's Python
    without its venv package cannot make environments.
    """
    try:
        done = subprocess.run(
            [*command, "-I", "-c", PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=20,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    parts = done.stdout.strip().split("|")
    if done.returncode != 0 or parts[:2] != [version, "True"]:
        return None
    return parts[2]


@functools.lru_cache(maxsize=None)
def _from_uv(version: str) -> Optional[str]:
    """Let uv fetch a Python; None when it cannot (no network, no uv, refused)."""
    say(f"   no Python {version} here; asking uv for one ...")
    try:
        with locked("pythons"):
            command = _uv()
            folder = cache() / "pythons"
            run([*command, "python", "install", "--install-dir", folder, version], 300, what="uv")
    except Failure as failure:
        say(f"   {failure}")
        return None
    for path in _installed(version):
        found = _probe([str(path)], version)
        if found:
            return found
    return None


def _uv() -> List[str]:
    """Command that starts uv, installed into the cache where the machine has none."""
    if shutil.which("uv"):
        return ["uv"]
    folder = cache() / "uv"
    python = folder / ("Scripts/python.exe" if WINDOWS else "bin/python")
    if not (folder / "ready").exists():
        run([sys.executable, "-m", "venv", "--clear", folder], 120, what="venv for uv")
        run([python, "-m", "pip", "install", "--quiet", "uv"], 300, what="pip install uv")
        (folder / "ready").touch()
    return [str(python), "-m", "uv"]

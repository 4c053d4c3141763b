# SPDX-License-Identifier: GPL-3.0-or-later
"""Python environments in the cache, each made once from a pinned list of packages.

An environment carries a stamp of what it was made from: while that is unchanged, asking for it
costs nothing. A new one is made aside and moved into place, so that a broken download leaves no
half of an environment behind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from . import pythons
from .console import Failure, run, stage
from .places import REQUIREMENTS, ROOT, WINDOWS, cache, locked

LAYOUT = "2"  # raise it when environments have to be made anew for another reason
INSTALL_LIMIT_S = 1500


class Recipe(NamedTuple):
    """What an environment is made from."""

    python: str
    requirements: Path
    keeps_pip: bool = True


class Blender(NamedTuple):
    """One Blender that comes as the module bpy."""

    version: str
    env: str
    python: str


BLENDERS: Tuple[Blender, ...] = (
    Blender("4.5", "bpy45", "3.11"),
    Blender("5.2", "bpy52", "3.13"),
    Blender("5.0", "bpy50", "3.11"),
    Blender("4.2", "bpy42", "3.11"),
)
CORE = {"3.11": "core", "3.13": "core313"}
FARM = "core"  # the environment whose tests also try the templates of tools/farm

# The environments of Blender hold bpy and the numpy that Blender ships, nothing else of ours
RECIPES: Dict[str, Recipe] = {
    **{b.env: Recipe(b.python, REQUIREMENTS / f"{b.env}.txt", False) for b in BLENDERS},
    "core": Recipe("3.11", REQUIREMENTS / "core311.txt"),
    "core313": Recipe("3.13", REQUIREMENTS / "core313.txt"),
    "farm": Recipe("3.11", REQUIREMENTS / "farm.txt", False),
    "lint": Recipe("3.11", REQUIREMENTS / "lint.txt"),
    "training": Recipe("3.11", ROOT / "training" / "requirements.txt"),
    "node": Recipe("3.11", REQUIREMENTS / "node.txt", False),
}


def best_blender(version: Optional[str] = None) -> Blender:
    """The Blender that was asked for, or the first whose Python is on this machine."""
    for blender in BLENDERS:
        if version == blender.version or (version is None and pythons.is_here(blender.python)):
            return blender
    return BLENDERS[0]


def ensure(name: str) -> Path:
    """Path of the Python of an environment, which is made first where it is missing or old."""
    if name not in RECIPES:
        raise Failure(f"There is no environment {name}.", "Known are: " + ", ".join(RECIPES))
    recipe = RECIPES[name]
    folder = cache() / "envs" / name
    stamp = _stamp(recipe)
    if not _is_ready(folder, stamp):
        with locked(name):
            if not _is_ready(folder, stamp):  # another run may just have made it
                with stage(f"environment {name} (Python {recipe.python})"):
                    _make(folder, recipe, stamp)
    return python_of(folder)


def ensure_test_tools(version: str) -> Path:
    """Folder that holds pytest for this Python, to be put on PYTHONPATH of any environment."""
    recipe = Recipe(version, REQUIREMENTS / "testtools.txt")
    folder = cache() / "envs" / f"testtools-{version}"
    stamp = _stamp(recipe)
    if not stamped(folder, stamp):
        python = ensure(CORE[version])
        with locked(folder.name):
            if not stamped(folder, stamp):
                with stage(f"test tools (Python {version})"), aside(folder, stamp) as new:
                    _pip_install(python, recipe.requirements, "--target", str(new))
    return folder


def farm_variables(name: str) -> Dict[str, str]:
    """What tells the tests of an environment where a farm's programs are; empty for the others."""
    return {"FACEWRIGHT_FARM": str(ensure("farm"))} if name == FARM else {}


def python_of(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if WINDOWS else "bin/python")


def site_packages(name: str) -> Path:
    """The folder of an environment's packages."""
    folder = cache() / "envs" / name
    inside = "Lib" if WINDOWS else f"lib/python{RECIPES[name].python}"
    return folder / inside / "site-packages"


def blender_tool(env: str) -> Path:
    """Blender's own program that builds and validates extensions; it needs no running Blender."""
    ensure(env)
    found = sorted(site_packages(env).glob("bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise Failure(f"The environment {env} holds no blender_ext.py; delete it and try again.")
    return found[0]


def clean_environ(**extra: str) -> Dict[str, str]:
    """The machine's environment without what could let foreign packages into ours."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept.update(PYTHONNOUSERSITE="1", PYTHONDONTWRITEBYTECODE="1", PYTHONUTF8="1")
    kept.update(extra)
    return kept


def _stamp(recipe: Recipe) -> str:
    if not recipe.requirements.exists():
        raise Failure(f"{recipe.requirements.relative_to(ROOT)} is missing.")
    lines = (LAYOUT, recipe.python, recipe.requirements.read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(lines).encode("utf-8")).hexdigest()


def stamped(folder: Path, stamp: str) -> bool:
    """Whether a folder was made from what this stamp stands for."""
    file = folder / "stamp"
    return file.exists() and file.read_text(encoding="utf-8") == stamp


def _is_ready(folder: Path, stamp: str) -> bool:
    """Also false when the Python that the environment was made from has gone."""
    return stamped(folder, stamp) and python_of(folder).exists()


def _make(folder: Path, recipe: Recipe, stamp: str) -> None:
    base = pythons.find(recipe.python)
    with aside(folder, stamp) as new:
        run([base, "-I", "-m", "venv", new], 120, what="venv")
        python = python_of(new)
        _pip_install(python, recipe.requirements)
        if not recipe.keeps_pip:
            extras = [word for word in ("pip", "setuptools") if _has(new, recipe, word)]
            run([python, "-m", "pip", "uninstall", "--quiet", "--yes", *extras], 120, what="pip")


def _has(folder: Path, recipe: Recipe, package: str) -> bool:
    inside = "Lib" if WINDOWS else f"lib/python{recipe.python}"
    return (folder / inside / "site-packages" / package).exists()


def _pip_install(python: Path, requirements: Path, *options: str) -> None:
    text = requirements.read_text(encoding="utf-8")
    hashes = ["--require-hashes"] if "--hash=" in text else []
    command = [python, "-m", "pip", "install", "--quiet", "--no-input", "--prefer-binary"]
    where = requirements.relative_to(ROOT)
    try:
        run([*command, *hashes, *options, "-r", requirements], INSTALL_LIMIT_S, what="pip install")
    except Failure as failure:
        hint = f"The packages of {where} must be reachable: is there a network?"
        raise Failure(str(failure), hint) from None


@contextlib.contextmanager
def aside(folder: Path, stamp: str) -> Iterator[Path]:
    """Give a new folder and, if all goes well, put it in the place of the old one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    old = new.with_name(new.name + "-old")
    try:
        yield new
        (new / "stamp").write_text(stamp, encoding="utf-8")
        new.chmod(0o755)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)

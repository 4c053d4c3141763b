# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds what a user installs: one zip for each platform, by Blender's own program."""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import List, Sequence, Tuple

from . import envs, pythons
from .console import Failure, run, say, stage
from .places import DIST, ROOT, locked

PLATFORMS = ("windows-x64", "macos-arm64", "linux-x64")

# All that goes into the zip, besides the manifest and the wheels which it names
SHIPPED = (
    "__init__.py",
    "registration.py",
    "preferences.py",
    "translations.py",
    "api",
    "core",
    "worker",
    "providers",
    "scene",
    "properties",
    "operators",
    "panels",
    "models",
    "presets",
    "locale",
    "assets/head.npz",
    "assets/sample_voice.flac",
    "assets/sample_voice.md",
    "assets/LICENSE-head.txt",
    "assets/sample_target.npz",
    "assets/sample_target.json",
    "assets/LICENSE-sample-target.txt",
    "LICENSE",
    "LICENSES",
)
EPOCH = (2020, 1, 1, 0, 0, 0)  # of every file in a zip: the same tree gives the same bytes


def this_platform() -> str:
    """Blender's name of this machine's platform."""
    machine = platform.machine().lower()
    system = {"win32": "windows", "darwin": "macos", "linux": "linux"}.get(sys.platform, "")
    name = f"{system}-{'arm64' if machine in ('arm64', 'aarch64') else 'x64'}"
    if name not in PLATFORMS:
        raise Failure(f"There is no Facewright for {sys.platform} on {machine}.")
    return name


def tools_env() -> str:
    """The environment that builds the head and handles the wheels: of a Python that is here."""
    if pythons.is_here("3.13") and not pythons.is_here("3.11"):
        return "core313"
    return "core"


def build_head() -> Path:
    """Build the heads that the zip carries, unless they are newer than what they are made by."""
    head = ROOT / "assets" / "head.npz"
    target = ROOT / "assets" / "sample_target.npz"
    recipe = DIST / "head.recipe"
    with locked("head"):
        current = _recipe_of(ROOT / "tools" / "head")
        there = recipe.exists() and head.exists() and target.exists()
        made_by = recipe.read_text(encoding="utf-8") if there else ""
        if made_by != current:
            with stage("heads"):
                python = envs.ensure(tools_env())
                run([python, ROOT / "tools" / "head"], 600, what="tools/head")
            if not (head.exists() and target.exists()):
                raise Failure("tools/head ended well but left a file of assets/ out.")
            DIST.mkdir(exist_ok=True)
            recipe.write_text(current, encoding="utf-8")
    return head


def _recipe_of(folder: Path) -> str:
    """Hash of a folder's programs and data."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def build(platforms: Sequence[str], blender_env: str) -> List[Path]:
    """Build, even out and validate the zips of these platforms; says their sizes."""
    fetch_wheels(platforms)
    return _build(platforms, blender_env, DIST, [])


def build_here(blender_env: str) -> Path:
    """The zip of this machine's platform alone."""
    return build([this_platform()], blender_env)[0]


def build_for_sid(blender_env: str) -> Path:
    """A zip with wheels for Debian sid's own Python besides; it is for tests and never shipped."""
    fetch_wheels([this_platform()])
    fetch_wheels([this_platform()], "--test")
    extra = sorted(path.name for path in (ROOT / "wheels").glob("*-cp314-*.whl"))
    return _build([this_platform()], blender_env, DIST / "test", extra)[0]


def _build(
    platforms: Sequence[str], blender_env: str, target_folder: Path, extra: Sequence[str]
) -> List[Path]:
    build_head()
    tool = [envs.ensure(blender_env), "-I", envs.blender_tool(blender_env)]
    zips = []
    with stage("zip for " + ", ".join(platforms)), tempfile.TemporaryDirectory() as folder:
        tree, made = Path(folder) / "tree", Path(folder) / "made"
        made.mkdir()
        _copy_tree(tree, platforms, extra)
        run([*tool, "build", "--source-dir", tree, "--output-dir", made, "--split-platforms"], 300)
        target_folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(made.glob("*.zip")):
            target = target_folder / path.name
            _even_out(path, target)
            run([*tool, "validate", target], 60, what="extension validate")
            zips.append(target)
            say(f"   {target.relative_to(ROOT)}: {target.stat().st_size / 1e6:.1f} MB")
    return zips


def fetch_wheels(platforms: Sequence[str], *options: str) -> None:
    """Have the wheels of these platforms in wheels/; says nothing if they are there already."""
    words = [word for name in platforms for word in ("--platform", name)]
    with locked("wheels"), stage("wheels"):
        python = envs.ensure(tools_env())
        run(
            [python, ROOT / "tools" / "wheels.py", "fetch", *words, *options],
            1200,
            what="tools/wheels.py",
        )


def _copy_tree(tree: Path, platforms: Sequence[str], extra: Sequence[str]) -> None:
    """Copy what is shipped, with a manifest that names these platforms and their wheels only."""
    ignore = shutil.ignore_patterns("__pycache__", ".*")
    for name in SHIPPED:
        source, target = ROOT / name, tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignore)
        elif source.exists():
            shutil.copyfile(source, target)
    text, wheels = narrowed_manifest(
        (ROOT / "blender_manifest.toml").read_text(encoding="utf-8"), platforms, extra
    )
    (tree / "blender_manifest.toml").write_text(text, encoding="utf-8")
    (tree / "wheels").mkdir()
    for name in wheels:
        shutil.copyfile(ROOT / "wheels" / name, tree / "wheels" / name)


def narrowed_manifest(
    text: str, platforms: Sequence[str], extra: Sequence[str] = ()
) -> Tuple[str, List[str]]:
    """The manifest for some of its platforms, and the wheels that are then in it."""
    added = "".join(f'  "./wheels/{name}",\n' for name in extra)
    text = text.replace("wheels = [\n", f"wheels = [\n{added}", 1)
    named = ", ".join(f'"{name}"' for name in platforms)
    text = re.sub(r"(?m)^platforms = \[.*\]$", f"platforms = [{named}]", text)
    lines, wheels = [], []
    for line in text.splitlines():
        wheel = re.match(r'\s*"\./wheels/(.+\.whl)",$', line)
        if wheel and not any(_fits(wheel.group(1), name) for name in platforms):
            continue
        if wheel:
            wheels.append(wheel.group(1))
        lines.append(line)
    return "\n".join(lines) + "\n", wheels


def _fits(wheel: str, platform_name: str) -> bool:
    """Whether a wheel's file name is for this platform."""
    tag = wheel[:-4].rsplit("-", 1)[1]
    marks = {"windows-x64": "win_amd64", "macos-arm64": "macosx", "linux-x64": "manylinux"}
    return tag == "any" or marks[platform_name] in tag


def _even_out(source: Path, target: Path) -> None:
    """Copy a zip with its files in order and without times: same tree, same bytes."""
    aside = target.with_name(f".{target.name}")
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(aside, "w") as new:
        for entry in sorted(old.infolist(), key=lambda entry: entry.filename):
            fresh = zipfile.ZipInfo(entry.filename, EPOCH)
            fresh.compress_type = entry.compress_type
            fresh.external_attr = 0o100644 << 16
            new.writestr(fresh, old.read(entry), compresslevel=9)
    aside.replace(target)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip holds what a user needs, all of it and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ALLOWED = re.compile(
    r"blender_manifest\.toml|LICENSE|LICENSES/[\w.\-]+|(__init__|registration|preferences|translations)\.py"
    r"|(presets|presets/mappings|locale)/\w+\.json"
    r"|(api|core|worker|providers|scene|properties|operators|panels)/([\w]+/)*\w+\.py"
    r"|assets/((head|sample_target)\.npz|sample_target\.json|LICENSE-(head|sample-target)\.txt|sample_voice\.(flac|md))|models/[\w\-]+/[\w.\-]+|core/runtimes\.lock\.toml|wheels/[\w.\-]+\.whl"
)


@pytest.fixture(scope="module")
def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as file:
        return set(file.namelist())


@pytest.fixture(scope="module")
def manifest(archive: Path) -> dict:
    with zipfile.ZipFile(archive) as file:
        return tomllib.loads(file.read("blender_manifest.toml").decode("utf-8"))


def test_nothing_else_is_inside(names):
    assert not [name for name in names if not ALLOWED.fullmatch(name)]


def test_head_network_and_licences_are_inside(names):
    wanted = {"assets/head.npz", "assets/LICENSE-head.txt", "LICENSE", "LICENSES/THIRD-PARTY.md"}
    wanted |= {
        "assets/sample_target.npz",
        "assets/sample_target.json",
        "assets/LICENSE-sample-target.txt",
    }
    assert wanted <= names
    for model in ("facewright", "facewright-emotion"):
        assert {f"models/{model}/network.onnx", f"models/{model}/README.md"} <= names


def test_wheels_are_those_of_one_platform_and_both_pythons(names, manifest):
    wheels = {name for name in names if name.endswith(".whl")}
    assert wheels == {name.removeprefix("./") for name in manifest["wheels"]}
    for package in ("onnxruntime", "scipy", "cffi"):
        tags = sorted(re.findall(rf"wheels/{package}-[^-]+-(cp\d+)-", "\n".join(wheels)))
        assert tags == ["cp311", "cp313"]
    assert not [name for name in wheels if "/numpy-" in name]


def test_blenders_own_check_passes(archive):
    import bpy

    scripts = Path(bpy.utils.system_resource("SCRIPTS"))
    tool = scripts / "addons_core" / "bl_pkg" / "cli" / "blender_ext.py"
    command = [sys.executable, "-I", str(tool), "validate", str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_build_from_the_checkout_would_hold_the_same(names, root):
    """Blender's own command builds from the whole folder: the manifest keeps the rest out."""
    patterns = tomllib.loads((root / "blender_manifest.toml").read_text("utf-8"))
    excluded = patterns["build"]["paths_exclude_pattern"]
    tops = {f"/{path.name}{'/' if path.is_dir() else ''}" for path in root.iterdir()}
    tops = {top for top in tops if not top.startswith(("/.", "/__pycache__"))}
    shipped = {"/" + name.split("/")[0] + ("/" if "/" in name else "") for name in names}
    unknown = tops - shipped - set(excluded)
    assert not unknown, "neither shipped nor excluded in the manifest"

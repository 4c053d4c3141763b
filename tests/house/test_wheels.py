# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheels' lock agrees with the manifest, the pinned versions, the licences and the notices."""

from __future__ import annotations

import subprocess
import sys
import tomllib

from .tree import ROOT


def test_lock_manifest_licences_and_notices_agree() -> None:
    command = [sys.executable, str(ROOT / "tools" / "wheels.py"), "check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_every_platform_has_every_package_for_both_pythons() -> None:
    wheels = tomllib.loads((ROOT / "wheels" / "wheels.lock.toml").read_text("utf-8"))["wheel"]
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    packages = {wheel["package"] for wheel in wheels}
    assert {"onnxruntime", "scipy", "soundfile", "sounddevice", "cffi", "protobuf"} <= packages
    assert "numpy" not in packages
    for platform in manifest["platforms"]:
        for python in ("cp311", "cp313"):
            serving = [w for w in wheels if platform in w["platforms"] and python in w["pythons"]]
            assert {wheel["package"] for wheel in serving} == packages


def test_wheels_for_tests_are_not_shipped() -> None:
    wheels = tomllib.loads((ROOT / "wheels" / "wheels.lock.toml").read_text("utf-8"))["wheel"]
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text("utf-8"))
    shipped = {name.removeprefix("./wheels/") for name in manifest["wheels"]}
    assert {wheel["file"] for wheel in wheels if wheel["test_only"]}.isdisjoint(shipped)
    assert {wheel["file"] for wheel in wheels if not wheel["test_only"]} == shipped

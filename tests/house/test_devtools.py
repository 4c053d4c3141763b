# SPDX-License-Identifier: GPL-3.0-or-later
"""The developer's script: finding Pythons, reading results, narrowing the manifest."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from .tree import ROOT

sys.path.insert(0, str(ROOT / "tools"))

from devtools import console, envs, extension, node, process, pythons, testing

MANIFEST = (ROOT / "blender_manifest.toml").read_text("utf-8")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
on_unix = pytest.mark.skipif(os.name == "nt", reason="needs programs that are shell scripts")


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)
    return path


@on_unix
@pytest.mark.parametrize("text", ["echo 'command not found' >&2; exit 127", "exit 0", "echo 3.9"])
def test_a_python_that_does_not_work_is_passed_over(tmp_path, text):
    shim = program(tmp_path, "python3", text)
    assert pythons._probe([str(shim)], HERE) is None


@on_unix
def test_a_python_that_works_is_found_behind_a_script(tmp_path):
    shim = program(tmp_path, "python3", f'exec "{sys.executable}" "$@"')
    found = pythons._probe([str(shim)], HERE)
    assert found
    assert pythons._probe([str(shim)], "3.0") is None


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("3 failed, 9 passed in 2.54s", {"failed": 3, "passed": 9}),
        ("1 failed, 394 passed, 1 skipped in 46.47s", {"failed": 1, "passed": 394, "skipped": 1}),
        ("1 error in 0.17s", {"error": 1}),
        ("no tests ran in 0.01s", {}),
    ],
)
def test_pytests_closing_line_is_read(line, counts):
    assert testing._counts(["..F", line, "said after it"]) == counts


def test_a_manifest_for_one_platform_keeps_its_wheels_alone():
    text, wheels = extension.narrowed_manifest(MANIFEST, ["macos-arm64"], ["a-1-cp314-any.whl"])
    manifest = tomllib.loads(text)
    assert manifest["platforms"] == ["macos-arm64"]
    assert manifest["wheels"] == [f"./wheels/{name}" for name in wheels]
    assert wheels[0] == "a-1-cp314-any.whl"
    assert all("macosx" in name or "any" in name for name in wheels)
    assert sum(name.startswith("scipy-") for name in wheels) == 2


@on_unix
def test_a_program_that_hangs_is_stopped(capsys):
    lines, code = process.watch(["sh", "-c", "echo began; sleep 60"], 0.5)
    assert lines == ["began"]
    assert code is None


@on_unix
def test_a_failure_shows_the_end_of_what_was_said():
    with pytest.raises(console.Failure, match=r"(?s)exit code 3.*the reason"):
        console.run(["sh", "-c", "echo the reason; exit 3"], 10)


def test_a_half_made_environment_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path))

    def fail() -> None:
        with envs.aside(tmp_path / "envs" / "one", "stamp") as new:
            (new / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((tmp_path / "envs").iterdir()) == []
    with envs.aside(tmp_path / "envs" / "one", "stamp"):
        pass
    assert envs.stamped(tmp_path / "envs" / "one", "stamp")
    assert not envs.stamped(tmp_path / "envs" / "one", "another")


def test_blenders_environments_hold_nothing_of_ours():
    for blender in envs.BLENDERS:
        text = envs.RECIPES[blender.env].requirements.read_text("utf-8")
        assert not [name for name in ("onnxruntime", "scipy", "soundfile") if f"{name}==" in text]


def test_words_that_match_no_test_are_no_success_and_no_traceback(capsys):
    assert testing.test(testing.Choice((), (), "nothing like it")) == 1
    assert "0 passed, 0 failed, 0 skipped" in capsys.readouterr().out


def test_nodes_packages_are_pinned_with_hashes_and_name_no_registry():
    lock = json.loads((node.PACKAGES / "package-lock.json").read_text("utf-8"))
    wanted = json.loads((node.PACKAGES / "package.json").read_text("utf-8"))["dependencies"]
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert {name.removeprefix("node_modules/") for name in packages} >= set(wanted)
    for row in packages.values():
        assert row["integrity"].startswith("sha512-")
        assert "resolved" not in row
    assert "--hash=sha256:" in (node.REQUIREMENTS / "node.txt").read_text("utf-8")


def test_a_machine_without_node_says_why(monkeypatch):
    def refuse(_name):
        raise console.Failure("pip install failed.", "Is there a network?")

    monkeypatch.setattr(envs, "ensure", refuse)
    assert node.variables() == {"FACEWRIGHT_NO_NODE": "pip install failed. Is there a network?"}

# SPDX-License-Identifier: GPL-3.0-or-later
"""``facewright transfer``: from a saved setup to a head that speaks, without a window."""

from __future__ import annotations

import json
from functools import partial

import bpy
import pytest

PARTS = ("Lower Teeth", "Tongue", "Eye Right", "Eye Left")
NAME = "Sample Target"


@pytest.fixture
def command(command):
    return partial(command, "transfer")


@pytest.fixture
def target(code, scene):
    """The sample target's objects by part."""
    return code("scene.sample_target").add_sample_target(scene.collection, (1.0, 0.0, 0.0))


@pytest.fixture
def words():
    options = [f"--{part.lower().replace('lower teeth', 'lower-denture').replace(' ', '-')}"
               for part in PARTS]  # fmt: skip
    named = [word for pair in zip(options, (f"{NAME} {p}" for p in PARTS), strict=True)
             for word in pair]  # fmt: skip
    return ["--target", NAME, *named, "--follow", f"{NAME} Lashes", f"{NAME} Brows"]


def test_from_suggestions_to_files_and_from_the_saved_setup_again(
    command, target, words, scene, tmp_path
):
    setup, blend = tmp_path / "paare.json", tmp_path / "sprich.blend"
    status, said, errors = command(
        *words, "--save-setup", str(setup), "--out", str(blend), str(tmp_path / "kopf.fbx")
    )
    assert (status, errors) == (0, "")
    assert "52 blend shapes" in said.splitlines()[-1]
    assert len(json.loads(setup.read_text(encoding="utf-8"))["pairs"]) == 31
    assert blend.stat().st_size > 100_000
    assert (tmp_path / "kopf.fbx").stat().st_size > 100_000
    for name in ("Lashes", "Brows", *PARTS):
        assert bpy.data.objects[f"{NAME} {name}"].data.shape_keys, name
    driver = scene.facewright.transfer.driver.name
    opened = scene.facewright.transfer.open_mouth.name
    status, said, errors = command(
        "--target", NAME, "--driver", driver, "--open-mouth", opened, "--setup", str(setup),
        "--iterations", "1", "--no-shapes", "--wrap", "--quiet",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    assert scene.facewright.transfer.iterations == 1
    assert scene.facewright.transfer.result is not None


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--target", "Nobody"], "has no object 'Nobody'"),
        (["--setup", "/nowhere/pairs.json"], "/nowhere/pairs.json"),
        (["--driver", NAME], "belong together"),
        (["--no-shapes"], "nothing to do"),
        (["--out", "/nowhere/head.fbx"], "does not exist"),
        (["--out", "head.gif"], "ending"),
        (["--out", "head.json"], "not saved as .json"),
        (["--save-setup", "pairs.txt"], "pairs.txt"),
        (["--iterations", "0"], "between 1 and 10"),
        (["--stiffness", "nan"], "between 1 and 10000"),
        (["--smooth-level", "11"], "between 0 and 10"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_stays(
    command, target, words, scene, more, expected
):
    before = {obj.name for obj in bpy.data.objects}
    status, _said, errors = command(*words, *more)
    assert status == 1
    assert expected in errors
    assert errors.count("\n") == 1
    assert {obj.name for obj in bpy.data.objects} == before
    assert not scene.facewright.transfers


def test_a_wrong_word_is_wrong_usage(command):
    status, _said, errors = command("--tarrget", "x")
    assert status == 2
    assert "--tarrget" in errors or "--target" in errors

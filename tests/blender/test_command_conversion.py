# SPDX-License-Identifier: GPL-3.0-or-later
"""``facewright convert``: from an animated mesh to keyed weights and files, without a window."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest
from converting import (
    FRAMES,
    NAMES,
    baked_weights,
    cached,
    faces_of,
    known_weights,
    shaped,
    write_pc2,
)


@pytest.fixture
def command(command):
    return partial(command, "convert")


@pytest.fixture
def face(scene, tmp_path):
    scene.frame_start, scene.frame_end = 1, FRAMES
    face = shaped("Das Gesicht")
    cached("Input", write_pc2(tmp_path / "a.pc2", faces_of(face, known_weights())))
    return face


EXACT = ("--regularization", "0", "--temporal", "0", "--sparsity", "0", "--symmetry", "0")


def test_keys_files_and_the_residual(command, face, tmp_path, scene):
    preset, weights, blend = tmp_path / "p.json", tmp_path / "w.json", tmp_path / "ü.blend"
    status, said, errors = command(
        "--source", "Input", "--target", "Das Gesicht", *EXACT, "--neutral", "rest",
        "--save-preset", str(preset), "--out", str(weights), str(blend), str(tmp_path / "f.fbx"),
    )  # fmt: skip
    assert (status, errors) == (0, "")
    last = said.splitlines()[-1]
    assert last.startswith("Done: 7 poses over 12 frames: mean ")
    assert "worst" in last
    np.testing.assert_allclose(baked_weights(face), known_weights(), atol=1e-4)
    saved = json.loads(weights.read_text(encoding="utf-8"))
    assert saved["facsNames"] == list(NAMES)
    assert saved["exportFps"] == 30
    np.testing.assert_allclose(saved["weightMat"], known_weights(), atol=1e-4)
    assert blend.stat().st_size > 10_000
    assert json.loads(preset.read_text())["blendshape_params"]["strengthL2regularization"] == 0
    conversion = scene.facewright.conversion
    assert (conversion.source.name, conversion.regularisation) == ("Input", 0)
    status, said, errors = command(
        "--source", "Input", "--target", "Das Gesicht", "--preset", str(preset), "--quiet",
        "--start", "3", "--end", "5", "--fps", "60",
    )  # fmt: skip
    assert (status, errors) == (0, "")
    assert "over 5 frames" in said


def test_what_is_wrong_is_said_and_nothing_is_left(command, face, tmp_path, scene):
    for words, sentence in (
        (("--source", "Input", "--target", "Face"), "no object 'Face'"),
        (("--source", "Das Gesicht", "--target", "Das Gesicht"), "another mesh"),
        (("--source", "Input", "--target", "Das Gesicht", "--neutral", "x"), "is no neutral"),
        (("--source", "Input", "--target", "Das Gesicht", "--symmetry", "-1"), "between 0 and"),
        (
            ("--source", "Input", "--target", "Das Gesicht", "--start", "9", "--end", "1"),
            "ends at frame",
        ),
        (("--source", "Input", "--target", "Das Gesicht", "--preset", "none.json"), "none.json"),
        (("--source", "Input", "--target", "Das Gesicht", "--out", "a.mp4"), "a.mp4"),
    ):
        status, _said, errors = command(*words)
        assert status == 1, words
        assert sentence in errors
        assert not len(scene.facewright.conversions)
        assert face.data.shape_keys.animation_data is None
    assert command("--source", "Input")[0] == 2

# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange import weights_json
from facewright.core.face.track import FaceTrack
from facewright.core.naming import CANONICAL_NAMES


def turn(axis, degrees):
    """Rodrigues' formula, for comparison."""
    axis = np.array(axis, float) / np.linalg.norm(axis)
    cross = np.cross(np.eye(3), axis)
    angle = np.radians(degrees)
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


@pytest.fixture
def face():
    rng = np.random.default_rng(0)
    jaw = np.repeat(np.eye(4, dtype=np.float32)[None], 7, axis=0)
    for frame in range(7):
        jaw[frame, :3, :3] = turn(rng.normal(size=3), rng.uniform(-40, 40))
        jaw[frame, :3, 3] = rng.uniform(-5, 5, 3)
    return FaceTrack(
        CANONICAL_NAMES, rng.uniform(0, 1, (7, 68)).astype(np.float32), jaw,
        rng.uniform(-20, 20, (7, 2, 2)).astype(np.float32), Fraction(24000, 1001), 0.29,
    )  # fmt: skip


def test_the_file_has_the_legacy_keys(tmp_path, face):
    path = tmp_path / "w.json"
    weights_json.write_weights(path, face, "voices/hello ü.wav")
    values = json.loads(path.read_text("utf-8"))
    assert list(values) == ["exportFps", "trackPath", "numPoses", "numFrames", "facsNames",
                            "joints", "weightMat", "rotations", "translations"]  # fmt: skip
    assert values["exportFps"] == pytest.approx(23.976, abs=1e-3)
    assert values["trackPath"] == "voices/hello ü.wav"
    assert (values["numPoses"], values["numFrames"]) == (68, 7)
    assert values["facsNames"] == list(CANONICAL_NAMES)
    assert np.shape(values["weightMat"]) == (7, 68)
    np.testing.assert_allclose(values["weightMat"], face.weights, atol=5e-7)
    assert values["joints"] == ["leftEye", "rightEye", "jaw"]
    rotations = np.array(values["rotations"])
    np.testing.assert_allclose(rotations[:, 0, :2], face.eyes[:, 1], atol=1e-6)
    np.testing.assert_allclose(rotations[:, 1, :2], face.eyes[:, 0], atol=1e-6)
    for frame, (x, y, z) in enumerate(rotations[:, 2]):
        found = turn((0, 0, 1), z) @ turn((0, 1, 0), y) @ turn((1, 0, 0), x)
        np.testing.assert_allclose(found, face.jaw[frame, :3, :3], atol=1e-6)
    np.testing.assert_allclose(
        np.array(values["translations"])[:, 2], face.jaw[:, :3, 3], atol=1e-6
    )
    for numbers in map(np.array, (values["weightMat"], rotations, values["translations"])):
        np.testing.assert_array_equal(np.round(numbers, 6), numbers)


def test_whole_frame_rates_are_whole_numbers(tmp_path, face):
    import dataclasses

    weights_json.write_weights(tmp_path / "w.json", dataclasses.replace(face, fps=Fraction(60)))
    assert '"exportFps": 60,' in (tmp_path / "w.json").read_text()


def test_what_is_written_comes_back(tmp_path, face):
    weights_json.write_weights(tmp_path / "w.json", face)
    found = weights_json.read_weights(tmp_path / "w.json")
    assert found.names == face.names
    assert found.fps == face.fps
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_allclose(getattr(found, part), getattr(face, part), atol=2e-6)
    assert found.duration_s == pytest.approx(7 / 23.976, rel=1e-4)


def test_the_same_face_gives_the_same_bytes_without_negative_zeros(tmp_path, face):
    face.weights[0, :2] = -0.0, -1e-9
    for name in "12":
        weights_json.write_weights(tmp_path / name, face)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert "-0.0," not in (tmp_path / "1").read_text()


def test_legacy_files_without_rate_and_joints_and_with_a_wrong_count_are_read(tmp_path):
    path = tmp_path / "legacy.json"
    path.write_text(json.dumps(
        {"numPoses": 46, "numFrames": 2, "facsNames": ["jawDrop", "pucker"],
         "weightMat": [[0, 1], [0.5, 0.25]]}
    ))  # fmt: skip
    found = weights_json.read_weights(path)
    assert found.fps == 60
    assert found.weights.tolist() == [[0, 1], [0.5, 0.25]]
    np.testing.assert_array_equal(found.jaw, [np.eye(4)] * 2)
    assert not found.eyes.any()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "no facsNames"),
        ({"facsNames": ["a", "a"], "weightMat": [[1, 2]]}, "twice"),
        ({"facsNames": ["a"], "weightMat": [[1, 2]]}, "frames x 1 numbers"),
        ({"facsNames": ["a"], "weightMat": [[1], [1, 2]]}, "frames x 1 numbers"),
        ({"facsNames": ["a"], "weightMat": [["x"]]}, "frames x 1 numbers"),
        ({"facsNames": ["a"], "weightMat": [[True]]}, "frames x 1 numbers"),
        ({"facsNames": ["a"]}, "weightMat"),
        ({"facsNames": ["a"], "weightMat": [[1]], "exportFps": 0}, "frame rate"),
        ({"facsNames": ["a"], "weightMat": [[1]], "exportFps": "60"}, "frame rate"),
        ({"facsNames": ["a"], "weightMat": [[1]], "joints": ["leftEye", "rightEye", "jaw"],
          "rotations": [[[0, 0, 0]]]}, "rotations"),
    ],
)  # fmt: skip
def test_files_that_are_no_weights_are_refused_by_name(tmp_path, values, says):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match=rf"bad\.json.*{says}"):
        weights_json.read_weights(path)

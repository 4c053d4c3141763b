# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import os
from fractions import Fraction

import numpy as np
import pytest
import stub_diffusion
from facewright.core import pipeline
from facewright.core.emotion.source import EmotionSource
from facewright.core.emotion.track import EmotionTrack
from facewright.core.errors import UserError
from facewright.core.parameters import EMOTION_NAMES
from facewright.core.solve.pose_table import PoseTable, RigOverrides
from facewright.core.take_file import read_take, write_take
from facewright.core.voice.audio import Voice


@pytest.fixture(scope="module")
def take(stub, voice_file):
    request = pipeline.Request(Voice(path=str(voice_file)), stub.folder, Fraction(24000, 1001))
    return pipeline.animate(request)


def spoil(path, edit):
    with np.load(path, allow_pickle=False) as npz:
        arrays = dict(npz)
    header = json.loads(arrays["header"].tobytes())
    edit(arrays, header)
    if "header" in arrays:
        arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)


def test_a_take_comes_back_whole(tmp_path, take):
    path = tmp_path / "tàke.npz"
    named = dataclasses.replace(
        take, voice_name="声.wav", face=dataclasses.replace(take.face, notices=("Ünder",))
    )
    write_take(path, named)
    found = read_take(path)
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(found.face, part), getattr(take.face, part))
    for part in ("skin", "tongue", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(found.motion, part), getattr(take.motion, part))
    assert found.settings == take.settings
    assert found.face.fps == found.motion.fps == Fraction(24000, 1001)
    assert found.face.names == take.face.names
    assert found.face.notices == ("Ünder",)
    assert found.face.jaw_rest == take.face.jaw_rest and len(take.face.jaw_rest) == 3
    assert found.face.duration_s == take.face.duration_s
    assert found.voice_name == "声.wav"
    assert found.voice_sha256 == take.voice_sha256
    assert (found.model_name, found.model_sha256) == (take.model_name, take.model_sha256)
    assert found.timings == take.timings


def test_a_take_comes_back_with_all_that_schema_2_added(tmp_path, voice_file):
    folder = stub_diffusion.make_stub_diffusion(tmp_path / "m").folder
    rigs = RigOverrides(
        skin=PoseTable(active={"jawOpen": False}, cancel={"mouthLeft": 3, "mouthRight": 3}),
        tongue=PoseTable(multipliers={"tongueUp": 2.5}, offsets={"tongueDown": 0.2}),
    )
    keys = EmotionTrack(np.array([0.25, 1.0]), np.eye(10, dtype=np.float32)[:2])
    request = pipeline.Request(
        Voice(path=str(voice_file)), folder, Fraction(24), {"identity": "Mark"}, rigs,
        EmotionSource(keys=keys),
    )  # fmt: skip
    take = pipeline.animate(request)
    write_take(tmp_path / "take.npz", take)
    found = read_take(tmp_path / "take.npz")
    assert found.motion.fps == 60
    assert found.face.fps == 24
    assert found.motion.shapes is not None
    np.testing.assert_array_equal(found.motion.shapes.skin, take.motion.shapes.skin)
    np.testing.assert_array_equal(found.motion.shapes.tongue, take.motion.shapes.tongue)
    np.testing.assert_array_equal(found.emotion.times_s, keys.times_s)
    np.testing.assert_array_equal(found.emotion.values, keys.values)
    assert found.emotion_names == take.emotion_names
    assert found.rigs == rigs
    assert (found.identity, found.device) == ("Mark", "cpu")
    assert found.network_ms_per_frame == take.network_ms_per_frame > 0
    assert found.settings == take.settings
    assert found.missing == ()


NEW = ("motion_fps", "emotion_names", "identity", "device", "rigs", "network_ms_per_frame")


def as_schema_1(arrays, header):
    """What the version before wrote: no emotion but the sliders, no solver strengths."""
    for name in NEW:
        del header[name]
    header["schema"] = 1
    arrays.pop("emotion_times")
    arrays.pop("emotion_values")
    for name in ("skin_regularization", "tongue_temporal", "saccade_pattern", "max_emotions"):
        del header["settings"][name]
    header["settings"]["emotion_joy"] = 0.75


def test_takes_of_schema_1_are_still_read(tmp_path, model, take):
    path = tmp_path / "take.npz"
    write_take(path, take)
    spoil(path, as_schema_1)
    found = read_take(path)
    np.testing.assert_array_equal(found.face.weights, take.face.weights)
    assert found.motion.fps == take.motion.fps
    assert found.emotion_names == EMOTION_NAMES
    np.testing.assert_allclose(found.emotion.values, [[0] * 6 + [0.75] + [0] * 3])
    assert found.rigs == RigOverrides()
    assert (found.identity, found.device) == ("", "cpu")
    # what it did not hold is the model's own when it is redone, not the table's default
    assert set(found.missing) == {
        "skin_regularization", "tongue_temporal", "saccade_pattern", "max_emotions",
    }  # fmt: skip
    again = pipeline.redo(found, pipeline.Loaded(model, network=None))
    assert again.settings.skin_regularization == model.skin_rig.config.l2
    np.testing.assert_array_equal(again.face.weights, take.face.weights)
    write_take(path, found)
    assert read_take(path).missing == found.missing


def test_the_same_take_gives_the_same_bytes(tmp_path, take):
    write_take(tmp_path / "1.npz", take)
    write_take(tmp_path / "2.npz", read_take(tmp_path / "1.npz"))
    assert (tmp_path / "1.npz").read_bytes() == (tmp_path / "2.npz").read_bytes()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda a, h: a.pop("header"), "is not a take"),
        (lambda a, h: a.pop("skin"), "'skin' is missing"),
        (lambda a, h: a.update(eyes=a["eyes"][:-1]), "'eyes' has the shape"),
        (lambda a, h: a.update(weights=a["weights"] * np.nan), "not numbers"),
        (lambda a, h: h.update(schema=3), "not made by this version"),
        (lambda a, h: h.update(fps=[30, 0]), "damaged"),
        (lambda a, h: h.update(fps="30"), "damaged"),
        (lambda a, h: h.update(names=h["names"][:-1]), "'weights' has the shape"),
        (lambda a, h: h.update(voice_name=5), "damaged"),
        (lambda a, h: h.update(settings=[]), "damaged"),
        (lambda a, h: h["settings"].update(skin_strength=9), "Skin Strength"),
        (lambda a, h: h.update(motion_fps=None), "damaged"),
        (lambda a, h: h.update(duration_s=1e308), "damaged"),
        (lambda a, h: h.update(duration_s=-1), "damaged"),
        (lambda a, h: h.update(rigs={"nose": {}}), "no rig called 'nose'"),
        (lambda a, h: h.update(rigs={"skin": {"offsets": {"a": "b"}}}), "no value for offsets"),
        (lambda a, h: h.update(emotion_names=["joy"]), "'emotion_values' has the shape"),
        (lambda a, h: a.pop("emotion_times"), "'emotion_times' is missing"),
        (lambda a, h: h.update(network_ms_per_frame="fast"), "damaged"),
        (lambda a, h: h["timings"].update(network="fast"), "damaged"),
    ],
)
def test_damaged_takes_are_refused_by_name(tmp_path, take, edit, says):
    path = tmp_path / "take.npz"
    write_take(path, take)
    spoil(path, edit)
    with pytest.raises(UserError, match=says):
        read_take(path)


def test_a_header_of_another_shape_is_refused(tmp_path, take):
    write_take(tmp_path / "take.npz", take)
    with np.load(tmp_path / "take.npz") as archive:
        arrays = dict(archive)
    np.savez(tmp_path / "take.npz", **{**arrays, "header": arrays["header"][None]})
    with pytest.raises(UserError, match=r"take\.npz.*'header' has the shape"):
        read_take(tmp_path / "take.npz")


def test_a_cut_or_missing_take_is_refused(tmp_path, take):
    path = tmp_path / "take.npz"
    write_take(path, take)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UserError, match=r"take\.npz is not a readable npz"):
        read_take(path)
    with pytest.raises(UserError, match="does not exist"):
        read_take(tmp_path / "none.npz")


def test_a_take_that_cannot_be_written_leaves_the_one_before(tmp_path, take, monkeypatch):
    path = tmp_path / "take.npz"
    write_take(path, take)
    before = path.read_bytes()

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match=r"take\.npz cannot be written: No space left"):
        write_take(path, take)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["take.npz"]

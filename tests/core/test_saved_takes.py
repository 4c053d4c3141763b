# SPDX-License-Identifier: GPL-3.0-or-later
"""Saved takes: later stages are redone without the network, and without the voice."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import stub_diffusion
import stubs
from facewright.core import pipeline
from facewright.core.errors import UserError
from facewright.core.motion import MotionShapes
from facewright.core.solve.pose_table import PoseTable, RigOverrides
from facewright.core.take_file import read_take, write_take
from facewright.core.voice.audio import Voice
from facewright.core.workbench import Workbench
from takes import assert_same, done_again, request_of


@pytest.fixture(scope="module")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    return Voice(path=str(stubs.write_wav(path, stubs.speech_like(2.0))))


@pytest.fixture(scope="module")
def loaded(stub):
    return pipeline.open_model(stub.folder, threads=1)


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    made = stub_diffusion.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "stub")
    return pipeline.open_model(made.folder, threads=1)


def without_network(loaded):
    """The model alone: any question to the network would fail."""
    return pipeline.Loaded(loaded.model, network=None)


@pytest.fixture(params=["regression", "diffusion"])
def saved(request, loaded, diffusion, voice, tmp_path):
    used = loaded if request.param == "regression" else diffusion
    take = pipeline.animate(request_of(used, voice, {"emotion_joy": 0.3}), loaded=used)
    write_take(tmp_path / "take.npz", take)
    return used, take, read_take(tmp_path / "take.npz")


def test_a_saved_take_is_redone_without_the_network(saved, voice):
    used, take, read = saved
    bench = Workbench.from_take(without_network(used), read)
    assert_same(bench.redo(), take)
    before = bench.counts.copy()
    assert before["network"] == before["voice"] == 0
    changed = {"emotion_joy": 0.3, "skin_strength": 1.4, "saccade_pattern": 2}
    rigs = RigOverrides(tongue=PoseTable(multipliers={"tongueUp": 2.0}))
    found = bench.redo(changed, rigs)
    assert done_again(bench, before) == {"skin", "skin_weights", "weights", "eyes"}
    fresh = pipeline.animate(request_of(used, voice, changed, rigs=rigs), loaded=used)
    assert_same(found, fresh)
    assert_same(pipeline.redo(read, without_network(used), changed, rigs), fresh)
    assert_same(bench.redo(), fresh)  # what is None stays as it was made last


def test_what_comes_before_the_network_needs_the_voice(saved):
    used, _, read = saved
    bench = Workbench.from_take(without_network(used), read)
    with pytest.raises(UserError, match=r"Joy \(emotion_joy\).*voice\.wav"):
        bench.redo({"emotion_joy": 0.9})
    with pytest.raises(UserError, match="Input Strength"):
        bench.redo({"emotion_joy": 0.3, "input_strength": 2.0})


def test_a_saved_take_at_another_rate_is_interpolated(saved):
    used, take, read = saved
    face = pipeline.redo(read, without_network(used), fps=Fraction(60)).face
    assert face.frame_count == 120
    assert face.fps == 60
    assert face.duration_s == take.face.duration_s


def test_takes_of_other_models_are_refused(saved, loaded, diffusion, tmp_path):
    used, _, read = saved
    other = diffusion if used is loaded else loaded
    with pytest.raises(UserError, match="another model"):
        Workbench.from_take(other, read)
    if used is diffusion:
        james = pipeline.open_model(used.model.folder, "James")
        with pytest.raises(UserError, match="made with Claire, not with James"):
            Workbench.from_take(james, read)


def test_a_take_whose_arrays_were_meddled_with_is_refused(saved):
    used, _, read = saved
    for change in (
        {"skin": read.motion.skin[:, :-1]},
        {"tongue": np.zeros((len(read.motion.tongue), 50), np.float32)},
        {"jaw": read.motion.jaw[:, :3]},
        {"shapes": MotionShapes(np.zeros((2, 5, 3), np.float32), np.zeros((1, 5, 3), np.float32))},
    ):
        motion = dataclasses.replace(read.motion, **change)
        with pytest.raises(UserError, match="does not fit the model"):
            Workbench.from_take(used, dataclasses.replace(read, motion=motion))

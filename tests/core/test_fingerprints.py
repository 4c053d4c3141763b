# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes are outdated exactly when something that decides them has changed."""

from __future__ import annotations

import dataclasses
import os
import shutil
from fractions import Fraction

import numpy as np
import pytest
import stub_emotion
import stubs
from facewright.core.emotion.source import EmotionSource
from facewright.core.emotion.track import EmotionTrack
from facewright.core.errors import UserError
from facewright.core.fingerprints import DIGITS, request_fingerprint
from facewright.core.parameters import EMOTION_NAMES, PARAMETERS
from facewright.core.solve.pose_table import RigOverrides
from facewright.core.take import Request
from facewright.core.voice.audio import Voice

VECTOR = tuple(0.1 * k for k in range(10))
KEYS = EmotionTrack(np.array([0.0, 0.5]), np.full((2, 10), 0.25, np.float32))


@pytest.fixture
def request_(tmp_path):
    model = stubs.make_stub_model(tmp_path / "model").folder
    emotion = stub_emotion.make_stub_emotion(tmp_path / "emotion").folder
    voice = stubs.write_wav(tmp_path / "voice.wav", stubs.speech_like(0.2))
    return Request(
        Voice(path=str(voice), start_s=0.01, end_s=0.19, channel=0),
        str(model),
        Fraction(30),
        {"skin_strength": 0.7},
        RigOverrides.from_mapping({"skin": {"offsets": {"jawOpen": 0.1}}}),
        EmotionSource(KEYS, str(emotion), "frames", VECTOR, {"joy": 0.3}, VECTOR),
    )


def changed(request, **changes):
    return request_fingerprint(dataclasses.replace(request, **changes))


def values_of(row, single=False):
    """Some values of a parameter, as they are and as Blender's properties give them back."""
    if row.kind == "text":
        return ["one", "two"]
    if row.kind == "bool":
        return [False, True]
    if row.kind == "int":
        return [row.minimum, row.maximum]
    values = [row.minimum, row.minimum + 0.3 * (row.maximum - row.minimum), row.maximum]
    return [float(np.float32(value)) for value in values] if single else values


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_counts_and_single_precision_does_not(request_, name):
    row = PARAMETERS[name]
    found = [changed(request_, settings={name: value}) for value in values_of(row)]
    assert len({*found, changed(request_, settings={})}) == len(found) + 1
    again = [changed(request_, settings={name: value}) for value in values_of(row, True)]
    assert again == found


def test_it_is_short_and_stays_the_same(request_):
    found = request_fingerprint(request_)
    assert len(found) == DIGITS and int(found, 16) >= 0
    assert request_fingerprint(dataclasses.replace(request_)) == found


def test_what_means_the_same_is_the_same(request_):
    voice, emotion = request_.voice, request_.emotion
    found = request_fingerprint(request_)
    as_single = {"skin_strength": 0.699999988079071}
    folder = os.path.join(request_.model, "..", "model", "")
    rigs = RigOverrides.from_mapping({"skin": {"offsets": {"JAWOPEN": np.float32(0.1).item()}}})
    many = {"skin_strength": 0.7, "source_shot": "", "identity": ""}
    for same in (
        {"settings": as_single},
        {"settings": many},
        {"model": folder},
        {"rigs": rigs},
        {"device": "cuda", "threads": 7},
        {"voice": dataclasses.replace(voice, name="Other", start_s=0.009999999776482582)},
        {"emotion": dataclasses.replace(emotion, overrides={"joy": 0.3, "fear": None, "pain": 2})},
    ):
        assert changed(request_, **same) == found, same
    order = {"tongue_strength": 1.0, "skin_strength": 0.7}
    assert changed(request_, settings=order) == changed(
        request_, settings=dict(reversed(order.items()))
    )
    assert changed(request_, settings={"lip_open_offset": 0.0}) == changed(
        request_, settings={"lip_open_offset": -0.0}
    )
    assert changed(request_, settings={"identity": "Claire"}) == changed(
        request_, settings={"identity": "claire"}
    )
    off = dataclasses.replace(emotion, mode="off")
    without = dataclasses.replace(off, model="")
    assert changed(request_, emotion=off) == changed(request_, emotion=without)


def test_every_other_field_counts(request_, tmp_path):
    voice, emotion = request_.voice, request_.emotion
    copy = tmp_path / "copy.wav"
    shutil.copy2(voice.path, copy)
    other = shutil.copytree(request_.model, tmp_path / "other")
    later = EmotionTrack(np.array([0.0, 0.6]), KEYS.values)
    louder = EmotionTrack(KEYS.times_s, KEYS.values * 2)
    data = copy.read_bytes()
    changes = [
        {"voice": dataclasses.replace(voice, path=str(copy))},
        {"voice": dataclasses.replace(voice, path=None, data=data)},
        {"voice": dataclasses.replace(voice, path=None, data=data + b"\0")},
        {"voice": dataclasses.replace(voice, path=str(tmp_path / "gone.wav"))},
        {"voice": dataclasses.replace(voice, start_s=0.02)},
        {"voice": dataclasses.replace(voice, end_s=0.18)},
        {"voice": dataclasses.replace(voice, end_s=None)},
        {"voice": dataclasses.replace(voice, channel=1)},
        {"voice": dataclasses.replace(voice, channel=None)},
        {"model": str(other)},
        {"fps": Fraction(30000, 1001)},
        {"settings": {}},
        {"rigs": RigOverrides()},
        *(
            {"rigs": RigOverrides.from_mapping({part: {column: {"jawOpen": value}}})}
            for part in ("skin", "tongue")
            for column, value in (("active", True), ("active", False), ("cancel", 3),
                                  ("symmetry", 3), ("multipliers", 0.5), ("offsets", 0.5))
        ),
        {"emotion": dataclasses.replace(emotion, keys=None)},
        {"emotion": dataclasses.replace(emotion, keys=later)},
        {"emotion": dataclasses.replace(emotion, keys=louder)},
        {"emotion": dataclasses.replace(emotion, model="")},
        {"emotion": dataclasses.replace(emotion, model=str(other))},
        {"emotion": dataclasses.replace(emotion, mode="keys")},
        {"emotion": dataclasses.replace(emotion, mode="off")},
        {"emotion": dataclasses.replace(emotion, preferred=None)},
        {"emotion": dataclasses.replace(emotion, beginning=None)},
        {"emotion": dataclasses.replace(emotion, overrides={})},
        *({"emotion": dataclasses.replace(emotion, overrides={name: 0.5})}
          for name in EMOTION_NAMES),
    ]  # fmt: skip
    found = [changed(request_, **change) for change in changes]
    assert len({*found, request_fingerprint(request_)}) == len(found) + 1


def test_files_that_are_saved_again_count(request_):
    found = request_fingerprint(request_)
    os.utime(request_.voice.path, ns=(1, 1))
    saved = request_fingerprint(request_)
    os.utime(os.path.join(request_.model, "network.onnx"), ns=(1, 1))
    assert len({found, saved, request_fingerprint(request_)}) == 3


def test_contents_that_are_known_take_the_place_of_files(request_, tmp_path):
    def known(request):
        return request_fingerprint(request, voice_sha256="a", model_sha256="b")

    found = known(request_)
    moved = dataclasses.replace(request_.voice, path=str(tmp_path / "elsewhere.wav"))
    assert known(dataclasses.replace(request_, voice=moved, model=str(tmp_path))) == found
    assert request_fingerprint(request_, "b", "b") != found
    assert request_fingerprint(request_, "a", "a") != found
    assert request_fingerprint(request_) != found


def test_values_that_no_request_has_are_refused(request_):
    with pytest.raises(UserError, match="no_such"):
        changed(request_, settings={"no_such": 1.0})

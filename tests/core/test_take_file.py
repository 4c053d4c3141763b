# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses
import json
import os
from fractions import Fraction

import numpy as np
import pytest
from facewright.core import pipeline
from facewright.core.audio import Voice
from facewright.core.errors import UserError
from facewright.core.take_file import read_take, write_take


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
    assert found.face.duration_s == take.face.duration_s
    assert found.voice_name == "声.wav"
    assert found.voice_sha256 == take.voice_sha256
    assert (found.model_name, found.model_sha256) == (take.model_name, take.model_sha256)
    assert found.timings == take.timings


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
        (lambda a, h: h["timings"].update(network="fast"), "damaged"),
    ],
)
def test_damaged_takes_are_refused_by_name(tmp_path, take, edit, says):
    path = tmp_path / "take.npz"
    write_take(path, take)
    spoil(path, edit)
    with pytest.raises(UserError, match=says):
        read_take(path)


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

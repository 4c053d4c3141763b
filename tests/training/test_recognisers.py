# SPDX-License-Identifier: GPL-3.0-or-later

"""Listeners beside a face: our network before its tables, pocketsphinx, Rhubarb's words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is only in the training environment")

from facewright.training.coarticulation import viseme_frames
from facewright.training.evaluate import Evaluation, evaluate, own_listener
from facewright.training.measuring import network as networks
from facewright.training.measuring.labelled import Labelled, labelled_folder
from facewright.training.measuring.language import _excused
from facewright.training.measuring.recognisers import (
    Allphone,
    Heard,
    listen,
    rhubarb_closures,
    right_visemes,
)
from facewright.training.paths import HEAD_FILE, MODEL_FOLDER, labelled_speech_folder
from facewright.training.phones import VISEMES, Segment
from facewright.training.recipe import read_recipe


@pytest.fixture(scope="module")
def recordings():
    folder = labelled_speech_folder() / "en"
    if not (folder / "labels.json").exists():
        pytest.skip("no labelled recordings beside the checkout (shared/data/speech)")
    return labelled_folder(folder, 3)


def test_what_is_heard_of_a_recording_follows_its_labels(recordings, tmp_path, monkeypatch):
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path))
    listener = own_listener(MODEL_FOLDER, read_recipe())
    assert listener is not None
    allphone, closures = Allphone(), [0, 0]
    for recording in recordings:
        told = (listen(listener, recording.samples), allphone.listen(recording.samples))
        for kind, heard in enumerate(told):
            wanted = viseme_frames(recording.sounds, heard.times)
            right, _either, spoken = right_visemes(heard, wanted, np.zeros(len(wanted), bool))
            assert right / spoken > 0.45
            closures[kind] += len(heard.closures)
    assert min(closures) > 2
    assert len(list(tmp_path.rglob("allphone/*.json"))) == len(recordings)
    again = Allphone()
    assert again.listen(recordings[0].samples).visemes is not None
    assert again.decoder is None  # from the cache


def test_phones_that_labels_do_not_tell_apart_may_be_heard_either_way():
    phones = [Segment("ʌ", 0.0, 0.1), Segment("ɚ", 0.1, 0.2), Segment("i", 0.2, 0.3)]
    recording = Labelled("en", "made up", Path("nowhere"), tuple(phones))
    times = np.array([0.05, 0.05, 0.12, 0.18, 0.25])
    told = np.array([VISEMES.index(viseme) for viseme in ("ax", "I", "RR", "RR", "ax")])
    excused = _excused(recording, times, told)
    assert excused.tolist() == [True, False, True, True, False]
    wanted = viseme_frames(recording.sounds, times)
    assert right_visemes(Heard([], times, told), wanted, excused).tolist() == [1, 3, 5]


def test_rhubarbs_closed_mouths_are_closures():
    cues = [("X", 0.0, 0.2), ("A", 0.2, 0.3), ("B", 0.3, 0.5), ("A", 0.5, 0.58)]
    told = json.dumps(
        {"mouthCues": [dict(zip(("value", "start", "end"), c, strict=True)) for c in cues]}
    )
    assert rhubarb_closures(told) == [(0.2, 0.3), (0.5, 0.58)]


def test_the_network_hears_as_far_ahead_as_its_window_and_its_speed_is_told():
    assert 0.2 < networks.look_ahead_s(MODEL_FOLDER) <= 0.26
    told = networks.speed(MODEL_FOLDER)
    assert set(told) == {"one frame ms", "clip times real time", "calibration ms"}
    assert min(told.values()) > 0


def test_a_live_network_takes_the_place_of_the_other(tmp_path):
    live = networks.live_folder(MODEL_FOLDER, tmp_path / "live")
    assert live is not None
    told = networks.index(live)
    assert told["networkPath"] == networks.index(MODEL_FOLDER)["liveNetworkPath"]
    assert "clipNetworkPath" not in told
    assert 0.05 < networks.look_ahead_s(live) <= 0.10
    assert networks.live_folder(live, tmp_path / "none") is None


def test_an_evaluation_judges_the_model_and_its_controls(recordings, tmp_path, monkeypatch):
    if not HEAD_FILE.exists():
        pytest.skip("the head is not built (python tools/head)")
    monkeypatch.setenv("FACEWRIGHT_CACHE", str(tmp_path))
    from facewright.core.head import load_head

    result = evaluate(
        MODEL_FOLDER, load_head(HEAD_FILE), {"en": recordings}, read_recipe(), everything=False
    )
    table = result.table()
    for words in ("face closure F1", "heard visemes", "control swapped", "allphone", "curve jaw"):
        assert words in table
    told = json.loads(json.dumps(result.to_mapping()))
    assert told["figures"]["en"]["face closure F1"] == pytest.approx(
        result.figures["en"]["face closure F1"], abs=1e-5
    )
    assert result.controls_fail
    same = Evaluation(result.figures, {"delayed": {"en": {"face closure F1": 1.0}}})
    assert not same.controls_fail
    assert not same.passes

# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of a mouth: right on made-up mouths, and the committed model on recorded people."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from facewright.training.measuring import motion, mouths, trials
from facewright.training.measuring.closures import closure_figures, runs
from facewright.training.measuring.demands import THRESHOLDS, Demand, judged, range_text
from facewright.training.measuring.faces import Model, Performance, Stage, weights_files
from facewright.training.measuring.labelled import joined, labelled_folder
from facewright.training.paths import HEAD_FILE, MODEL_FOLDER, labelled_speech_folder
from facewright.training.recipe import read_recipe

RATE, SOUND_RATE = 60.0, 16000
WIDEST = 0.3


def made_up_speech(seed):
    """Labels of m and two vowels, again and again; a different sentence for every seed."""
    rng = np.random.default_rng(seed)
    labels, now = [["sil", 0.0, 0.3]], 0.3
    for _ in range(12):
        for phone in ("m", "a", *rng.choice(list("tkslnrf"), 2), str(rng.choice(list("eiou")))):
            end = now + (rng.uniform(0.13, 0.3) if phone in "aeiou" else rng.uniform(0.07, 0.12))
            labels.append([str(phone), now, end])
            now = end
    return labels


def hum(labels, times):
    """How far open a right mouth is, 0..1, and how loud the sound: arches over the vowels."""
    arches = np.zeros(len(times))
    for phone, start, end in labels:
        if phone != "sil":
            inside = (times >= start) & (times < end)
            arch = 0.5 + 0.5 * np.sin(np.pi * (times[inside] - start) / (end - start))
            arches[inside] = arch if phone in "aeiou" else 0.0 if phone == "m" else 0.5
    return arches


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Eight recordings on disk, as the test material is."""
    folder = tmp_path_factory.mktemp("speech") / "en"
    folder.mkdir()
    told = {f"{seed}.flac": made_up_speech(seed) for seed in range(8)}
    for name, labels in told.items():
        times = np.arange(int(labels[-1][2] * SOUND_RATE)) / SOUND_RATE
        sound = 0.5 * hum(labels, times) * np.sin(2 * np.pi * 150 * times)
        soundfile.write(folder / name, sound, SOUND_RATE)
    (folder / "labels.json").write_text(json.dumps(told), encoding="utf-8")
    return labelled_folder(folder)


def mouth(recording, lead_s=0.03):
    """The right mouth, ``lead_s`` before the sound."""
    labels = [(s.phone, s.start, s.end) for s in recording.segments]
    times = np.arange(int(labels[-1][2] * RATE)) / RATE
    opening = hum(labels, times + lead_s)
    shown = dict.fromkeys(("jaw", "round", "wide"), opening)
    return Performance(RATE, WIDEST * opening, np.full(len(times), 0.12), shown)


@pytest.fixture(scope="module")
def pairs(recordings):
    return [(recording, mouth(recording)) for recording in recordings]


def face_lines(pairs):
    figures = {"en": mouths.face_figures(pairs)}
    return {line.demand.measure: line.verdict for line in judged(figures) if line.value is not None}


def test_a_right_mouth_meets_every_demand_on_the_face_and_its_lead_is_found(pairs):
    figures = mouths.face_figures(pairs)
    assert figures["face closure F1"] == 1.0
    assert figures["face against energy ms"] == pytest.approx(-30, abs=6)
    assert figures["face closure late ms"] == pytest.approx(-30, abs=6)
    verdicts = face_lines(pairs)
    assert verdicts.pop("face closure late ms") == "FAIL"  # closures may not lead as vowels do
    assert set(verdicts.values()) == {"aimed at"}


@pytest.mark.parametrize("control", [mouths.delayed, mouths.swapped])
def test_the_controls_fail(pairs, control):
    verdicts = face_lines(control(pairs))
    assert verdicts["face closure F1"] == "FAIL"
    assert verdicts["face lips meet in m b p"] == "FAIL"


def test_another_recording_of_the_same_sentence_is_no_control(recordings):
    same = [(r, mouth(r)) for r in (recordings[0], recordings[1], recordings[0], recordings[2])]
    swapped = mouths.swapped(same)
    assert not np.array_equal(swapped[0][1].gap[:100], same[2][1].gap[:100])


@pytest.mark.parametrize("gap", [0.0, WIDEST])
def test_a_mouth_that_is_always_shut_or_always_open_fails(recordings, gap):
    still = []
    for recording in recordings:
        face = mouth(recording)
        still.append((recording, replace(face, gap=np.full_like(face.gap, gap))))
    assert face_lines(still)["face closure F1"] == "FAIL"


def test_one_closure_counts_for_one_label_and_silence_excuses():
    labelled, silences = [(1.0, 1.1), (1.4, 1.5)], [(-np.inf, 0.5), (3.0, np.inf)]
    long = closure_figures([(labelled, silences, [(0.9, 1.6)])])
    assert (long.found, long.false, long.recall) == (1, 0, 0.5)
    near = closure_figures([(labelled, silences, [(1.14, 1.2), (1.56, 1.6), (3.2, 3.4)])])
    assert (near.found, near.false) == (1, 1)  # 40 ms away counts, 60 ms does not, silence excuses
    assert near.late_s == pytest.approx(0.12)
    assert near.f1 == pytest.approx(2 * 1 / (1 + 1 + 2))
    assert closure_figures([(labelled, silences, [])]).f1 == 0.0


def test_ends_of_closures_are_found_between_frames():
    values = np.array([0.2, 0.1, 0.0, 0.0, 0.2])
    assert runs(values, 10.0, 0.05) == [pytest.approx((0.15, 0.325))]
    assert runs(np.zeros(3), 10.0, 0.05) == [(0.0, 0.2)]
    assert runs(np.ones(3), 10.0, 0.05) == []


def test_a_bite_is_seen_at_f_and_v(recordings):
    face = mouth(recordings[0])
    bitten = replace(face, teeth=np.full_like(face.teeth, 0.02))
    assert mouths.face_figures([(recordings[0], face)])["face lip at teeth in f v"] == 0.0
    assert mouths.face_figures([(recordings[0], bitten)])["face lip at teeth in f v"] == 1.0


def test_curves_of_the_labels_agree_with_themselves_and_jitter_is_told(recordings):
    recipe = read_recipe()
    rng = np.random.default_rng(1)
    told, smooth, rough = [], [], []
    for recording in recordings:
        face = mouth(recording)
        wanted = motion.targets(recording, face.times, recipe)[1]
        told.append((motion.named_curves(wanted), wanted))
        jaw = wanted[:, 0]
        shaken = jaw + rng.normal(0, 0.1, len(jaw))
        smooth.append((recording, replace(face, shown={**face.shown, "jaw": 0.4 * jaw})))
        rough.append((recording, replace(face, shown={**face.shown, "jaw": shaken})))
    assert min(motion.correlations(told).values()) == pytest.approx(1.0)
    assert motion.jitter(smooth, recipe) == pytest.approx(1.0, abs=1e-3)
    assert motion.jitter(rough, recipe) > 3


def test_noise_is_ten_decibels_under_the_speech_and_the_same_every_time(recordings):
    recording = recordings[0]
    noise = trials.noisy(recording) - recording.samples
    spoken = recording.samples[int(0.3 * SOUND_RATE) :]
    assert 20 * np.log10(spoken.std() / noise.std()) == pytest.approx(10, abs=0.3)
    assert np.array_equal(trials.noisy(recording), trials.noisy(recording))


def test_sounds_without_speech_are_as_loud_as_told():
    sounds = trials.quiet_sounds()
    assert np.abs(sounds["silence"]).max() == 0
    assert 0 < sounds["room"].std() < 0.05
    for name in ("chords", "chords and drums"):
        assert np.abs(sounds[name]).max() == pytest.approx(trials.MUSIC_PEAK)


def test_verdicts_tell_what_was_missed_met_and_not_measured():
    demands = (
        Demand("en", "a", (0.8, np.inf), (0.9, np.inf)),
        Demand("en", "b", (-10.0, 10.0), (-5.0, 5.0)),
        Demand("fr", "a", (0.8, np.inf), (0.9, np.inf)),
    )
    verdicts = [line.verdict for line in judged({"en": {"a": 0.85, "b": -11.0}}, demands)]
    assert verdicts == ["pass", "FAIL"]
    assert [line.verdict for line in judged({"en": {"b": 2.0}}, demands)] == [
        "not measured",
        "aimed at",
    ]
    assert [range_text(demand.demanded) for demand in demands[:2]] == [">= 0.8", "-10..10"]


def test_what_is_aimed_at_is_never_less_than_what_is_demanded():
    for demand in THRESHOLDS:
        assert demand.demanded[0] <= demand.aimed[0], demand
        assert demand.aimed[1] <= demand.demanded[1], demand


def test_labels_that_touch_are_one(tmp_path):
    folder = tmp_path / "de"
    folder.mkdir()
    told = {"a.flac": [["p", 0.1, 0.2], ["p", 0.2, 0.25], ["m", 0.26, 0.3], ["p", 0.4, 0.5]]}
    (folder / "labels.json").write_text(json.dumps(told), encoding="utf-8")
    (recording,) = labelled_folder(folder)
    assert [(s.phone, s.start, s.end) for s in recording.segments] == [
        ("p", 0.1, 0.25), ("m", 0.26, 0.3), ("p", 0.4, 0.5),
    ]  # fmt: skip
    assert recording.closures == [(0.1, 0.3), (0.4, 0.5)]
    assert joined([(0.5, 0.6), (0.0, 0.1)]) == [(0.0, 0.1), (0.5, 0.6)]


@pytest.fixture(scope="module")
def head():
    if not HEAD_FILE.exists():
        pytest.skip("the head is not built (python tools/head)")
    from facewright.core.head import load_head

    return load_head(HEAD_FILE)


def recorded(language, limit):
    folder: Path = labelled_speech_folder() / language
    if not (folder / "labels.json").exists():
        pytest.skip("no labelled recordings beside the checkout (shared/data/speech)")
    return labelled_folder(folder, limit)


@pytest.mark.parametrize(("language", "f1"), [("en", 0.70), ("de", 0.55)])
def test_the_committed_model_moves_the_lips_rightly_on_recorded_speech(head, language, f1):
    pytest.importorskip("onnxruntime")
    stage, model = Stage(head), Model(MODEL_FOLDER)
    pairs = mouths.performances(recorded(language, 24), model, stage)
    figures = mouths.face_figures(pairs)
    assert figures["face closure F1"] > f1
    assert figures["face lips meet in m b p"] > f1
    assert figures["face lips open in open vowels"] > 0.85
    assert -70 <= figures["face against energy ms"] <= 20
    for control in (mouths.delayed, mouths.swapped):
        wrong = mouths.face_figures(control(pairs))
        assert wrong["face closure F1"] < f1 - 0.1
        assert wrong["face lips meet in m b p"] < f1 - 0.1


def test_exported_weights_are_measured_as_the_model_that_gave_them(head, recordings, tmp_path):
    pytest.importorskip("onnxruntime")
    from facewright.core.exchange.weights_json import write_weights

    model, stage, recording = Model(MODEL_FOLDER), Stage(head), recordings[0]
    face = model(recording)
    (tmp_path / "en").mkdir()
    write_weights(tmp_path / "en" / "0.json", face)
    told = stage.perform(weights_files(tmp_path)(recording))
    ours = stage.perform(face)
    assert np.allclose(told.gap, ours.gap, atol=1e-4)
    assert np.allclose(told.teeth, ours.teeth, atol=1e-4)
    assert np.allclose(told.shown["wide"], ours.shown["wide"], atol=1e-5)


def test_the_figures_go_into_the_card_and_replace_older_ones():
    from facewright.training.card import NOT_MEASURED, model_card, with_figures

    card = model_card(read_recipe(), {"minutes": 1.0})
    assert NOT_MEASURED in card
    once = with_figures(card, "first figures")
    twice = with_figures(once, "other figures")
    assert NOT_MEASURED not in once
    assert "first figures" in once
    assert "first figures" not in twice
    assert twice.count("## Limits") == 1

# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Phone times: what voices report, and how it is repaired."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from facewright.training import timing
from facewright.training.closures import WINDOW_S, closure_offsets
from facewright.training.phones import SILENCE, VISEMES, Segment, read_tokens, shift, sounds
from facewright.training.recipe import read_recipe
from facewright.training.recordings import Recording


def test_marks_and_spaces_give_their_time_to_the_right_phone():
    told = read_tokens(["$", "ˈ", "a", "ː", " ", "b", "."], [0.1, 0.05, 0.1, 0.05, 0.04, 0.08, 0.2])
    assert [s.phone for s in told] == [SILENCE, "a", "b", SILENCE]
    silence, vowel, stop, _ = told
    assert vowel.start == pytest.approx(silence.end)  # the stress mark's time is the vowel's
    assert vowel.end == pytest.approx(0.32)  # and so are the length mark's and half the space's
    assert stop.start == pytest.approx(0.32)
    assert stop.end == pytest.approx(0.42)


def test_every_family_is_moved_earlier_by_its_own_lateness():
    recipe = read_recipe()
    late = recipe.section("timing", "lateness")
    assert set(late) == set(recipe.section("speech", "minutes"))
    spoken = [Segment("m", 0.5, 0.6)]
    for family, seconds in late.items():
        moved = timing.repaired(spoken, family, recipe)
        assert moved[0].start == pytest.approx(0.5 + seconds)
        assert -0.1 < seconds < 0.0


def test_no_phone_is_moved_before_the_start():
    assert shift([Segment("m", 0.02, 0.05)], -0.06)[0].start == 0.0


def test_an_alignment_must_hold_the_same_phones():
    expected = [Segment("m", 0.1, 0.2), Segment("a", 0.2, 0.4)]
    good = timing._matched([("SIL", 0, 0.1), ("M", 0.1, 0.22), ("AA", 0.22, 0.4)], expected)
    assert good is not None
    assert [s.phone for s in good.segments] == [SILENCE, "m", "a"]
    assert good.median == pytest.approx(0.01)
    assert timing._matched([("M", 0.1, 0.2)], expected) is None
    assert timing._matched([("B", 0.1, 0.2), ("AA", 0.2, 0.4)], expected) is None
    assert timing._matched([], expected) is None


def test_words_for_the_aligner_end_at_silence_and_stay_short():
    phones = [Segment("a", i / 10, (i + 1) / 10) for i in range(9)]
    words = timing._words([*phones, Segment(SILENCE, 0.9, 1.0), Segment("m", 1.0, 1.1)])
    assert [len(word) for word in words] == [7, 2, 1]


def test_letters_with_diacritics_find_their_sound():
    (word,) = timing._words([Segment("ç", 0, 0.1), Segment("ã", 0.1, 0.2)])
    assert [timing.ARPABET[s.phone] for s in word] == ["SH", "AA"]


def test_breath_looks_like_the_vowel_after_it_and_a_diphthong_is_two():
    heard = sounds([Segment("h", 0.0, 0.1), Segment("W", 0.1, 0.3), Segment("ʧ", 0.3, 0.4)])
    assert [VISEMES[s.viseme] for s in heard] == ["aa", "aa", "U", "CH"]
    assert heard[2].rounded
    assert heard[2].end == pytest.approx(0.3)


# ---- closures in the sound ----------------------------------------------------------------------


def stops(onsets, rate=16000, seed=0):
    """A hum that stops for 60 ms from every onset, and labels that say so."""
    rng = np.random.default_rng(seed)
    samples = 0.3 * np.sin(2 * np.pi * 140 * np.arange(int(3.0 * rate)) / rate)
    segments, now = [], 0.0
    for onset in onsets:
        samples[round(onset * rate) : round((onset + 0.06) * rate)] = 0.0
        segments += [Segment("a", now, onset), Segment("p", onset, onset + 0.07)]
        now = onset + 0.07
    return samples + 1e-4 * rng.normal(size=len(samples)), [*segments, Segment("a", now, 3.0)]


@pytest.mark.parametrize("late", [-0.04, -0.01, 0.0, 0.02, 0.06])
def test_labels_that_are_late_are_found_out(late):
    samples, segments = stops([0.3, 0.71, 1.2, 1.52, 2.2, 2.6])
    moved = [Segment(s.phone, s.start + late, s.end + late) for s in segments]
    offsets = closure_offsets(samples, 16000, moved)
    assert len(offsets) == 6
    assert np.median(offsets) == pytest.approx(
        -late, abs=WINDOW_S / 2
    )  # a fall at once ends so late


def test_stops_that_cannot_be_measured_are_left_out():
    samples, segments = stops([0.3, 1.2])
    assert closure_offsets(samples, 16000, [Segment(SILENCE, 0.0, 0.3), segments[1]]) == []
    steady = np.full(48000, 0.2)
    assert closure_offsets(steady, 16000, segments) == []


SPOKEN = (
    "Bobby, a pepper, a baby, the upper abbey, a puppy, an apple, a bubble, papa, the happy poppy."
)


@pytest.mark.parametrize("family", ["hibari", "kokoro"])
def test_each_voice_familys_closures_are_where_the_sound_stops(family):
    """Without the repair they are 50 ms late; made here, by the voices, if they are there."""
    pytest.importorskip("pocketsphinx", reason="only in the training environment")
    pytest.importorskip("soxr", reason="only in the training environment")
    from facewright.training.speech import _stored
    from facewright.training.voices import Hibari, Kokoro, kokoro_letters

    if not (voices_fetched() and shutil.which("espeak-ng")):
        pytest.skip("the voices are not fetched, or espeak-ng is missing (dev.py train speech)")
    recipe = read_recipe()
    options = recipe.section("speech", family)
    if family == "hibari":
        hibari = Hibari(options, {})
        spoken = [hibari.utter(SPOKEN, speed) for speed in (0.9, 1.1)]
    else:
        kokoro = Kokoro(options, {})
        letters = kokoro_letters(SPOKEN, "en-us", "en")
        spoken = [kokoro.utter(letters, voice, 1.0) for voice in ("am_adam", "bf_emma")]
    told: dict[str, list[float]] = {"own": [], "repaired": [], "aligned": []}
    aligner = timing.Aligner()
    for utterance in spoken:
        recording = _stored(utterance, 16000, Path(f"{family}_00000.npz"))
        repaired = timing.repaired(recording.segments, family, recipe)
        aligned = aligner.align(recording, repaired, 16000)
        assert aligned is not None
        for name, segments in (
            ("own", recording.segments), ("repaired", repaired), ("aligned", aligned.segments),
        ):  # fmt: skip
            told[name] += closure_offsets(recording.floats, 16000, segments)
    medians = {name: float(np.median(offsets)) for name, offsets in told.items()}
    assert min(len(offsets) for offsets in told.values()) >= 12
    assert medians["own"] < -0.03  # the control
    assert abs(medians["repaired"]) < 0.010
    assert abs(medians["aligned"]) < 0.010


def voices_fetched():
    folder = Path(os.environ.get("FACEWRIGHT_CACHE") or Path.home() / ".cache" / "facewright")
    packages = folder / "training" / "packages"
    return (packages / "complete").exists() and (packages / "styles").exists()


def test_the_search_is_tried_again_until_all_phones_are_found(monkeypatch):
    """The sounds of a word list whose end one beam takes for silence."""
    told = iter([[("M", 0.1, 0.2)], RuntimeError("lost"), [("M", 0.1, 0.2), ("AA", 0.2, 0.4)]])
    tried = []

    def run(self, samples, words, rate, beam, margin):
        tried.append((beam, margin / rate))
        answer = next(told)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(timing.Aligner, "_run", run)
    expected = [Segment("m", 0.1, 0.2), Segment("a", 0.2, 0.4)]
    recording = Recording(np.zeros(8000, np.int16), expected, "v", "en", "hum", "n")
    found = timing.Aligner().align(recording, expected, 16000)
    assert [s.phone for s in found.segments] == ["m", "a"]
    assert tried == list(timing.ATTEMPTS[:3])

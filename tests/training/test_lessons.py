# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches: what is heard is what is told, wherever it was drawn; noise by the recipe's shares."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("soxr", reason="soxr is only in the training environment")

from facewright.training import noises, side_by_side
from facewright.training.augment import Augmenter, speech_level
from facewright.training.coarticulation import CLOSE, JAW, LEARNT_CURVES, viseme_frames
from facewright.training.lessons import Batches, Lesson, Lessons
from facewright.training.network import MARGIN, RATE
from facewright.training.phones import VISEMES, Sound
from facewright.training.recipe import Recipe, read_recipe

AA, PP = VISEMES.index("aa"), VISEMES.index("PP")
ACCENT = LEARNT_CURVES.index("accent")


def recipe(**augment):
    """The recipe with everything that changes the sound left out, but for what is named."""
    values = copy.deepcopy(read_recipe().values)
    for name in values["augment"]:
        if name.endswith("_share"):
            values["augment"][name] = 0.0
    values["augment"].update({"peak_db": [0.0, 0.0], **augment})
    values["fit"].update(batch=6, seconds=2.0, quiet_share=0.0)
    return Recipe(values, "x")


def lessons(count=3):
    """Tones (aa) with silences where p is, and a rest in the middle; every tone is stressed."""
    told = []
    for number in range(count):
        sounds, samples = [], np.zeros(4 * RATE)
        pitch = 300 + 100 * number
        times = np.arange(len(samples)) / RATE
        for i in range(8):
            start = 0.1 + 0.4 * i + (0.5 if i > 3 else 0.0)
            sounds += [
                Sound(AA, False, start, start + 0.3),
                Sound(PP, False, start + 0.3, start + 0.4),
            ]
            inside = (times >= start) & (times < start + 0.3)
            samples[inside] = 0.5 * np.sin(2 * np.pi * pitch * times[inside])
            if i == 3:
                sounds.append(Sound(0, False, start + 0.4, start + 0.9))
        accent = np.array([np.any(samples[at : at + 320]) for at in range(0, 4 * RATE, 320)])
        spoken = (samples * 32767).astype(np.int16)
        told.append(Lesson(spoken, sounds, f"v{number}", accent.astype(np.float32)))
    return Lessons(told, np.full(count, 1 / count), [], 0)


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="training needs fork")
def test_batches_do_not_depend_on_who_draws_them():
    told = read_recipe().values
    small = Recipe({**told, "fit": {**told["fit"], "batch": 3, "seconds": 1.0}}, "x")
    batches = Batches(small, lessons(), MARGIN)
    wanted = [batches.draw(n) for n in range(2, 7)]
    for loaders in (0, 1, 3):
        drawn = side_by_side.results(lambda: batches.draw, loaders, first=2)
        for mine in wanted:
            for one, other in zip(mine, next(drawn), strict=True):
                assert np.array_equal(one, other)
        drawn.close()
    assert not np.array_equal(wanted[0][0], wanted[1][0])


@pytest.mark.parametrize(
    "changed",
    [{}, {"pace_share": 1.0}, {"pause_share": 1.0}, {"pace_share": 1.0, "pause_share": 1.0}],
)
def test_sound_and_targets_agree_wherever_they_come_from(changed):
    """Where a vowel is told there is a stressed tone, where p or rest is told there is none."""
    batches = Batches(recipe(**changed), lessons(), MARGIN)
    checked = 0
    for number in range(6):
        samples, classes, curves = batches.draw(number)
        for sound, told, accent in zip(samples[:, 0], classes, curves[:, ACCENT], strict=True):
            for frame in range(2, len(told) - 2):
                at = batches.first + 320 * frame + round(0.010 * RATE)
                level = np.abs(sound[at - 40 : at + 40]).max()
                if len(set(told[frame - 2 : frame + 3])) == 1:  # not beside a change
                    assert (level > 0.3) == (told[frame] == AA), (number, frame)
                    assert (accent[frame] > 0.5) == (told[frame] == AA), (number, frame)
                    checked += 1
    assert checked > 500


def test_a_live_batch_tells_of_the_sound_ahead():
    plain, live = (Batches(recipe(), lessons(), MARGIN, ahead) for ahead in (0, 2560))
    np.testing.assert_allclose(live.times - plain.times, 0.16)
    heard = [Sound(PP, False, 1.0, 1.08)]
    assert (
        viseme_frames(heard, live.times).argmax() == viseme_frames(heard, plain.times).argmax() - 8
    )
    # The last thing that a frame hears lies 96 ms after what it tells of
    assert 2 * MARGIN - (MARGIN + 2560) == 1536


def test_a_longer_pause_rests_the_mouth():
    still = Batches(recipe(pause_share=1.0, pause_s=[1.0, 1.0]), lessons(), MARGIN)
    rested = 0
    for number in range(5):
        _, classes, curves = still.draw(number)
        for told, curve in zip(classes, curves, strict=True):
            runs = np.flatnonzero(np.convolve(told == 0, np.ones(50), "valid") == 50)
            for begin in runs:  # a second of silence: in its middle nothing moves
                assert curve[JAW, begin + 25] < 0.02
                assert curve[CLOSE, begin + 25] < 0.02
                rested += 1
    assert rested


def augmenter(seed=0, **changed):
    how = recipe(**changed).section("augment")
    rng = np.random.default_rng(seed)
    return Augmenter(how, RATE, rng, lambda count: rng.standard_normal(count))


def test_half_of_the_noisy_examples_are_under_15_db():
    """Measured on a tone: the recipe's words about noise are what comes out."""
    bands = read_recipe().section("augment")["noise_db"]
    tone = np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
    decibels = []
    augment = augmenter(noise_share=1.0, noise_kinds={"white": 1.0})
    for _ in range(300):
        noise = augment._noise(tone) - tone
        decibels.append(20 * np.log10(tone.std() / noise.std()))
    shares = np.array([share for _, _, share in bands]) / sum(share for _, _, share in bands)
    for (low, high, _), share in zip(bands, shares, strict=True):
        found = np.mean([(low <= d < high) for d in decibels])
        assert found == pytest.approx(share, abs=0.1)
    assert np.mean(np.array(decibels) < 15.0) > 0.4


def test_noise_is_measured_against_the_speech_not_the_silence_around_it():
    tone = np.zeros(RATE, np.float32)
    tone[4000:6000] = np.sin(np.arange(2000) / 5)
    assert speech_level(tone) == pytest.approx(np.sqrt(0.5), rel=0.1)


@pytest.mark.parametrize("name", ["white", "coloured", "hum", "music"])
def test_noises_are_what_they_are_called(name):
    sound = getattr(noises, name)(2 * RATE, RATE, np.random.default_rng(1))
    assert sound.std() == pytest.approx(1.0, rel=0.15)
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    share = np.sort(spectrum)[::-1].cumsum() / spectrum.sum()
    peaked = share[len(spectrum) // 50]  # of the power in the strongest fiftieth of the spectrum
    low = spectrum[: len(spectrum) // 8].sum() / spectrum.sum()
    assert (peaked > 0.5) == (name in {"hum", "music", "coloured"}) or name == "coloured"
    assert (low > 0.3) == (name != "white")


def test_a_room_keeps_time_and_fades():
    rng = np.random.default_rng(2)
    for direct in (-3.0, 10.0):
        response = noises.room_response(RATE, rng, (0.3, 0.5), direct)
        assert response[0] == 1.0
        behind = (response[1:] ** 2).sum()
        assert 10 * np.log10(1 / behind) == pytest.approx(direct, abs=0.5)
        early, late = (response[a:b] ** 2 for a, b in ((400, 1600), (4000, 4800)))
        assert early.mean() > 4 * late.mean()
        assert np.abs(response[1:]).max() < 1.5  # nothing comes out louder and later


def test_breath_swells_and_stays_soft():
    augment = augmenter()
    sound = np.zeros(RATE, np.float32)
    augment.breathe(sound, 4000, 12000, 1.0)
    assert not sound[:4000].any() and not sound[12000:].any()
    assert 0 < np.abs(sound).max() < 1.0

# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Phone times: what voices report, and how it is repaired."""

from __future__ import annotations

import pytest
from facewright.training import timing
from facewright.training.phones import SILENCE, VISEMES, Segment, read_tokens, shift, sounds
from facewright.training.recipe import read_recipe


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of eye darts: the same for ever, different from each other, like people's."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from facewright.core.parameters import PARAMETERS, Settings
from facewright.core.postprocess import saccades

MADE = range(1, len(saccades.PATTERNS))
# Rests per second, standard deviation of yaw and of pitch: the table of the module's docstring.
DOCUMENTED = {
    "Calm": (0.5, 1.3, 0.7),
    "Attentive": (1.2, 1.9, 1.4),
    "Lively": (1.8, 4.0, 2.0),
    "Nervous": (3.2, 3.2, 2.0),
    "Thinking": (0.6, 6.0, 4.0),
    "Reading": (3.7, 4.3, 0.6),
    "Still": (0.8, 0.2, 0.1),
}


def steps(number):
    """Where the eyes dart by more than the tiny darts do: sizes (n,) and rows (n,)."""
    table = saccades.made_table(number).astype(float)
    pattern = saccades.PATTERNS[number]
    size = np.linalg.norm(np.diff(table, axis=0), axis=1)
    rows = np.flatnonzero(size > 4.5 * pattern.tiny)
    # a large dart takes two rows: the second step belongs to the first
    rows = rows[np.diff(rows, prepend=-9) > 1]
    return size[rows], rows


def test_every_value_of_the_parameter_is_a_pattern_with_a_name():
    assert len(saccades.PATTERNS) == PARAMETERS["saccade_pattern"].maximum + 1
    assert saccades.LABELS[0] == "Model's Own"
    assert list(saccades.LABELS[1:]) == list(DOCUMENTED)
    words = PARAMETERS["saccade_pattern"].text
    for number, label in enumerate(saccades.LABELS):
        assert f"{number} {'the ' if not number else ''}{label.lower()}" in words
    assert all(pattern.text for pattern in saccades.PATTERNS[1:])


def test_pattern_0_is_the_models_own_table(model):
    found = saccades.saccade_table(model.data, Settings())
    assert found is model.data.saccades
    other = saccades.saccade_table(model.data, Settings(saccade_pattern=3))
    assert other is saccades.made_table(3)


@pytest.mark.parametrize("number", MADE)
def test_tables_have_the_published_form(number):
    table = saccades.made_table(number)
    assert table.shape == (5000, 2)
    assert table.dtype == np.float32
    assert not table.flags.writeable
    assert np.abs(table).max() < 25
    np.testing.assert_allclose(table * 100, np.round(table * 100), atol=1e-3)


@pytest.mark.parametrize("number", MADE)
def test_range_and_frequency_are_as_documented(number):
    table = saccades.made_table(number)
    rests, yaw, pitch = DOCUMENTED[saccades.LABELS[number]]
    assert table[:, 1].std() == pytest.approx(yaw, rel=0.1, abs=0.06)
    assert table[:, 0].std() == pytest.approx(pitch, rel=0.1, abs=0.06)
    if saccades.LABELS[number] != "Still":  # its darts are hardly larger than the tiny ones
        _, rows = steps(number)
        assert len(rows) / (5000 / 30) == pytest.approx(rests, rel=0.15)


@pytest.mark.parametrize("number", MADE)
def test_rests_are_skewed_and_never_shorter_than_a_tenth_of_a_second(number):
    _, rows = steps(number)
    rest = np.diff(rows) / 30
    assert rest.min() >= 0.1 - 1e-9
    assert rest.mean() > np.median(rest)


def test_eyes_move_sideways_more_than_up_and_down():
    for number in MADE:
        table = saccades.made_table(number)
        assert table[:, 1].std() > 1.2 * table[:, 0].std()


def test_thinking_looks_up_and_aside_and_reading_goes_along_lines():
    thinking = saccades.made_table(5)
    away = thinking[np.abs(thinking[:, 1]) > 5]
    assert 0.2 < len(away) / 5000 < 0.7
    assert (away[:, 0] < 0).mean() > 0.9  # negative pitch looks up
    assert (away[:, 1] > 0).any()
    assert (away[:, 1] < 0).any()
    yaw = np.diff(saccades.made_table(6)[:, 1])
    forward, back = yaw[yaw < -1], yaw[yaw > 5]  # to the character's right; the sweep back
    assert len(forward) > 3 * len(back) > 100


def test_tables_stay_the_same_for_ever():
    found = {
        saccades.LABELS[number]: hashlib.sha256(
            np.round(saccades.made_table(number).astype(float) * 100).astype("<i4").tobytes()
        ).hexdigest()[:16]
        for number in MADE
    }
    assert found == KNOWN


KNOWN = {
    "Calm": "f86cb63077129fc1",
    "Attentive": "5edc0107146c310e",
    "Lively": "87a8146dbc9197fc",
    "Nervous": "6bf191624c09727e",
    "Thinking": "148d3b38268e65bb",
    "Reading": "0ed802e22fb57416",
    "Still": "81a7180a54d6dbef",
}

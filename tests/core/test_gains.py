# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange.gains import NO_GAINS, Gains, gains_from, read_gains, write_gains
from weight_faces import moving_face


def test_gains_are_a_product_and_a_sum():
    weights = np.array([[0.5, 0.5], [1.0, 0.1]], np.float32)
    gains = Gains({"a": 2.0}, {"b": -0.25})
    found = gains.weights(["a", "b"], weights)
    np.testing.assert_allclose(found, [[1.0, 0.25], [2.0, -0.15]], atol=1e-7)
    clamped = Gains({"a": 2.0}, {"b": -0.25}, clamp=True).weights(["a", "b"], weights)
    np.testing.assert_allclose(clamped, [[1.0, 0.25], [1.0, 0.0]], atol=1e-7)


def test_gains_of_nothing_change_nothing_and_joints_are_no_weights():
    face = moving_face(4)
    assert NO_GAINS.weights(face.names, face.weights) is face.weights
    changed = Gains({"jawOpen": 0.0}).apply(face)
    np.testing.assert_array_equal(changed.jaw, face.jaw)
    assert not changed.weights[:, face.names.index("jawOpen")].any()
    assert not Gains({"jawOpen": 1.0}, {"jawOpen": 0.0}).changes


def test_a_file_comes_back(tmp_path):
    gains = Gains({"jawOpen": 1.25}, {"Ä": -0.5}, clamp=True)
    write_gains(tmp_path / "g.json", gains)
    assert read_gains(tmp_path / "g.json") == gains


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "schema"),
        ({"schema": 1, "clamp": 1}, "clamp"),
        ({"schema": 1, "multipliers": []}, "multipliers"),
        ({"schema": 1, "multipliers": {"a": "1"}}, "multipliers of a"),
        ({"schema": 1, "offsets": {"a": 1e9}}, "offsets of a"),
        ({"schema": 1, "offsets": {"a": True}}, "offsets of a"),
        ({"schema": 1, "offsets": {"a" * 999: 1}}, "name of a channel"),
        ({"schema": 1, "offsets": {f"a{n}": 1 for n in range(2000)}}, "offsets"),
    ],
)
def test_what_is_no_file_of_gains_is_refused(tmp_path, values, says):
    with pytest.raises(UserError, match=says):
        gains_from(values, "the file")
    path = tmp_path / "g.json"
    path.write_text(json.dumps(values))
    with pytest.raises(UserError, match=r"g\.json"):
        read_gains(path)

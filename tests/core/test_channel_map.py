# SPDX-License-Identifier: GPL-3.0-or-later
"""Mapping tables: arithmetic, files, what is refused; the 46 poses and MetaHuman's curves."""

from __future__ import annotations

import json

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange import facs46, metahuman
from facewright.core.exchange.channel_map import (
    ChannelMap,
    channel_map_from,
    read_channel_map,
)
from facewright.core.naming import ARKIT_NAMES, CANONICAL_NAMES


def test_a_target_is_a_clipped_sum():
    table = ChannelMap({"a": {"x": 2.0, "y": -1.0}, "b": {"none": 1.0}, "c": {"y": 0.5}})
    weights = np.array([[0.25, 0.1], [1.0, 0.5], [0.0, 1.0]], np.float32)
    found = table.apply(["x", "y"], weights)
    np.testing.assert_allclose(found, [[0.4, 0, 0.05], [1, 0, 0.25], [0, 0, 0.5]], atol=1e-7)
    assert table.missing(["x", "y"]) == ("none",)
    wide = ChannelMap({"a": {"x": -2.0}}, lowest=-1.0, highest=1.0)
    assert wide.apply(["x"], weights[:, :1])[:, 0].tolist() == [-0.5, -1.0, 0.0]


def test_a_file_comes_back(tmp_path):
    table = ChannelMap({"Ä": {"x": 0.1}, "b": {}}, "name", "about", -1.0, 2.0)
    (tmp_path / "t.json").write_text(json.dumps(table.to_mapping()), "utf-8")
    assert read_channel_map(tmp_path / "t.json") == table


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "schema is not 1"),
        ({"schema": True, "targets": {"a": {}}}, "schema is not 1"),
        ({"schema": 1}, "targets"),
        ({"schema": 1, "targets": {}}, "targets"),
        ({"schema": 1, "targets": {"a": []}}, "a has to be a table"),
        ({"schema": 1, "targets": {"a": {"x": "1"}}}, "factor of x in a"),
        ({"schema": 1, "targets": {"a": {"x": True}}}, "factor of x in a"),
        ({"schema": 1, "targets": {"a": {"x": 1e9}}}, "factor of x in a"),
        ({"schema": 1, "targets": {"": {"x": 1}}}, "name of a channel"),
        ({"schema": 1, "targets": {"a\n": {"x": 1}}}, "name of a channel"),
        ({"schema": 1, "targets": {"a": {f"x{n}": 1 for n in range(99)}}}, "at most 64"),
        ({"schema": 1, "targets": {"a": {}}, "range": [1, 0]}, "range"),
        ({"schema": 1, "targets": {"a": {}}, "name": 1}, "name has to be"),
    ],
)
def test_what_is_no_table_is_refused(values, says):
    with pytest.raises(UserError, match=rf"the file.*{says}"):
        channel_map_from(values, "the file")


def test_a_table_of_nan_is_refused(tmp_path):
    path = tmp_path / "t.json"
    path.write_text('{"schema": 1, "targets": {"a": {"x": NaN}}}')
    with pytest.raises(UserError, match="NaN"):
        read_channel_map(path)


def test_the_46_are_complete_and_come_back_through_the_52():
    assert len(set(facs46.FACS_NAMES)) == 46
    assert facs46.TO_FACS.names == facs46.FACS_NAMES
    assert facs46.FROM_FACS.names == ARKIT_NAMES
    assert not facs46.TO_FACS.missing(ARKIT_NAMES)
    assert not facs46.FROM_FACS.missing(facs46.FACS_NAMES)
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 0.6, (50, 46)).astype(np.float32)
    for left in ("innerBrowRaiserL", "cheekPuffL"):  # ARKit has one pose for both sides of these
        at = facs46.FACS_NAMES.index(left)
        values[:, at + 1] = values[:, at]
    back = facs46.TO_FACS.apply(ARKIT_NAMES, facs46.FROM_FACS.apply(facs46.FACS_NAMES, values))
    np.testing.assert_allclose(back, values, atol=1e-6)


def test_a_set_of_names_is_known_by_its_names():
    assert facs46.is_facs(facs46.FACS_NAMES)
    assert facs46.is_facs(["jawDrop", "eyesCloseL", "own"])
    assert not facs46.is_facs(ARKIT_NAMES)
    assert not facs46.is_facs(["a", "b"])


def test_the_table_for_metahumans_names_curves_of_epics_standard_and_every_pose():
    table = metahuman.shipped_mapping()
    raw = json.loads(metahuman.MAPPING.read_text("utf-8"))
    assert "approximate" in raw["about"].lower()
    assert all(name.startswith("CTRL_expressions_") for name in table.names)
    assert set(table.sources) == set(CANONICAL_NAMES)
    for group in ("mouthPress", "mouthLipsPurse", "mouthLipsTowards", "mouthFunnel",
                  "mouthLipsTogether"):  # fmt: skip
        for quarter in ("UL", "UR", "DL", "DR"):
            assert f"CTRL_expressions_{group}{quarter}" in table.names


def test_each_side_of_the_table_for_metahumans_moves_its_own_side():
    table = metahuman.shipped_mapping()
    for name, row in table.targets.items():
        side = {"L": "Left", "R": "Right"}.get(name[-1], "")
        if name.endswith(("Left", "Right")) or not side:
            continue
        for source in row:
            if source.endswith(("Left", "Right")) and not source.startswith(("jaw", "tongue")):
                assert source.endswith(side), (name, source)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Setups of character transfers: whole, readable, strict, and for their own meshes only."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from facewright.core.errors import UserError
from facewright.core.retarget.setup_file import (
    MeshNote,
    PairNote,
    Setup,
    SpotNote,
    read_setup,
    write_setup,
)

HEAD = MeshNote("Kopf", "0123456789abcdef", 10)
OTHER = MeshNote("Alter Mann", "fedcba9876543210", 20)
SETUP = Setup(
    name="Alter Mann",
    about="picked by hand",
    driver=HEAD,
    target=OTHER,
    pairs=(
        PairNote(
            "Chin", SpotNote((1, 2, 3), (0.2, 0.3, 0.5)), SpotNote((17, 18, 19), (1.0, 0.0, 0.0))
        ),
        PairNote(
            "Nose tip", SpotNote((9, 0, 4), (0.1, 0.1, 0.8)), SpotNote((0, 0, 0), (1.0, 0.0, 0.0))
        ),
    ),
    iterations=5,
    stiffness=42.5,
    smooth_level=0,
)


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "mein kopf.json"
    write_setup(path, SETUP)
    assert read_setup(path) == SETUP
    text = path.read_text("utf-8")
    (line,) = [each for each in text.splitlines() if "Nose tip" in each]
    assert json.loads(line.strip().rstrip(","))["driver"]["corners"] == [9, 0, 4]
    write_setup(path, replace(SETUP, pairs=()))
    assert read_setup(path).pairs == ()


def test_settings_that_are_not_named_are_the_usual_ones(tmp_path):
    path = tmp_path / "short.json"
    values = json.loads(_text(tmp_path))
    del values["settings"], values["about"]
    path.write_text(json.dumps(values), "utf-8")
    found = read_setup(path)
    assert (found.iterations, found.stiffness, found.smooth_level) == (3, 100.0, 1)


def test_a_setup_says_which_mesh_is_another(tmp_path):
    SETUP.check_fits(replace(HEAD, mesh="renamed"), OTHER, "x.json")
    bald = MeshNote("Bald", "0" * 16, 21)
    with pytest.raises(UserError) as caught:
        SETUP.check_fits(HEAD, bald, "x.json")
    said = str(caught.value)
    for part in ("x.json fits the driver, but not the target", "'Alter Mann'", "'Bald'"):
        assert part in said
    with pytest.raises(UserError, match=r"not the driver.* other faces or another order"):
        SETUP.check_fits(MeshNote("Kopf", "1" * 16, 10), OTHER, "x.json")
    with pytest.raises(UserError, match="fits neither mesh"):
        SETUP.check_fits(bald, bald, "x.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": 2}, "schema is not 1"),
        ({"schema": True}, "schema is not 1"),
        ({"script": "import os"}, "'script'"),
        ({"name": 5}, "name has to be a text"),
        ({"driver": None}, "which driver"),
        ({"target": {"mesh": "x", "topology": "zz", "vertices": 5}}, "hexadecimal"),
        ({"target": {"mesh": "x", "topology": "0" * 16, "vertices": 2}}, "number of vertices"),
        ({"target": {"mesh": "x", "topology": "0" * 16, "vertices": True}}, "number of vertices"),
        ({"settings": []}, "settings has to be"),
        ({"settings": {"iterations": 99}}, "from 1 to 10"),
        ({"settings": {"iterations": 2.5}}, "a whole number"),
        ({"settings": {"nonsense": 1}}, "'nonsense'"),
        ({"pairs": {}}, "pairs has to be a list"),
        ({"pairs": [5]}, "pair 1 has to be"),
        ({"pairs": [{"name": "a", "driver": {}, "target": {}}]}, "corners has to be"),
    ],
)
def test_damage_gives_one_sentence(tmp_path, change, words):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**json.loads(_text(tmp_path)), **change}), "utf-8")
    _refused(path, words)


@pytest.mark.parametrize(
    ("spot", "words"),
    [
        ({"corners": [1, 2, 10], "shares": [1, 0, 0]}, "three vertices of the mesh"),
        ({"corners": [1, 2, -1], "shares": [1, 0, 0]}, "three vertices of the mesh"),
        ({"corners": [1, 2, 3.0], "shares": [1, 0, 0]}, "three vertices of the mesh"),
        ({"corners": [1, 2], "shares": [1, 0, 0]}, "three vertices of the mesh"),
        ({"corners": [1, 2, 3], "shares": [0.5, 0.2, 0.2]}, "sum to 1"),
        ({"corners": [1, 2, 3], "shares": [1.5, -0.5, 0]}, "sum to 1"),
        ({"corners": [1, 2, 3], "shares": ["1", 0, 0]}, "sum to 1"),
        ({"corners": [1, 2, 3], "shares": [1, 0, 0], "x": 1}, "'x'"),
    ],
)
def test_points_off_the_mesh_are_refused(tmp_path, spot, words):
    values = json.loads(_text(tmp_path))
    values["pairs"][1]["driver"] = spot
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(values), "utf-8")
    _refused(path, words)
    _refused(path, "pair 2, driver")


def test_what_is_no_json_is_refused_and_nothing_half_is_written(tmp_path):
    path = tmp_path / "bad.json"
    for text in ("", "[]", "[" * 9999, '{"schema": NaN}', '{"schema": 1, "schema": 1}'):
        path.write_text(text, "utf-8")
        _refused(path, "JSON")
    _refused(tmp_path / "none.json", "does not exist")
    path.write_text("kept", "utf-8")
    with pytest.raises(UserError):
        write_setup(path, replace(SETUP, iterations=99))
    assert path.read_text("utf-8") == "kept"


def _text(folder):
    path = folder / "whole.json"
    write_setup(path, SETUP)
    return path.read_text("utf-8")


def _refused(path, words):
    with pytest.raises(UserError, match=path.name) as caught:
        read_setup(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the solve: there and back, published files, other meshes, damage."""

from __future__ import annotations

import dataclasses
import json
import os

import numpy as np
import pytest
from conversion_meshes import overlapping
from facewright.core.errors import UserError
from facewright.core.naming import ARKIT_NAMES
from facewright.core.solve.basis import basis_of
from facewright.core.solve.conversion import ConversionSettings, config_of
from facewright.core.solve.pose_table import PoseTable
from facewright.core.solve.solve_preset import (
    applied,
    preset_of,
    read_solve_preset,
    write_solve_preset,
)

TABLE = PoseTable(
    active={"pose7": False}, cancel={"pose0": 3, "pose1": 3}, symmetry={"pose2": 0, "pose4": 0},
    multipliers={"pose5": 1.0 / 3.0}, offsets={"pose6": -0.1},
)  # fmt: skip
SETTINGS = ConversionSettings(0.1, 2.0 / 3.0, 3.0, 4.0, 54.7, "causal", TABLE)


def named(names):
    rng = np.random.default_rng(0)
    return basis_of(names, rng.normal(size=(20, 3)), rng.normal(size=(len(names), 20, 3)))


@pytest.mark.parametrize("smoothing", ["two_sided", "causal", "sdk"])
@pytest.mark.parametrize("size", [0.0, 0.0123, 54.7])
def test_a_preset_comes_back_as_it_was(tmp_path, smoothing, size):
    basis, _, _ = overlapping()
    settings = dataclasses.replace(SETTINGS, smoothing=smoothing, template_size=size)
    path = tmp_path / "顔 preset.json"
    write_solve_preset(path, preset_of(basis, settings))
    preset = read_solve_preset(path)
    assert preset == preset_of(basis, settings)
    back = applied(preset, basis.names)
    assert config_of(basis, back.settings) == config_of(basis, settings)
    assert back.settings.smoothing == smoothing
    assert back.settings.template_size == size
    assert (back.missing, back.untold) == ((), ())
    first = path.read_bytes()
    write_solve_preset(path, preset_of(basis, back.settings))
    assert path.read_bytes() == first
    assert os.listdir(tmp_path) == [path.name]


def published(path, count=52, **changes):
    """A file as the models have it, without names of poses."""
    params = {
        "strengthL2regularization": 3.5, "strengthL1regularization": 1.0,
        "strengthTemporalSmoothing": 0.0, "strengthSymmetry": 100.0, "templateBBSize": 53.45,
        "numPoses": count, "tolerance": 1e-10, "bsSolveActivePoses": [1] * (count - 1) + [0],
        "bsSolveCancelPoses": [-1] * count, "bsSolveSymmetryPoses": [-1] * count,
        "bsWeightMultipliers": [1.0] * count, "bsWeightOffsets": [0.0] * count, **changes,
    }  # fmt: skip
    path.write_text(json.dumps({"blendshape_params": params}), encoding="utf-8")
    return path


def test_a_published_file_fits_by_order(tmp_path):
    preset = read_solve_preset(published(tmp_path / "bs.json", 6))
    assert preset.names == ()
    names = tuple("uvwxyz")
    found = applied(preset, names, ConversionSettings(smoothing="sdk"))
    config = config_of(named(names), found.settings)
    assert config.active == (True,) * 5 + (False,)
    assert (config.l1, config.l2, config.temporal, config.symmetry) == (1.0, 3.5, 0.0, 100.0)
    assert config.template_size == 53.45
    assert found.settings.smoothing == "sdk"
    with pytest.raises(UserError, match="6 poses without names; the mesh has 7"):
        applied(preset, (*names, "t"))


def test_a_published_face_fits_a_mesh_of_other_order_and_spelling(tmp_path):
    pairs = [-1] * 52
    pairs[ARKIT_NAMES.index("eyeBlinkLeft")] = pairs[ARKIT_NAMES.index("eyeBlinkRight")] = 9
    preset = read_solve_preset(published(tmp_path / "bs.json", bsSolveSymmetryPoses=pairs))
    mesh = sorted(f"Jaw.{name}" if "jaw" in name else name for name in ARKIT_NAMES[:40])
    mesh = ["blink extra", *(name.replace("Left", "_L").replace("Right", "_R") for name in mesh)]
    found = applied(preset, [name for name in mesh if not name.startswith("Jaw.")])
    table = found.settings.table
    assert {name for name, pair in table.symmetry.items() if pair == 9} == {
        "eyeBlink_L", "eyeBlink_R",
    }  # fmt: skip
    assert found.untold == ("blink extra",)
    assert "jawOpen" in found.missing
    assert "tongueOut" in found.missing


def test_our_own_preset_fits_another_order_and_a_part_of_the_poses(tmp_path):
    basis, _, _ = overlapping()
    path = tmp_path / "preset.json"
    write_solve_preset(path, preset_of(basis, SETTINGS))
    other = ("Pose7", "extra", "pose_1", "pose2", "POSE 0")
    found = applied(read_solve_preset(path), other)
    config = config_of(named(other), found.settings)
    assert config.active == (False, True, True, True, True)
    assert config.cancel_ids == (-1, -1, 3, -1, 3)
    assert config.symmetry_ids == (-1,) * 5  # its partner is not there
    assert found.untold == ("extra",)
    assert found.missing == tuple(f"pose{n}" for n in (3, 4, 5, 6, 8, 9, 10, 11))
    with pytest.raises(UserError, match="None of the preset's 12 poses"):
        applied(read_solve_preset(path), ("smile", "frown"))


def test_pair_ids_that_are_no_pairs_are_none(tmp_path):
    ids = [5, 5, 5, 2, -7, 1, 1, -1]
    preset = read_solve_preset(published(tmp_path / "bs.json", 8, bsSolveCancelPoses=ids))
    assert preset.config.cancel_ids == (-1,) * 5 + (1, 1, -1)


def test_lists_and_strengths_may_be_left_out(tmp_path):
    path = tmp_path / "short.json"
    path.write_text('{"blendshape_params": {"bsSolveActivePoses": [true, false, 1]}}', "utf-8")
    preset = read_solve_preset(path)
    assert preset.config.active == (True, False, True)
    assert preset.config.multipliers == (1.0,) * 3


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"numPoses": 7}, "list of 7 numbers"),
        ({"numPoses": 0}, "numPoses is 0"),
        ({"numPoses": 10**9}, "numPoses is 1000000000"),
        ({"numPoses": "six"}, "whole number"),
        ({"strengthL2regularization": -1}, "L2regularization is -1"),
        ({"strengthSymmetry": 1e9}, "0 to 1000"),
        ({"strengthTemporalSmoothing": None}, "has to be a number"),
        ({"templateBBSize": 0}, "BBSize is 0"),
        ({"bsSolveActivePoses": [0] * 6}, "no pose is active"),
        ({"bsSolveActivePoses": "111111"}, "list of 6 numbers"),
        ({"bsSolveCancelPoses": [0.5] * 6}, "whole numbers"),
        ({"bsSolveCancelPoses": [2**40] * 2 + [-1] * 4}, "pair ids above"),
        ({"bsWeightMultipliers": [1e5] * 6}, "within 1000"),
        ({"bsWeightOffsets": [1e300] * 6}, "too large"),
        ({"bsWeightOffsets": [0.0] * 5}, "list of 6 numbers"),
    ],
)
def test_what_makes_no_sense_is_said_with_the_file_and_no_talk_of_models(tmp_path, changes, says):
    path = published(tmp_path / "bad.json", 6, **changes)
    with pytest.raises(UserError, match=says) as caught:
        read_solve_preset(path)
    assert str(path) in str(caught.value)
    assert "model" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not valid JSON"),
        ("[]", "JSON object"),
        ("{}", "lacks the section 'blendshape_params'"),
        ('{"blendshape_params": 3}', "lacks the section"),
        ('{"blendshape_params": {"numPoses": 1, "bsWeightOffsets": [NaN]}}', "NaN"),
        ('{"blendshape_params": {}}', "numPoses has to be a whole number"),
        ('{"blendshape_params": {"numPoses": 1}, "facewright": []}', "section 'facewright'"),
        (
            '{"blendshape_params": {"numPoses": 1}, "facewright": {"poseNames": ["a", "b"]}}',
            "names 2 poses where it has 1",
        ),
        ('{"blendshape_params": {"numPoses": 1}, "facewright": {"smoothing": "x"}}', "called 'x'"),
    ],
)
def test_damaged_files_are_refused(tmp_path, text, says):
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        read_solve_preset(path)


def test_a_preset_that_cannot_be_written_leaves_the_old_one(tmp_path):
    basis, _, _ = overlapping()
    with pytest.raises(UserError, match="does not exist"):
        write_solve_preset(tmp_path / "none" / "preset.json", preset_of(basis, SETTINGS))
    with pytest.raises(UserError, match="in use"):
        preset_of(
            basis, ConversionSettings(table=PoseTable(active=dict.fromkeys(basis.names, False)))
        )

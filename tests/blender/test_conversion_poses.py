# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose table of a conversion: rows, selection, pairs, and presets of the whole."""

from __future__ import annotations

import json

import bpy
import pytest
from converting import NAMES, conversion, shaped, sheet


@pytest.fixture
def made(scene):
    return conversion(sheet("Input"), shaped("Face"))


def selected(made) -> list[str]:
    return [pose.name for pose in made.poses if pose.select]


def pairs(made, kind: str) -> set[frozenset[str]]:
    found: dict[int, set[str]] = {}
    for pose in made.poses:
        if getattr(pose, kind) >= 0:
            found.setdefault(getattr(pose, kind), set()).add(pose.name)
    return {frozenset(names) for names in found.values()}


def click(place: int, how: str = "ONLY") -> None:
    assert bpy.ops.facewright.select_pose(place=place, how=how) == {"FINISHED"}


def test_the_rows_are_the_shape_keys_with_the_pairs_that_names_tell(made):
    assert tuple(pose.name for pose in made.poses) == NAMES
    assert pairs(made, "symmetry") == {
        frozenset(("eyeBlinkLeft", "eyeBlinkRight")),
        frozenset(("smile_L", "smile_R")),
    }
    assert pairs(made, "cancel") == {frozenset(("mouthLeft", "mouthRight"))}


def test_rows_keep_their_settings_when_keys_come_go_and_are_renamed(made, code):
    poses, face = code("properties.poses"), made.target
    made.poses["smile_L"].use = False
    made.poses["jawOpen"].multiplier = 0.5
    assert poses.suits(made)
    face.data.shape_keys.key_blocks["jawOpen"].name = "mouth open"
    assert not poses.suits(made)
    assert bpy.ops.facewright.suit_poses() == {"FINISHED"}
    assert made.poses["mouth open"].multiplier == 0.5
    assert not made.poses["smile_L"].use
    face.shape_key_add(name="new")
    face.shape_key_remove(face.data.shape_keys.key_blocks["smile_R"])
    bpy.ops.facewright.suit_poses()
    assert [pose.name for pose in made.poses][-2:] == ["smile_L", "new"]
    assert not made.poses["smile_L"].use
    assert made.poses["mouth open"].multiplier == 0.5
    made.target = None
    assert len(made.poses) == len(NAMES)
    made.target = face
    assert not made.poses["smile_L"].use


def test_several_are_selected_used_tagged_and_reset(made):
    click(1)
    click(4, "RANGE")
    assert selected(made) == list(NAMES[1:5])
    click(2, "TOGGLE")
    click(6, "TOGGLE")
    assert selected(made) == [NAMES[1], NAMES[3], NAMES[4], NAMES[6]]
    bpy.ops.facewright.toggle_poses()
    assert [pose.use for pose in made.poses] == [True, False, True, False, False, True, False]
    bpy.ops.facewright.toggle_poses()
    assert all(pose.use for pose in made.poses)
    bpy.ops.facewright.select_poses(which="INVERT")
    assert selected(made) == [NAMES[0], NAMES[2], NAMES[5]]
    bpy.ops.facewright.select_poses(which="NONE")
    assert not bpy.ops.facewright.toggle_poses.poll()
    bpy.ops.facewright.select_poses(which="ALL")
    assert not bpy.ops.facewright.pair_poses.poll(), "a pair is exactly two"
    click(0)
    click(1, "TOGGLE")
    assert bpy.ops.facewright.pair_poses(kind="cancel") == {"FINISHED"}
    assert pairs(made, "cancel") == {frozenset(("jawOpen", "mouthLeft"))}, "one partner each"
    click(3)
    assert bpy.ops.facewright.unpair_poses(kind="symmetry") == {"FINISHED"}
    assert pairs(made, "symmetry") == {frozenset(("smile_L", "smile_R"))}
    made.poses[0].offset = 0.3
    click(0)
    bpy.ops.facewright.reset_poses()
    assert made.poses[0].offset == 0
    assert not pairs(made, "cancel")
    bpy.ops.facewright.pair_names()
    assert len(pairs(made, "symmetry")) == 2


def test_grey_buttons_say_why(made, code, scene):
    module = code("operators.conversion_poses")
    made.target = None
    made.poses.clear()
    reason = module.FACEWRIGHT_OT_select_poses.disabled_reason(bpy.context)
    assert reason == "Choose a blend shape mesh first"
    scene.facewright.remove_conversion(made)
    assert module.FACEWRIGHT_OT_reset_poses.disabled_reason(bpy.context) == "Add a conversion first"


def test_a_preset_survives_a_round_trip(made, tmp_path, scene):
    made.regularisation, made.temporal, made.sparsity, made.symmetry = 7.5, 2.0, 0.25, 12.0
    made.smoothing = "causal"
    made.poses["jawOpen"].use = False
    made.poses["mouthLeft"].multiplier, made.poses["mouthLeft"].offset = 0.75, -0.125
    path = tmp_path / "meine Löser"
    assert bpy.ops.facewright.save_solve(filepath=str(path)) == {"FINISHED"}
    saved = json.loads((tmp_path / "meine Löser.json").read_text(encoding="utf-8"))
    params = saved["blendshape_params"]
    assert params["numPoses"] == len(NAMES)
    assert params["bsSolveActivePoses"][0] == 0
    assert params["strengthL2regularization"] == 7.5
    other = conversion(made.source, shaped("Other", names=NAMES[::-1]))
    assert bpy.ops.facewright.load_solve(filepath=str(path) + ".json") == {"FINISHED"}
    for name in ("regularisation", "temporal", "sparsity", "symmetry", "smoothing"):
        assert getattr(other, name) == getattr(scene.facewright.conversions[0], name)
    assert other.template_size == 0
    assert not other.poses["jawOpen"].use
    assert other.poses["mouthLeft"].multiplier == 0.75
    assert other.poses["mouthLeft"].offset == -0.125
    assert pairs(other, "symmetry") == pairs(scene.facewright.conversions[0], "symmetry")
    assert pairs(other, "cancel") == pairs(scene.facewright.conversions[0], "cancel")


def test_a_models_own_settings_are_read_and_broken_files_change_nothing(scene, tmp_path, code):
    names = code("core.naming").ARKIT_NAMES
    made = conversion(sheet("Input"), shaped("Face", names=names), regularisation=9.0)
    folder = code("scene.places").__file__
    from pathlib import Path

    model = Path(folder).parent.parent / "models" / "facewright" / "bs_skin_config.json"
    assert bpy.ops.facewright.load_solve(filepath=str(model)) == {"FINISHED"}
    assert made.regularisation == pytest.approx(1e-7)
    assert not made.poses["eyeLookDownLeft"].use
    assert not pairs(made, "symmetry")
    broken = tmp_path / "kaputt.json"
    broken.write_text('{"blendshape_params": {"numPoses": 3}}', encoding="utf-8")
    with pytest.raises(RuntimeError, match="kaputt"):
        bpy.ops.facewright.load_solve(filepath=str(broken))
    assert made.regularisation == pytest.approx(1e-7)


def test_conversions_are_added_from_the_selection_and_removed(scene):
    face, source = shaped("Face"), sheet("Input")
    for obj in (face, source):
        obj.select_set(True)
    bpy.context.view_layer.objects.active = source
    assert bpy.ops.facewright.add_conversion() == {"FINISHED"}
    made = scene.facewright.conversion
    assert (made.source, made.target, made.name) == (source, face, "Face")
    assert bpy.ops.facewright.add_conversion() == {"FINISHED"}
    assert scene.facewright.conversion.name == "Face 2"
    assert bpy.ops.facewright.remove_conversion() == {"FINISHED"}
    assert scene.facewright.conversion.name == "Face"

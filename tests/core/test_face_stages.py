# SPDX-License-Identifier: GPL-3.0-or-later
"""From motion to face: blocks equal the whole, and the cheap path equals the way over vertices."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import references
import stub_diffusion
import stubs
from facewright.core import pipeline
from facewright.core.face import stages as stages
from facewright.core.models.model import settings_for
from facewright.core.motion import Motion, MotionShapes, at_rate, shapes_of
from facewright.core.postprocess.blink import blink_track
from facewright.core.solve import blendshape as solve
from facewright.core.solve.basis import pose_basis, sides_of
from facewright.core.solve.pose_table import PoseTable, RigOverrides, config_for
from facewright.core.voice.audio import Voice

STRONG: dict[str, object] = {
    "skin_strength": 1.3, "upper_face_strength": 0.7, "lower_face_strength": 1.4,
    "upper_face_smoothing": 0.06, "lower_face_smoothing": 0.02, "eyelid_open_offset": 0.3,
    "blink_interval": 0.8, "blink_strength": 1.2, "lip_open_offset": -0.15,
    "face_mask_level": 0.45, "face_mask_softness": 0.1, "tongue_strength": 2.2,
    "tongue_height_offset": -0.3, "tongue_depth_offset": 0.4, "saccade_pattern": 3,
}  # fmt: skip
CASES: dict[str, dict[str, object]] = {
    "defaults": {},
    "strengths, mask, smoothing": STRONG,
    "no smoothing": {**STRONG, "upper_face_smoothing": 0.0, "lower_face_smoothing": 0.0},
    "temporal": {**STRONG, "skin_temporal": 0.3, "tongue_temporal": 5.0},
    "sdk": {"sdk_compatible": True},
    "sdk, temporal": {**STRONG, "sdk_compatible": True, "skin_temporal": 0.3},
}


@pytest.fixture(scope="module", params=["regression", "diffusion"])
def take(request, tmp_path_factory):
    """A model, its network's motion at 30 fps for three seconds of voice."""
    base = tmp_path_factory.mktemp("stages")
    if request.param == "regression":
        folder = stubs.make_stub_model(base / "m").folder
    else:
        folder = stub_diffusion.make_stub_diffusion(base / "m", skin_vertices=120).folder
    loaded = pipeline.open_model(folder, threads=1)
    voice = Voice(path=str(stubs.write_wav(base / "v.wav", stubs.speech_like(3.0))))
    asked = pipeline.Request(voice, folder, Fraction(30), {"emotion_joy": 0.6})
    made = pipeline.animate(asked, loaded=loaded)
    return loaded.model, at_rate(made.motion, Fraction(30), 90)


def part_of(motion, part):
    return dataclasses.replace(
        motion, skin=motion.skin[part], tongue=motion.tongue[part], jaw=motion.jaw[part],
        eyes=motion.eyes[part],
    )  # fmt: skip


def blinks(model, motion, settings):
    return blink_track(motion.frame_count, motion.fps, model.data.blink_profile, settings)


@pytest.mark.parametrize("cuts", [(1,), (1, 2, 3), (7, 30, 31, 64), (89,), tuple(range(1, 90))])
def test_blocks_cut_anywhere_equal_the_whole_to_the_bit(take, cuts):
    model, motion = take
    settings = settings_for(model, CASES["temporal"])
    whole = stages.whole_face(model, motion, settings)
    prepared = stages.prepare_face(model, shapes_of(model, motion), settings, RigOverrides())
    blink = blinks(model, motion, settings)
    state, parts = None, []
    for frames in np.split(np.arange(90), cuts):
        part = slice(frames[0], frames[-1] + 1)
        face, state = stages.face_block(prepared, part_of(motion, part), blink[part], state)
        parts.append(face)
    for name in ("weights", "jaw", "eyes"):
        found = np.concatenate([getattr(face, name) for face in parts])
        np.testing.assert_array_equal(found, getattr(whole, name))
    assert state.frame == 90
    assert parts[0].names == whole.names


@pytest.mark.parametrize("case", CASES)
def test_a_whole_take_is_the_same_face_to_the_bit(take, case, tmp_path):
    """The stages one by one, with what is kept, against blocks."""
    model, motion = take
    settings = settings_for(model, CASES[case])
    whole = stages.whole_face(model, motion, settings)
    path = stubs.write_wav(tmp_path / "v.wav", stubs.speech_like(3.0))
    saved = pipeline.animate(pipeline.Request(Voice(path=str(path)), model.folder, Fraction(30)))
    saved = dataclasses.replace(saved, motion=motion, settings=settings)
    found = pipeline.redo(saved, pipeline.Loaded(model, network=None)).face
    for name in ("weights", "jaw", "eyes"):
        np.testing.assert_array_equal(getattr(found, name), getattr(whole, name))


def test_a_motion_may_get_more_shapes_while_it_goes_on(take):
    """As a live diffusion motion does: what a shape was before it came up is 0."""
    model, motion = take
    shapes = shapes_of(model, motion)
    count = len(shapes.skin)
    late = motion.skin.copy()
    late[:40, -2:] = 0
    motion = dataclasses.replace(motion, skin=late, shapes=shapes)
    settings = settings_for(model, STRONG)
    whole = stages.whole_face(model, motion, settings)
    few = MotionShapes(shapes.skin[: count - 2], shapes.tongue)
    blink = blinks(model, motion, settings)
    first = part_of(motion, slice(0, 40))
    first = dataclasses.replace(first, skin=first.skin[:, : count - 2], shapes=few)
    prepared = stages.prepare_face(model, few, settings, RigOverrides())
    begin, state = stages.face_block(prepared, first, blink[:40])
    prepared = stages.prepare_face(model, shapes, settings, RigOverrides())
    rest, _ = stages.face_block(prepared, part_of(motion, slice(40, 90)), blink[40:], state)
    found = np.concatenate([begin.weights, rest.weights])
    np.testing.assert_allclose(found, whole.weights, atol=1e-6)


# ---- the cheap path -----------------------------------------------------------------------------


def long_way(model, motion, settings, rigs):
    """Weights over vertices: geometry in blocks, right sides from it, solve, multipliers."""
    columns = {}
    skin = config_for(model.skin_rig, "skin", settings, rigs.skin)
    tongue = config_for(model.tongue_rig, "tongue", settings, rigs.tongue)
    for rig, config, blocks in (
        (model.skin_rig, skin, stages.skin_vertices),
        (model.tongue_rig, tongue, stages.tongue_vertices),
    ):
        faces = np.concatenate(list(blocks(model, motion, settings)))
        basis = pose_basis(rig)
        solver = solve.prepare(basis, config, settings.sdk_compatible)
        weights, _ = solve.solve_frames(solver, sides_of(basis, faces))
        track = solve.finish(solver, config, weights, settings.clamp_weights)
        columns.update(zip(track.names, track.values.T, strict=True))
    return columns


@pytest.mark.parametrize("case", CASES)
def test_the_cheap_path_equals_the_way_over_vertices(take, case):
    model, motion = take
    settings = settings_for(model, CASES[case])
    rigs = RigOverrides(
        skin=PoseTable(active={"cheekPuff": False}, multipliers={"jawOpen": 1.5}),
        tongue=PoseTable(cancel={"tongueUp": 0, "tongueIn": 0}, offsets={"tongueDown": 0.2}),
    )
    face = stages.whole_face(model, motion, settings, rigs)
    expected = long_way(model, motion, settings, rigs)
    assert len(expected) == 68
    moving = 0
    for name, column in expected.items():
        if not name.startswith("eyeLook"):  # those follow the eyes, not the skin
            found = face.weights[:, face.names.index(name)]
            np.testing.assert_allclose(found, column, atol=1e-4, err_msg=name)
            moving += int(np.ptp(found) > 0.02)
    assert moving >= 3


@pytest.mark.parametrize("case", ["defaults", "strengths, mask, smoothing"])
def test_right_sides_of_the_cheap_path_equal_slow_vertices_in_float64(take, case):
    model, motion = take
    settings = settings_for(model, CASES[case])
    prepared = stages.prepare_face(model, shapes_of(model, motion), settings, RigOverrides())
    blink = blinks(model, motion, settings)
    found, _ = stages.skin_sides(
        prepared.skin.projection, motion.skin, blink, motion.fps, settings, None
    )
    faces = references.skin_frames(
        model.data, motion.skin, blink, 30, settings, shapes_of(model, motion).skin
    )
    rig = model.skin_rig
    rows = slice(None) if rig.mask is None else rig.mask
    target = (faces - rig.neutral.astype(float))[:, rows].reshape(90, -1)
    deltas = rig.deltas.astype(float)[:, rows].reshape(len(rig.names), -1)
    expected = target @ deltas.T
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())


# ---- vertices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["defaults", "strengths, mask, smoothing"])
def test_vertices_of_both_families_equal_the_slow_reference(take, case):
    model, motion = take
    settings = settings_for(model, CASES[case])
    shapes = shapes_of(model, motion)
    found = np.concatenate(list(stages.skin_vertices(model, motion, settings)))
    blink = blinks(model, motion, settings)
    expected = references.skin_frames(model.data, motion.skin, blink, 30, settings, shapes.skin)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    tongue = np.concatenate(list(stages.tongue_vertices(model, motion, settings)))
    expected = references.tongue_frames(model.data, motion.tongue, settings, shapes.tongue)
    np.testing.assert_allclose(tongue, expected, atol=1e-5)
    assert found.dtype == tongue.dtype == np.float32


def test_nothing_said_and_no_offsets_give_the_neutral_face_and_no_weights(take):
    model, motion = take
    still = Motion(
        np.zeros_like(motion.skin), np.zeros_like(motion.tongue), np.zeros_like(motion.jaw),
        np.zeros_like(motion.eyes), motion.fps, motion.shapes,
    )  # fmt: skip
    names = ("eyelid_open_offset", "lip_open_offset", "blink_interval", "tongue_height_offset",
             "tongue_depth_offset", "saccade_strength")  # fmt: skip
    settings = settings_for(model, dict.fromkeys(names, 0.0))
    for vertices in stages.skin_vertices(model, still, settings):
        np.testing.assert_array_equal(vertices, [model.data.skin_neutral] * len(vertices))
    face = stages.whole_face(model, still, settings)
    assert not face.weights.any()
    np.testing.assert_allclose(face.jaw, [np.eye(4)] * 90, atol=1e-6)
    assert not face.eyes.any()

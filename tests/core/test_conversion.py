# SPDX-License-Identifier: GPL-3.0-or-later
"""Blend shape conversion against closed forms: each strength does what its name says."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from conversion_meshes import SIZE, converted, orthogonal, overlapping, posed, strength, wanted
from facewright.core.errors import Cancelled, UserError
from facewright.core.head import load_head
from facewright.core.solve import conversion
from facewright.core.solve.conversion import SMOOTHINGS, ConversionSettings
from facewright.core.solve.pose_table import PoseTable
from facewright.core.watch import Watch


@pytest.fixture(scope="module")
def head(root):
    return load_head(root / "assets" / "head.npz").skin


def head_basis(head, unit=1.0):
    return conversion.basis_of(head.shape_names, head.vertices * unit, head.shapes * unit)


def head_weights(head, frames=60):
    weights = np.clip(wanted(frames, len(head.shape_names)), 0, 1)
    weights[:, head.shape_names.index("tongueOut")] = 0  # moves no vertex of the skin
    return weights


# ---- the way there and back


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_known_weights_of_real_poses_come_back(head, unit, smoothing):
    basis, weights = head_basis(head, unit), head_weights(head)
    faces = posed(head.vertices * unit, head.shapes * unit, weights).astype(np.float32)
    found = converted(basis, faces, regularisation=1e-7, template_size=0.0, smoothing=smoothing)
    # The SDK's squared equations make more of the rounding of vertices
    near = 1e-3 if smoothing == "sdk" else 1e-4
    np.testing.assert_allclose(found.weights, weights, atol=near)
    assert found.residuals.max() < 1e-5 * unit


def test_known_weights_of_random_poses_come_back():
    basis, neutral, deltas = overlapping(30, 200)
    weights = np.clip(wanted(50, 30), 0, 1)
    found = converted(basis, posed(neutral, deltas, weights).astype(np.float32))
    np.testing.assert_allclose(found.weights, weights, atol=1e-4)


def test_a_few_vertices_that_are_looked_at_are_enough():
    basis, neutral, deltas = overlapping(10, 80)
    few = conversion.basis_of(basis.names, neutral, deltas, np.arange(20, 60))
    weights = np.clip(wanted(20, 10), 0, 1)
    faces = posed(neutral, deltas, weights)
    faces[:, :20] = 99.0
    np.testing.assert_allclose(converted(few, faces).weights, weights, atol=1e-6)


def test_the_panels_defaults_leave_speech_as_it_is(head):
    """Not crushed: a typical pose loses 1 % and smoothing leaves slow movements alone."""
    weights = head_weights(head, 200)
    faces = posed(head.vertices, head.shapes, weights)
    basis = head_basis(head)
    sides, energies = conversion.sides_of(basis, faces), conversion.energies_of(basis, faces)
    moves = np.linalg.norm(faces - head.vertices)

    def lost(**settings):
        found = conversion.convert(basis, sides, energies, ConversionSettings(**settings))
        return np.linalg.norm(faces - posed(head.vertices, head.shapes, found.weights)) / moves

    assert lost() < 0.04
    assert lost(smoothing="causal") < 0.05
    assert lost(template_size=54.7) > 3 * lost()  # meant for a mesh of many more vertices


# ---- what strengths mean


def test_regularisation_shrinks_a_pose_by_its_closed_form():
    basis, neutral, deltas = orthogonal(0.5, 1.0, 2.0)
    for amount in (0.1, 3.5, 200.0):
        found = converted(basis, posed(neutral, deltas, [0.8] * 3), regularisation=amount)
        squares = np.array([0.25, 1.0, 4.0])
        expected = 0.8 / (1.0 + 10.0 * amount * strength(basis) / squares)
        np.testing.assert_allclose(found.weights[0], expected, rtol=1e-6)


def test_sparsity_weighs_the_square_of_the_sum():
    basis, neutral, deltas = orthogonal(*[1.0] * 5)
    for amount in (1.0, 8.0):
        found = converted(basis, posed(neutral, deltas, [0.6] * 5), sparsity=amount)
        expected = 0.6 / (1.0 + 0.25 * strength(basis) * amount**2 * 5)
        np.testing.assert_allclose(found.weights[0], expected, rtol=1e-6)


def test_sparsity_leaves_fewer_poses_active():
    basis, neutral, deltas = overlapping(20, 60)
    faces = posed(neutral, deltas, np.clip(wanted(40, 20), 0.05, 1))
    counts = [
        (converted(basis, faces, sparsity=amount).weights > 1e-3).sum()
        for amount in (0.0, 20.0, 100.0)
    ]
    assert counts[0] > counts[1] > counts[2]


def test_symmetry_draws_a_pair_to_its_mean():
    basis, neutral, deltas = orthogonal(1.0, 1.0, 1.0)
    table = PoseTable(symmetry={"pose0": 4, "pose1": 4})
    faces = posed(neutral, deltas, [0.9, 0.3, 0.5])
    for amount in (0.0, 1.0, 1000.0):
        found = converted(basis, faces, symmetry=amount, table=table).weights[0]
        apart = 0.6 / (1.0 + 20.0 * amount * strength(basis))
        np.testing.assert_allclose(found, [0.6 + apart / 2, 0.6 - apart / 2, 0.5], rtol=1e-6)
    assert apart < 1e-3


def test_automatic_strengths_mean_the_same_in_any_unit_and_density():
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, wanted(30, 12))
    usual = {"template_size": 0.0, "regularisation": 3.5, "temporal": 3.5, "sparsity": 1.0}
    expected = converted(basis, faces, **usual).weights
    metres = conversion.basis_of(basis.names, neutral * 0.01, deltas * 0.01)
    np.testing.assert_allclose(
        converted(metres, faces * 0.01, **usual).weights, expected, atol=1e-6
    )
    twice = conversion.basis_of(basis.names, *(np.repeat(x, 2, -2) for x in (neutral, deltas)))
    dense = converted(twice, np.repeat(faces, 2, axis=1), **usual)
    np.testing.assert_allclose(dense.weights, expected, atol=1e-6)
    body = np.concatenate([neutral, [[0.0, -150.0, 0.0]]])  # a foot
    whole = conversion.basis_of(basis.names, body, np.pad(deltas, ((0, 0), (0, 1), (0, 0))))
    standing = np.concatenate([faces, np.broadcast_to(body[-1], (30, 1, 3))], axis=1)
    np.testing.assert_allclose(converted(whole, standing, **usual).weights, expected, atol=1e-6)


def test_a_typical_pose_alone_loses_one_percent_at_the_panels_regularisation():
    basis, neutral, deltas = orthogonal(0.2, 1.0, 3.0)
    faces = posed(neutral, deltas, [0, 0.8, 0])
    found = converted(basis, faces, regularisation=3.5, template_size=0.0)
    assert found.weights[0, 1] == pytest.approx(0.8 / 1.01, rel=1e-6)


# ---- smoothing over time


@pytest.mark.parametrize("amount", [0.1, 3.5, 300.0])
def test_two_sided_smoothing_equals_the_dense_system_where_no_bound_is_met(amount):
    basis, neutral, deltas = orthogonal(1.0, 2.0)
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.3, 0.7, (40, 2))
    found = converted(basis, posed(neutral, deltas, weights), temporal=amount)
    pull = 100.0 * amount * strength(basis)
    difference = np.diff(np.eye(40), axis=0)
    for pose, square in enumerate((1.0, 4.0)):
        system = square * np.eye(40) + pull * difference.T @ difference
        expected = np.linalg.solve(system, square * weights[:, pose])
        np.testing.assert_allclose(found.weights[:, pose], expected, atol=1e-7)


def test_two_sided_smoothing_damps_a_wave_by_its_frequency_alone():
    basis, neutral, deltas = orthogonal(1.5)
    frames, pull = 120, 100.0 * 0.2 * strength(orthogonal(1.5)[0])
    for halves in (1, 6, 40, 119):
        wave = np.cos(np.pi * halves * (np.arange(frames) + 0.5) / frames)
        found = converted(basis, posed(neutral, deltas, 0.5 + 0.4 * wave[:, None]), temporal=0.2)
        gain = 1.0 / (1.0 + pull / 2.25 * (2.0 - 2.0 * np.cos(np.pi * halves / frames)))
        np.testing.assert_allclose(found.weights[:, 0], 0.5 + 0.4 * gain * wave, atol=1e-6)


def test_causal_smoothing_comes_near_geometrically():
    basis, neutral, deltas = orthogonal(1.5)
    faces = np.repeat(posed(neutral, deltas, [0.8]), 40, axis=0)
    found = converted(basis, faces, temporal=0.1, smoothing="causal").weights[:, 0]
    pull = 100.0 * 0.1 * strength(basis)
    share = pull / (2.25 + pull)
    np.testing.assert_allclose(found, 0.8 * (1.0 - share ** np.arange(1, 41)), rtol=1e-6)


def test_the_sdks_smoothing_shrinks_a_still_face():
    basis, neutral, deltas = orthogonal(1.5)
    faces = np.repeat(posed(neutral, deltas, [0.8]), 60, axis=0)
    found = converted(basis, faces, temporal=0.1, smoothing="sdk").weights[-1, 0]
    assert found == pytest.approx(0.8 * 2.25 / (2.25 + 99.0 * 0.1 * strength(basis)), rel=1e-6)
    still = converted(basis, faces, temporal=0.1).weights
    np.testing.assert_allclose(still, 0.8, rtol=1e-6)


# ---- cancel pairs


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("temporal", [0.0, 0.05, 5.0])
def test_a_cancel_pair_is_never_active_together(smoothing, temporal):
    basis, neutral, deltas = overlapping(12)
    ids = {f"pose{place}": place // 2 for place in range(10)}
    for seed in range(4):
        faces = posed(neutral, deltas, np.random.default_rng(seed).uniform(0, 1, (80, 12)))
        faces += np.random.default_rng(9).normal(0, 0.3, faces.shape)
        settings = {"temporal": temporal, "smoothing": smoothing, "regularisation": 0.001}
        free = converted(basis, faces, **settings).weights
        found = converted(basis, faces, **settings, table=PoseTable(cancel=ids)).weights
        first, second = found[:, 0:10:2], found[:, 1:10:2]
        assert np.minimum(free[:, 0:10:2], free[:, 1:10:2]).max() > 0.01
        assert not np.minimum(first, second).any()
        assert (first > 0.01).any()
        assert (second > 0.01).any()


# ---- residuals, multipliers, offsets


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_residual_is_the_distance_that_vertices_have(smoothing):
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, wanted(50, 12))
    faces[17] += np.random.default_rng(0).normal(0, 2.0, neutral.shape)
    settings = {"temporal": 0.1, "regularisation": 0.1, "smoothing": smoothing}
    found = converted(basis, faces, **settings)
    apart = faces - posed(neutral, deltas, found.weights)
    expected = np.sqrt((apart**2).sum(axis=2).mean(axis=1))
    np.testing.assert_allclose(found.residuals, expected, rtol=1e-5)
    assert found.worst[0] == 17
    changed = PoseTable(multipliers={"pose3": 2.0}, offsets={"pose3": -0.25, "pose5": 0.5})
    tuned = converted(basis, faces, **settings, table=changed)
    np.testing.assert_array_equal(tuned.residuals, found.residuals)
    expected = found.weights.copy()
    expected[:, 3] = 2.0 * expected[:, 3] - 0.25
    expected[:, 5] += 0.5
    np.testing.assert_allclose(tuned.weights, expected, atol=1e-6)


def test_poses_that_are_not_in_use_have_only_their_offset():
    basis, neutral, deltas = overlapping()
    table = PoseTable(active={"pose2": False, "POSE4": False}, offsets={"pose2": 0.3})
    found = converted(basis, posed(neutral, deltas, wanted(9, 12)), table=table).weights
    np.testing.assert_allclose(found[:, 2], 0.3)
    assert not found[:, 4].any()


def test_worst_frames_are_peaks_worst_first():
    residuals = np.array([0.0, 5.0, 5.0, 1.0, 9.0, 8.0, 0.0, 2.0, 3.0, 7.0])
    assert conversion.worst_frames(residuals).tolist() == [4, 9, 1]
    assert conversion.worst_frames(residuals, 1).tolist() == [4]
    assert not len(conversion.worst_frames(np.ones(5)))
    assert not len(conversion.worst_frames(np.zeros(0)))


# ---- repeatable, in steps, to be cancelled


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_the_same_input_gives_the_same_bits_and_tells_how_far_it_is(smoothing):
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, wanted(300, 12))
    sides, energies = conversion.sides_of(basis, faces), conversion.energies_of(basis, faces)
    settings = ConversionSettings(smoothing=smoothing)
    told: list[float] = []
    first = conversion.convert(
        basis, sides, energies, settings, Watch(lambda share, text: told.append(share))
    )
    again = conversion.convert(basis, sides, energies, settings)
    assert first.weights.tobytes() == again.weights.tobytes()
    assert first.residuals.tobytes() == again.residuals.tobytes()
    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == 1.0
    with pytest.raises(Cancelled):
        conversion.convert(basis, sides, energies, settings, Watch(None, lambda: True))


def test_faces_read_one_by_one_give_the_sides_of_all():
    basis, neutral, deltas = overlapping(8, 400)
    faces = posed(neutral, deltas, wanted(70, 8)).astype(np.float32)
    sides, energies = conversion.sides_of(basis, faces), conversion.energies_of(basis, faces)
    moved = (faces.astype(float) - neutral).reshape(70, -1)
    np.testing.assert_allclose(sides, moved @ deltas.reshape(8, -1).T, atol=1e-10)
    np.testing.assert_allclose(energies, (moved**2).sum(axis=1), rtol=1e-12)
    for frame in (0, 31, 32, 69):
        alone = conversion.sides_of(basis, faces[frame : frame + 1])[0]
        np.testing.assert_allclose(alone, sides[frame], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("frames", [0, 1, 2])
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_clips_of_hardly_any_frame(frames, smoothing):
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, np.full((frames, 12), 0.4))
    found = converted(basis, faces, temporal=1e-9, smoothing=smoothing)
    assert found.weights.shape == (frames, 12)
    np.testing.assert_allclose(found.weights, 0.4, atol=1e-5)


# ---- what users get wrong


def test_poses_that_are_alike_or_still_do_not_break_it():
    _, neutral, deltas = overlapping()
    deltas[1], deltas[2] = deltas[0], 0.0
    basis = conversion.basis_of([f"pose{p}" for p in range(12)], neutral, deltas)
    faces = posed(neutral, deltas, np.eye(12)[[0, 1, 3]] * 0.6)
    for smoothing in SMOOTHINGS:
        for temporal in (0.0, 1e-6):
            found = converted(basis, faces, temporal=temporal, smoothing=smoothing).weights
            assert np.isfinite(found).all()
            assert found[0, :2].sum() == pytest.approx(0.6, abs=1e-3)
            assert found[2, 3] == pytest.approx(0.6, abs=1e-3)


def test_what_cannot_be_solved_is_said():
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, wanted(5, 12))
    unused = PoseTable(active=dict.fromkeys(basis.names, False))
    with pytest.raises(UserError, match="No pose of the mesh is in use"):
        converted(basis, faces, table=unused)
    with pytest.raises(UserError, match="no pose called 'grin'"):
        converted(basis, faces, table=PoseTable(cancel={"grin": 1}))
    faces[3, 7, 1] = np.nan
    with pytest.raises(UserError, match="Frame 4 of 5"):
        converted(basis, faces)
    still = conversion.basis_of(["a", "b"], neutral, np.zeros((2, *neutral.shape)))
    with pytest.raises(UserError, match="moves any vertex"):
        converted(still, faces[:2])
    broken = deltas.copy()
    broken[4, 0] = np.inf
    with pytest.raises(UserError, match="'pose4'"):
        conversion.basis_of(basis.names, neutral, broken)
    with pytest.raises(UserError, match="no shape keys"):
        conversion.basis_of([], neutral, np.zeros((0, *neutral.shape)))


def test_pair_ids_on_one_pose_or_three_are_none():
    basis, neutral, deltas = overlapping()
    faces = posed(neutral, deltas, wanted(20, 12))
    odd = PoseTable(cancel={"pose0": 1, "pose1": 2, "pose2": 2, "pose3": 2}, symmetry={"pose4": 0})
    np.testing.assert_array_equal(
        converted(basis, faces, symmetry=50.0, table=odd).weights,
        converted(basis, faces, symmetry=50.0).weights,
    )


def test_settings_survive_json():
    table = PoseTable(active={"a": False}, cancel={"a": 1, "b": 1}, offsets={"b": -0.5})
    settings = ConversionSettings(0.1, 2.0, 3.0, 4.0, SIZE, "causal", table)
    values = json.loads(json.dumps(settings.to_mapping()))
    assert ConversionSettings.from_mapping(values) == settings
    assert ConversionSettings.from_mapping({}) == ConversionSettings()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "table of names"),
        ({"strength": 1}, "'strength'"),
        ({"temporal": -1}, "temporal is -1"),
        ({"temporal": float("nan")}, "temporal is nan"),
        ({"sparsity": "much"}, "sparsity has to be a number"),
        ({"symmetry": True}, "symmetry has to be a number"),
        ({"regularisation": 1e9}, "0 to 1000"),
        ({"template_size": 1e-9}, "at least"),
        ({"smoothing": "forward"}, "two_sided, causal, sdk"),
        ({"table": {"colour": {}}}, "'colour'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values, says):
    with pytest.raises(UserError, match=says):
        ConversionSettings.from_mapping(values)


def test_a_mesh_without_size_is_no_division_by_zero():
    basis, neutral, deltas = overlapping()
    flat = dataclasses.replace(basis, size2=0.0)
    found = converted(flat, posed(neutral, deltas, np.full((2, 12), 0.5)), template_size=0.0)
    np.testing.assert_allclose(found.weights, 0.5, atol=1e-5)

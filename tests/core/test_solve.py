# SPDX-License-Identifier: GPL-3.0-or-later
"""The blend shape solve against scipy's BVLS and the published properties."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import references
from facewright.core.errors import UserError
from facewright.core.models.model import BlendShapeRig, SolveConfig
from facewright.core.parameters import Settings
from facewright.core.postprocess import skin, tongue
from facewright.core.solve import blendshape as solve
from facewright.core.solve import projection
from facewright.core.solve.basis import pose_basis, sides_of
from facewright.core.solve.pivoting import make_pivot

POSES = 14


def rig(vertices=60, mask=True, seed=0, **changes):
    """A small rig with two inactive poses, two symmetry pairs and overlapping deltas."""
    rng = np.random.default_rng(seed)
    config = SolveConfig(
        l1=0.5, l2=0.5, temporal=0.0, symmetry=0.0, template_size=50.0,
        active=tuple(k not in (3, 9) for k in range(POSES)), cancel_ids=(-1,) * POSES,
        symmetry_ids=(0, 0, -1, 1, 1, 2, 2) + (-1,) * 7, multipliers=(1.0,) * POSES,
        offsets=(0.0,) * POSES,
    )  # fmt: skip
    config = dataclasses.replace(config, **changes)
    neutral = rng.uniform(-15, 15, (vertices, 3)).astype(np.float32)
    common = rng.normal(0, 0.4, (3, vertices, 3))
    deltas = np.einsum("pk,kvx->pvx", rng.normal(size=(POSES, 3)), common)
    deltas += rng.normal(0, 0.5, deltas.shape)
    chosen = np.flatnonzero(rng.uniform(size=vertices) < 0.7) if mask else None
    names = tuple(f"pose{k}" for k in range(POSES))
    return BlendShapeRig(names, neutral, deltas.astype(np.float32), chosen, config)


def faces_of(a_rig, count=40, noise=0.3, seed=1):
    """Faces (T, V, 3) that want weights in, at and beyond the bounds, and never fit exactly."""
    rng = np.random.default_rng(seed)
    wanted = np.cumsum(rng.normal(0, 0.15, (count, POSES)), axis=0) + rng.uniform(-0.5, 1.2, POSES)
    moved = np.einsum("tp,pvx->tvx", wanted, a_rig.deltas.astype(float))
    moved += noise * rng.normal(size=moved.shape)
    return (a_rig.neutral + moved).astype(np.float32)


def prepared(a_rig, sdk=False):
    basis = pose_basis(a_rig)
    return basis, solve.prepare(basis, a_rig.config, sdk)


def solved(a_rig, faces, sdk=False):
    basis, solver = prepared(a_rig, sdk)
    weights, _ = solve.solve_frames(solver, sides_of(basis, faces))
    return solver, weights


def targets(a_rig, faces):
    chosen = slice(None) if a_rig.mask is None else a_rig.mask
    moved = faces.astype(float)[:, chosen] - a_rig.neutral.astype(float)[chosen]
    return moved.reshape(len(faces), -1)


@pytest.mark.parametrize("mask", [True, False])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"l1": 2.0, "l2": 0.0},
        {"symmetry": 100.0},
        {"l1": 0.0, "l2": 0.01, "template_size": 7.9},
    ],
)
def test_weights_equal_bvls(changes, mask):
    a_rig = rig(mask=mask, **changes)
    faces = faces_of(a_rig)
    _, found = solved(a_rig, faces)
    matrix, a, _ = references.solve_matrix(a_rig)
    at_bound = 0
    for row, target in zip(found, targets(a_rig, faces), strict=True):
        expected = references.bounded_minimum(a, matrix.T @ target)
        np.testing.assert_allclose(row, expected, atol=1e-7)
        at_bound += int(np.count_nonzero((expected < 1e-9) | (expected > 1 - 1e-9)))
    assert at_bound > len(found)  # the bounds mattered


def test_smoothing_over_time_pulls_to_the_weights_before():
    a_rig = rig(temporal=0.7)
    faces = faces_of(a_rig)
    _, found = solved(a_rig, faces)
    matrix, a, s = references.solve_matrix(a_rig)
    before = np.zeros(matrix.shape[1])
    for row, target in zip(found, targets(a_rig, faces), strict=True):
        before = references.bounded_minimum(a, matrix.T @ target + 100 * 0.7 * s * before)
        np.testing.assert_allclose(row, before, atol=1e-7)


def test_smoothing_over_time_leaves_a_still_face_alone_but_the_sdks_form_shrinks_it():
    a_rig = rig(temporal=0.7)
    still = np.repeat(faces_of(a_rig, 1), 200, axis=0)
    free = dataclasses.replace(a_rig, config=dataclasses.replace(a_rig.config, temporal=0.0))
    without = solved(free, still)[1][-1]
    np.testing.assert_allclose(solved(a_rig, still)[1][-1], without, atol=1e-6)
    shrunk = solved(a_rig, still, sdk=True)[1][-1]
    assert np.linalg.norm(shrunk) < 0.97 * np.linalg.norm(without)


def test_sdk_compatible_minimises_the_squared_normal_equations():
    from scipy.optimize import lsq_linear

    a_rig = rig(temporal=0.3)
    faces = faces_of(a_rig, 25)
    _, found = solved(a_rig, faces, sdk=True)
    matrix, a, s = references.solve_matrix(a_rig)
    before = np.zeros(matrix.shape[1])
    for row, target in zip(found, targets(a_rig, faces), strict=True):
        side = matrix.T @ target + 0.3 * s * before
        before = lsq_linear(a, side, bounds=(0, 1), method="bvls", tol=1e-13).x
        np.testing.assert_allclose(row, before, atol=1e-6)


def test_cancel_pairs_are_solved_again_without_the_smaller():
    ids = (0, -1, 0, -1, 1, 1) + (-1,) * 8
    a_rig = rig(cancel_ids=ids, l1=0.0, l2=0.01)
    wanted = np.random.default_rng(2).uniform(0, 1, (60, POSES))
    moved = np.einsum("tp,pvx->tvx", wanted, a_rig.deltas.astype(float))
    faces = (a_rig.neutral + moved).astype(np.float32)
    solver, found = solved(a_rig, faces)
    matrix, a, _ = references.solve_matrix(a_rig)
    assert solver.cancel_pairs == ((0, 2), (3, 4))
    fought = 0
    for row, target in zip(found, targets(a_rig, faces), strict=True):
        b = matrix.T @ target
        first = references.bounded_minimum(a, b)
        upper = np.ones(len(b))
        for i, j in ((0, 2), (3, 4)):
            upper[j if first[i] >= first[j] else i] = 1e-10
            fought += first[i] > 1e-3 and first[j] > 1e-3
        np.testing.assert_allclose(row, references.bounded_minimum(a, b, upper), atol=1e-7)
        assert min(row[0], row[2]) <= 1e-10
        assert min(row[3], row[4]) <= 1e-10
    assert fought > 5


def test_pairs_ignore_ids_that_are_not_exactly_two_active_poses():
    active = np.array([0, 1, 2, 3, 5])
    assert solve.pairs((4, -1, 4, 7, 7, -1), active) == ((0, 2),)  # 7: its second is not active
    assert solve.pairs((4, 4, 4, -1, -1, -1), active) == ()
    assert solve.pairs((-1, -1, -1, 2, 9, 2), active) == ((3, 4),)  # two -1 are no pair


def test_strong_symmetry_makes_pairs_equal():
    found = solved(rig(symmetry=1e6), faces_of(rig()))[1]
    np.testing.assert_allclose(found[:, 0], found[:, 1], atol=1e-4)
    assert np.abs(found[:, 0] - found[:, 2]).max() > 0.01


def test_a_single_pose_comes_back_as_itself_and_shrinks_with_regularisation():
    def weight(l1, l2):
        a_rig = rig(l1=l1, l2=l2, mask=False)
        face = a_rig.neutral + 0.999 * a_rig.deltas[5]
        row = solved(a_rig, face[None])[1][0]
        return row[4], np.delete(row, 4)  # pose 5 is the fifth active one

    found, others = weight(0.0, 0.0)
    assert found == pytest.approx(0.999, abs=1e-5)
    assert np.abs(others).max() < 1e-5
    sizes = [weight(0.0, l2)[0] for l2 in (0.0, 1.0, 5.0, 20.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 4
    assert weight(5.0, 0.0)[0] < weight(1.0, 0.0)[0] < found


def test_the_neutral_face_gives_exactly_no_weights(model):
    basis, solver = prepared(model.skin_rig)
    faces = np.repeat(model.skin_rig.neutral[None], 3, axis=0)
    weights, _ = solve.solve_frames(solver, sides_of(basis, faces))
    assert not weights.any()


def test_published_round_trip():
    """A pose built of seven weights is rebuilt to a mean vertex distance of at most .2."""
    rng = np.random.default_rng(0)
    vertices, poses = 400, 52
    neutral = rng.uniform(-15, 15, (vertices, 3)).astype(np.float32)
    neutral *= 54.7 / np.linalg.norm(np.ptp(neutral, axis=0))
    deltas = np.zeros((poses, vertices, 3), np.float32)
    for pose in range(poses):
        near = np.exp(-(((neutral - neutral[rng.integers(vertices)]) / 5.0) ** 2).sum(axis=1))
        deltas[pose] = 3.0 * near[:, None] * rng.normal(size=3)
    config = SolveConfig(
        0.5, 0.7, 0.0, 0.0, 54.7, (True,) * poses, (-1,) * poses, (-1,) * poses, (1.0,) * poses,
        (0.0,) * poses,
    )  # fmt: skip
    names = tuple(map(str, range(poses)))
    weights = np.zeros(poses)
    weights[[14, 19, 20, 23, 24, 39, 40]] = 0.156, 0.670, 0.479, 0.074, 0.076, 0.121, 0.120
    face = neutral + np.einsum("p,pvx->vx", weights, deltas)
    _, found = solved(BlendShapeRig(names, neutral, deltas, None, config), face[None])
    rebuilt = neutral + np.einsum("p,pvx->vx", found[0], deltas)
    assert np.linalg.norm(rebuilt - face, axis=1).mean() <= 0.2


def test_multipliers_and_offsets_reach_all_poses_and_clamping_is_a_choice():
    offsets = (0.314159,) * POSES
    a_rig = rig(multipliers=(0.0,) * POSES, offsets=offsets)
    solver, weights = solved(a_rig, faces_of(a_rig))
    np.testing.assert_allclose(
        solve.finish(solver, a_rig.config, weights).values, 0.314159, rtol=1e-6
    )
    strong = rig(multipliers=(3.0,) * POSES, offsets=(-0.5,) * POSES)
    solver, weights = solved(strong, faces_of(strong))
    full = np.zeros((len(weights), POSES))
    full[:, [k for k in range(POSES) if k not in (3, 9)]] = weights
    free = solve.finish(solver, strong.config, weights).values
    np.testing.assert_allclose(free, 3 * full - 0.5, atol=1e-6)
    assert free.max() > 1
    np.testing.assert_array_equal(
        solve.finish(solver, strong.config, weights, True).values, np.clip(free, 0, 1)
    )


@pytest.mark.parametrize("temporal", [0.0, 0.4])
def test_blocks_with_a_carried_state_equal_the_whole_to_the_bit(temporal):
    a_rig = rig(temporal=temporal, cancel_ids=(0, 0) + (-1,) * 12)
    basis, solver = prepared(a_rig)
    sides = sides_of(basis, faces_of(a_rig, 50))
    whole, _ = solve.solve_frames(solver, sides)
    state, parts = None, []
    for part in np.split(sides, [1, 7, 30]):
        block, state = solve.solve_frames(solver, part, state)
        parts.append(block)
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_a_wrong_guess_changes_the_way_but_not_the_answer():
    a_rig = rig(l1=0.0, l2=0.001)
    basis, solver = prepared(a_rig)
    pivot = make_pivot(solver.matrix)
    rng = np.random.default_rng(0)
    upper = rng.uniform(0.2, 1.5, len(solver.active))
    for side in sides_of(basis, faces_of(a_rig, 30))[:, solver.active]:
        expected = references.bounded_minimum(solver.matrix, side, upper)
        for _ in range(3):
            guess = rng.integers(-1, 2, len(side))
            weights, bounds = pivot(side, upper, guess)
            np.testing.assert_allclose(weights, expected, atol=1e-7)
            np.testing.assert_array_equal(weights[bounds == 1], upper[bounds == 1])
            np.testing.assert_array_equal(weights[bounds == -1], 0)


@pytest.mark.parametrize("condition", [10.0, 1e3, 1e5])
def test_problems_of_twenty_unknowns_equal_reference_solutions(condition):
    """The published figure is 1e-6. Besides, no step into the bounds may lower the energy."""
    rng = np.random.default_rng(int(condition))
    for _ in range(30):
        turn, _ = np.linalg.qr(rng.normal(size=(20, 20)))
        matrix = (turn * np.geomspace(1.0, 1.0 / condition, 20)) @ turn.T
        matrix = (matrix + matrix.T) / 2
        side = matrix @ rng.uniform(-0.5, 1.5, 20)
        upper = np.where(rng.uniform(size=20) < 0.2, 1e-10, 1.0)
        found, _ = make_pivot(matrix)(side, upper, np.full(20, -1, np.int64))
        expected = references.bounded_minimum(matrix, side, upper)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        slope = matrix @ found - side
        assert (slope[found == 0] > -1e-9).all()
        assert (slope[found == upper] < 1e-9).all()
        assert np.abs(slope[(found > 0) & (found < upper)]).max(initial=0.0) < 1e-9


@pytest.mark.parametrize("sdk", [False, True])
def test_a_whole_clip_of_published_size_equals_slow_solutions(sdk):
    """51 poses, all strengths and a cancel pair on, frame by frame with its own memory."""
    from scipy.optimize import lsq_linear

    count = 51
    rng = np.random.default_rng(8)
    neutral = rng.uniform(-15, 15, (300, 3)).astype(np.float32)
    deltas = rng.normal(0, 0.4, (count, 300, 3)).astype(np.float32)
    deltas[1::2] += 0.6 * deltas[::2][: count // 2]
    ids = tuple(k // 2 if k < 26 else -1 for k in range(count))
    cancel = (-1,) * 30 + (0, 0) + (-1,) * 19
    config = SolveConfig(
        0.5, 0.5, 0.3, 10.0, 53.45, (True,) * count, cancel, ids, (1.0,) * count, (0.0,) * count
    )
    a_rig = BlendShapeRig(tuple(map(str, range(count))), neutral, deltas, None, config)
    wanted = np.cumsum(rng.normal(0, 0.1, (12, count)), axis=0) + rng.uniform(-0.3, 0.9, count)
    faces = (neutral + np.einsum("tp,pvx->tvx", wanted, deltas)).astype(np.float32)
    _, found = solved(a_rig, faces, sdk)
    matrix, a, s = references.solve_matrix(a_rig)

    def solution(side, upper):
        if sdk:
            return lsq_linear(a, side, bounds=(0, upper), method="bvls", tol=1e-13).x
        return references.bounded_minimum(a, side, upper)

    before = np.zeros(count)
    for row, target in zip(found, targets(a_rig, faces), strict=True):
        side = matrix.T @ target + (1.0 if sdk else 100.0) * 0.3 * s * before
        first = solution(side, np.ones(count))
        upper = np.ones(count)
        upper[31 if first[30] >= first[31] else 30] = 1e-10
        before = solution(side, upper)
        np.testing.assert_allclose(row, before, atol=1e-6)


def test_poses_that_are_alike_or_still_do_not_break_the_solve():
    a_rig = rig(l1=0.0, l2=0.0, mask=False)
    deltas = a_rig.deltas.copy()
    deltas[1] = deltas[0]
    deltas[2] = 0
    a_rig = dataclasses.replace(a_rig, deltas=deltas)
    faces = (a_rig.neutral + 0.6 * deltas[0])[None]
    _, found = solved(a_rig, faces)
    assert np.isfinite(found).all()
    assert found[0, 0] + found[0, 1] == pytest.approx(0.6, abs=1e-3)
    with pytest.raises(UserError, match="move no vertex"):
        prepared(dataclasses.replace(a_rig, deltas=np.zeros_like(deltas)))


# ---- the shortcut -------------------------------------------------------------------------------


def test_right_sides_from_coefficients_equal_those_from_vertices(model):
    rng = np.random.default_rng(5)
    settings = Settings.from_mapping(
        {"skin_strength": 1.2, "upper_face_strength": 0.8, "lower_face_strength": 1.4,
         "lower_face_smoothing": 0.03, "lip_open_offset": 0.1, "tongue_strength": 2.0}
    )  # fmt: skip
    from fractions import Fraction

    coefficients = rng.normal(0, 1, (30, 6)).astype(np.float32)
    blink = rng.uniform(0, 1, 30)
    controls = skin.skin_controls(coefficients, blink, settings)
    smoothed, _ = skin.smooth(controls, Fraction(30), settings)
    basis, solver = prepared(model.skin_rig)
    shapes = model.data.skin_shapes
    products = projection.region_products(model.data, shapes, basis, settings)
    shortcut = projection.skin_projection(products, model.data, basis, settings)
    found = projection.project(shortcut, smoothed.reshape(30, -1))
    faces = references.skin_frames(model.data, coefficients, blink, Fraction(30), settings)
    expected = sides_of(basis, faces)
    np.testing.assert_allclose(found, expected, atol=1e-9 * np.abs(expected).max())
    # and the whole way: weights of the fast path against those of float32 vertices
    blocks = np.concatenate(
        list(skin.skin_blocks(model.data, shapes, coefficients, blink, Fraction(30), settings))
    )
    fast, _ = solve.solve_frames(solver, found)
    slow, _ = solve.solve_frames(solver, sides_of(basis, blocks))
    np.testing.assert_allclose(fast, slow, atol=1e-5)


def test_the_tongues_right_sides_include_its_offsets(model):
    rng = np.random.default_rng(6)
    settings = Settings.from_mapping({"tongue_strength": 0.7, "tongue_depth_offset": -0.4})
    values = rng.normal(0, 1, (20, 3)).astype(np.float32)
    basis, _ = prepared(model.tongue_rig)
    shapes = model.data.tongue_shapes
    products = projection.tongue_products(shapes, basis)
    shortcut = projection.tongue_projection(products, model.data, basis, settings)
    found = projection.project(shortcut, tongue.tongue_controls(values, settings))
    faces = np.concatenate(list(tongue.tongue_blocks(model.data, shapes, values, settings)))
    expected = sides_of(basis, faces)
    np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max())


def test_a_frames_projection_does_not_depend_on_its_neighbours(model):
    basis, _ = prepared(model.skin_rig)
    products = projection.region_products(model.data, model.data.skin_shapes, basis, Settings())
    shortcut = projection.skin_projection(products, model.data, basis, Settings())
    controls = np.random.default_rng(0).normal(size=(600, 16))
    whole = projection.project(shortcut, controls)
    for frame in (0, 255, 256, 599):
        alone = projection.project(shortcut, controls[frame : frame + 1])
        np.testing.assert_array_equal(alone[0], whole[frame])

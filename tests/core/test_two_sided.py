# SPDX-License-Identifier: GPL-3.0-or-later
"""Smoothing of a whole clip against slow solutions of all frames together."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from conversion_meshes import overlapping, posed, wanted
from facewright.core.solve import two_sided
from facewright.core.solve.basis import sides_of
from facewright.core.solve.blendshape import CANCELLED_BOUND, Solver, prepare
from facewright.core.solve.conversion import ConversionSettings, config_of
from facewright.core.solve.stretch import Stretch, best, bounds_of, rescue, settle
from facewright.core.watch import Watch
from scipy.optimize import lsq_linear


def clip(frames, poses=6, seed=0, noise=0.3, **settings):
    """A prepared solver and the right sides of a clip that never fits exactly."""
    basis, neutral, deltas = overlapping(poses, 40, seed)
    off = {"temporal": 0.0, "sparsity": 1.0, "regularisation": 0.5, "template_size": 20.0}
    config = config_of(basis, ConversionSettings(**{**off, **settings}))
    faces = posed(neutral, deltas, wanted(frames, poses, seed))
    faces += np.random.default_rng(seed).normal(0, noise, faces.shape)
    return prepare(basis, config), sides_of(basis, faces)


def slow(solver, sides, pull, barred):
    """All frames as one problem of bounded least squares."""
    frames, poses = sides.shape
    root = np.linalg.cholesky(solver.matrix).T
    whole = np.kron(np.eye(frames), root)
    leaps = np.sqrt(pull) * np.kron(np.diff(np.eye(frames), axis=0), np.eye(poses))
    target = np.linalg.solve(root.T, sides.T).T.ravel()
    upper = np.where(barred, CANCELLED_BOUND, 1.0).ravel()
    rows = np.concatenate([target, np.zeros(len(leaps))])
    found = lsq_linear(
        np.concatenate([whole, leaps]), rows, bounds=(0, upper), method="bvls", tol=1e-14
    )
    return found.x.reshape(frames, poses)


@pytest.mark.parametrize("pull", [0.01, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_clip_equals_bounded_least_squares_of_all_frames(pull, seed):
    solver, sides = clip(14, seed=seed)
    expected = slow(solver, sides, pull, np.zeros(sides.shape, bool))
    found = two_sided.solve_clip(solver, sides, pull, Watch())
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert (found == 0).any()
    assert ((found > 0) & (found < 1)).any()


@pytest.mark.parametrize("pull", [0.0, 1.0, 30.0])
def test_weights_held_at_nothing_and_frames_around_are_heard(pull):
    solver, sides = clip(20)
    rng = np.random.default_rng(3)
    barred = rng.uniform(size=sides.shape) < 0.2
    whole = Stretch(solver.matrix, sides, pull, barred)
    expected = slow(solver, sides, pull, barred)
    found, _ = settle(whole, rng.integers(-1, 2, sides.shape))
    np.testing.assert_allclose(found, expected, atol=1e-8)
    assert not found[barred].any()
    for first, last in ((0, 5), (7, 12), (15, 20), (9, 10)):
        inner, _ = settle(whole.part(first, last, found), np.zeros((last - first, 6), np.int8))
        np.testing.assert_allclose(inner, found[first:last], atol=1e-9)


def energy(stretch, weights):
    leaps = np.diff(weights, axis=0)
    return (
        0.5 * np.einsum("tp,pq,tq->", weights, stretch.matrix, weights)
        - (weights * stretch.sides).sum()
        + 0.5 * stretch.pull * (leaps**2).sum()
    )


def test_frames_one_by_one_lower_the_energy_to_the_same_end():
    solver, sides = clip(15)
    barred = np.random.default_rng(0).uniform(size=sides.shape) < 0.1
    stretch = Stretch(solver.matrix, sides, 2.0, barred)
    expected, _ = settle(stretch, np.zeros(sides.shape, np.int8))
    weights = np.full(sides.shape, 0.5)
    energies = []
    for _ in range(8):
        weights = rescue(stretch, weights, np.arange(15), 25)
        energies.append(energy(stretch, weights))
    assert energies == sorted(energies, reverse=True)
    np.testing.assert_allclose(weights, expected, atol=1e-7)


def least_push(stretch, weights):
    """How far the weights are from where nothing pushes them, as a weight of the pose alone."""
    slope = stretch.slope(weights) / stretch.matrix.diagonal()
    push = np.where(weights <= 0, -slope, np.where(weights >= 1, slope, np.abs(slope)))
    return np.maximum(push[~stretch.barred], 0).max()


@pytest.mark.parametrize("pull", [1e-4, 0.1, 10.0, 1e3])
@pytest.mark.parametrize("alike", [1e-1, 1e-3, 1e-5])
def test_poses_that_are_nearly_alike_are_solved_too(pull, alike):
    rng = np.random.default_rng(5)
    root = rng.normal(size=(30, 10))
    root[:, 1::2] = root[:, ::2] + alike * rng.normal(size=(30, 5))
    matrix = root.T @ root
    sides = np.cumsum(rng.normal(0, 0.3, (150, 30)), axis=0) @ root
    stretch = Stretch(matrix, sides, pull, np.zeros((150, 10), bool))
    weights, _ = settle(stretch, bounds_of(two_sided.without_bounds(stretch), stretch.barred))
    assert ((weights >= 0) & (weights <= 1)).all()
    assert least_push(stretch, weights) < 1e-6
    assert (
        energy(stretch, weights)
        <= energy(stretch, rescue(stretch, weights, np.arange(150), 3)) + 1e-9
    )


def test_the_start_is_the_solution_without_bounds():
    solver, sides = clip(37)
    stretch = Stretch(solver.matrix, sides, 3.0, np.zeros(sides.shape, bool))
    expected = best(stretch, np.zeros(sides.shape, np.int8), np.empty(37 * 6 * 7))
    np.testing.assert_allclose(two_sided.without_bounds(stretch), expected, atol=1e-10)


@pytest.mark.parametrize("pull", [0.3, 30.0, 3000.0])
def test_a_long_clip_in_windows_equals_one_window(monkeypatch, pull):
    solver, sides = clip(700)
    whole = two_sided.solve_clip(solver, sides, pull, Watch())
    monkeypatch.setattr(two_sided, "WINDOW", 150)
    monkeypatch.setattr(two_sided, "OVERLAP", 50)
    np.testing.assert_allclose(two_sided.solve_clip(solver, sides, pull, Watch()), whole, atol=1e-7)


# ---- cancel pairs


def paired_solver(solver: Solver) -> Solver:
    return Solver(**{**vars(solver), "cancel_pairs": ((0, 1),)})


def test_the_cheapest_way_through_two_states_is_found():
    rng = np.random.default_rng(0)
    for _ in range(30):
        costs, leaps = rng.uniform(0, 1, (7, 2)), rng.uniform(0, 1, (7, 2))

        def total(way, costs=costs, leaps=leaps):
            changes = [
                leaps[t - 1, way[t - 1]] + leaps[t, way[t]]
                for t in range(1, 7)
                if way[t] != way[t - 1]
            ]
            return costs[range(7), way].sum() + sum(changes)

        found = two_sided.cheapest(costs, leaps).astype(int).tolist()
        lowest = min(itertools.product((0, 1), repeat=7), key=total)
        assert total(found) == pytest.approx(total(list(lowest)))


def test_which_of_a_pair_is_kept_does_not_flicker():
    """Two poses that are wanted alike, with noise: per frame they would take turns."""
    neutral, deltas = np.zeros((2, 3)), np.zeros((2, 2, 3))
    neutral[1] = 1.0
    deltas[0, 0, 0] = deltas[1, 1, 0] = 1.0
    from facewright.core.solve.basis import basis_of

    basis = basis_of(["a", "b"], neutral, deltas)
    config = config_of(basis, ConversionSettings(0.0, 0.0, 0.0, 0.0, 1.0))
    solver = paired_solver(prepare(basis, config))
    rng = np.random.default_rng(0)
    sides = 0.5 + rng.normal(0, 0.1, (200, 2))
    sides[100:, 0] -= 0.4  # now the second clearly
    sides[:100, 1] -= 0.05

    def changes(kept):
        return int(np.abs(np.diff((kept[:, 0] > kept[:, 1]).astype(int))).sum())

    assert changes(sides) > 20
    found = two_sided.solve_clip(solver, sides, 5.0, Watch())
    assert changes(found) == 1
    assert (found[:95, 0] > 0.2).all()
    assert (found[105:, 1] > 0.2).all()
    assert not np.minimum(found[:, 0], found[:, 1]).any()


def test_without_pull_the_smaller_of_a_pair_is_held():
    solver, _ = clip(2)
    weights = np.random.default_rng(0).uniform(0, 1, (50, 6))
    barred = two_sided.barred(paired_solver(solver), weights, 0.0)
    np.testing.assert_array_equal(barred[:, 0], weights[:, 0] < weights[:, 1])
    np.testing.assert_array_equal(barred[:, 1], ~barred[:, 0])
    assert not barred[:, 2:].any()

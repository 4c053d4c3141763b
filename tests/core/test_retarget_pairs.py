# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs: points that stick, which of them look wrong, and how they are picked and mirrored."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget.checking import check
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.pairs import SurfacePoints, residuals, similarity
from facewright.core.retarget.picking import Seen, nearest, together
from facewright.core.retarget.rigid import turn_of
from facewright.core.retarget.snapping import snapped
from facewright.core.retarget.symmetry import POOR, symmetry_plane
from facewright.core.retarget.views import View, side
from facewright.core.strip import Rect

BOX = Rect(40, 20, 400, 300)
NONE = np.zeros((0, 2), int)


def _ball(rings: int = 24, bumps: bool = True) -> Mesh:
    """A ball with one nose and two ears: symmetric about x = 0 and about no other plane."""
    up, around = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rings), np.arange(2 * rings) * np.pi / rings, indexing="ij"
    )
    points = np.stack(
        [np.sin(up) * np.sin(around), -np.sin(up) * np.cos(around), np.cos(up)], axis=-1
    ).reshape(-1, 3) * [0.75, 0.9, 1.1]
    if bumps:
        for place, height in (((0, -0.9, 0), 0.5), ((0.7, 0, 0.4), 0.3), ((-0.7, 0, 0.4), 0.3)):
            away = np.linalg.norm(points - np.array(place), axis=1, keepdims=True)
            points = points * (1 + height * np.exp(-((away / 0.3) ** 2)))
    grid = np.arange(rings * 2 * rings).reshape(rings, 2 * rings)
    a, b = grid[:-1], grid[1:]
    c, d = np.roll(b, -1, axis=1), np.roll(a, -1, axis=1)
    quads = np.stack([a, b, c, d], axis=-1).reshape(-1, 4)
    return Mesh.of(points, np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]))


def _view(mesh: Mesh, axes=None, pixels: float = 90.0) -> View:
    empty = View(BOX, (0.0, 0.0, 0.0), tuple(map(tuple, np.eye(3))), pixels)
    return empty.looking(side(0.4, 0.2) if axes is None else axes)


@pytest.fixture(scope="module")
def ball():
    return _ball()


def test_a_similarity_is_found_whatever_the_order(rng):
    source = rng.normal(size=(20, 3))
    turn = turn_of(2.1 * np.array([0.0, 0.6, 0.8]))
    goal = 3.5 * source @ turn.T + [1, 2, 3]
    found = similarity(source, goal)
    np.testing.assert_allclose(found.turn, turn, atol=1e-12)
    assert found.scale == pytest.approx(3.5)
    order = rng.permutation(20)
    np.testing.assert_allclose(similarity(source[order], goal[order]).matrix, found.matrix)
    assert residuals(source, goal).max() < 1e-12


def test_points_stick_to_a_surface_that_moves(ball):
    points = SurfacePoints.of(np.array([[0, 1, 2], [5, 6, 7]]), np.array([[1, 1, 2], [0, 3, 0]]))
    turn = turn_of(0.3 * np.array([1.0, 0.0, 0.0]))
    moved = 2 * ball.points @ turn.T
    np.testing.assert_allclose(points.on(moved), 2 * points.on(ball.points) @ turn.T, atol=1e-12)
    np.testing.assert_allclose(points.on(ball.points)[1], ball.points[6])


def test_a_pixel_hits_what_is_nearest_to_the_viewer(ball, rng):
    """Against equations solved for all triangles, one ray at a time."""
    view = _view(ball)
    seen = Seen.of(ball, view)
    for x, y in rng.uniform((150, 80), (330, 260), (25, 2)):
        spot, depth = seen.hit(x, y), _first_hit(ball, view, x, y)
        if depth is None:
            assert spot is None
            continue
        place = view.seen(spot.on(ball.points))
        np.testing.assert_allclose(place[:2], (x, y), atol=1e-3)
        assert place[2] == pytest.approx(depth, abs=1e-5)
        assert spot.shares.sum() == pytest.approx(1) and spot.shares.min() >= 0
    assert seen.hit(BOX.x + 1, BOX.y + 1) is None


def test_a_pixel_of_a_large_mesh_asks_few_triangles():
    """400,000 of them are there; what lies below a pixel has to be worked out for a handful."""
    side_length = 450
    grid = np.stack(np.meshgrid(*[np.arange(side_length)] * 2), axis=-1).reshape(-1, 2)
    points = np.column_stack([grid, np.sin(grid * 0.1).sum(axis=1)])
    first = np.arange(side_length * (side_length - 1)).reshape(-1, side_length)[:, :-1].ravel()
    quads = first[:, None] + np.array([0, 1, side_length + 1, side_length])
    mesh = Mesh.of(points, np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]))
    view = View(Rect(0, 0, 800, 800), (225.0, 225.0, 0.0), tuple(map(tuple, np.eye(3))), 2.0)
    seen = Seen.of(mesh, view)
    for x in (300.0, 400.0, 401.5):
        assert 1 <= len(seen.near(x, 400.5)) <= 16
        place = view.seen(seen.hit(x, 400.5).on(mesh.points))
        np.testing.assert_allclose(place[:2], (x, 400.5), atol=1e-3)


def _first_hit(mesh, view, x, y):
    corners = view.seen(mesh.points)[mesh.triangles]
    matrices = np.concatenate([corners[..., :2], np.ones((len(corners), 3, 1))], axis=2)
    matrices = matrices.transpose(0, 2, 1)
    solid = np.abs(np.linalg.det(matrices)) > 1e-9
    shares = np.linalg.solve(matrices[solid], np.array([x, y, 1.0])[None, :, None])[..., 0]
    depths = (shares * corners[solid][:, :, 2]).sum(axis=1)[shares.min(axis=1) >= 0]
    return max(depths, default=None)


def test_the_nearest_point_is_the_nearest_of_all(ball, rng):
    """Against very many samples of the surface, and at corners and edges exactly."""
    for place in rng.normal(size=(12, 3)) * 1.5:
        spot = nearest(ball, place)
        away = np.linalg.norm(spot.on(ball.points) - place)
        shares = rng.dirichlet(np.ones(3), len(ball.triangles))
        samples = np.einsum("fc,fcd->fd", shares, ball.points[ball.triangles])
        assert away <= np.linalg.norm(samples - place, axis=1).min() + 1e-12
        assert away <= np.linalg.norm(ball.points - place, axis=1).min() + 1e-12
    np.testing.assert_allclose(nearest(ball, ball.points[99]).on(ball.points), ball.points[99])


def test_looks_zoom_about_the_pointer_and_frame_what_they_are_given(ball):
    view = _view(ball)
    under = nearest(ball, np.array([0.3, -1, 0.2])).on(ball.points)
    x, y, _ = view.seen(under)
    np.testing.assert_allclose(view.zoomed(3.7, x, y).seen(under)[:2], (x, y))
    np.testing.assert_allclose(view.moved(11, -7).seen(under)[:2], (x + 11, y - 7))
    framed = view.framed(ball.points, 0.01).seen(ball.points)
    assert framed[:, 0].min() > BOX.x and framed[:, 0].max() < BOX.right
    assert framed[:, 1].min() > BOX.y and framed[:, 1].max() < BOX.top
    middle = (framed[:, :2].min(axis=0) + framed[:, :2].max(axis=0)) / 2
    np.testing.assert_allclose(middle, (BOX.x + 200, BOX.y + 150), atol=1e-6)
    clip = view.clip_matrix(4.0)
    for point in ball.points[:5]:
        at = clip[:3, :3] @ point + clip[:3, 3]
        pixel = (at[:2] + 1) / 2 * [BOX.width, BOX.height] + [BOX.x, BOX.y]
        np.testing.assert_allclose(pixel, view.seen(point)[:2])
        assert abs(at[2]) < 1


def test_sides_are_those_of_a_head_that_faces_minus_y():
    np.testing.assert_allclose(side(0, 0), [[1, 0, 0], [0, 0, 1], [0, -1, 0]], atol=1e-12)
    np.testing.assert_allclose(side(np.pi / 2, 0)[2], [1, 0, 0], atol=1e-12)  # from its left
    np.testing.assert_allclose(side(0, np.pi / 2)[2], [0, 0, 1], atol=1e-12)  # from above
    np.testing.assert_allclose(side(1.1, -0.4) @ side(1.1, -0.4).T, np.eye(3), atol=1e-12)


def test_points_are_drawn_to_creases_seams_and_vertices():
    """A roof: its ridge lies along x at y = 0, the rest is flat."""
    across = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    along = np.arange(5.0)
    x, y = np.meshgrid(along, across)
    roof = np.stack([x, y, -np.abs(y)], axis=-1).reshape(-1, 3)
    grid = np.arange(25).reshape(5, 5)
    a, b, c, d = (
        part.ravel() for part in (grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1])
    )
    mesh = Mesh.of(roof, np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)]))
    view = View(BOX, (2.0, 0.0, 0.0), tuple(map(tuple, np.eye(3))), 50.0)
    seen = Seen.of(mesh, view)

    def snap(place, marked=NONE, radius=12.0):
        x, y, _ = view.seen(np.array(place))
        spot = seen.hit(x, y)
        return snapped(seen, spot, x, y, radius, np.asarray(marked)).on(mesh.points)

    np.testing.assert_allclose(snap([2.4, 0.2, 0]), [2.4, 0, 0], atol=1e-6)  # the ridge
    np.testing.assert_allclose(snap([2.05, 0.1, 0]), [2, 0, 0], atol=1e-6)  # its vertex
    np.testing.assert_allclose(snap([2.4, 1.15, 0]), [2.4, 1.15, -1.15], atol=1e-6)  # too far off
    np.testing.assert_allclose(snap([2.4, 1.05, 0]), [2.4, 1, -1], atol=1e-6)  # an edge, near
    np.testing.assert_allclose(snap([2.4, 1.2, 0], [[17, 18]]), [2.4, 1, -1], atol=1e-6)  # a seam
    np.testing.assert_allclose(snap([2.4, 0.2, 0], radius=5.0), [2.4, 0.2, -0.2], atol=1e-6)


def test_the_plane_of_symmetry_is_found_from_the_shape(ball, rng):
    turn = turn_of(1.2 * np.array([0.48, 0.6, 0.64]))
    order = rng.permutation(len(ball.points))
    where = np.argsort(order)
    moved = Mesh.of(0.07 * (ball.points @ turn.T)[order] + [5, -3, 1], where[ball.triangles])
    plane = symmetry_plane(moved)
    wanted = turn @ [1, 0, 0]
    assert abs(plane.normal @ wanted) > 1 - 1e-6
    assert abs(plane.away(np.array([5.0, -3, 1]))) < 1e-4
    assert plane.error < POOR / 2
    spot = nearest(moved, moved.points[40])
    twin = nearest(moved, plane.mirrored(spot.on(moved.points))).on(moved.points)
    flat = (twin - [5, -3, 1]) @ turn / 0.07
    np.testing.assert_allclose(flat * [-1, 1, 1], ball.points[order[40]], atol=2e-3)


def test_what_is_not_symmetric_says_so(rng):
    mesh = _ball(12, bumps=False)
    for place in rng.normal(size=(6, 3)):
        away = np.linalg.norm(mesh.points - place / np.linalg.norm(place), axis=1)
        mesh.points[:] *= (1 + 0.8 * np.exp(-((away / 0.25) ** 2)))[:, None]
    assert symmetry_plane(mesh).error > POOR


def test_bad_and_exchanged_pairs_stand_out(rng):
    source = rng.uniform(-1, 1, (20, 3))
    names = [f"Point {number}" for number in range(16)]
    names += ["Left brow", "Right brow", "Left lid", "Right lid"]
    source[16:] = [[0.8, -1, 0.5], [-0.8, -1, 0.5], [0.6, -1, 0.2], [-0.6, -1, 0.2]]
    turn = turn_of(0.8 * np.array([0, 0, 1.0]))
    goal = 10 * source @ turn.T + rng.normal(0, 0.05, (20, 3))
    size = 10 * 2 * np.sqrt(3)
    assert not check(source, goal, names, size).bad.any()
    wrong = goal.copy()
    wrong[[16, 17]] = goal[[17, 16]]
    wrong[3] += [0, 3.0, 0]
    found = check(source, wrong, names, size)
    assert list(np.flatnonzero(found.bad)) == [3, 16, 17]
    assert list(np.flatnonzero(found.swapped)) == [16, 17]
    assert found.residuals[3] == pytest.approx(3.0, abs=0.4)
    assert found.residuals[[0, 1, 2]].max() < 0.3
    for few in range(5):
        assert not check(source[:few], goal[:few], names[:few], size).bad.any()


def test_single_points_become_one_set(ball):
    spots = [nearest(ball, ball.points[place]) for place in (3, 77)]
    np.testing.assert_allclose(together(spots).on(ball.points), ball.points[[3, 77]])
    assert len(together([])) == 0


@pytest.fixture
def rng():
    return np.random.default_rng(7)

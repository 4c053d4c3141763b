# SPDX-License-Identifier: GPL-3.0-or-later
"""All shapes of a target: skin, teeth, eyes, tongue and followers, each as it has to move."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.core.retarget import generate as whole
from facewright.core.retarget import rigid
from facewright.core.retarget.mesh import Mesh
from facewright.core.retarget.names import KINDS
from facewright.core.retarget.pairs import Similarity, similarity
from facewright.core.retarget.tongue import Tongue

from .retarget_faces import ball, joined, lips, sheet, turn

_NAMES = ("jawOpen", "eyeBlinkLeft")
_LEFT_UP_FRONT = np.eye(3)


def solid(mesh, centre, size=(1, 1, 1)):
    return mesh.points * size + centre, mesh.triangles


@pytest.fixture(scope="module")
def tongue():
    mesh = ball(200)
    moves = np.zeros((2, 200, 3))
    moves[0, :, 1] = 0.2 * (mesh.points[:, 2] + 1)
    moves[1, :, 2] = 0.5
    return Tongue(mesh, ("tongueTipUp", "tongueOut"), moves, _LEFT_UP_FRONT)


@pytest.fixture(scope="module")
def source(tongue):
    fitted, opening = lips()
    moves = np.stack([opening, np.zeros_like(opening)])
    motions = {"jawOpen": np.array([[0.4, 0, 0], [0, -0.1, 0]])}
    over = Similarity(1.0, np.eye(3), np.zeros(3))
    return whole.Source(
        fitted,
        _NAMES,
        moves,
        np.ones(len(fitted.points)),
        rigid.jaw_motions(motions, np.array([0, 0.5, -1.0]), over),
        over,
        _LEFT_UP_FRONT,
        tongue,
    )


@pytest.fixture(scope="module")
def target(source):
    """Skin, an eye, teeth, a tongue twice as long, and a card of lashes, all in one mesh."""
    parts = [
        (source.fitted.points, source.fitted.triangles),
        solid(ball(100, 0.3), [0.5, 1, -0.4]),
        solid(ball(100, 0.3), [0, -0.2, -0.5]),
        solid(ball(150), [0, 0, -2.0], (1, 1, 2)),
        sheet(np.linspace(-0.5, 0.5, 6), [-0.6, -0.5], 0.1),
    ]
    kinds = ["skin", "eye_left", "lower_teeth", "tongue", "follower"]
    ends = np.cumsum([0, *(len(points) for points, _ in parts)])
    pieces = [whole.Piece(kind, np.arange(ends[at], ends[at + 1])) for at, kind in enumerate(kinds)]
    return joined(*parts), pieces


@pytest.fixture(scope="module")
def shapes(source, target):
    mesh, pieces = target
    return whole.generate(source, mesh, pieces, level=0)


def moves_of(shapes, name, piece):
    return shapes.moves[shapes.names.index(name)][piece.vertices]


def test_the_skin_has_the_fitted_shapes_and_keeps_shapes_that_rest(source, target, shapes):
    skin = target[1][0]
    assert moves_of(shapes, "jawOpen", skin) == pytest.approx(source.moves[0], abs=1e-9)
    assert not moves_of(shapes, "eyeBlinkLeft", skin).any()
    assert shapes.notices == ()


def test_names_are_those_of_driver_tongue_and_eyes(shapes):
    assert set(shapes.names[:2]) == set(_NAMES)
    assert {"tongueTipUp", "tongueOut", "eyeLookDownLeft", "eyeLookOutLeft"} <= set(shapes.names)
    assert not any(name.endswith("Right") for name in shapes.names)


def test_teeth_move_rigidly_with_the_jaw(source, target, shapes):
    mesh, pieces = target
    points = mesh.points[pieces[2].vertices]
    moved = points + moves_of(shapes, "jawOpen", pieces[2])
    back = similarity(points, moved)
    assert back.scale == pytest.approx(1)
    assert back.turn == pytest.approx(rigid.turn_of(np.array([0.4, 0, 0])))
    pivot = np.array([0, 0.5, -1.0])
    assert back(pivot) == pytest.approx(np.array([0, 0.4, -1.0]))


def test_an_eye_turns_about_its_own_centre(target, shapes):
    mesh, pieces = target
    points, centre = mesh.points[pieces[1].vertices], np.array([0.5, 1, -0.4])
    for name, axis, degrees in (
        ("eyeLookDownLeft", [1, 0, 0], 10.7),
        ("eyeLookOutLeft", [0, 1, 0], 13.8),
    ):
        about = rigid.turn_of(np.radians(degrees) * np.array(axis))
        wanted = (points - centre) @ about.T + centre - points
        assert moves_of(shapes, name, pieces[1]) == pytest.approx(wanted, abs=1e-6)


def test_the_tongue_has_its_own_shapes_in_its_own_size_and_goes_with_the_jaw(target, shapes):
    mesh, pieces = target
    points = mesh.points[pieces[3].vertices]
    assert moves_of(shapes, "tongueOut", pieces[3]) == pytest.approx(
        np.broadcast_to([0, 0, 1.0], points.shape), abs=0.02
    )
    tip = 0.2 * ((points[:, 2] + 2) / 2 + 1)
    assert moves_of(shapes, "tongueTipUp", pieces[3])[:, 1] == pytest.approx(tip, abs=0.04)
    assert moves_of(shapes, "jawOpen", pieces[3]).any()


def test_a_follower_goes_with_the_skin_below_it(source, target, shapes):
    mesh, pieces = target
    points = mesh.points[pieces[4].vertices]
    wanted = -np.cos(np.pi * points[:, 0] / 3) * (1.5 + points[:, 1]) / 1.5
    assert moves_of(shapes, "jawOpen", pieces[4])[:, 1] == pytest.approx(wanted, abs=0.06)


def test_a_mesh_of_teeth_alone_has_the_jaw_shapes_alone(source):
    teeth = ball(50, 0.3)
    found = whole.generate(source, teeth, [whole.Piece("lower_teeth", np.arange(50))])
    assert found.names == ("jawOpen",)
    still = whole.generate(source, teeth, [whole.Piece("upper_teeth", np.arange(50))])
    assert still.names == () and still.moves.shape == (0, 50, 3)


def test_sealed_lips_are_told_and_have_no_spikes(source):
    skin = joined(sheet(np.arange(-1.5, 1.55, 0.1), np.arange(-1.4, 1.45, 0.07)))
    found = whole.generate(source, skin)
    assert len(found.notices) == 1 and "lips are one surface" in found.notices[0]
    edges = skin.edges
    lengths = np.linalg.norm(skin.points[edges[:, 0]] - skin.points[edges[:, 1]], axis=1)
    apart = np.linalg.norm(found.moves[0][edges[:, 0]] - found.moves[0][edges[:, 1]], axis=1)
    assert (apart / lengths).max() < 4  # glued to the nearest lip it is 14
    assert np.abs(found.moves[0]).max() > 0.5


def test_an_unknown_kind_is_refused(source):
    with pytest.raises(ValueError, match="ear is no kind"):
        whole.generate(source, ball(20), [whole.Piece("ear", np.arange(20))])


def test_a_motion_is_carried_over_with_its_pivot():
    over = Similarity(2.0, turn(), np.array([1.0, 2, 3]))
    pivot = np.array([0.3, -0.2, 0.9])
    carried = rigid.carried(rigid.motion(np.array([0, 0.5, 0]), np.array([0, 0, 0.1]), pivot), over)
    there = carried[:3, :3] @ over(pivot) + carried[:3, 3]
    assert there == pytest.approx(over(pivot) + 2.0 * turn() @ [0, 0, 0.1])
    assert carried[:3, :3] @ carried[:3, :3].T == pytest.approx(np.eye(3), abs=1e-12)


def test_a_bone_below_the_skin_is_found_from_the_skin():
    skin = ball(800).points
    jaw = rigid.motion(np.array([0.4, 0.1, 0]), np.array([0, -0.1, 0.05]), np.array([0, 0.6, 0]))
    on_bone = np.clip(1.5 * (0.5 - skin[:, 1]), 0, 1)[:, None]  # fades from the chin upwards
    move = on_bone * (skin @ jaw[:3, :3].T + jaw[:3, 3] - skin)
    assert rigid.motion_of(skin, move) == pytest.approx(jaw, abs=1e-3)
    assert rigid.motion_of(skin, 0 * move) == pytest.approx(np.eye(4))


def test_teeth_stay_under_a_chin_that_turns_about_another_axis():
    skin = ball(800).points
    driver, target = (
        rigid.motion(np.array([0.4, 0, 0]), np.zeros(3), np.array(pivot))
        for pivot in ([0, 0.6, 0], [0, 0.9, -0.3])
    )
    on_bone = np.clip(1.5 * (0.5 - skin[:, 1]), 0, 1)[:, None]
    move = on_bone * (skin @ target[:3, :3].T + target[:3, 3] - skin)
    over = Similarity(1.0, np.eye(3), np.zeros(3))
    hinge = rigid.hinged(over, driver, skin, move)
    assert rigid.carried(driver, hinge) == pytest.approx(target, abs=2e-3)
    assert rigid.hinged(over, np.eye(4), skin, move) is over  # what does not turn has no axis
    assert rigid.hinged(over, driver, skin, 0 * move) is over


def test_a_sphere_is_found_in_spite_of_a_cornea():
    middle = np.array([3.0, 1, -2])
    eye = ball(600, 1.2).points + middle
    front = eye[:, 2] > -0.95
    eye[front] += 0.15 * (eye[front] - middle)
    centre, radius = rigid.sphere(eye)
    assert centre == pytest.approx(middle, abs=0.02)
    assert radius == pytest.approx(1.2, abs=0.02)
    with pytest.raises(ValueError, match="3 points"):
        rigid.sphere(np.eye(3))


def test_a_flat_or_lone_part_is_no_harm(source):
    mesh = Mesh.of(np.zeros((1, 3)), np.zeros((0, 3), int))
    for kind in KINDS:
        found = whole.generate(source, mesh, [whole.Piece(kind, np.arange(1))])
        assert np.isfinite(found.moves).all()

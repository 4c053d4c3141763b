# SPDX-License-Identifier: GPL-3.0-or-later
"""Targets that are hard: each ends in a face that opens its mouth, closes its lips and blinks, or
in a sentence that says what to change."""

from __future__ import annotations

import numpy as np
import pytest
from facewright.benchmarks.retarget_truth import hard
from facewright.benchmarks.retarget_truth.chain import Chain
from facewright.core.errors import UserError
from facewright.core.head import load_head
from facewright.core.retarget.binding import bind
from facewright.core.retarget.fitting import fit
from facewright.core.retarget.generate import telling
from facewright.core.retarget.transfer import transfer
from facewright.core.sample_target import load_sample_target

from .retarget_faces import turn

OPEN = 0.3  # squares of the mouth's width: the built-in head's own mouth opens to 0.48
CLOSED = 0.01
SHUT = 0.01  # squares of an eye's width


@pytest.fixture(scope="module")
def head(root):
    return load_head(root / "assets" / "head.npz")


@pytest.fixture(scope="module")
def sample(root):
    return hard.sample(load_sample_target(root / "assets" / "sample_target.npz"))


@pytest.fixture(scope="module")
def chain(head):
    return Chain(head)


@pytest.fixture(scope="module")
def face(head):
    return hard.other_face(head)


def good(result, stretch=5.0):
    """What a user sees at once of a transfer that went well."""
    assert all(np.isfinite(moves).all() for moves in result.moves.values())
    assert result.mouth() < CLOSED
    assert result.mouth(jawOpen=1) > OPEN
    assert result.mouth(jawOpen=1, mouthClose=1) < CLOSED
    for side in ("Left", "Right"):
        assert result.eye(side) > 0.1
        assert result.eye(side, **{f"eyeBlink{side}": 1}) < SHUT
    for names in ({"jawOpen": 1}, {"eyeBlink": 1}, {"mouthSmile": 1}, {"mouthPucker": 1}):
        assert result.stretch(**names) < stretch, names  # a vertex on the wrong lip makes it 15
    return result


def rests_below(result):
    """The neck's lower end, the shoulders and what is below do not move."""
    low = result.target.mesh.points[:, 1] < result.target.at("Chin")[1] - 8
    assert low.any()
    assert max(np.linalg.norm(moves[low], axis=1).max() for moves in result.moves.values()) < 0.05


def test_the_measures_know_a_good_face_from_a_bad_one(chain):
    own = good(chain.own(), stretch=4.0)
    assert own.mouth(jawOpen=1) == pytest.approx(0.48, abs=0.02)
    assert own.eye("Left") == pytest.approx(0.22, abs=0.02)
    glued = own.moves["jawOpen"].copy()
    lip = own.target.pairs.corners[6, 0]  # one vertex of the upper lip goes with the lower
    glued[lip] = own.moves["jawOpen"][own.target.pairs.corners[7, 0]]
    own.moves["jawOpen"] = glued
    assert own.stretch(jawOpen=1) > 8


@pytest.fixture(scope="module")
def spoken(chain, sample):
    return chain(sample)


def test_the_sample_target(spoken):
    good(spoken)
    assert spoken.notices == ()
    rests_below(spoken)


def test_a_whole_body(chain, face):
    result = good(chain(hard.shuffled(hard.with_body(face))))
    assert result.notices == ()
    rests_below(result)


@pytest.mark.parametrize("size", [0.01, 100.0])
def test_another_size_and_turn(chain, face, size):
    target = hard.shuffled(hard.placed(face, size, turn()))
    result = good(chain(target))
    assert result.notices == ()


@pytest.mark.parametrize("rewound", [True, False])
def test_in_the_mirror(chain, sample, rewound):
    """Also with faces that point inwards, as a mirrored mesh's do unless they are turned."""
    result = good(chain(hard.shuffled(hard.mirrored(sample, rewound))))
    assert bool(result.notices) == (not rewound)
    assert rewound or "point inwards" in result.notices[0]


def test_stretched_by_half(chain, face):
    """A scale that was not applied counts as the shape that is seen."""
    result = good(chain(hard.shuffled(face.moved(face.mesh.points * [1, 1.5, 0.8]))))
    assert result.notices == ()


def test_eyes_twice_as_large_and_the_same_on_both_sides(chain, face):
    target = hard.with_large_eyes(face)
    result = good(chain(target))
    points = target.mesh.points
    other = np.array([((points - each * [-1, 1, 1]) ** 2).sum(axis=1).argmin() for each in points])
    for name in ("eyeBlink", "mouthSmile"):
        left, right = result.moves[f"{name}Left"], result.moves[f"{name}Right"]
        apart = np.linalg.norm(left[other] * [-1, 1, 1] - right, axis=1)
        assert apart.max() < 0.05 * np.linalg.norm(left, axis=1).max()


def test_no_nose(chain, face):
    good(chain(hard.shuffled(hard.without_nose(face))))


def test_lips_and_lids_that_are_meshes_of_their_own(chain, face):
    good(chain(hard.shuffled(hard.in_islands(face, 0.03))))


def test_fins_double_faces_and_flat_ones(chain, face):
    good(chain(hard.shuffled(hard.non_manifold(face))))


def test_vertices_without_faces_do_no_harm_wherever_they_are(chain, face):
    result = good(chain(hard.shuffled(hard.with_loose_vertices(face, 1e4))))
    assert result.notices == ()


def test_sealed_lips_are_told_and_stay_together(chain, face, head):
    result = chain(hard.shuffled(hard.sealed(face, head)))
    assert [text for text in result.notices if "lips are one surface" in text]
    assert result.mouth(jawOpen=1) < 0.02
    assert result.stretch(jawOpen=1) < 5
    assert result.eye("Left", eyeBlinkLeft=1) < SHUT
    chin = result.target.at("Chin", result.posed(jawOpen=1)) - result.target.at("Chin")
    assert chin[1] < -1  # the jaw drops all the same


def test_a_mouth_that_is_modelled_open_is_told(chain, face):
    result = chain(hard.shuffled(face.moved(face.mesh.points + 0.4 * chain.shapes["jawOpen"])))
    assert [text for text in result.notices if "modelled open" in text]
    rest = result.mouth()
    assert result.mouth(jawOpen=1, mouthClose=1) < rest + 0.02
    assert result.mouth(jawOpen=1) > rest + 0.2
    assert result.stretch(jawOpen=1) < 4


def test_teeth_tongue_and_eyes_in_the_skins_own_mesh(chain, sample, spoken):
    target, parts = hard.with_parts(sample)
    result = chain(target)
    assert result.notices == ()
    skin = np.arange(len(sample.mesh.points))
    for name, moves in spoken.moves.items():
        assert np.abs(result.moves[name][skin] - moves).max() < 0.02, name
    opening = result.moves["jawOpen"]
    assert not opening[parts["upper_denture"]].any()
    assert opening[parts["lower_denture"], 1].min() < -1
    before, after = (
        points[parts["eye_left"]] for points in (target.mesh.points, result.posed(eyeBlink=1))
    )
    assert np.allclose(before, after)


def test_parts_that_nobody_can_name_are_no_sealed_lips(chain, sample):
    """Teeth in the skin's mesh, bound as skin to both lips."""
    target, _parts = hard.with_parts(sample)
    fitted = fit(chain.mesh, chain.opened, target.mesh, chain.pairs, target.pairs)
    moves = transfer(chain.mesh, chain.moves, fitted.points, chain.names)
    bound = bind(chain.mesh.moved_to(fitted.points), telling(chain.names, moves), target.mesh)
    assert not len(bound.torn)


def test_a_position_that_is_no_number(chain, face):
    points = face.mesh.points.copy()
    points[7, 1] = np.nan
    with pytest.raises(UserError, match="Vertex 7 of the target mesh has no finite position"):
        chain(face.moved(points))

# SPDX-License-Identifier: GPL-3.0-or-later
"""USD point caches as USD's own library reads them, and its validators judge them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from facewright.core.exchange import caches
from facewright.core.exchange.point_cache import Block, CacheClip, CacheMesh

Usd = pytest.importorskip("pxr.Usd")
UsdGeom = pytest.importorskip("pxr.UsdGeom")

FRAMES = 6
FACES = (np.array([4, 3]), np.array([0, 1, 2, 3, 2, 3, 4]))
TURN = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])


def written(path, kind, places=None, rate=Fraction(24000, 1001), metres=1.0, **more):
    """A face and a tooth, first frame 11; returns their points."""
    rng = np.random.default_rng(0)
    meshes = (CacheMesh("Face", 5, *FACES), CacheMesh("歯 1", 300, *FACES))
    points = [rng.normal(size=(FRAMES, each.points, 3)).astype(np.float32) for each in meshes]
    clip = CacheClip(path.stem, meshes, FRAMES, rate, 11, metres, **more)
    with caches.writing(path.with_suffix(""), kind, clip) as write:
        for at in range(0, FRAMES, 4):
            part = slice(at, at + 4)
            write([Block(each[part], None if places is None else places[part]) for each in points])
    return points


@pytest.fixture
def moving():
    places = np.tile(np.eye(4), (FRAMES, 1, 1))
    places[:, :3, 3] = np.arange(3 * FRAMES).reshape(FRAMES, 3)
    places[:, :3, :3] = np.diag([1.0, 2.0, 3.0])
    return places


@pytest.mark.parametrize("rate", [Fraction(24000, 1001), Fraction(60)])
@pytest.mark.parametrize("kind", ["USD", "USD_MAYA"])
def test_points_extents_and_times(tmp_path, kind, rate):
    path = tmp_path / "私の line.usdc"
    points = written(path, kind, rate=rate, metres=0.5)
    stage = Usd.Stage.Open(str(path))
    assert stage.GetTimeCodesPerSecond() == float(rate) == stage.GetFramesPerSecond()
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (11, 10 + FRAMES)
    y_up = kind == "USD_MAYA"
    assert UsdGeom.GetStageUpAxis(stage) == ("Y" if y_up else "Z")
    assert UsdGeom.GetStageMetersPerUnit(stage) == (0.01 if y_up else 0.5)
    assert stage.GetDefaultPrim().GetPath() == "/line"
    meshes = [UsdGeom.Mesh(each) for each in stage.Traverse() if each.IsA(UsdGeom.Mesh)]
    assert [each.GetPath().pathString for each in meshes] == ["/line/Face", "/line/_1"]
    assert [each.GetPrim().GetDisplayName() for each in meshes] == ["", "歯 1"]
    for each, own in zip(meshes, points, strict=True):
        wanted = 50 * own @ TURN[:3, :3].T if y_up else own
        assert each.GetPointsAttr().GetTimeSamples() == list(range(11, 11 + FRAMES))
        for place in range(FRAMES):
            found = np.array(each.GetPointsAttr().Get(11 + place))
            np.testing.assert_allclose(found, wanted[place], rtol=1e-5, atol=1e-5)
            extent = np.array(each.GetExtentAttr().Get(11 + place))
            np.testing.assert_array_equal(extent, [found.min(axis=0), found.max(axis=0)])
        np.testing.assert_allclose(each.GetPointsAttr().Get(), wanted[0], rtol=1e-5, atol=1e-5)
        assert list(each.GetFaceVertexCountsAttr().Get()) == [4, 3]
        assert list(each.GetFaceVertexIndicesAttr().Get()) == list(FACES[1])
        assert each.GetSubdivisionSchemeAttr().Get() == "none"
        assert not each.GetNormalsAttr().HasAuthoredValue()


@pytest.mark.parametrize("kind", ["USD", "USD_MAYA"])
def test_meshes_stand_where_their_objects_do(tmp_path, moving, kind):
    """A point in the world of the stage is the point in Blender's world, turned and scaled."""
    path = tmp_path / "a.usdc"
    points = written(path, kind, moving)
    stage = Usd.Stage.Open(str(path))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/a/Face"))
    for place in range(FRAMES):
        local = np.c_[points[0][place], np.ones(5)]
        world = (local @ moving[place].T)[:, :3]
        wanted = 100 * world @ TURN[:3, :3].T if kind == "USD_MAYA" else world
        matrix = np.array(mesh.ComputeLocalToWorldTransform(11 + place))
        found = np.c_[np.array(mesh.GetPointsAttr().Get(11 + place)), np.ones(5)] @ matrix
        np.testing.assert_allclose(found[:, :3], wanted, rtol=1e-5, atol=1e-4)


def test_what_stands_still_has_one_transform(tmp_path, moving):
    written(tmp_path / "a.usdc", "USD", np.repeat(moving[3:4], FRAMES, axis=0))
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/a/Face"))
    attribute = mesh.GetPrim().GetAttribute("xformOp:transform")
    assert attribute.GetNumTimeSamples() == 0
    np.testing.assert_array_equal(np.array(attribute.Get()), moving[3].T)


@pytest.mark.parametrize("kind", ["USD", "USD_MAYA"])
def test_usds_validators_find_nothing(tmp_path, moving, kind):
    validation = pytest.importorskip("pxr.UsdValidation")
    written(tmp_path / "a.usdc", kind, moving)
    validators = validation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 10
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    found = validation.ValidationContext(validators).Validate(stage)
    assert [(each.GetName(), each.GetMessage()) for each in found] == []


def test_usd_edits_the_file_and_saves_it_again(tmp_path):
    path = tmp_path / "a.usdc"
    points = written(path, "USD")
    stage = Usd.Stage.Open(str(path))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/a/Face"))
    mesh.GetPointsAttr().Set(points[0][0].tolist(), 99)
    stage.SetEndTimeCode(99)
    stage.GetRootLayer().Save()
    del stage, mesh  # so that the file is read again
    stage = Usd.Stage.Open(str(path))
    again = UsdGeom.Mesh(stage.GetPrimAtPath("/a/Face"))
    np.testing.assert_array_equal(again.GetPointsAttr().Get(99), points[0][0])
    np.testing.assert_array_equal(again.GetPointsAttr().Get(13), points[0][2])


def test_many_meshes_and_long_names(tmp_path):
    """Tables of more than 255 entries and names of several kB."""
    names = [f"{'x' * 40} {place}" for place in range(300)]
    meshes = tuple(CacheMesh(name, 5, *FACES) for name in names)
    clip = CacheClip("a", meshes, 1, Fraction(30))
    with caches.writing(tmp_path / "a", "USD", clip) as write:
        write([Block(np.full((1, 5, 3), place, np.float32)) for place in range(300)])
    stage = Usd.Stage.Open(str(tmp_path / "a.usdc"))
    found = [UsdGeom.Mesh(each) for each in stage.Traverse() if each.IsA(UsdGeom.Mesh)]
    assert [each.GetPrim().GetDisplayName() for each in found] == names
    assert [each.GetPointsAttr().Get(0)[0][0] for each in found] == list(range(300))

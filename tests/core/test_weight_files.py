# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of weights file: round trips, and what USD's own library makes of the layers."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import numpy as np
import pytest
from facewright.core.errors import UserError
from facewright.core.exchange import facs46, metahuman, weights
from facewright.core.exchange.gains import Gains
from facewright.core.exchange.weights import WeightOptions
from facewright.core.naming import ARKIT_NAMES, CANONICAL_NAMES
from pxr import Usd, UsdSkel, UsdUtils, UsdValidation
from weight_faces import moving_face

RATES = (30, 60, Fraction(24000, 1001))


def written(tmp_path, kind, face, **options):
    path = tmp_path / f"line 顔{weights.KINDS[kind].ending}"
    weights.write_weight_file(path, kind, face, WeightOptions(**options))
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    return path


@pytest.mark.parametrize("fps", RATES)
@pytest.mark.parametrize("kind", [weights.JSON, weights.USD, weights.METAHUMAN_USD])
def test_what_is_written_comes_back_whole(tmp_path, kind, fps):
    face = moving_face(fps=fps)
    found = weights.read_weight_file(written(tmp_path, kind, face))
    assert (found.names, found.fps, found.notices) == (face.names, face.fps, ())
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_allclose(getattr(found, part), getattr(face, part), atol=2e-6)


@pytest.mark.parametrize("fps", RATES)
def test_a_csv_comes_back_with_head_and_eyes(tmp_path, fps):
    face = moving_face(fps=fps)
    found = weights.read_weight_file(written(tmp_path, weights.CSV, face), Fraction(fps))
    assert found.fps == fps
    columns = [found.names.index(name) for name in ARKIT_NAMES]
    np.testing.assert_allclose(found.weights[:, columns], face.weights[:, :52], atol=1e-7)
    np.testing.assert_allclose(found.eyes, face.eyes, atol=2e-6)
    np.testing.assert_allclose(found.head, face.head, atol=2e-6)
    assert "no motion of the jaw" in found.notices[0]


def test_the_46_come_back_as_the_52_they_stand_for(tmp_path):
    face = moving_face()
    path = written(tmp_path, weights.JSON46, face)
    values = json.loads(path.read_text("utf-8"))
    assert values["facsNames"] == list(facs46.FACS_NAMES)
    found = weights.read_weight_file(path)
    assert found.names == ARKIT_NAMES
    wanted = facs46.FROM_FACS.apply(facs46.FACS_NAMES, np.array(values["weightMat"]))
    np.testing.assert_allclose(found.weights, wanted, atol=1e-6)


@pytest.mark.parametrize("kind", [weights.USD, weights.METAHUMAN_USD])
def test_usds_own_library_reads_the_layer_as_legacy_files_are_built(tmp_path, kind):
    face = moving_face(fps=60)
    path = written(tmp_path, kind, face, track_path='C:\\voices\\"ä".wav')
    assert path.read_bytes().startswith(b"#usda 1.0\n")
    stage = Usd.Stage.Open(str(path))
    assert str(stage.GetDefaultPrim().GetPath()) == "/World"
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (0, 69)
    assert stage.GetTimeCodesPerSecond() == stage.GetFramesPerSecond() == 60
    layer = stage.GetRootLayer()
    assert layer.pseudoRoot.GetInfo("metersPerUnit") == 0.01
    settings = layer.customLayerData["audio2faceSettings"]
    assert settings == {"export_fps": 60, "trackPath": 'C:\\voices\\"ä".wav'}
    (prim,) = stage.GetDefaultPrim().GetChildren()
    assert prim.GetName() == "anim_" + re.sub(r"[^A-Za-z0-9]", "_", path.name)
    animation = UsdSkel.Animation(prim)
    shapes = animation.GetBlendShapesAttr()
    assert str(shapes.GetVariability()) == "Sdf.VariabilityUniform"
    assert tuple(shapes.Get()) == face.names
    samples = animation.GetBlendShapeWeightsAttr()
    assert samples.GetTimeSamples() == list(range(70))
    found = np.array([samples.Get(time) for time in range(70)])
    np.testing.assert_allclose(found, face.weights, atol=1e-6)
    counts = {
        attribute.GetNumTimeSamples()
        for attribute in (
            animation.GetRotationsAttr(), animation.GetTranslationsAttr(), animation.GetScalesAttr()
        )
    }  # fmt: skip
    assert counts == {70}, "Blender's importer wants as many of each"
    jaw = list(animation.GetJointsAttr().Get()).index("jaw")
    for time in (0, 33):
        motion = np.array(animation.GetTransforms(time)[jaw]).T  # row vectors there
        np.testing.assert_allclose(motion, face.jaw[time], atol=2e-5)


def test_usds_validators_find_nothing_wrong(tmp_path):
    """What UsdUtils.ComplianceChecker was is these validators in newer releases of USD."""
    assert hasattr(UsdUtils, "ComplianceChecker") or Usd.GetVersion() >= (0, 26)
    stage = Usd.Stage.Open(str(written(tmp_path, weights.METAHUMAN_USD, moving_face())))
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) > 20
    errors = UsdValidation.ValidationContext(validators).Validate(stage)
    assert not [error.GetMessage() for error in errors]


def test_usds_own_library_reads_a_metahumans_curves(tmp_path):
    face = moving_face()
    stage = Usd.Stage.Open(str(written(tmp_path, weights.METAHUMAN_USD, face)))
    (prim,) = stage.GetDefaultPrim().GetChildren()
    names = list(prim.GetAttribute("custom:mh_curveNames").Get())
    values = prim.GetAttribute("custom:mh_curveValues")
    assert str(values.GetTypeName()) == "float[]"
    found = np.array([values.Get(time) for time in range(70)])
    assert found.shape == (70, len(names))
    for curve, pose in (
        ("jawOpen", "jawOpen"), ("mouthLipsPurseUL", "mouthPucker"), ("eyeLookLeftR",
        "eyeLookInRight"), ("mouthPressDR", "mouthPressRight"),
    ):  # fmt: skip
        column = names.index(f"CTRL_expressions_{curve}")
        wanted = face.weights[:, face.names.index(pose)]
        np.testing.assert_allclose(found[:, column], wanted, atol=1e-6)


def test_layers_of_other_programs_are_read(tmp_path):
    """Two animations of one head, binary, in metres, beginning at another time, every 2nd frame."""
    stage = Usd.Stage.CreateNew(str(tmp_path / "other.usdc"))
    stage.SetTimeCodesPerSecond(60)
    stage.SetMetadata("metersPerUnit", 1.0)
    for place, names in enumerate((["jawOpen", "eyeBlinkLeft"], ["tongueOut", "jawOpen"])):
        animation = UsdSkel.Animation.Define(stage, f"/Head{place}/Anim")
        animation.CreateBlendShapesAttr(names)
        attribute = animation.CreateBlendShapeWeightsAttr()
        for time in range(100, 120, 2):
            attribute.Set([time / 1000 + place, 0.25], time)
    stage.GetRootLayer().Save()
    stage.GetRootLayer().Export(str(tmp_path / "other.usda"))
    for path, usd in ((tmp_path / "other.usda", None), (tmp_path / "other.usdc", Usd)):
        found = weights.read_weight_file(path, usd=usd)
        assert found.names == ("jawOpen", "eyeBlinkLeft", "tongueOut")
        assert found.fps == 30
        wanted = np.arange(100, 120, 2) / 1000
        np.testing.assert_allclose(found.weights[:, 0], wanted, atol=1e-6)
        np.testing.assert_allclose(found.weights[:, 2], wanted + 1, atol=1e-6)
    with pytest.raises(UserError, match=r"other\.usdc is binary USD"):
        weights.read_weight_file(tmp_path / "other.usdc")


def test_layers_that_usds_library_writes_as_text_are_read(tmp_path):
    """Its way of laying text out is not ours."""
    face = moving_face(12)
    path = written(tmp_path, weights.METAHUMAN_USD, face)
    stage = Usd.Stage.Open(str(path))
    again = tmp_path / "again.usda"
    stage.Flatten().Export(str(again))
    found = weights.read_weight_file(again)
    for part in ("weights", "jaw", "eyes"):
        np.testing.assert_allclose(getattr(found, part), getattr(face, part), atol=2e-6)


def test_options_change_what_is_written(tmp_path):
    face = moving_face(5)
    options = {"tongue": False, "joints": False, "gains": Gains({"jawOpen": 0.5}, {"jawLeft": 2})}
    found = weights.read_weight_file(written(tmp_path, weights.USD, face, **options))
    assert found.names == ARKIT_NAMES
    jaw = face.weights[:, CANONICAL_NAMES.index("jawOpen")]
    np.testing.assert_allclose(found.weights[:, ARKIT_NAMES.index("jawOpen")], jaw / 2, atol=1e-6)
    assert found.weights[:, ARKIT_NAMES.index("jawLeft")].min() > 1.9
    np.testing.assert_array_equal(found.jaw, np.repeat(np.eye(4)[None], 5, axis=0))


def test_eyes_turn_as_the_poses_say_where_a_file_has_none(tmp_path):
    face = moving_face(5)
    face.weights[:] = 0
    face.weights[:, CANONICAL_NAMES.index("eyeLookOutLeft")] = 0.5
    face.weights[:, CANONICAL_NAMES.index("eyeLookDownRight")] = 1.0
    found = weights.read_weight_file(written(tmp_path, weights.USD, face, joints=False))
    from facewright.core.postprocess.eyes import eye_look_weights

    looks = eye_look_weights(found.eyes)
    np.testing.assert_allclose(looks["eyeLookOutLeft"], 0.5, atol=1e-6)
    np.testing.assert_allclose(looks["eyeLookDownRight"], 1.0, atol=1e-6)
    assert found.eyes[0, 1, 1] > 0, "to the character's left"


def test_an_empty_face_and_the_same_bytes(tmp_path):
    face = moving_face(9)
    for kind, row in weights.KINDS.items():
        one, two = (tmp_path / f"{place}{row.ending}" for place in "ab")
        weights.write_weight_file(one, kind, face)
        weights.write_weight_file(two, kind, face)
        swapped = one.read_bytes().replace(b"anim_a_", b"anim_b_")
        assert swapped == two.read_bytes()
    assert metahuman.shipped_mapping().names[0].startswith("CTRL_expressions_")


def test_unknown_endings_are_refused(tmp_path):
    with pytest.raises(UserError, match="none of"):
        weights.read_weight_file(tmp_path / "a.fbx")

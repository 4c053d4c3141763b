# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import stubs
from facewright.core.errors import UserError
from facewright.core.models.model import load_model
from facewright.core.naming import ARKIT_NAMES, TONGUE_NAMES


@pytest.fixture
def folder(stub, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(stub.folder, tmp_path / "spoiled")


def change(path, edit):
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


def rewrite(path, **arrays):
    """Replace arrays of an npz; None removes one."""
    with np.load(path, allow_pickle=False) as npz:
        values = {**dict(npz), **arrays}
    np.savez(path, **{name: array for name, array in values.items() if array is not None})


def test_a_whole_folder_is_read(stub, model):
    assert model.name == "stub"
    assert model.info.result_length == len(stub.voice_gain)
    assert model.info.emotion_length == 26
    assert model.skin_rig.names == ARKIT_NAMES
    assert model.tongue_rig.names == TONGUE_NAMES
    np.testing.assert_array_equal(model.data.skin_shapes, stub.data["shapes_matrix_skin"])
    np.testing.assert_array_equal(model.data.jaw_neutral, stub.data["neutral_jaw"])
    np.testing.assert_array_equal(model.skin_rig.deltas, stub.skin_deltas)
    assert model.skin_rig.mask.tolist() == list(range(135))
    assert model.tongue_rig.mask is None
    assert model.emotion_db.names == ("stub_neutral", "mute_joy")
    assert model.network_path.name == "network.onnx"
    assert sum(model.skin_rig.config.active) == 43


def test_files_are_found_through_the_index_alone(folder):
    for old, new in (("bs_skin.npz", "a b.npz"), ("network_info.json", "sizes.json")):
        (folder / old).rename(folder / new)
    change(folder / "model.json", lambda v: v.update(networkInfoPath="sizes.json"))
    change(folder / "model.json", lambda v: v["blendshapePaths"]["skin"].update(data="a b.npz"))
    assert load_model(folder).skin_rig is not None


def test_sizes_come_from_the_folder(tmp_path):
    stubs.make_stub_model(tmp_path / "m", vertices=50, skin_shapes=4, tongue_shapes=2, implicit=0)
    model = load_model(tmp_path / "m")
    assert model.data.skin_shapes.shape == (4, 50, 3)
    assert model.emotion_db is None
    assert model.info.emotion_length == 10


def test_rigs_database_and_tongue_may_be_missing(tmp_path):
    stubs.make_stub_model(tmp_path / "m", tongue=False, tongue_shapes=0, tongue_vertices=0)
    change(tmp_path / "m" / "model.json", lambda v: v.pop("emotionDatabasePath"))
    model = load_model(tmp_path / "m")
    assert model.tongue_rig is None
    assert model.emotion_db is None
    assert model.data.tongue_shapes.shape == (0, 0, 3)
    change(tmp_path / "m" / "model.json", lambda v: v.pop("blendshapePaths"))
    assert load_model(tmp_path / "m").skin_rig is None


def test_the_hash_covers_every_file(stub, folder):
    before = load_model(folder).sha256
    assert before == load_model(stub.folder).sha256
    change(folder / "bs_tongue_config.json", lambda v: v["blendshape_params"].update(numPoses=15))
    assert load_model(folder).sha256 != before


def test_extra_arrays_and_unknown_config_keys_are_left_alone(folder):
    rewrite(folder / "bs_skin.npz", rig_version=np.array("v3.6"))
    rewrite(folder / "model_data.npz", blink_keys=np.array([0, 1, 0.5], np.float32))
    change(folder / "model_config.json", lambda v: v["config"].update(new_thing=[1, 2]))
    model = load_model(folder)
    assert model.data.blink_profile.tolist() == [0, 1, 0.5]
    assert "new_thing" not in model.config


def test_a_missing_folder_or_index_is_one_sentence_with_a_fix(tmp_path):
    with pytest.raises(UserError, match=r"none does not exist.*Choose a folder"):
        load_model(tmp_path / "none")
    with pytest.raises(UserError, match=r"no model\.json"):
        load_model(tmp_path)


@pytest.mark.parametrize("name", [
    "network_info.json", "network.onnx", "model_config.json", "model_data.npz", "bs_skin.npz",
    "implicit_emo_db.npz", "bs_tongue_config.json",
])  # fmt: skip
def test_each_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(UserError, match=name.replace(".", r"\.")):
        load_model(folder)


def test_a_family_that_is_not_known_is_refused_by_family_not_by_name(folder):
    change(folder / "network_info.json", lambda v: v["id"].update(type="transport"))
    with pytest.raises(UserError, match=r"family of models that is known.*'transport'"):
        load_model(folder)


@pytest.mark.parametrize("place", ["../outside.npz", "/etc/hostname", "C:x.npz", "a\\..\\..\\b"])
def test_the_index_cannot_point_out_of_the_folder(folder, place):
    shutil.copy(folder / "model_data.npz", folder.parent / "outside.npz")
    change(folder / "model.json", lambda v: v.update(modelDataPath=place))
    with pytest.raises(UserError, match="outside of the model's folder"):
        load_model(folder)


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_a_folder_of_links_as_download_caches_make_it_is_read(stub, folder):
    for file in folder.iterdir():
        file.unlink()
        file.symlink_to(stub.folder / file.name)
    assert load_model(folder).sha256 == load_model(stub.folder).sha256


def test_the_network_cannot_read_data_out_of_the_folder(folder):
    tensor = stubs.onnx_external_tensor("w", 4, "../../w.bin")
    (folder / "network.onnx").write_bytes(stubs.onnx_model([], [tensor], {}, {}))
    with pytest.raises(UserError, match="outside of its folder"):
        load_model(folder)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("num_shapes_skin", 7, "shapes_matrix_skin.*instead of 7 x 180 x 3"),
        ("num_verts_skin", 10**9, "num_verts_skin is 1000000000"),
        ("num_verts_tongue", -1, "num_verts_tongue is -1"),
        ("result_jaw_size", 16, "multiple of 3"),
        ("result_eyes_size", 6, "result_eyes_size"),
        ("implicit_emotion_len", "16", "whole number"),
        ("explicit_emotions", ["joy", "joy"], "different names"),
        ("default_emotion", [0.0], "list of 10 numbers"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(folder, key, value, says):
    change(folder / "network_info.json", lambda v: v["params"].update({key: value}))
    with pytest.raises(UserError, match=says):
        load_model(folder)


@pytest.mark.parametrize(
    ("file", "arrays", "says"),
    [
        ("model_data.npz", {"shapes_mean_skin": None}, "shapes_mean_skin.*missing"),
        ("model_data.npz", {"neutral_jaw": np.zeros((4, 3), np.float32)}, "neutral_jaw.*shape"),
        ("model_data.npz", {"saccade_rot_matrix": np.full((9, 2), np.nan)}, "not numbers"),
        ("model_data.npz", {"lip_open_pose_delta": np.zeros((180, 3), int)}, "type int64"),
        ("bs_skin.npz", {"frontalMask": np.array([0, 180])}, "vertices that do not exist"),
        ("bs_skin.npz", {"jawOpen": None}, "jawOpen.*missing"),
        ("bs_skin.npz", {"poseNames": np.array(["jawOpen", "neutral"])}, "begin with 'neutral'"),
        ("implicit_emo_db.npz", {"emo_spec_size": np.array([20, 11])}, "beyond the 30 rows"),
        ("implicit_emo_db.npz", {"emo_db": np.zeros((30, 15))}, "emo_db.*any x 16"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(folder, file, arrays, says):
    rewrite(folder / file, **arrays)
    with pytest.raises(UserError, match=says):
        load_model(folder)


@pytest.mark.parametrize(
    ("file", "section", "values", "says"),
    [
        ("model_config.json", "config", {"skin_strength": 9}, "model_config.*Skin Strength.*9"),
        ("bs_skin_config.json", "blendshape_params", {"templateBBSize": 0.5}, "BBSize is 0.5"),
        ("bs_skin_config.json", "blendshape_params", {"strengthSymmetry": -1}, "Symmetry is -1"),
        ("bs_skin_config.json", "blendshape_params", {"bsSolveActivePoses": [0] * 52}, "no pose"),
        ("bs_skin_config.json", "blendshape_params", {"bsWeightOffsets": [0.0]}, "52 numbers"),
    ],
)  # fmt: skip
def test_settings_of_a_folder_are_checked(folder, file, section, values, says):
    change(folder / file, lambda v: v[section].update(values))
    with pytest.raises(UserError, match=says):
        load_model(folder)

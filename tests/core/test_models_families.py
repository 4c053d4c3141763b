# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders of the diffusion family as they are published, settings, pairs, clip networks, sizes."""

from __future__ import annotations

import json
import re
import shutil
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stubs
from facewright.core.errors import UserError
from facewright.core.models import onnx_header
from facewright.core.models.files import find_files, hash_files
from facewright.core.models.model import load_emotion_model, load_model, settings_for
from facewright.core.naming import ARKIT_NAMES


@pytest.fixture(scope="module")
def diffusion(tmp_path_factory):
    return stubs.make_stub_diffusion(tmp_path_factory.mktemp("diffusion") / "m")


@pytest.fixture
def folder(diffusion, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copytree(diffusion.folder, tmp_path / "spoiled")


def change(path, edit):
    values = json.loads(path.read_text())
    edit(values)
    path.write_text(json.dumps(values))


# ---- diffusion ----------------------------------------------------------------------------------


def test_one_identity_of_a_diffusion_folder_is_read(diffusion):
    model = load_model(diffusion.folder, "James")
    assert (model.identity, model.identity_index) == ("James", 1)
    assert model.identities == ("Claire", "James", "Mark")
    assert model.info.family == "diffusion"
    assert model.info.channels == model.info.result_length == diffusion.channels == 175
    assert (model.info.skin_shapes, model.info.tongue_shapes, model.info.implicit_length) == (
        0,
    ) * 3
    assert model.info.emotion_length == 10
    assert model.data.skin_shapes.shape == (0, 40, 3)
    assert model.data.tongue_shapes.shape == (0, 12, 3)
    np.testing.assert_array_equal(model.data.skin_neutral, diffusion.skin_neutrals[1])
    np.testing.assert_array_equal(model.skin_rig.neutral, diffusion.skin_neutrals[1])
    assert model.skin_rig.names == ARKIT_NAMES
    assert model.config["lower_face_strength"] == pytest.approx(1.1)
    assert model.emotion_db is None
    assert settings_for(model, {}).lower_face_strength == pytest.approx(1.1)


def test_the_published_timing_follows_from_the_counts(diffusion):
    info = load_model(diffusion.folder).info
    assert (info.fps, info.inference_stride, info.target_offset) == (Fraction(60), 8000, 4000)
    assert (info.diffusion.frames, info.diffusion.lead) == (60, 45)
    # First kept frame of the first inference, as the reference has it: 12000 samples before 0
    assert -info.diffusion.lead * 16000 / info.fps == -12000


def test_a_diffusion_network_of_30_frames_per_second_is_legal(tmp_path):
    stubs.make_stub_diffusion(tmp_path, left=7, right=8, center=15)
    info = load_model(tmp_path).info
    assert (info.fps, info.inference_stride, info.target_offset) == (Fraction(30), 8000, 3733)
    assert (info.diffusion.frames, info.diffusion.lead) == (30, 23)


@pytest.mark.parametrize(("asked", "found"), [("", 0), ("Mark", 2), ("mark", 2), ("CLAIRE", 0)])
def test_identities_are_found_by_name(diffusion, asked, found):
    assert load_model(diffusion.folder, asked).identity_index == found


def test_an_unknown_identity_is_refused_naming_those_that_exist(diffusion, stub):
    with pytest.raises(UserError, match=r"called 'Ann'.*Claire, James, Mark"):
        load_model(diffusion.folder, "Ann")
    with pytest.raises(UserError, match=r"called 'Ann'.*It has stub"):
        load_model(stub.folder, "Ann")


def test_names_that_differ_by_case_alone_are_told_apart(tmp_path):
    stubs.make_stub_diffusion(tmp_path, identities=("ann", "Ann"))
    assert load_model(tmp_path, "Ann").identity_index == 1
    assert load_model(tmp_path, "ANN").identity_index == 0


def test_the_order_of_identities_is_that_of_the_network(folder):
    change(folder / "network_info.json", lambda v: v["params"]["identities"].reverse())
    model = load_model(folder, "Claire")
    assert model.identity_index == 2  # third, with the third's files, whatever these are called


def test_the_hash_is_of_the_folder_not_of_the_identity(folder):
    before = load_model(folder, "Claire").sha256
    assert load_model(folder, "Mark").sha256 == before
    change(folder / "model_config_Mark.json", lambda v: v["config"].update(skin_strength=1.5))
    assert load_model(folder, "Claire").sha256 != before


def test_rigs_of_a_diffusion_folder_are_optional(tmp_path):
    stubs.make_stub_diffusion(tmp_path, rigs=False)
    model = load_model(tmp_path)
    assert model.skin_rig is None
    assert model.tongue_rig is None
    change(tmp_path / "model.json", lambda v: v.pop("blendshapePaths"))
    assert load_model(tmp_path).skin_rig is None


def test_one_identity_may_lack_a_rig(folder):
    change(folder / "model.json", lambda v: v["blendshapePaths"][1].pop("tongue"))
    assert load_model(folder, "James").tongue_rig is None
    assert load_model(folder, "Mark").tongue_rig is not None


def test_the_source_shot_means_nothing_without_a_database(folder):
    change(
        folder / "model_config_Claire.json",
        lambda v: v["config"].update(source_shot="cp1_neutral", source_frame=220),
    )
    assert "source_shot" not in load_model(folder).config


def test_arrays_of_the_training_framework_are_taken_from_the_union(folder):
    path = folder / "model_data_Claire.npz"
    with np.load(path) as npz:
        arrays = dict(npz)
    union: dict[str, Any] = {
        "shapes_mean_skin": np.zeros((40, 3)),
        "blink_keys": np.linspace(0, 1, 10),
    }
    np.savez(path, **arrays, **union)
    model = load_model(folder)
    np.testing.assert_array_equal(model.data.skin_neutral, arrays["neutral_skin"])
    assert len(model.data.blink_profile) == 10


@pytest.mark.parametrize("key", ["modelConfigPaths", "modelDataPaths", "blendshapePaths"])
def test_lists_have_one_entry_per_identity(folder, key):
    change(folder / "model.json", lambda v: v[key].pop())
    with pytest.raises(UserError, match=rf"model\.json: {key} has 2 entries for 3 identities"):
        load_model(folder)
    change(folder / "model.json", lambda v: v.update({key: "one.json"}))
    with pytest.raises(UserError, match=rf"{key} has to be a list"):
        load_model(folder)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("skin_size", 121, "skin_size has to be a multiple of 3"),
        ("skin_size", 123, r"neutral_skin.*40 x 3 instead of 41 x 3"),
        ("skin_size", 3 * 10**7, "skin_size is 30000000"),
        ("tongue_size", -3, "tongue_size is -3"),
        ("jaw_size", 16, "jaw_size has to be a multiple of 3"),
        ("eyes_size", 2, "eyes_size"),
        ("num_diffusion_steps", 0, "num_diffusion_steps is 0"),
        ("num_diffusion_steps", 2.0, "num_diffusion_steps has to be a whole number"),
        ("num_gru_layers", 1000, "num_gru_layers is 1000"),
        ("gru_latent_dim", 10**9, "gru_latent_dim"),
        ("num_frames_center", 0, "num_frames_center"),
        ("num_frames_left_truncate", -1, "num_frames_left_truncate"),
        ("num_frames_center", 29, "do not take a whole number of samples"),
        ("identities", [], "identities names nobody"),
        ("identities", ["A", "A", "B"], "identities has to be a list of different names"),
        ("emotions", "joy", "emotions has to be a list"),
        ("emotions", ["joy\n"], "emotions has to be a list"),
        ("default_emotion", [0.0], "default_emotion has to be a list of 10"),
    ],
)
def test_sizes_of_a_diffusion_network_are_checked(folder, key, value, says):
    change(folder / "network_info.json", lambda v: v["params"].update({key: value}))
    with pytest.raises(UserError, match=rf"(network_info\.json|model_data).*{says}"):
        load_model(folder)


def test_sizes_that_fit_alone_but_not_together_are_refused_before_memory_is_taken(folder):
    def enlarge(values):
        values["params"].update(skin_size=3_000_000, num_diffusion_steps=60)

    change(folder / "network_info.json", enlarge)
    with pytest.raises(UserError, match="values of noise at once"):
        load_model(folder)


def test_a_frame_rate_beyond_all_limits_is_refused(folder):
    change(folder / "network_info.json", lambda v: v["audio_params"].update(buffer_len=60))
    with pytest.raises(UserError, match="60 frames in a window of 60 samples make no usable"):
        load_model(folder)


# ---- settings and pairs -------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["regression", "diffusion"])
@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("skin_strength", 2.5, "Skin Strength (skin_strength) is 2.5"),
        ("lower_face_smoothing", -0.1, "(lower_face_smoothing) is -0.1"),
        ("tongue_strength", "loud", "(tongue_strength) has to be a number"),
        ("eye_saccade_seed", 1.5, "(eye_saccade_seed) has to be a whole number"),
        ("eyelid_open_offset", None, "(eyelid_open_offset) has to be a number"),
        ("blink_strength", [1], "(blink_strength) has to be a number"),
    ],
)
def test_bad_settings_of_a_folder_are_refused_by_name(tmp_path, family, name, value, says):
    if family == "regression":
        stubs.make_stub_model(tmp_path, config={name: value})
    else:
        stubs.make_stub_diffusion(tmp_path, config={name: value})
    with pytest.raises(UserError, match=r"model_config.*\.json: .*" + re.escape(says)):
        load_model(tmp_path)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e400"])
@pytest.mark.parametrize("family", ["regression", "diffusion"])
def test_settings_that_are_no_numbers_are_refused(tmp_path, family, text):
    make = stubs.make_stub_model if family == "regression" else stubs.make_stub_diffusion
    make(tmp_path, config={"skin_strength": 12345.5})
    for path in tmp_path.glob("model_config*.json"):
        path.write_text(path.read_text().replace("12345.5", text))
    with pytest.raises(UserError, match=r"model_config.*\.json is not valid JSON"):
        load_model(tmp_path)


def pairs(*ids):
    return [*ids, *[-1] * (52 - len(ids))]


@pytest.mark.parametrize("key", ["bsSolveSymmetryPoses", "bsSolveCancelPoses"])
@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (pairs(0, 0, 1), "has the id 1 1 times"),
        (pairs(0, 0, 0), "has the id 0 3 times"),
        (pairs(0.5, 0.5), "list of 52 whole numbers"),
        (pairs(0, 0)[:-1], "list of 52 numbers"),
    ],
)
def test_pairs_are_two_poses(tmp_path, key, ids, says):
    stubs.make_stub_model(tmp_path, skin_solve={key: ids})
    with pytest.raises(UserError, match=rf"bs_skin_config\.json: {key} .*{says}"):
        load_model(tmp_path)


def test_good_pairs_are_kept_and_minus_one_is_none(tmp_path):
    ids = pairs(7, 3, -1, 3, 7, -5)
    stubs.make_stub_model(tmp_path, skin_solve={"bsSolveSymmetryPoses": ids})
    config = load_model(tmp_path).skin_rig.config
    assert config.symmetry_ids == tuple(pairs(7, 3, -1, 3, 7, -1))
    assert set(config.cancel_ids) == {-1}


def test_active_poses_may_be_true_and_false(tmp_path):
    active = [name == "jawOpen" for name in ARKIT_NAMES]
    stubs.make_stub_model(tmp_path, skin_solve={"bsSolveActivePoses": active})
    assert load_model(tmp_path).skin_rig.config.active == tuple(active)


def test_a_source_shot_has_to_be_in_the_database(tmp_path):
    stubs.make_stub_model(tmp_path / "a", config={"source_shot": "g2a_neutral"})
    with pytest.raises(UserError, match=r"model_config\.json: the source shot 'g2a_neutral'"):
        load_model(tmp_path / "a")
    stubs.make_stub_model(tmp_path / "b", config={"source_frame": 20})
    with pytest.raises(UserError, match="with the frame 20 is not in"):
        load_model(tmp_path / "b")


def test_markers_on_a_line_are_refused(tmp_path):
    stub = stubs.make_stub_model(tmp_path)
    line = np.arange(15, dtype=np.float32).reshape(5, 3)
    np.savez(tmp_path / "model_data.npz", **{**stub.data, "neutral_jaw": line})
    with pytest.raises(UserError, match="neutral_jaw lie on one line"):
        load_model(tmp_path)


def test_coordinates_are_limited_so_that_sums_stay_finite(tmp_path):
    stub = stubs.make_stub_model(tmp_path)
    huge = stub.data["lip_open_pose_delta"].astype(np.float64)
    for value, says in ((1e30, "too large"), (1e300, "too large")):
        huge[3, 1] = value
        np.savez(tmp_path / "model_data.npz", **{**stub.data, "lip_open_pose_delta": huge})
        with pytest.raises(UserError, match=rf"'lip_open_pose_delta' holds values .*{says}"):
            load_model(tmp_path)


# ---- networks for whole clips -------------------------------------------------------------------


def test_a_network_for_whole_clips_is_named_with_its_stride(tmp_path):
    stub = stubs.make_stub_model(tmp_path)
    assert load_model(tmp_path).clip_network_path is None
    shutil.copy(tmp_path / "network.onnx", tmp_path / "clip.onnx")
    change(tmp_path / "model.json", lambda v: v.update(clipNetworkPath="clip.onnx"))
    with pytest.raises(UserError, match="clip_stride has to be a whole number"):
        load_model(tmp_path)
    change(tmp_path / "network_info.json", lambda v: v["audio_params"].update(clip_stride=80))
    model = load_model(stub.folder)
    assert model.clip_network_path == tmp_path / "clip.onnx"
    assert model.info.clip_stride == 80
    (tmp_path / "clip.onnx").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"clip\.onnx cannot be read"):
        load_model(tmp_path)


def test_a_network_for_live_use_is_named_with_its_offset(tmp_path):
    plain = load_model(stubs.make_stub_model(tmp_path / "plain").folder)
    assert plain.live_network_path is None
    with pytest.raises(UserError, match=r"plain has no network of low delay.*Leave low delay off"):
        plain.low_delay()
    folder = stubs.make_stub_model(tmp_path / "both", live_offset=6720).folder
    model = load_model(folder)
    assert model.info.target_offset == 4160
    assert model.network_path == folder / "network.onnx"
    live = model.low_delay()
    assert live.network_path == model.live_network_path == folder / "network_live.onnx"
    assert live.info.target_offset == 6720
    assert live.clip_network_path is None
    assert live.sha256 == model.sha256 != plain.sha256  # of the folder, its live network included
    change(folder / "network_info.json", lambda v: v["audio_params"].update(live_buffer_ofs=9000))
    with pytest.raises(UserError, match="live_buffer_ofs is 9000; it has to be 0 to 8320"):
        load_model(folder)
    change(folder / "network_info.json", lambda v: v["audio_params"].update(live_buffer_ofs=6720))
    (folder / "network_live.onnx").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"network_live\.onnx cannot be read"):
        load_model(folder)


def test_folders_of_another_kind_are_told_apart(families):
    with pytest.raises(UserError, match=r"holds an emotion model.*Choose it under auto-emotion"):
        load_model(families["emotion"])
    for folder in (families["diffusion"], families["regression"]):
        with pytest.raises(UserError, match="holds a model of the face, not one of emotion"):
            load_emotion_model(folder)


# ---- size ---------------------------------------------------------------------------------------


def large_network(path: Path, weights: int) -> Path:
    """An ONNX file with one tensor of ``weights`` zeros that take no room on the disk."""
    tensor = stubs.onnx_tensor("w", np.zeros(0, np.float32))[:-1]  # without the length of its data
    inner = tensor + varint(weights) if weights else tensor
    graph = len(inner) + weights
    head = b"\x08\x08" + b"\x3a" + varint(1 + len(varint(graph)) + graph)
    head += b"\x2a" + varint(graph) + inner
    with path.open("wb") as stream:
        stream.write(head)
        stream.truncate(len(head) + weights)
    return path


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def peak_of(action):
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_largest_published_network_is_accepted_without_reading_it(tmp_path):
    path = large_network(tmp_path / "network.onnx", 4 * 310_000_000)
    assert path.stat().st_size > 1_200_000_000
    assert peak_of(lambda: onnx_header.check_network_file(path)) < 1 << 20


def test_hashing_does_not_take_a_file_whole(tmp_path):
    path = large_network(tmp_path / "network.onnx", 100 << 20)
    assert peak_of(lambda: hash_files([path])) < 4 << 20


def test_a_snapshot_in_a_download_cache_has_the_repository_as_its_name(diffusion, tmp_path):
    cache = tmp_path / "models--nvidia--Audio2Face-3D-v3.0" / "snapshots" / ("0a" * 20)
    shutil.copytree(diffusion.folder, cache)
    assert find_files(cache).name == "Audio2Face-3D-v3.0"

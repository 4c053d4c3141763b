# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a model folder. Everything is found through its ``model.json``, nothing by file name.

Layout and keys are those of the published Audio2Face-3D regression models.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from . import limits
from .arrays import Floats
from .errors import UserError
from .models import (
    BlendShapeRig,
    EmotionDatabase,
    Model,
    ModelData,
    NetworkInfo,
    SolveConfig,
)
from .onnx_header import check_network_file
from .parameters import PARAMETERS, Value, checked
from .safe_files import NpzReader, number_list, read_json

Json = Mapping[str, Any]

# How lids close and open again when the model does not say: quick down, a moment shut, slow up.
DEFAULT_BLINK = (0.0, 0.5, 1.0, 1.0, 0.82, 0.58, 0.36, 0.18, 0.06, 0.0)


def read_model(folder: Path, identity: str = "") -> Model:
    """Read and check a model folder. Raises UserError naming the file and the reason."""
    if not folder.is_dir():
        reason = "is a file, not a folder" if folder.exists() else "does not exist"
        raise UserError(
            f"The model folder {folder} {reason}.",
            "Choose a folder that holds a model.json, or the built-in model.",
        )
    index_path = folder / "model.json"
    if not index_path.is_file():
        raise UserError(
            f"{folder} is not a model folder: it has no model.json.",
            "Choose the folder that holds model.json.",
        )
    index = read_json(index_path)
    info_path = _member(folder, index, "networkInfoPath")
    info = _network_info(info_path)
    network_path = _member(folder, index, "networkPath").with_suffix(".onnx")
    config_path = _member(folder, index, "modelConfigPath")
    data_path = _member(folder, index, "modelDataPath")
    check_network_file(network_path, limits.MAX_NETWORK_BYTES)
    files = [index_path, info_path, network_path, config_path, data_path]
    database = None
    if index.get("emotionDatabasePath") and info.implicit_length:
        database_path = _member(folder, index, "emotionDatabasePath")
        database = _emotion_database(database_path, info.implicit_length)
        files.append(database_path)
    rigs: dict[str, BlendShapeRig | None] = {"skin": None, "tongue": None}
    for part, vertices in (("skin", info.skin_vertices), ("tongue", info.tongue_vertices)):
        paths = _rig_paths(folder, index, part)
        if paths is not None:
            rigs[part] = _rig(*paths, vertices)
            files.extend(paths)
    return Model(
        folder=folder,
        name=folder.resolve().name,
        info=info,
        config=_model_config(config_path),
        data=_model_data(data_path, info),
        emotion_db=database,
        skin_rig=rigs["skin"],
        tongue_rig=rigs["tongue"],
        network_path=network_path,
        sha256=_hash_files(files),
    )


def _member(folder: Path, index: Json, key: str) -> Path:
    """Path of a file that model.json names; it has to lie in the model's folder."""
    name = index.get(key)
    if not isinstance(name, str) or not name:
        raise UserError(f"{folder / 'model.json'} does not name its {key}.", "Download it again.")
    # By its name alone: the user's own links (download caches are made of them) are welcome
    forms = (PurePosixPath(name), PureWindowsPath(name))
    if any(form.is_absolute() or form.drive or ".." in form.parts for form in forms):
        raise UserError(
            f"{folder / 'model.json'} names a file outside of the model's folder ({name}).",
            "Only use models from people you trust.",
        )
    return folder / name


def _hash_files(paths: list[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            total.update(hashlib.file_digest(stream, "sha256").digest())
    return total.hexdigest()


def _section(values: Json, key: str, path: Path) -> Json:
    section = values.get(key)
    if not isinstance(section, dict):
        raise UserError(f"{path} lacks the section {key!r}.", "Download the model again.")
    return section


def _integer(values: Json, key: str, path: Path, lowest: int, highest: int) -> int:
    number = values.get(key)
    if isinstance(number, bool) or not isinstance(number, int):
        raise UserError(f"{path}: {key} has to be a whole number.", "Download the model again.")
    if not lowest <= number <= highest:
        raise UserError(f"{path}: {key} is {number}; it has to be {lowest} to {highest}.")
    return number


def _names(values: Json, key: str, path: Path) -> tuple[str, ...]:
    names = values.get(key)
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) != len(names)
        or len(names) > limits.MAX_EMOTIONS
    ):
        raise UserError(f"{path}: {key} has to be a list of different names.")
    return tuple(names)


def _network_info(path: Path) -> NetworkInfo:
    values = read_json(path)
    identity = _section(values, "id", path)
    family = str(identity.get("type"))
    if family != "regression":
        raise UserError(
            f"The model in {path.parent} is of the family {family!r}, which this version does "
            "not support yet.",
            "Choose a model of the regression family, for example v2.3 or the built-in one.",
        )
    if identity.get("output", "geometry") != "geometry":
        raise UserError(f"{path}: the network's output has to be 'geometry'.")
    params = _section(values, "params", path)
    audio = _section(values, "audio_params", path)
    emotions = _names(params, "explicit_emotions", path)
    window = _integer(audio, "buffer_len", path, 1, limits.MAX_WINDOW_SAMPLES)
    info = NetworkInfo(
        family="regression",
        actor=str(identity.get("actor", "")),
        version=str(identity.get("version", "")),
        emotions=emotions,
        default_emotion=number_list(
            {"default_emotion": [0.0] * len(emotions), **params},
            "default_emotion", len(emotions), str(path),
        ),
        implicit_length=_integer(params, "implicit_emotion_len", path, 0, limits.MAX_SHAPES),
        identities=_names({"identities": [], **params}, "identities", path),
        skin_shapes=_integer(params, "num_shapes_skin", path, 1, limits.MAX_SHAPES),
        skin_vertices=_integer(params, "num_verts_skin", path, 1, limits.MAX_VERTICES),
        tongue_shapes=_integer(params, "num_shapes_tongue", path, 0, limits.MAX_SHAPES),
        tongue_vertices=_integer(params, "num_verts_tongue", path, 0, limits.MAX_VERTICES),
        jaw_size=_integer(params, "result_jaw_size", path, 9, 300),
        eyes_size=_integer(params, "result_eyes_size", path, 4, 4),
        window_length=window,
        target_offset=_integer(audio, "buffer_ofs", path, 0, window),
        sample_rate=_integer(audio, "samplerate", path, 1, limits.MAX_RATE),
    )  # fmt: skip
    if info.jaw_size % 3:
        raise UserError(f"{path}: result_jaw_size has to be a multiple of 3.")
    if info.sample_rate != limits.SAMPLE_RATE:
        raise UserError(
            f"{path}: the network wants {info.sample_rate} samples per second; only "
            f"{limits.SAMPLE_RATE} are supported."
        )
    return info


def _model_config(path: Path) -> dict[str, Value]:
    """The parameters that a model sets itself; keys this version does not know are left out."""
    config = _section(read_json(path), "config", path)
    return {
        name: checked(name, value, str(path))
        for name, value in config.items()
        if name in PARAMETERS
    }


def _model_data(path: Path, info: NetworkInfo) -> ModelData:
    skin, tongue = info.skin_vertices, info.tongue_vertices
    with NpzReader(path) as npz:
        saccades = npz.floats("saccade_rot_matrix", (None, 2))
        blink = np.asarray(DEFAULT_BLINK, np.float32)
        if "blink_keys" in npz.names:
            keys = npz.floats("blink_keys", (None,))
            blink = np.clip(keys, 0, 1) if len(keys) <= 60 and keys.any() else blink
        return ModelData(
            skin_shapes=npz.floats("shapes_matrix_skin", (info.skin_shapes, skin, 3)),
            skin_neutral=npz.floats("shapes_mean_skin", (skin, 3)),
            lip_open_delta=npz.floats("lip_open_pose_delta", (skin, 3)),
            eye_close_delta=npz.floats("eye_close_pose_delta", (skin, 3)),
            tongue_shapes=_tongue(npz, "shapes_matrix_tongue", (info.tongue_shapes, tongue, 3)),
            tongue_neutral=_tongue(npz, "shapes_mean_tongue", (tongue, 3)),
            jaw_neutral=npz.floats("neutral_jaw", (info.jaw_size // 3, 3)),
            saccades=saccades if len(saccades) else np.zeros((1, 2), np.float32),
            blink_profile=blink,
        )


def _tongue(npz: NpzReader, name: str, shape: tuple[int, ...]) -> Floats:
    """A tongue array; a model without a tongue need not hold it."""
    if name not in npz.names and 0 in shape:
        return np.zeros(shape, np.float32)
    return npz.floats(name, shape)


def _emotion_database(path: Path, length: int) -> EmotionDatabase:
    with NpzReader(path) as npz:
        vectors = npz.floats("emo_db", (None, length))
        names = npz.texts("emo_spec_names")
        starts = npz.integers("emo_spec_start", (len(names),))
        sizes = npz.integers("emo_spec_size", (len(names),))
    if (starts < 0).any() or (sizes < 0).any() or (starts + sizes > len(vectors)).any():
        raise UserError(f"{path}: a shot reaches beyond the {len(vectors)} rows of the database.")
    return EmotionDatabase(names, starts, sizes, vectors)


def _rig_paths(folder: Path, index: Json, part: str) -> tuple[Path, Path] | None:
    rigs = index.get("blendshapePaths")
    entry = rigs.get(part) if isinstance(rigs, dict) else None
    if not isinstance(entry, dict):
        return None
    return _member(folder, entry, "data"), _member(folder, entry, "config")


def _rig(data_path: Path, config_path: Path, vertices: int) -> BlendShapeRig:
    with NpzReader(data_path) as npz:
        names = npz.texts("poseNames")
        if not names or names[0] != "neutral" or len(set(names)) != len(names) or len(names) < 2:
            raise UserError(
                f"{data_path}: poseNames has to begin with 'neutral' and hold different names."
            )
        poses = names[1:]
        neutral = npz.floats("neutral", (vertices, 3))
        deltas = np.stack([npz.floats(name, (vertices, 3)) for name in poses])
        mask = None
        if "frontalMask" in npz.names:
            mask = np.unique(npz.integers("frontalMask", (None,)))
            if not len(mask) or mask[0] < 0 or mask[-1] >= vertices:
                raise UserError(f"{data_path}: frontalMask names vertices that do not exist.")
    return BlendShapeRig(poses, neutral, deltas, mask, _solve_config(config_path, len(poses)))


def _solve_config(path: Path, poses: int) -> SolveConfig:
    values = _section(read_json(path), "blendshape_params", path)

    def strength(key: str, default: float, lowest: float) -> float:
        number = number_list({key: [values.get(key, default)]}, key, 1, str(path))[0]
        if number < lowest:
            raise UserError(f"{path}: {key} is {number:g}; it has to be at least {lowest:g}.")
        return number

    def per_pose(key: str, default: float) -> tuple[float, ...]:
        return number_list({key: [default] * poses, **values}, key, poses, str(path))

    active = tuple(bool(number) for number in per_pose("bsSolveActivePoses", 1.0))
    if not any(active):
        raise UserError(f"{path}: no pose is active.")
    return SolveConfig(
        l1=strength("strengthL1regularization", 1.0, 0.0),
        l2=strength("strengthL2regularization", 3.5, 0.0),
        temporal=strength("strengthTemporalSmoothing", 0.0, 0.0),
        symmetry=strength("strengthSymmetry", 100.0, 0.0),
        template_size=strength("templateBBSize", 54.7, 1.0),
        active=active,
        cancel_ids=tuple(int(n) for n in per_pose("bsSolveCancelPoses", -1.0)),
        symmetry_ids=tuple(int(n) for n in per_pose("bsSolveSymmetryPoses", -1.0)),
        multipliers=per_pose("bsWeightMultipliers", 1.0),
        offsets=per_pose("bsWeightOffsets", 0.0),
    )

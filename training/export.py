# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the trained network as a model folder in the Audio2Face-3D regression format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..core.head import Head
from .articulation import EMOTIONS, Expressions, read_articulation, read_expressions
from .card import model_card
from .eyes import BLINK_KEYS, saccade_table
from .face import Clip, Face, Mouth
from .geometry import Basis, Rig, face_rigs, project, span
from .lean import LEARNT, STEP, Lean, lean, rounded
from .network import CENTRE, RATE, WINDOW
from .onnx_file import FACTS, write_onnx
from .recipe import Recipe
from .weights import read_listener

SHOT_FRAMES = 121
# Frame and strength: at 20 a third of the expression, at 40 two thirds, at 60 all of it
STRENGTHS = ((0, 0.0), (16, 1 / 3), (24, 1 / 3), (36, 2 / 3), (44, 2 / 3), (56, 1.0), (64, 1.0),
             (SHOT_FRAMES - 1, 0.0))  # fmt: skip
NEUTRAL_SHOT = "neutral"
INACTIVE = ("eyeLook", "tongueOut")  # eyes follow the eye angles, the tongue its own shapes
NETWORK, CLIP_NETWORK = "network.onnx", "network_clip.onnx"
LIVE_NETWORK = "network_live.onnx"
INPUTS, OUTPUT = ("input", "emotion"), "result"
NEVER = -20.0  # logit of a curve that stays at nothing
LEAST_SQUARES = 1e-7  # strengthL2: enough to be unique, too little to be seen


@dataclass(frozen=True)
class Exported:
    """A trained listener in the form that is exported, and the facts of its training."""

    listener: Lean
    facts: dict[str, Any]


def trained_listener(weights: Path) -> Exported:
    """What a fit has left."""
    trained = read_listener(weights)
    return Exported(lean(trained.listener), trained.facts)


def reload_listener(recipe: Recipe, path: Path) -> Exported:
    """The listener, to the last bit, and its facts out of an exported network.

    Its form is its own; only files that do not tell their dilations have the recipe's. Its
    matrices may be stored as float16 or as float32.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(path)
    tensors = {tensor.name.rpartition(".")[2]: tensor for tensor in model.graph.initializer}
    told = {entry.key: entry.value for entry in model.metadata_props}
    facts = {
        "dilations": recipe.section("fit")["dilations"],
        **json.loads(told.get(FACTS, "{}")),
        "channels": int(tensors[f"{LEARNT}_first"].dims[1]),
    }
    listener = Lean(facts["channels"], facts["dilations"]).eval()
    for name, values in listener.named_buffers():
        if name.startswith(LEARNT):
            stored = torch.tensor(numpy_helper.to_array(tensors[name]))
            if name == f"{LEARNT}_last_bias":
                values.fill_(NEVER)  # of curves that the stored network has not learnt yet
            values[..., : stored.shape[-1]] = stored
    return Exported(listener, facts)


def export_folder(
    folder: Path, head: Head, recipe: Recipe, main: Exported, live: Exported | None = None
) -> None:
    """Write a model folder: the network in both forms, the one for live use if there is one."""
    face = build_face(main.listener, head)
    write_folder(folder, face, head, recipe, main.facts, live is not None)
    export_networks(face, folder, main.facts)
    (folder / LIVE_NETWORK).unlink(missing_ok=True)
    if live is not None:
        export_windowed(build_face(live.listener, head), folder / LIVE_NETWORK, live.facts)


def build_face(listener: Lean, head: Head) -> Face:
    """The graph that is exported, for this head's geometry, of the listener ``rounded``."""
    skin, tongue = face_rigs(head)
    expressions = read_expressions()
    projection = project(head, span(skin.deltas), span(tongue.deltas))
    mouth = Mouth(read_articulation(), expressions)
    return Face(rounded(listener), mouth, projection, expressions.gaze).eval()


def export_networks(face: Face, folder: Path, facts: dict[str, Any]) -> None:
    """Write the graph as ONNX, once for single windows and once for whole clips.

    Both are checked against torch. ``facts`` (how it was trained) travel inside the files.
    """
    export_windowed(face, folder / NETWORK, facts)
    axes = {name: {0: "batch", 1: "frames"} for name in (*INPUTS, OUTPUT)}
    axes["input"] = {0: "batch", 2: "samples"}
    clip, path = Clip(face), folder / CLIP_NETWORK
    write_onnx(clip, path, face.example(2, 5), INPUTS, OUTPUT, axes, facts)
    for frames in (1, 7):
        _compare(face, folder / CLIP_NETWORK, frames)


def export_windowed(face: Face, path: Path, facts: dict[str, Any]) -> None:
    """Write the graph as ONNX for single windows, checked against torch."""
    axes = {name: {0: "batch"} for name in (*INPUTS, OUTPUT)}
    write_onnx(face, path, face.example(2, 1), INPUTS, OUTPUT, axes, facts)
    _compare(face, path, 1)


def _compare(face: Face, path: Path, frames: int) -> None:
    difference = largest_difference(face, path, frames)
    if not difference < 1e-3:  # no number is no success
        raise RuntimeError(f"{path.name} differs from the trained network by {difference}")


def largest_difference(face: Face, path: Path, frames: int = 1, count: int = 5) -> float:
    """Largest difference between torch and onnxruntime on random sound."""
    import onnxruntime

    samples, emotion = face.example(count, frames)
    with torch.no_grad():
        wanted = Clip(face)(samples, emotion).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    told = session.run(["result"], {"input": samples.numpy(), "emotion": emotion.numpy()})[0]
    return float(np.abs(told - wanted).max())


def emotion_database(expressions: Expressions) -> dict[str, np.ndarray]:
    """A shot for neutral and for each emotion and mood, in every strength (see ``STRENGTHS``)."""
    amount = _strength(np.arange(SHOT_FRAMES))
    shots = [np.zeros((SHOT_FRAMES, len(expressions.actions)))]
    poses = (*expressions.emotions, *expressions.moods.values())
    shots += [amount[:, None] * actions for actions in poses]
    names = [NEUTRAL_SHOT, *EMOTIONS, *expressions.moods]
    return {
        "emo_db": np.concatenate(shots).astype(np.float32),
        "emo_spec_names": np.array([name.encode() for name in names]),
        "emo_spec_start": (SHOT_FRAMES * np.arange(len(names))).astype(np.int32),
        "emo_spec_size": np.full(len(names), SHOT_FRAMES, np.int32),
    }


def _strength(frames: np.ndarray) -> np.ndarray:
    """How strong a shot's expression is at its frames, 0..1: smooth between those named."""
    at, strength = (np.array(values, float) for values in zip(*STRENGTHS, strict=True))
    place = np.clip(np.searchsorted(at, frames, "right") - 1, 0, len(at) - 2)
    t = (frames - at[place]) / (at[place + 1] - at[place])
    rising = strength[place + 1] - strength[place]
    amount: np.ndarray = strength[place] + rising * t * t * (3.0 - 2.0 * t)
    return amount


def write_folder(
    folder: Path,
    face: Face,
    head: Head,
    recipe: Recipe,
    facts: dict[str, Any],
    live: bool = False,
) -> None:
    """Write every file of the model folder except the networks; ``live``: one is for live use."""
    folder.mkdir(parents=True, exist_ok=True)
    skin, tongue = face_rigs(head)
    skin_basis, tongue_basis = span(skin.deltas), span(tongue.deltas)
    _write_json(folder / "model.json", _index(live))
    info = _network_info(face, skin_basis, tongue_basis)
    if live:
        offset = CENTRE + recipe.section("fit", "live")["ahead"]
        info["audio_params"]["live_buffer_ofs"] = offset
    _write_json(folder / "network_info.json", info)
    _write_json(folder / "model_config.json", {"config": _defaults()})
    _write_arrays(
        folder / "model_data.npz",
        {
            "shapes_matrix_skin": skin_basis.directions,
            "shapes_mean_skin": skin.neutral,
            "lip_open_pose_delta": head.lip_open_pose_delta,
            "eye_close_pose_delta": head.eye_close_pose_delta,
            "shapes_matrix_tongue": tongue_basis.directions,
            "shapes_mean_tongue": tongue.neutral,
            "neutral_jaw": head.neutral_jaw,
            "saccade_rot_matrix": saccade_table(recipe.seed),
            "blink_keys": BLINK_KEYS,
        },
    )
    _write_arrays(folder / "implicit_emo_db.npz", emotion_database(read_expressions()))
    for name, rig in (("bs_skin", skin), ("bs_tongue", tongue)):
        _write_rig(folder, name, rig)
    (folder / "README.md").write_text(model_card(recipe, facts, live), encoding="utf-8")


def _index(live: bool) -> dict[str, Any]:
    return {
        "networkInfoPath": "network_info.json",
        "networkPath": NETWORK,
        "clipNetworkPath": CLIP_NETWORK,
        **({"liveNetworkPath": LIVE_NETWORK} if live else {}),
        "emotionDatabasePath": "implicit_emo_db.npz",
        "modelConfigPath": "model_config.json",
        "modelDataPath": "model_data.npz",
        "blendshapePaths": {
            part: {"config": f"bs_{part}_config.json", "data": f"bs_{part}.npz"}
            for part in ("skin", "tongue")
        },
    }


def _network_info(face: Face, skin: Basis, tongue: Basis) -> dict[str, Any]:
    return {
        "id": {"type": "regression", "actor": "facewright", "version": "1.0", "output": "geometry"},
        "params": {
            "implicit_emotion_len": face.mouth.implicit,
            "explicit_emotions": list(EMOTIONS),
            "default_emotion": [0.0] * len(EMOTIONS),
            "identities": ["facewright"],
            "num_shapes_skin": skin.directions.shape[0],
            "num_verts_skin": skin.directions.shape[1],
            "num_shapes_tongue": tongue.directions.shape[0],
            "num_verts_tongue": tongue.directions.shape[1],
            "result_jaw_size": 15,
            "result_eyes_size": 4,
        },
        "audio_params": {
            "buffer_len": WINDOW,
            "buffer_ofs": CENTRE,
            "samplerate": RATE,
            "clip_stride": STEP,
        },
    }


def _defaults() -> dict[str, Any]:
    """Post-processing that leaves the motion as it is, but for noise from frame to frame."""
    strengths = (
        "input_strength", "upper_face_strength", "lower_face_strength", "skin_strength",
        "blink_strength", "tongue_strength", "lower_teeth_strength", "eyeballs_strength",
        "saccade_strength",
    )  # fmt: skip
    offsets = (
        "eyelid_open_offset", "lip_open_offset", "tongue_height_offset", "tongue_depth_offset",
        "lower_teeth_height_offset", "lower_teeth_depth_offset", "right_eye_rot_x_offset",
        "right_eye_rot_y_offset", "left_eye_rot_x_offset", "left_eye_rot_y_offset",
    )  # fmt: skip
    return {
        **dict.fromkeys(strengths, 1.0),
        **dict.fromkeys(offsets, 0.0),
        "upper_face_smoothing": 0.001,
        "lower_face_smoothing": 0.011,
        "face_mask_level": 0.6,
        "face_mask_softness": 0.0085,
        "eye_saccade_seed": 0,
        "source_shot": NEUTRAL_SHOT,
        "source_frame": 0,
    }


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez_compressed(path, allow_pickle=False, **arrays)


def _write_rig(folder: Path, name: str, rig: Rig) -> None:
    _write_arrays(
        folder / f"{name}.npz",
        {
            "poseNames": np.array(["neutral", *rig.names]),
            "neutral": rig.neutral,
            **dict(zip(rig.names, rig.deltas, strict=True)),
        },
    )
    count = len(rig.names)
    box = float(np.linalg.norm(np.ptp(rig.neutral, axis=0)))
    _write_json(
        folder / f"{name}_config.json",
        {
            "blendshape_params": {
                "strengthL1regularization": 0.0,
                "strengthL2regularization": LEAST_SQUARES,
                "strengthTemporalSmoothing": 0.0,
                "strengthSymmetry": 0.0,
                "templateBBSize": round(box, 4),
                "numPoses": count,
                "bsSolveActivePoses": [int(not pose.startswith(INACTIVE)) for pose in rig.names],
                "bsSolveCancelPoses": [-1] * count,
                "bsSolveSymmetryPoses": [-1] * count,
                "bsWeightMultipliers": [1.0] * count,
                "bsWeightOffsets": [0.0] * count,
            }
        },
    )


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")

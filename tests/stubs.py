# SPDX-License-Identifier: GPL-3.0-or-later
"""A model folder whose network is known in closed form, for every test suite.

``result = mean(|audio|) * voice_gain + emotion @ emotion_gain``, per frame. Nothing but numpy is
needed: the few protobuf fields of the ONNX file are written here.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# Found by whoever loads this file by its path alone
if str(Path(__file__).resolve().parent) not in sys.path:
    sys.path.append(str(Path(__file__).resolve().parent))

from onnx_writer import onnx_external_tensor as onnx_external_tensor
from onnx_writer import onnx_model, onnx_node, onnx_tensor
from stub_diffusion import StubDiffusion as StubDiffusion
from stub_diffusion import make_stub_diffusion as make_stub_diffusion
from stub_emotion import LABELS as LABELS
from stub_emotion import StubEmotion as StubEmotion
from stub_emotion import make_stub_emotion as make_stub_emotion
from stub_parts import (
    EMOTIONS,
    JAW,
    TONGUE_NAMES,
    arkit_names,
    face_deltas,
    face_neutral,
    local_deltas,
    solve_config,
    write_json,
    write_rig,
)
from stub_parts import INACTIVE as INACTIVE

WINDOW, TARGET = 8320, 4160


def stub_network(
    voice_gain: np.ndarray, emotion_gain: np.ndarray, window: int = WINDOW, **names: str
) -> bytes:
    """ONNX bytes of the closed-form network; ``names`` rename input, emotion or result."""
    audio, emotion = names.get("input", "input"), names.get("emotion", "emotion")
    result = names.get("result", "result")
    emotions, length = emotion_gain.shape
    nodes = [
        onnx_node("Abs", [audio], ["loudness"]),
        onnx_node("ReduceMean", ["loudness"], ["mean"], axes=[2], keepdims=1),
        onnx_node("Mul", ["mean", "voice_gain"], ["spoken"]),
        onnx_node("MatMul", [emotion, "emotion_gain"], ["felt"]),
        onnx_node("Add", ["spoken", "felt"], [result]),
    ]
    tensors = [
        onnx_tensor("voice_gain", voice_gain.astype(np.float32)),
        onnx_tensor("emotion_gain", emotion_gain.astype(np.float32)),
    ]
    return onnx_model(
        nodes,
        tensors,
        {audio: ("batch", 1, window), emotion: ("batch", 1, emotions)},
        {result: ("batch", 1, length)},
    )


# ---- the folder --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stub:
    """A folder made by ``make_stub_model``, with everything needed to foretell its results."""

    folder: Path
    voice_gain: np.ndarray  # (S + T + 15 + 4,)
    emotion_gain: np.ndarray  # (implicit + 10, S + T + 15 + 4)
    data: dict[str, np.ndarray]  # model_data.npz
    skin_names: tuple[str, ...]
    tongue_names: tuple[str, ...]
    skin_deltas: np.ndarray  # (P, V, 3)
    tongue_deltas: np.ndarray
    emo_db: np.ndarray

    @property
    def skin_shapes(self) -> int:
        return len(self.data["shapes_matrix_skin"])

    @property
    def tongue_shapes(self) -> int:
        return len(self.data["shapes_matrix_tongue"])

    def result(self, loudness: np.ndarray, emotion: np.ndarray) -> np.ndarray:
        """What the network gives for mean |window| (T,) and emotion (T, implicit + 10)."""
        return loudness[:, None] * self.voice_gain + emotion @ self.emotion_gain


def make_stub_model(
    folder: Path | str,
    *,
    vertices: int = 180,
    skin_shapes: int = 6,
    tongue_vertices: int = 24,
    tongue_shapes: int = 3,
    implicit: int = 16,
    seed: int = 0,
    mask: bool = True,
    tongue: bool = True,
    config: dict[str, Any] | None = None,
    info: dict[str, Any] | None = None,
    skin_solve: dict[str, Any] | None = None,
    tongue_solve: dict[str, Any] | None = None,
    network: bytes | None = None,
    live_offset: int | None = None,
) -> Stub:
    """Write a complete regression model folder and return what is known of it.

    Skin shape 0 opens the jaw, shape 1 smiles, shape 2 raises the brows; a loud voice opens the jaw
    (weight about 3 x mean |audio|), joy smiles, and the jaw's markers turn with it. ``config``
    replaces keys of model_config.json, ``info`` of network_info.json's params, ``skin_solve`` and
    ``tongue_solve`` of the solver settings, ``network`` the bytes of network.onnx. With a
    ``live_offset`` the folder names a network for live use with that offset, twice as loud.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    names = arkit_names()
    neutral = face_neutral(rng, vertices)
    deltas = face_deltas(rng, neutral)
    shapes = np.empty((skin_shapes, vertices, 3), np.float32)
    for shape in shapes:  # one at a time: at full size all of them in float64 are 400 MB
        shape[:] = rng.normal(0, 0.05, shape.shape)
    for row, name in enumerate(("jawOpen", "mouthSmileLeft", "browInnerUp")[:skin_shapes]):
        shapes[row] = deltas[names.index(name)]
    tongue_neutral = rng.uniform(-2, 2, (tongue_vertices, 3)).astype(np.float32)
    tongue_deltas = local_deltas(rng, tongue_neutral, 16)
    tongue_basis = tongue_deltas[[8, 12, 0]][:tongue_shapes]
    if tongue_shapes > 3:
        extra = rng.normal(0, 0.05, (tongue_shapes - 3, tongue_vertices, 3)).astype(np.float32)
        tongue_basis = np.concatenate([tongue_basis, extra])
    data = {
        "shapes_matrix_skin": shapes,
        "shapes_mean_skin": neutral,
        "lip_open_pose_delta": 0.3 * deltas[names.index("jawOpen")],
        "eye_close_pose_delta": deltas[0] + deltas[7],
        "shapes_matrix_tongue": tongue_basis,
        "shapes_mean_tongue": tongue_neutral,
        "neutral_jaw": JAW,
        "saccade_rot_matrix": rng.normal(0, 1, (5000, 2)).astype(np.float32),
    }
    length = skin_shapes + tongue_shapes + 19
    voice_gain = np.zeros(length)
    voice_gain[0] = 3.0
    voice_gain[skin_shapes] = 1.0
    voice_gain[skin_shapes + tongue_shapes + 1 : -4 : 3] = -2.0  # the jaw's markers go down
    voice_gain[-4:] = (1.0, 2.0, 1.0, 2.0)
    emotion_gain = rng.normal(0, 0.01, (implicit + 10, length))
    emotion_gain[implicit + 6, 1 % skin_shapes] = 0.8
    stub = Stub(
        folder, voice_gain, emotion_gain, data, names, TONGUE_NAMES, deltas, tongue_deltas,
        rng.uniform(-0.2, 0.2, (30, implicit)).astype(np.float32),
    )  # fmt: skip
    _write_folder(stub, implicit, mask, tongue, network, live_offset is not None)
    write_json(folder / "model_config.json", {"config": {**_config(implicit), **(config or {})}})
    write_json(folder / "bs_skin_config.json", solve_config(names, **(skin_solve or {})))
    write_json(
        folder / "bs_tongue_config.json",
        solve_config(TONGUE_NAMES, templateBBSize=5.0, **(tongue_solve or {})),
    )
    params = {
        "implicit_emotion_len": implicit,
        "explicit_emotions": list(EMOTIONS),
        "default_emotion": [0.0] * 10,
        "identities": ["stub"],
        "num_shapes_skin": skin_shapes,
        "num_verts_skin": vertices,
        "num_shapes_tongue": tongue_shapes,
        "num_verts_tongue": tongue_vertices,
        "result_jaw_size": 15,
        "result_eyes_size": 4,
    }
    write_json(
        folder / "network_info.json",
        {
            "id": {"type": "regression", "actor": "stub", "version": "1", "output": "geometry"},
            "params": {**params, **(info or {})},
            "audio_params": {
                "buffer_len": WINDOW,
                "buffer_ofs": TARGET,
                "samplerate": 16000,
                **({} if live_offset is None else {"live_buffer_ofs": live_offset}),
            },
        },
    )
    return stub


def _config(implicit: int) -> dict[str, Any]:
    config: dict[str, Any] = {"lower_face_strength": 1.2, "saccade_strength": 0.6}
    if implicit:
        config.update(source_shot="stub_neutral", source_frame=3)
    return config


def _write_folder(
    stub: Stub, implicit: int, mask: bool, tongue: bool, network: bytes | None, live: bool
) -> None:
    folder = stub.folder
    parts = {"skin": {"config": "bs_skin_config.json", "data": "bs_skin.npz"}}
    if tongue:
        parts["tongue"] = {"config": "bs_tongue_config.json", "data": "bs_tongue.npz"}
    index = {
        "networkInfoPath": "network_info.json",
        "networkPath": "network.trt",
        "emotionDatabasePath": "implicit_emo_db.npz",
        "modelConfigPath": "model_config.json",
        "modelDataPath": "model_data.npz",
        "blendshapePaths": parts,
    }
    if not implicit:
        del index["emotionDatabasePath"]
    if live:
        index["liveNetworkPath"] = "network_live.onnx"
        louder = stub_network(2 * stub.voice_gain, stub.emotion_gain)
        (folder / "network_live.onnx").write_bytes(louder)
    write_json(folder / "model.json", index)
    (folder / "network.onnx").write_bytes(
        network or stub_network(stub.voice_gain, stub.emotion_gain)
    )
    arrays: dict[str, Any] = dict(stub.data)
    np.savez(folder / "model_data.npz", **arrays)
    if implicit:
        np.savez(
            folder / "implicit_emo_db.npz",
            emo_db=stub.emo_db,
            emo_spec_names=np.array([b"stub_neutral", b"mute_joy"]),
            emo_spec_start=np.array([0, 20], np.int32),
            emo_spec_size=np.array([20, 10], np.int32),
        )
    neutral = stub.data["shapes_mean_skin"]
    write_rig(folder / "bs_skin.npz", stub.skin_names, neutral, stub.skin_deltas, mask)
    if tongue:
        write_rig(
            folder / "bs_tongue.npz",
            stub.tongue_names,
            stub.data["shapes_mean_tongue"],
            stub.tongue_deltas,
        )


FAMILIES: dict[str, Callable[..., Any]] = {
    "regression": make_stub_model,
    "diffusion": make_stub_diffusion,
    "emotion": make_stub_emotion,
}


def wav_head(
    data_bytes: int, rate: int = 16000, channels: int = 1, bits: int = 16, kind: int = 1
) -> bytes:
    """The first 44 bytes of a WAV file, whatever sense they make."""
    width = channels * bits // 8
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", (36 + data_bytes) & 0xFFFFFFFF, b"WAVE", b"fmt ", 16, kind,
        channels, rate, (rate * width) & 0xFFFFFFFF, width & 0xFFFF, bits, b"data", data_bytes,
    )  # fmt: skip


def write_wav(path: Path | str, samples: np.ndarray, rate: int = 16000, bits: int = 16) -> Path:
    """Write samples (n,) or (n, channels) in [-1, 1] as PCM (16 bits) or float (32 bits) WAV."""
    values = np.asarray(samples, np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if bits == 16:
        data = np.round(np.clip(values, -1, 1) * 32767).astype("<i2").tobytes()
    else:
        data = values.astype("<f4").tobytes()
    width = values.shape[1] * bits // 8
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16,
        1 if bits == 16 else 3, values.shape[1], rate, rate * width, width, bits, b"data",
        len(data),
    )  # fmt: skip
    Path(path).write_bytes(head + data)
    return Path(path)


def speech_like(duration_s: float, rate: int = 16000, seed: int = 1) -> np.ndarray:
    """A voice-like test sound (n,) in [-1, 1]: a hum that swells several times per second."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(duration_s * rate)) / rate
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 3.3 * times + rng.uniform(0, 6))
    hum = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 8))
    return 0.3 * swell * hum / 1.6

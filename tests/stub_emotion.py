# SPDX-License-Identifier: GPL-3.0-or-later
"""An Audio2Emotion folder whose network is known in closed form.

``output = [mean |w|, mean w^2, early] @ matrix + bias`` for a window w of any length, where
``early`` (0..1) is near 1 when the loudness lies at the window's beginning and near 0 at its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx_writer import onnx_model, onnx_node, onnx_tensors
from stub_parts import write_json

LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad")
CORRESPONDENCE = {"angry": 1, "disgust": 3, "fear": 4, "happy": 6, "neutral": -1, "sad": 9}
# Rows: loud, power, early; columns in the order of LABELS
MATRIX = {
    "angry": (4.0, 12.0, -1.0),
    "disgust": (1.0, -2.0, 0.5),
    "fear": (0.5, 0.0, 2.0),
    "happy": (14.0, -3.0, 0.0),
    "neutral": (-8.0, 0.0, 0.3),
    "sad": (-3.0, 1.0, -0.4),
}
BIAS = {"angry": -0.5, "disgust": -1.0, "fear": -1.0, "happy": 0.0, "neutral": 1.0, "sad": 0.5}
TINY = 1e-6  # keeps silence from dividing by zero


@dataclass(frozen=True)
class StubEmotion:
    """A folder made by ``make_stub_emotion``, with everything needed to foretell its results."""

    folder: Path
    labels: tuple[str, ...]
    matrix: np.ndarray  # (3, labels)
    bias: np.ndarray  # (labels,)
    config: dict[str, Any]  # post_processing_config

    def output(self, windows: np.ndarray) -> np.ndarray:
        """Logits (B, labels) for windows (B, L), in float64."""
        loud = np.abs(windows.astype(np.float64))
        early = np.cumsum(loud, axis=1).mean(axis=1) / (loud.sum(axis=1) + TINY)
        features = np.stack([loud.mean(axis=1), (loud**2).mean(axis=1), early], axis=1)
        return features @ self.matrix + self.bias


def make_stub_emotion(
    folder: Path | str,
    *,
    labels: tuple[str, ...] = LABELS,
    config: dict[str, Any] | None = None,
    info: dict[str, Any] | None = None,
    network: bytes | None = None,
) -> StubEmotion:
    """Write a complete Audio2Emotion folder and return what is known of it.

    Loud is happy, quiet neutral, loud at the beginning alone fear. ``labels`` reorders the
    network's outputs; ``config`` replaces keys of post_processing_config, ``info`` of
    network_info.json, ``network`` the bytes of network.onnx.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings: dict[str, Any] = {
        "output_emotion_length": 10,
        "emotion_contrast": 1.0,
        "max_emotions": 6,
        "live_blend_coef": 0.7,
        "enable_preferred_emotion": False,
        "preferred_emotion_strength": 0.5,
        "transition_smoothing": 0.5,
        "fixed_dt": 0.033,
        "emotion_strength": 0.6,
        "preferred_emotion": [0.0] * 10,
        "emotion_correspondence": {name: CORRESPONDENCE[name] for name in labels},
        **(config or {}),
    }
    stub = StubEmotion(
        folder,
        tuple(labels),
        np.array([MATRIX[name] for name in labels]).T,
        np.array([BIAS[name] for name in labels]),
        settings,
    )
    (folder / "network.onnx").write_bytes(network or stub_emotion_network(stub))
    write_json(
        folder / "model.json",
        {
            "networkInfoPath": "network_info.json",
            "networkPath": "network.trt",
            "modelConfigPath": "model_config.json",
        },
    )
    write_json(
        folder / "network_info.json",
        {"audio_params": {"samplerate": 16000}, "emotions": list(labels), **(info or {})},
    )
    write_json(folder / "model_config.json", {"post_processing_config": settings})
    write_json(folder / "trt_info.json", {"trt_build_param": {"batch": []}})
    return stub


def stub_emotion_network(stub: StubEmotion, **names: str) -> bytes:
    """ONNX bytes of the closed-form network; ``names`` rename input and output."""
    audio, output = names.get("input_values", "input_values"), names.get("output", "output")
    nodes = [
        onnx_node("Abs", [audio], ["loud"]),
        onnx_node("ReduceMean", ["loud"], ["mean"], axes=[1], keepdims=1),
        onnx_node("Mul", [audio, audio], ["squared"]),
        onnx_node("ReduceMean", ["squared"], ["power"], axes=[1], keepdims=1),
        onnx_node("CumSum", ["loud", "axis"], ["grown"]),
        onnx_node("ReduceMean", ["grown"], ["grown_mean"], axes=[1], keepdims=1),
        onnx_node("ReduceSum", ["loud", "axes"], ["total"], keepdims=1),
        onnx_node("Add", ["total", "tiny"], ["some"]),
        onnx_node("Div", ["grown_mean", "some"], ["early"]),
        onnx_node("Concat", ["mean", "power", "early"], ["features"], axis=1),
        onnx_node("MatMul", ["features", "matrix"], ["mixed"]),
        onnx_node("Add", ["mixed", "bias"], [output]),
    ]
    tensors = onnx_tensors({
        "axis": np.array(1), "axes": np.array([1]), "tiny": np.array([TINY]),
        "matrix": stub.matrix, "bias": stub.bias,
    })  # fmt: skip
    return onnx_model(
        nodes,
        tensors,
        {audio: ("batch", "length")},
        {output: ("batch", len(stub.labels))},
    )

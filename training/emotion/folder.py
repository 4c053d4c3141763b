# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the emotion network as a model folder in the Audio2Emotion format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...core.emotion.detection import LONGEST, SHORTEST
from ...core.limits import SAMPLE_RATE
from ...core.parameters import EMOTION_NAMES
from ..onnx_file import write_onnx
from .fitting import LABELS, targets
from .judge import LEARNT, Judge
from .variants import PANEL, noise

NETWORK, CARD = "network.onnx", "README.md"
CLOSE = 1e-4  # how far onnxruntime may be from torch
LENGTHS = (SHORTEST, PANEL, 22_401, LONGEST)


def write_folder(folder: Path, judge: Judge, facts: dict[str, Any]) -> None:
    """Write all files but the card. The network is checked against torch.

    ``facts`` (how it was trained) travel inside the network's file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder / f".{NETWORK}"
    try:
        export(judge, aside, facts)
        difference = largest_difference(judge, aside)
        if difference > CLOSE:
            raise RuntimeError(f"{NETWORK} differs from the trained network by {difference}")
        aside.replace(folder / NETWORK)
    finally:
        aside.unlink(missing_ok=True)
    index = {
        "networkInfoPath": "network_info.json",
        "networkPath": NETWORK,
        "modelConfigPath": "model_config.json",
    }
    _write_json(folder / "model.json", index)
    _write_json(folder / "network_info.json", _info())
    _write_json(folder / "model_config.json", {"post_processing_config": _defaults()})


def export(judge: Judge, path: Path, facts: dict[str, Any]) -> None:
    """Write the network as ONNX: input_values [batch, samples] -> output [batch, 6]."""
    axes = {"input_values": {0: "batch", 1: "samples"}, "output": {0: "batch"}}
    write_onnx(judge, path, (torch.zeros(2, PANEL),), ["input_values"], "output", axes, facts)


def reload(path: Path) -> Judge:
    """The network, to the last bit, out of an exported file."""
    import onnx
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    return Judge().learn({name: numpy_helper.to_array(tensors[name]) for name in LEARNT})


def largest_difference(judge: Judge, path: Path) -> float:
    """Largest difference of the shares between torch and onnxruntime, on noise and tones."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    largest = 0.0
    for length in LENGTHS:
        samples = np.stack([0.1 * noise(length, random), _hum(length, random)]).astype(np.float32)
        with torch.no_grad():
            wanted = torch.softmax(judge(torch.tensor(samples)), 1).numpy()
        logits = session.run(["output"], {"input_values": samples})[0]
        told = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        largest = max(largest, float(np.abs(told - wanted).max()))
    return largest


def _hum(length: int, random: np.random.Generator) -> np.ndarray:
    """A voice of sorts (length,): harmonics of a moving pitch, coming and going."""
    times = np.arange(length) / SAMPLE_RATE
    pitch = 150 + 60 * np.sin(2 * np.pi * random.uniform(0.5, 2) * times)
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    wave = sum(np.sin(number * phase) / number for number in range(1, 20))
    return 0.1 * wave * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * times))


def _info() -> dict[str, Any]:
    return {
        "id": {"actor": "facewright", "version": "1.0"},
        "audio_params": {"samplerate": SAMPLE_RATE},
        "emotions": list(LABELS),
    }


def _defaults() -> dict[str, Any]:
    """Post-processing as the published models have it: the outputs are calibrated for it."""
    return {
        "output_emotion_length": len(EMOTION_NAMES),
        "emotion_contrast": 1.0,
        "max_emotions": len(LABELS),
        "live_blend_coef": 0.7,
        "enable_preferred_emotion": False,
        "preferred_emotion_strength": 0.5,
        "transition_smoothing": 0.5,
        "emotion_strength": 0.6,
        "preferred_emotion": [0.0] * len(EMOTION_NAMES),
        "emotion_correspondence": dict(zip(LABELS, targets(LABELS), strict=True)),
    }


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")

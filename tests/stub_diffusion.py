# SPDX-License-Identifier: GPL-3.0-or-later
"""A diffusion model folder (several identities) whose network is known in closed form.

For a window w, a frame f of its F and a channel c:

``prediction[f, c] = loud[f] * voice[c] + (identity @ identity_gain)[c] + (emotion[f] @
emotion_gain)[c] + mean(latents) * latent_gain[c] + shake[f] * noise_gain[c]``

where ``loud[f]`` is mean |w| around the frame (the window cut into twenty pieces, linear between
their middles; plus WRONG in frames that are thrown away), ``emotion[f]`` the row of that kept frame
(0 in the others), and ``shake[f]`` the noise of that frame projected on one direction, all steps
but the first. New latents: half of the old plus mean |w|.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from onnx_writer import onnx_model, onnx_node, onnx_tensors
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

WINDOW = 16000
PIECES = 20  # of a window, in which the loudness is taken
WRONG = 100.0  # loudness added in the frames that are thrown away


@dataclass(frozen=True)
class StubDiffusion:
    """A folder made by ``make_stub_diffusion``, with everything needed to foretell its results."""

    folder: Path
    identities: tuple[str, ...]
    left: int
    center: int
    right: int
    steps: int
    layers: int
    latent_dim: int
    window: int
    gains: dict[str, np.ndarray]  # voice (c,), identity (I, c), emotion (E, c), latent, noise (c,)
    spread: np.ndarray  # (PIECES, F): loudness of pieces to loudness of frames
    direction: np.ndarray  # (c,) on which noise is projected
    step_weights: np.ndarray  # (steps + 1,)
    skin_neutrals: np.ndarray  # (I, V, 3)
    tongue_neutral: np.ndarray
    skin_names: tuple[str, ...]
    tongue_names: tuple[str, ...]
    skin_deltas: np.ndarray  # (P, V, 3), the same for all identities
    tongue_deltas: np.ndarray

    @property
    def frames(self) -> int:
        return self.left + self.center + self.right

    @property
    def channels(self) -> int:
        return len(self.direction)

    def latents(self, batch: int = 1) -> np.ndarray:
        """The state before the first inference."""
        return np.zeros((self.steps, self.layers, batch, self.latent_dim), np.float32)

    def noise(self, seed: int = 0, batch: int = 1) -> np.ndarray:
        shape = (batch, self.steps + 1, self.frames, self.channels)
        return np.random.default_rng(seed).standard_normal(shape, np.float32)

    def result(
        self,
        window: np.ndarray,
        identity: np.ndarray,
        emotion: np.ndarray,
        latents: np.ndarray,
        noise: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """What the network gives, in float64: prediction (B, F, c) and the new latents.

        ``window`` (B, samples), ``identity`` (B, I) one-hot, ``emotion`` (B, center, E),
        ``latents`` (steps, layers, B, dim), ``noise`` (B, steps + 1, F, c).
        """
        pieces = np.abs(window.astype(np.float64)).reshape(len(window), PIECES, -1).mean(axis=2)
        loud = pieces @ self.spread
        loud[:, : self.left] += WRONG
        loud[:, self.left + self.center :] += WRONG
        shake = np.einsum("bsfc,c,s->bf", noise, self.direction, self.step_weights)
        old = latents.astype(np.float64).mean(axis=(0, 1, 3))
        prediction = loud[:, :, None] * self.gains["voice"]
        prediction += (identity @ self.gains["identity"])[:, None]
        prediction += old[:, None, None] * self.gains["latent"]
        prediction += shake[:, :, None] * self.gains["noise"]
        kept = slice(self.left, self.left + self.center)
        prediction[:, kept] += emotion @ self.gains["emotion"]
        return prediction, 0.5 * latents + pieces.mean(axis=1)[None, None, :, None]


def make_stub_diffusion(
    folder: Path | str,
    *,
    skin_vertices: int = 40,
    tongue_vertices: int = 12,
    identities: tuple[str, ...] = ("Claire", "James", "Mark"),
    left: int = 15,
    right: int = 15,
    center: int = 30,
    steps: int = 2,
    layers: int = 2,
    latent_dim: int = 256,
    window: int = WINDOW,
    seed: int = 0,
    rigs: bool = True,
    mask: bool = True,
    config: dict[str, Any] | None = None,
    info: dict[str, Any] | None = None,
    skin_solve: dict[str, Any] | None = None,
    tongue_solve: dict[str, Any] | None = None,
    network: bytes | None = None,
) -> StubDiffusion:
    """Write a complete diffusion model folder and return what is known of it.

    A loud voice opens the jaw (weight about 3 x loudness), joy smiles, each identity but the first
    raises the brows a little more. Full size: ``skin_vertices=24002, tongue_vertices=5602`` (88,831
    channels). 30 frames per second: ``left=7, right=8, center=15``. ``config``, ``info``,
    ``skin_solve``, ``tongue_solve`` and ``network`` replace parts, as in ``make_stub_model``.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    neutral = face_neutral(rng, skin_vertices)
    tongue_neutral = rng.uniform(-2, 2, (tongue_vertices, 3)).astype(np.float32)
    deltas = face_deltas(rng, neutral)
    tongue_deltas = local_deltas(rng, tongue_neutral, len(TONGUE_NAMES))
    channels = 3 * (skin_vertices + tongue_vertices) + 15 + 4
    frames = left + center + right
    step_weights = np.array([0.0, 0.04, *[0.03] * (steps - 1)])[: steps + 1]
    stub = StubDiffusion(
        folder, tuple(identities), left, center, right, steps, layers, latent_dim, window,
        _gains(rng, channels, deltas, tongue_deltas, len(identities)), _spread(frames),
        np.sqrt(2 / channels) * np.sin(1.0 + np.arange(channels)), step_weights,
        np.stack([neutral * (1 + 0.01 * k) for k in range(len(identities))]).astype(np.float32),
        tongue_neutral, arkit_names(), TONGUE_NAMES, deltas, tongue_deltas,
    )  # fmt: skip
    (folder / "network.onnx").write_bytes(network or stub_diffusion_network(stub))
    write_json(folder / "network_info.json", _network_info(stub, info or {}))
    write_json(folder / "model.json", _index(stub.identities, rigs))
    write_json(folder / "trt_info.json", {"trt_build_param": {"batch": []}})
    for k, name in enumerate(stub.identities):
        values = {"lower_face_strength": 1.0 + 0.1 * k, "saccade_strength": 0.6, **(config or {})}
        write_json(folder / f"model_config_{name}.json", {"config": values})
        _write_data(stub, k, rng)
        if rigs:
            _write_rigs(stub, k, mask, skin_solve or {}, tongue_solve or {})
    return stub


def stub_diffusion_network(stub: StubDiffusion, **names: str) -> bytes:
    """ONNX bytes of the closed-form network; ``names`` rename inputs and outputs."""
    wanted = ("window", "identity", "emotion", "input_latents", "noise")
    window, identity, emotion, latents, noise = (names.get(name, name) for name in wanted)
    prediction = names.get("prediction", "prediction")
    output = names.get("output_latents", "output_latents")
    frames, people, emotions = stub.frames, len(stub.identities), len(stub.gains["emotion"])
    kept = np.arange(stub.left, stub.left + stub.center)
    place = np.zeros((frames, stub.center))
    place[kept, np.arange(stub.center)] = 1.0
    wrong = np.full((1, frames), WRONG)
    wrong[:, kept] = 0.0
    gains = stub.gains
    rows = [gains["voice"], gains["identity"], gains["emotion"], gains["latent"], gains["noise"]]
    tensors = onnx_tensors({
        "pieces_shape": np.array([0, PIECES, stub.window // PIECES]),
        "spread": stub.spread, "wrong": wrong, "place": place,
        "frame_ones": np.ones((1, frames, 1)),
        "direction": stub.direction[:, None],
        "step_weights": stub.step_weights[None, :, None, None],
        "gains": np.vstack(rows), "half": np.array([0.5]),
        "axis_1": np.array([1]), "axis_2": np.array([2]), "axes_12": np.array([1, 2]),
        "axes_013": np.array([0, 1, 3]),
    })  # fmt: skip
    nodes = [
        onnx_node("Reshape", [window, "pieces_shape"], ["cut"]),
        onnx_node("Abs", ["cut"], ["absolute"]),
        onnx_node("ReduceMean", ["absolute"], ["pieces"], axes=[2], keepdims=0),
        onnx_node("MatMul", ["pieces", "spread"], ["heard"]),
        onnx_node("Add", ["heard", "wrong"], ["loud_2d"]),
        onnx_node("Unsqueeze", ["loud_2d", "axis_2"], ["loud"]),
        onnx_node("Unsqueeze", [identity, "axis_1"], ["person_row"]),
        onnx_node("Mul", ["person_row", "frame_ones"], ["person"]),
        onnx_node("MatMul", ["place", emotion], ["felt"]),
        onnx_node("ReduceMean", [latents], ["old_1d"], axes=[0, 1, 3], keepdims=0),
        onnx_node("Unsqueeze", ["old_1d", "axes_12"], ["old_cell"]),
        onnx_node("Mul", ["old_cell", "frame_ones"], ["old"]),
        onnx_node("MatMul", [noise, "direction"], ["projected"]),
        onnx_node("Mul", ["projected", "step_weights"], ["weighted"]),
        onnx_node("ReduceSum", ["weighted", "axis_1"], ["shake"], keepdims=0),
        onnx_node("Concat", ["loud", "person", "felt", "old", "shake"], ["features"], axis=2),
        onnx_node("MatMul", ["features", "gains"], [prediction]),
        onnx_node("ReduceMean", ["pieces"], ["mean_1d"], axes=[1], keepdims=0),
        onnx_node("Unsqueeze", ["mean_1d", "axes_013"], ["mean"]),
        onnx_node("Mul", [latents, "half"], ["halved"]),
        onnx_node("Add", ["halved", "mean"], [output]),
    ]
    state = (stub.steps, stub.layers, "batch", stub.latent_dim)
    return onnx_model(
        nodes,
        tensors,
        {
            window: ("batch", stub.window),
            identity: ("batch", people),
            emotion: ("batch", stub.center, emotions),
            latents: state,
            noise: ("batch", stub.steps + 1, frames, stub.channels),
        },
        {prediction: ("batch", frames, stub.channels), output: state},
    )


def _spread(frames: int) -> np.ndarray:
    """(PIECES, F): linear between the middles of the pieces, constant beyond the outer ones."""
    middles = (np.arange(PIECES) + 0.5) / PIECES
    times = np.arange(frames) / frames
    return np.stack([np.interp(times, middles, row) for row in np.eye(PIECES)])


def _gains(
    rng: np.random.Generator, channels: int, deltas: np.ndarray, tongue: np.ndarray, people: int
) -> dict[str, np.ndarray]:
    names = arkit_names()

    def skin(amount: float, name: str) -> np.ndarray:
        row = np.zeros(channels)
        row[: deltas[0].size] = amount * deltas[names.index(name)].reshape(-1)
        return row

    voice = skin(3.0, "jawOpen")
    voice[deltas[0].size : -19] = tongue[8].reshape(-1)
    voice[-18:-4:3] = -2.0  # the jaw's markers go down
    voice[-4:] = (1.0, 2.0, 1.0, 2.0)
    emotion = np.array([skin(0.1, f"mouth{side}") for side in ("Left", "Right") * 5])
    emotion *= np.arange(1, 11)[:, None] / 10
    emotion[6] = skin(0.8, "mouthSmileLeft")
    emotion += rng.normal(0, 0.002, emotion.shape)
    return {
        "voice": voice,
        "identity": np.array([skin(0.05 * k, "browInnerUp") for k in range(people)]),
        "emotion": emotion,
        "latent": skin(0.5, "mouthFunnel"),
        "noise": skin(1.0, "mouthPucker"),
    }


def _network_info(stub: StubDiffusion, changes: dict[str, Any]) -> dict[str, Any]:
    params = {
        "emotions": list(EMOTIONS),
        "default_emotion": [0.0] * len(EMOTIONS),
        "identities": list(stub.identities),
        "skin_size": stub.skin_neutrals[0].size,
        "tongue_size": stub.tongue_neutral.size,
        "jaw_size": 15,
        "eyes_size": 4,
        "num_diffusion_steps": stub.steps,
        "num_gru_layers": stub.layers,
        "gru_latent_dim": stub.latent_dim,
        "num_frames_left_truncate": stub.left,
        "num_frames_right_truncate": stub.right,
        "num_frames_center": stub.center,
    }
    return {
        "id": {"type": "diffusion", "actor": "stub", "version": "1", "output": "geometry"},
        "params": {**params, **changes},
        "audio_params": {
            "buffer_len": stub.window,
            "padding_left": stub.window,
            "padding_right": stub.window,
            "samplerate": 16000,
        },
    }


def _index(identities: tuple[str, ...], rigs: bool) -> dict[str, Any]:
    def part(name: str, person: str) -> dict[str, str]:
        return {"config": f"bs_{name}_config_{person}.json", "data": f"bs_{name}_{person}.npz"}

    return {
        "networkInfoPath": "network_info.json",
        "networkPath": "network.trt",
        "modelConfigPaths": [f"model_config_{name}.json" for name in identities],
        "modelDataPaths": [f"model_data_{name}.npz" for name in identities],
        "blendshapePaths": [
            {"skin": part("skin", name), "tongue": part("tongue", name)} for name in identities
        ]
        if rigs
        else [],
    }


def _write_data(stub: StubDiffusion, k: int, rng: np.random.Generator) -> None:
    names = stub.skin_names
    arrays: dict[str, Any] = {
        "neutral_skin": stub.skin_neutrals[k],
        "neutral_tongue": stub.tongue_neutral,
        "neutral_jaw": JAW,
        "lip_open_pose_delta": 0.3 * stub.skin_deltas[names.index("jawOpen")],
        "eye_close_pose_delta": stub.skin_deltas[0] + stub.skin_deltas[7],
        "saccade_rot_matrix": rng.normal(0, 1, (5000, 2)).astype(np.float32),
    }
    np.savez(stub.folder / f"model_data_{stub.identities[k]}.npz", **arrays)


def _write_rigs(
    stub: StubDiffusion, k: int, mask: bool, skin: dict[str, Any], tongue: dict[str, Any]
) -> None:
    folder, name = stub.folder, stub.identities[k]
    write_rig(
        folder / f"bs_skin_{name}.npz",
        stub.skin_names,
        stub.skin_neutrals[k],
        stub.skin_deltas,
        mask,
    )
    write_rig(
        folder / f"bs_tongue_{name}.npz", stub.tongue_names, stub.tongue_neutral, stub.tongue_deltas
    )
    write_json(folder / f"bs_skin_config_{name}.json", solve_config(stub.skin_names, **skin))
    write_json(
        folder / f"bs_tongue_config_{name}.json",
        solve_config(stub.tongue_names, templateBBSize=5.0, **tongue),
    )

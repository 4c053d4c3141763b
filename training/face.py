# SPDX-License-Identifier: GPL-3.0-or-later
"""The exported graph behind the listener: learnt outputs and emotion to the face's motion.

Every step is a product, a sum or a limit, so it is continuous, and it has no constant
term: learnt outputs and emotions of zero leave the face exactly at rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .articulation import SHAPES, Articulation, Expressions
from .coarticulation import CLOSE, DENTAL, JAW
from .lean import STEP, Lean
from .network import WINDOW
from .phones import VISEMES

FACE_SHAPES = 52
INAUDIBLE = 1e-9  # mean square that is added, so that silence has a level
PP, FF, SIL = VISEMES.index("PP"), VISEMES.index("FF"), VISEMES.index("sil")
JAW_OPEN, MOUTH_CLOSE = SHAPES.index("jawOpen"), SHAPES.index("mouthClose")


@dataclass(frozen=True)
class Projection:
    """Matrices from the 68 weights to what the model folder's ``result`` holds."""

    skin: np.ndarray  # (52, S)
    tongue: np.ndarray  # (68, T)
    jaw: np.ndarray  # (52, 15)


def _smooth_step(value: torch.Tensor, starts: float, full: float) -> torch.Tensor:
    """0 below ``starts``, 1 above ``full``, smooth between."""
    t = ((value - starts) / (full - starts)).clamp(0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def mean_squares(samples: torch.Tensor, frames: int | None = None) -> torch.Tensor:
    """(B, 1, N) -> mean square of each frame's window (B * T, 1), as ``Lean`` counts frames."""
    count = (samples.shape[2] - WINDOW) // STEP + 1 if frames is None else frames
    stretch = samples[:, 0, : WINDOW + STEP * (count - 1)].square()
    steps = stretch.reshape(stretch.shape[0], 1, -1, STEP).mean(3)
    return functional.avg_pool1d(steps, WINDOW // STEP, stride=1).reshape(-1, 1)


class Mouth(nn.Module):
    """Posteriors, curves and emotion to 68 weights in 0..1."""

    def __init__(self, articulation: Articulation, expressions: Expressions) -> None:
        super().__init__()
        self.articulation = articulation
        self.implicit = len(expressions.actions)
        dental = len(VISEMES) + DENTAL
        for name, values in (
            ("poses", np.delete(articulation.poses, dental, axis=0)),
            ("bite_pose", articulation.poses[dental]),
            ("shut", articulation.shut),
            ("bite", articulation.bite),
            ("rest", articulation.rest),
            ("opposite", articulation.opposite),
            ("action_shapes", expressions.shapes),
            ("emotion_actions", expressions.emotions),
            ("emotion_jaw", expressions.jaw[:, None]),
        ):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))
        pick = np.zeros((len(SHAPES), 1)), np.zeros((1, len(SHAPES)))
        pick[0][JAW_OPEN], pick[1][0, MOUTH_CLOSE] = 1.0, 1.0
        self.register_buffer("take_jaw", torch.tensor(pick[0], dtype=torch.float32))
        self.register_buffer("give_close", torch.tensor(pick[1], dtype=torch.float32))

    def forward(
        self,
        posteriors: torch.Tensor,
        curves: torch.Tensor,
        emotion: torch.Tensor,
        power: torch.Tensor,
    ) -> torch.Tensor:
        """(B, 15), (B, 8), (B, E) and the sound's mean square (B, 1) -> weights (B, 68)."""
        starts, full, share = self.articulation.closure
        closing = (1.0 - share) * curves[:, CLOSE : CLOSE + 1] + share * posteriors[:, PP : PP + 1]
        closure = _smooth_step(closing, starts, full)
        bite = _smooth_step(
            torch.maximum(curves[:, DENTAL : DENTAL + 1], posteriors[:, FF : FF + 1]),
            *self.articulation.dental,
        )
        implicit, explicit = emotion[:, : self.implicit], emotion[:, self.implicit :]
        jaw = curves[:, JAW : JAW + 1] * (1.0 + explicit @ self.emotion_jaw)
        jaw = jaw * self._effort(power)
        features = torch.cat([posteriors, jaw, closure, curves[:, DENTAL + 1 :]], dim=1)
        speech = (features @ self.poses) * (1.0 - posteriors[:, SIL : SIL + 1] * self.rest)
        speech = speech * (1.0 - bite * self.bite) + bite * self.bite_pose
        actions = implicit + explicit @ self.emotion_actions
        total = (speech + actions @ self.action_shapes) * (1.0 - closure * self.shut)
        total = (total - total @ self.opposite).clamp(0.0, 1.0)
        cover = closure * (total @ self.take_jaw)
        return (total + cover @ self.give_close).clamp(0.0, 1.0)

    def _effort(self, power: torch.Tensor) -> torch.Tensor:
        """Mean square (B, 1) -> how far the jaw opens for it (B, 1), 1 at a normal level."""
        told = self.articulation.effort
        level = (10.0 / math.log(10.0)) * torch.log(power + INAUDIBLE)
        louder = ((level - told.normal) / (told.loud - told.normal)).clamp(0.0, 1.0)
        quieter = ((told.normal - level) / (told.normal - told.quiet)).clamp(0.0, 1.0)
        return 1.0 + louder * (told.most - 1.0) - quieter * (1.0 - told.least)


class Face(nn.Module):
    """The whole exported network: window and emotion to the folder's ``result``."""

    def __init__(
        self, listener: Lean, mouth: Mouth, projection: Projection, gaze: np.ndarray
    ) -> None:
        super().__init__()
        self.listener, self.mouth = listener, mouth
        face = np.zeros((len(SHAPES), projection.skin.shape[1]), np.float32)
        face[:FACE_SHAPES] = projection.skin
        jaw = np.zeros((len(SHAPES), projection.jaw.shape[1]), np.float32)
        jaw[:FACE_SHAPES] = projection.jaw
        to_result = np.concatenate([face, projection.tongue, jaw], axis=1)
        self.register_buffer("to_result", torch.tensor(to_result))
        eyes = np.zeros((mouth.implicit + len(gaze), 4), np.float32)
        eyes[mouth.implicit :] = np.concatenate([gaze, gaze], axis=1)
        self.register_buffer("emotion_to_eyes", torch.tensor(eyes))

    def forward(self, samples: torch.Tensor, emotion: torch.Tensor) -> torch.Tensor:
        """(B, 1, 8320) and (B, 1, E) -> (B, 1, S + T + 15 + 4)."""
        return self.results(samples, emotion[:, 0], 1)[:, None]

    def results(
        self, samples: torch.Tensor, felt: torch.Tensor, frames: int | None
    ) -> torch.Tensor:
        """(B, 1, N) and (B * frames, E) -> (B * frames, S + T + 15 + 4)."""
        visemes, curves = self.listener(samples, frames)
        power = mean_squares(samples, frames)
        weights = self.mouth(visemes.softmax(1), curves.sigmoid(), felt, power)
        return torch.cat([weights @ self.to_result, felt @ self.emotion_to_eyes], dim=1)

    def example(self, count: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Made-up sound (count, 1, N) that gives so many frames, and emotions for them."""
        generator = torch.Generator().manual_seed(1)
        samples = 0.2 * torch.randn(count, 1, WINDOW + STEP * (frames - 1), generator=generator)
        width = len(self.emotion_to_eyes)
        return samples, 0.5 * torch.rand(count, frames, width, generator=generator)


class Clip(nn.Module):
    """The same network over a stretch of any length, a frame every 320 samples."""

    def __init__(self, face: Face) -> None:
        super().__init__()
        self.face = face

    def forward(self, samples: torch.Tensor, emotion: torch.Tensor) -> torch.Tensor:
        """(B, 1, N) and (B, T, E) -> (B, T, S + T + 15 + 4), T = (N - 8320) // 320 + 1."""
        batch, _, width = emotion.shape
        results = self.face.results(samples, emotion.reshape(-1, width), None)
        return results.reshape(batch, -1, results.shape[1])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the two pose tables into matrices; the graph that uses them is in ``face.py``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core.naming import ARKIT_NAMES, TONGUE_NAMES
from .coarticulation import LEARNT_CURVES
from .paths import TRAINING_FOLDER
from .phones import VISEMES

SHAPES = ARKIT_NAMES + TONGUE_NAMES
FEATURES = VISEMES + LEARNT_CURVES
EMOTIONS = (
    "amazement", "anger", "cheekiness", "disgust", "fear",
    "grief", "joy", "outofbreath", "pain", "sadness",
)  # fmt: skip


@dataclass(frozen=True)
class Effort:
    """How loudness scales the jaw: at ``quiet``, ``normal`` (where it is 1) and ``loud`` dB."""

    quiet: float
    normal: float
    loud: float
    least: float
    most: float


@dataclass(frozen=True)
class Articulation:
    """The articulation table: what the learnt outputs do to the face."""

    poses: np.ndarray  # (23 features, 68 shapes)
    shut: np.ndarray  # (68,) share a closure takes away
    bite: np.ndarray  # (68,) share that lip against teeth takes away
    rest: np.ndarray  # (68,) share that silence takes away
    opposite: np.ndarray  # (68, 68) gives each shape the weight of its opposite
    closure: tuple[float, float, float]  # starts, full, posterior gain
    dental: tuple[float, float]  # starts, full
    effort: Effort


@dataclass(frozen=True)
class Expressions:
    """The expression table: A actions, and the ten emotions and M moods made of them."""

    actions: tuple[str, ...]
    shapes: np.ndarray  # (A, 68)
    emotions: np.ndarray  # (10, A)
    moods: dict[str, np.ndarray]  # name -> (A,)
    gaze: np.ndarray  # (10, 2) degrees: down, left
    jaw: np.ndarray  # (10,)


def shape_columns(name: str) -> list[int]:
    """Columns of a shape name; a name without a side means both sides."""
    names = [name] if name in SHAPES else [name + "Left", name + "Right"]
    missing = [one for one in names if one not in SHAPES]
    if missing:
        raise ValueError(f"'{name}' in a pose table is not the name of a shape")
    return [SHAPES.index(one) for one in names]


def _row(weights: dict[str, float]) -> np.ndarray:
    row = np.zeros(len(SHAPES), np.float32)
    for name, weight in weights.items():
        row[shape_columns(name)] += weight
    return row


def _table(path: Path | None, name: str) -> dict[str, Any]:
    return tomllib.loads((path or TRAINING_FOLDER / name).read_text(encoding="utf-8"))


def read_articulation(path: Path | None = None) -> Articulation:
    """The table of ``articulation.toml``."""
    told = _table(path, "articulation.toml")
    poses = np.zeros((len(FEATURES), len(SHAPES)), np.float32)
    for kind, names in (("viseme", VISEMES), ("curve", LEARNT_CURVES)):
        for name, weights in told[kind].items():
            if name not in names:
                raise ValueError(f"'{kind}.{name}' in the articulation table is unknown")
            offset = 0 if kind == "viseme" else len(VISEMES)
            poses[offset + names.index(name)] = _row(weights)
    opposite = np.zeros((len(SHAPES), len(SHAPES)), np.float32)
    for one, other in told["opposed"]["pairs"]:
        first, second = SHAPES.index(one), SHAPES.index(other)
        opposite[first, second] = opposite[second, first] = 1.0
    closure, dental = told["closure"], told["dental"]
    return Articulation(
        poses,
        _row(told["shut"]),
        _row(told["bite"]),
        _row(told["rest"]),
        opposite,
        (closure["starts"], closure["full"], closure["posterior_share"]),
        (dental["starts"], dental["full"]),
        _effort(told["effort"]),
    )


def _effort(told: dict[str, Any]) -> Effort:
    quiet, loud = told["quiet"], told["loud"]
    return Effort(quiet["level"], told["normal"], loud["level"], quiet["jaw"], loud["jaw"])


def read_expressions(path: Path | None = None) -> Expressions:
    """The table of ``expressions.toml``."""
    told = _table(path, "expressions.toml")
    actions = tuple(told["actions"])
    emotions = np.stack([_amounts(told["emotions"][name], actions) for name in EMOTIONS])
    moods = {name: _amounts(given, actions) for name, given in told["moods"].items()}
    gaze = np.zeros((len(EMOTIONS), 2), np.float32)
    jaw = np.zeros(len(EMOTIONS), np.float32)
    for index, emotion in enumerate(EMOTIONS):
        gaze[index] = told["gaze"].get(emotion, (0.0, 0.0))
        jaw[index] = told["jaw"].get(emotion, 0.0)
    shapes = np.stack([_row(told["actions"][action]) for action in actions])
    return Expressions(actions, shapes, emotions, moods, gaze, jaw)


def _amounts(given: dict[str, float], actions: tuple[str, ...]) -> np.ndarray:
    amounts = np.zeros(len(actions), np.float32)
    for action, amount in given.items():
        amounts[actions.index(action)] = amount
    return amounts

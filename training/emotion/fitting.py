# SPDX-License-Identifier: GPL-3.0-or-later
"""Multinomial logistic regression on the features, and the calibration of what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from ...core.parameters import EMOTION_NAMES

# What the recordings are of, and what is told apart: boredom is called neutral
CLASSES = ("angry", "boredom", "disgust", "fear", "happy", "neutral", "sad")
LABELS = ("angry", "disgust", "fear", "happy", "neutral", "sad")
# Which of the face's emotions these are; neutral and boredom are none
_MEANS = {"angry": "anger", "disgust": "disgust", "fear": "fear", "happy": "joy", "sad": "sadness"}
REST = 6.0  # the logit of neutral above the others where nobody speaks
FARTHEST = 3.5  # standard deviations that a feature may be off
_SMALLEST = 1e-3  # spread of a feature that hardly differs
_ROUNDS = 300


def targets(names: Sequence[str]) -> tuple[int, ...]:
    """For each of these emotions its place among the face's ten, -1 for none."""
    return tuple(EMOTION_NAMES.index(_MEANS[name]) if name in _MEANS else -1 for name in names)


@dataclass(frozen=True)
class Rows:
    """What was heard of n windows.

    ``features`` (n, F); ``presence`` (n,) how much of a voice there is; ``labels`` (n,) place of
    the emotion among ``CLASSES``; ``speakers`` (n,) names, "" for noise; ``recordings`` (n,)
    which recording each window is of.
    """

    features: np.ndarray
    presence: np.ndarray
    labels: np.ndarray
    speakers: np.ndarray
    recordings: np.ndarray

    def where(self, keep: np.ndarray) -> Rows:
        """Some of the rows."""
        return Rows(
            self.features[keep],
            self.presence[keep],
            self.labels[keep],
            self.speakers[keep],
            self.recordings[keep],
        )

    def without(self, speakers: set[str]) -> Rows:
        """The rows of all speakers but these; noise stays."""
        return self.where(~np.isin(self.speakers, sorted(speakers)))

    def of(self, speaker: str) -> Rows:
        """The rows of one speaker."""
        return self.where(self.speakers == speaker)

    def places(self, names: Sequence[str]) -> np.ndarray:
        """(n,) place of each row's emotion among ``names``; what is not there is neutral."""
        among = [name if name in names else "neutral" for name in CLASSES]
        places: np.ndarray = np.array([names.index(name) for name in among])[self.labels]
        return places


@dataclass(frozen=True)
class Judgement:
    """A linear judgement of features: ``centre``, ``spread`` (F,) of the training's; ``weights``
    (F, k) and ``bias`` (k,) of the logits of k emotions ``names``."""

    names: tuple[str, ...]
    centre: np.ndarray
    spread: np.ndarray
    weights: np.ndarray
    bias: np.ndarray

    def logits(self, rows: Rows) -> np.ndarray:
        """What the network says of the rows, (n, k): neutral where nobody speaks."""
        scaled = np.clip((rows.features - self.centre) / self.spread, -FARTHEST, FARTHEST)
        presence = rows.presence[:, None]
        said = scaled @ self.weights + self.bias
        logits: np.ndarray = presence * said + (1.0 - presence) * REST * self.is_neutral
        return logits

    @property
    def is_neutral(self) -> np.ndarray:
        """(k,) 1 for neutral, 0 for the others."""
        return np.array([float(name == "neutral") for name in self.names])

    def calibrated(self, sharpness: float, calm: float) -> Judgement:
        """The same with logits times ``sharpness``, and ``calm`` added to neutral."""
        bias = self.bias * sharpness + calm * self.is_neutral
        return replace(self, weights=self.weights * sharpness, bias=bias)


def fit(rows: Rows, decay: float, noise_share: float, names: tuple[str, ...] = LABELS) -> Judgement:
    """Weights under which every emotion counts the same, and noise ``noise_share`` of one."""
    places = rows.places(names)
    weight = np.zeros(len(places))
    voice = rows.speakers != ""
    for place in np.unique(places):
        chosen = voice & (places == place)
        weight[chosen] = 1.0 / chosen.sum()
    if not voice.all():
        weight[~voice] = noise_share / (~voice).sum()
    weight /= weight.sum()
    centre, spread = rows.features[voice].mean(0), rows.features[voice].std(0) + _SMALLEST
    scaled = np.clip((rows.features - centre) / spread, -FARTHEST, FARTHEST)
    design = np.column_stack([scaled, np.ones(len(scaled))])
    found = _regression(design, np.eye(len(names))[places], weight, decay)
    return Judgement(names, centre, spread, found[:-1], found[-1])


def _regression(
    design: np.ndarray, wanted: np.ndarray, weight: np.ndarray, decay: float
) -> np.ndarray:
    shape = (design.shape[1], wanted.shape[1])
    held = np.full((shape[0], 1), decay)
    held[-1] = 0.0

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        shares = log_softmax(design @ weights)
        value = -weight @ (shares * wanted).sum(1) + 0.5 * (held * weights**2).sum()
        slope = design.T @ (weight[:, None] * (np.exp(shares) - wanted)) + held * weights
        return value, slope.ravel()

    start = np.zeros(shape[0] * shape[1])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ROUNDS})
    weights: np.ndarray = found.x.reshape(shape)
    return weights


def calibration(logits: np.ndarray, places: np.ndarray, neutral: float) -> tuple[float, float]:
    """Factor on the logits (n, 6) and addition to neutral that make the truth likeliest.

    ``places`` (n,) is the truth, of speakers who were not trained on. Rows are weighted so that
    ``neutral`` of them are neutral, as much of what is spoken is; the emotions share the rest.
    """
    weight = np.zeros(len(places))
    calm = LABELS.index("neutral")
    found = np.unique(places)
    for place in found:
        share = neutral if place == calm else (1.0 - neutral) / (len(found) - 1)
        weight[places == place] = share / (places == place).sum()
    is_neutral = np.arange(len(LABELS)) == calm
    rows = np.arange(len(places))

    def loss(values: np.ndarray) -> float:
        shares = log_softmax(logits * np.exp(values[0]) + values[1] * is_neutral)
        return float(-weight @ shares[rows, places])

    best = minimize(loss, np.zeros(2), method="Nelder-Mead").x
    return float(np.exp(best[0])), float(best[1])


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the shares, row by row."""
    shifted = logits - logits.max(1, keepdims=True)
    shares: np.ndarray = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return shares

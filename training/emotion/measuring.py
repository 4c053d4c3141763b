# SPDX-License-Identifier: GPL-3.0-or-later
"""How well emotion is heard in speakers whom the network does not know: leave one out.

For each speaker a network is trained, and calibrated, with the others alone, and asked about that
one. The published network is trained in the same way with all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...core.emotion.mixing import MixSettings, still_rows
from .fitting import CLASSES, LABELS, Judgement, Rows, calibration, fit, targets
from .recipe import Recipe

FOUR = ("angry", "happy", "neutral", "sad")
LEAST_RECALL, MOST_EMOTION = 0.60, 0.15
APART, CALLED, LEFT_OUT = "judged for itself", "called neutral", "left out"  # boredom


@dataclass(frozen=True)
class Heard:
    """What networks said of speakers who were not theirs: ``logits`` (n, k) of the emotions
    ``names``; ``labels`` (n,) the truth, place among ``CLASSES``."""

    names: tuple[str, ...]
    logits: np.ndarray
    labels: np.ndarray

    def recall(self, among: Sequence[str] = FOUR) -> float:
        """Unweighted average recall of these emotions, when one of them has to be named."""
        told = np.array(among)[self.told(among)]
        truth = np.array(CLASSES)[self.labels]
        return float(np.mean([(told[truth == name] == name).mean() for name in among]))

    def told(self, among: Sequence[str]) -> np.ndarray:
        """(n,) the place in ``among`` of the strongest of them."""
        told: np.ndarray = self.logits[:, [self.names.index(name) for name in among]].argmax(1)
        return told

    def confusion(self, among: Sequence[str] = LABELS) -> np.ndarray:
        """(7, k) how often each class was called each of these labels."""
        table = np.zeros((len(CLASSES), len(among)), int)
        np.add.at(table, (self.labels, self.told(among)), 1)
        return table

    def emotions(self, label: str) -> np.ndarray:
        """(10,) emotions that the face is given on average while this is spoken.

        As the product mixes them with its defaults, before the overall strength.
        """
        logits = self.logits[self.labels == CLASSES.index(label)]
        rows = still_rows(logits, MixSettings(targets=targets(self.names), strength=1.0), None)
        mean: np.ndarray = rows.mean(0)
        return mean


@dataclass(frozen=True)
class Measured:
    """``heard``, calibrated as it is given out, by set of windows. ``boredom`` the same sets, not
    calibrated, by what was done with boredom."""

    heard: Mapping[str, Heard]
    boredom: Mapping[str, Mapping[str, Heard]]

    @property
    def passes(self) -> bool:
        """Whether enough is heard, and neutral speech stays neutral."""
        calm = max(float(one.emotions("neutral").max()) for one in self.heard.values())
        return self.heard["recordings"].recall() > LEAST_RECALL and calm < MOST_EMOTION


def train(training: Rows, measuring: Mapping[str, Rows], recipe: Recipe) -> Judgement:
    """The network of these speakers, calibrated with each of them left out once."""
    judgement = fit(training, recipe.decay, recipe.noise_share)
    logits, places = [], []
    for speaker in _speakers(training):
        other = fit(training.without({speaker}), recipe.decay, recipe.noise_share)
        for name in ("recordings", "windows"):
            rows = measuring[name].of(speaker)
            logits.append(other.logits(rows))
            places.append(rows.places(LABELS))
    found = calibration(np.concatenate(logits), np.concatenate(places), recipe.neutral)
    return judgement.calibrated(*found)


def leave_one_out(training: Rows, measuring: Mapping[str, Rows], recipe: Recipe) -> Measured:
    """Measure with every speaker left out once, from training and calibration alike."""
    bored = training.labels == CLASSES.index("boredom")

    def calibrated(rows: Rows) -> Judgement:
        present = set(_speakers(rows))
        others = {
            name: one.where(np.isin(one.speakers, sorted(present)))
            for name, one in measuring.items()
        }
        return train(rows, others, recipe)

    def fitted(names: tuple[str, ...]) -> Callable[[Rows], Judgement]:
        return lambda rows: fit(rows, recipe.decay, recipe.noise_share, names)

    ways = {
        APART: _each_out(training, measuring, fitted(CLASSES)),
        CALLED: _each_out(training, measuring, fitted(LABELS)),
        LEFT_OUT: _each_out(training.where(~bored), measuring, fitted(LABELS)),
    }
    return Measured(_each_out(training, measuring, calibrated), ways)


def _each_out(
    training: Rows, measuring: Mapping[str, Rows], make: Callable[[Rows], Judgement]
) -> dict[str, Heard]:
    """What each speaker is heard as by the network that ``make`` makes of the others."""
    speakers = _speakers(training)
    networks = [make(training.without({speaker})) for speaker in speakers]
    found = {}
    for name, rows in measuring.items():
        parts = [rows.of(speaker) for speaker in speakers]
        logits = [network.logits(part) for network, part in zip(networks, parts, strict=True)]
        labels = np.concatenate([part.labels for part in parts])
        found[name] = Heard(networks[0].names, np.concatenate(logits), labels)
    return found


def _speakers(rows: Rows) -> list[str]:
    return sorted(set(rows.speakers.tolist()) - {""})

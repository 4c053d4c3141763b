# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of optimisation with checkpoints, a schedule and a running mean of the weights."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .lessons import Batch
from .losses import losses
from .network import Listener
from .progress import Progress, say

UNTIMED = 5  # first steps, which are slower and tell nothing about the others
PORTION = 0.96  # of the time that is planned for; the rest is for a machine that gets slower


@dataclass(frozen=True)
class Plan:
    """How long to train: ``steps``, or ``seconds`` of which the number of steps is made.

    ``options`` are those of the recipe's ``[fit]``; ``checkpoint`` is the file to go on from;
    ``device`` is what computes, ``cpu`` or ``cuda``.
    """

    name: str
    options: dict[str, Any]
    steps: int | None
    seconds: float | None
    checkpoint: Path
    device: str = "cpu"


class Trainer:
    """Trains a network after a plan; the mean of its weights is ``averaged``.

    With ``seconds``, the steps of the warm-up are timed and the number of all steps is made of
    them, once: it is kept in the checkpoint, so that the schedule of the learning rate stays the
    same when the fit is stopped and goes on. ``step`` is the next one.
    """

    def __init__(self, plan: Plan, network: Listener) -> None:
        self.plan, self.network = plan, network.to(plan.device)
        self.options = plan.options
        self.optimiser = torch.optim.AdamW(
            network.parameters(), self.options["rate"], weight_decay=self.options["decay"]
        )
        self.averaged = Listener(network.channels, network.dilations).to(plan.device)
        self.averaged.load_state_dict(network.state_dict())
        self.averaged.eval()
        self.step, self.total = 0, plan.steps
        self.seconds = self._untimed = 0.0
        self.warm_up = self.options["warm_up"]
        if plan.steps is not None:
            self.warm_up = min(self.warm_up, max(1, plan.steps // 4))
        if plan.checkpoint.exists():
            self._restore()

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or the time is over."""
        if self.plan.seconds is not None and self.seconds >= self.plan.seconds:
            return True
        return self.total is not None and self.step >= self.total

    def run(self, batches: Iterator[Batch]) -> None:
        """Train until finished; ``batches`` begin with that of the present step."""
        progress = Progress(self.plan.name, self.total or 0, "steps", every=30.0)
        saved = self.seconds
        parts: dict[str, float] = {}
        while not self.finished:
            begun = time.monotonic()
            told = self._advance(next(batches))
            self._took(time.monotonic() - begun)
            progress.total = self.total or 0
            parts = {
                key: 0.95 * parts.get(key, value) + 0.05 * value for key, value in told.items()
            }
            progress.update(self.step, _line(parts))
            if self.seconds - saved > self.options["checkpoint_seconds"]:
                self._save()
                saved = self.seconds
        self._save()
        progress.finish(self.step, _line(parts))

    def _took(self, seconds: float) -> None:
        """Count a step and its time; at the warm-up's end lay out the others."""
        self.step += 1
        self.seconds += seconds
        if self.step == UNTIMED:
            self._untimed = self.seconds
        if self.total is None and self.step >= self.warm_up and self.plan.seconds is not None:
            pace = (self.seconds - self._untimed) / (self.step - UNTIMED)
            left = PORTION * self.plan.seconds - self.seconds
            self.total = self.step + max(0, math.floor(left / pace))
            say(f"{self.plan.name}: {60 / pace:.0f} steps a minute, {self.total} in all")

    def learning_rate(self) -> float:
        """Rises over the warm-up, then falls along half a cosine wave."""
        warm = min(1.0, (self.step + 1) / self.warm_up)
        done = 0.0
        if self.total is not None and self.total > self.warm_up:
            done = max(0, self.step - self.warm_up) / (self.total - self.warm_up)
        wave = 0.5 * (1 + math.cos(math.pi * done)) + 0.01
        return float(self.options["rate"] * warm * wave)

    def _advance(self, batch: Batch) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.learning_rate()
        self.network.train()
        drawn = tuple(torch.from_numpy(part).to(self.plan.device) for part in batch)
        loss, parts = losses(self.network, drawn, self.options)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 2.0)
        self.optimiser.step()
        self._average()
        return parts

    def _average(self) -> None:
        keep = min(self.options["averaging"], (self.step + 1) / (self.step + 11))
        with torch.no_grad():
            current = self.network.state_dict()
            for name, mean in self.averaged.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(current[name], 1 - keep)
                else:
                    mean.copy_(current[name])

    def _save(self) -> None:
        part = self.plan.checkpoint.with_suffix(".part")
        torch.save(
            {
                "network": self.network.state_dict(),
                "averaged": self.averaged.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "counts": {
                    "step": self.step,
                    "total": self.total,
                    "seconds": self.seconds,
                    "untimed": self._untimed,
                },
            },
            part,
        )
        part.replace(self.plan.checkpoint)

    def _restore(self) -> None:
        stored = torch.load(self.plan.checkpoint, weights_only=True, map_location=self.plan.device)
        self.network.load_state_dict(stored["network"])
        self.averaged.load_state_dict(stored["averaged"])
        self.optimiser.load_state_dict(stored["optimiser"])
        counts = stored["counts"]
        self.step, self.total = counts["step"], counts["total"]
        self.seconds, self._untimed = counts["seconds"], counts["untimed"]
        say(f"{self.plan.name}: going on from step {self.step}")


def _line(parts: dict[str, float]) -> str:
    return " ".join(f"{key} {value:.4f}" for key, value in parts.items())

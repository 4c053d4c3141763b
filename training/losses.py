# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fit makes small: wrong sounds, wrong curves, open closures, closed vowels, chatter."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from .coarticulation import CLOSE, CLOSED, JAW, JAW_WHEN_CLOSED
from .network import Listener
from .phones import VISEMES

FIRMLY = 0.9  # a target of the closure above this is a p, b or m
OPEN_JAW, OPEN_LIPS = 0.5, 0.1  # targets of the jaw above and of the closure below: an open vowel


def losses(
    network: Listener, batch: tuple[torch.Tensor, ...], options: dict[str, Any]
) -> tuple[torch.Tensor, dict[str, float]]:
    """The training loss and its parts, each weighted as the recipe says."""
    samples, classes, curves = batch
    short = options["short_numbers"] and quick(samples.device)
    with torch.autocast(samples.device.type, torch.bfloat16, enabled=short):
        viseme_logits, curve_logits = (logits.float() for logits in network(samples))
    shown = curve_logits.sigmoid()
    parts = {
        "viseme": viseme_loss(viseme_logits, classes, options),
        "curve": curve_loss(curve_logits, curves, options["closure_emphasis"]),
        "speed": functional.mse_loss(shown.diff(dim=2), curves.diff(dim=2)),
        "contact": contact_loss(shown, curves),
        "chatter": chatter_loss(shown[:, JAW], curves[:, JAW]),
    }
    weights = options["loss_weights"]
    total = torch.stack([weights[name] * part for name, part in parts.items()]).sum()
    told = torch.stack(list(parts.values())).tolist()  # at once: each wait for a GPU costs time
    return total, dict(zip(parts, told, strict=True))


def quick(device: torch.device) -> bool:
    """Whether the device multiplies 16-bit numbers (bfloat16) quicker than 32-bit ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu.get_capabilities().get("avx512_bf16", False))


def viseme_loss(
    logits: torch.Tensor, classes: torch.Tensor, options: dict[str, Any]
) -> torch.Tensor:
    """Cross entropy of the visemes, the rare and important ones weighted up."""
    told = [options["viseme_weights"].get(name, 1.0) for name in VISEMES]
    weights = torch.tensor(told, device=logits.device)
    smoothing = options["label_smoothing"]
    return functional.cross_entropy(logits, classes, weight=weights, label_smoothing=smoothing)


def curve_loss(logits: torch.Tensor, curves: torch.Tensor, emphasis: float) -> torch.Tensor:
    """Cross entropy of the curves; closed lips count ``1 + emphasis`` times."""
    weight = torch.ones_like(curves)
    weight[:, CLOSE] += emphasis * (curves[:, CLOSE] > FIRMLY)
    return functional.binary_cross_entropy_with_logits(logits, curves, weight=weight)


def contact_loss(shown: torch.Tensor, curves: torch.Tensor) -> torch.Tensor:
    """Lips that do not meet or a jaw that hangs inside p, b, m; lips that meet in open vowels.

    Squares of what is lacking, averaged over the frames of each kind; curves are (B, 8, T).
    """
    close, jaw = shown[:, CLOSE], shown[:, JAW]
    closed = curves[:, CLOSE] > FIRMLY
    opened = (curves[:, JAW] > OPEN_JAW) & (curves[:, CLOSE] < OPEN_LIPS)
    gaping = (CLOSED - close).clamp(min=0.0).square() + (jaw - JAW_WHEN_CLOSED).clamp(
        min=0
    ).square()
    shut = (close - OPEN_LIPS).clamp(min=0.0).square()
    return _mean(gaping, closed) + _mean(shut, opened)


def chatter_loss(jaw: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The jaw's acceleration beyond that of its target: squares, per frame, of (B, T)."""
    return functional.mse_loss(jaw.diff(n=2, dim=1), wanted.diff(n=2, dim=1))


def _mean(values: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)

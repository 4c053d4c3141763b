# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks as they are kept between the stages: weights, form and facts in one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .network import Listener


@dataclass(frozen=True)
class Trained:
    """A trained listener, ready to listen, and the facts of its training."""

    listener: Listener
    facts: dict[str, Any]


def write_listener(path: Path, listener: Listener, facts: dict[str, Any]) -> None:
    """Write a listener whole or not at all."""
    part = path.with_suffix(".part")
    form = {"channels": listener.channels, "dilations": listener.dilations}
    torch.save({"weights": listener.state_dict(), "form": form, "facts": facts}, part)
    part.replace(path)


def read_listener(path: Path) -> Trained:
    """Read what :func:`write_listener` wrote."""
    stored = torch.load(path, weights_only=True)
    listener = Listener(stored["form"]["channels"], stored["form"]["dilations"])
    listener.load_state_dict(stored["weights"])
    return Trained(listener.eval(), stored["facts"])

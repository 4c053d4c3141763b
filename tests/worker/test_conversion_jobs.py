# SPDX-License-Identifier: GPL-3.0-or-later
"""The job "convert" through a real worker: the weights of core, progress, cancel, sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from facewright.core.solve import conversion
from facewright.core.solve.conversion import ConversionSettings
from facewright.providers.local import LocalWorker


def order(frames: int, settings: ConversionSettings | None = None) -> tuple[Any, Any, Any]:
    """A basis, and arguments and arrays of a job."""
    rng = np.random.default_rng(0)
    neutral, deltas = rng.normal(size=(40, 3)), rng.normal(0, 0.2, (20, 40, 3))
    basis = conversion.basis_of([f"pose{n}" for n in range(20)], neutral, deltas)
    weights = rng.uniform(-0.5, 1.0, (frames, 20))
    moved = weights @ deltas.reshape(20, -1) + rng.normal(0, 0.1, (frames, 120))
    args = {"names": list(basis.names), "size2": basis.size2, "count": basis.count,
            "settings": (settings or ConversionSettings()).to_mapping()}  # fmt: skip
    arrays = {"normal": basis.normal, "sides": moved @ basis.deltas.T,
              "energies": (moved**2).sum(axis=1)}  # fmt: skip
    return basis, args, arrays


@pytest.mark.parametrize("smoothing", conversion.SMOOTHINGS)
def test_weights_are_those_of_core(
    make: Any, shared: LocalWorker, smoothing: conversion.Smoothing
) -> None:
    settings = ConversionSettings(smoothing=smoothing)
    basis, args, arrays = order(300, settings)
    ticket = shared.submit("convert", args, arrays)
    make.finish(shared, ticket)
    assert ticket.state == "done", ticket.error
    expected = conversion.convert(basis, arrays["sides"], arrays["energies"], settings)
    assert ticket.arrays["weights"].dtype == np.float32
    np.testing.assert_allclose(ticket.arrays["weights"], expected.weights, atol=1e-6)
    np.testing.assert_allclose(ticket.arrays["residuals"], expected.residuals, rtol=1e-9)
    np.testing.assert_array_equal(ticket.arrays["worst"], expected.worst)


@pytest.mark.parametrize("smoothing", conversion.SMOOTHINGS)
def test_a_long_clip_can_be_cancelled(
    make: Any, shared: LocalWorker, smoothing: conversion.Smoothing
) -> None:
    _, args, arrays = order(60_000, ConversionSettings(smoothing=smoothing))
    ticket = shared.submit("convert", args, arrays)
    make.wait_until(lambda: ticket.finished or ticket.progress > 0, shared.poll)
    shared.cancel(ticket)
    make.finish(shared, ticket)
    assert ticket.state == "cancelled"


@pytest.mark.parametrize(
    ("args", "arrays", "says"),
    [
        ({"speed": 1}, {}, "speed"),
        ({"names": []}, {}, "not given its poses"),
        ({"settings": {"temporal": -1}}, {}, "temporal is -1"),
        ({"settings": {"table": {"active": {f"pose{n}": False for n in range(20)}}}}, {}, "in use"),
        ({}, {"normal": np.zeros((3, 3))}, "'normal' of convert"),
        ({}, {"normal": np.full((20, 20), np.nan)}, "without finite positions"),
        ({}, {"sides": np.full((9, 20), np.nan)}, "Frame 1 of 9"),
        ({}, {"energies": np.zeros(3)}, "'energies' of convert"),
    ],
)
def test_what_cannot_be_done_is_said(
    make: Any, shared: LocalWorker, args: Any, arrays: Any, says: str
) -> None:
    _, given, held = order(9)
    ticket = shared.submit("convert", {**given, **args}, {**held, **arrays})
    make.finish(shared, ticket)
    assert (ticket.state, ticket.kind) == ("failed", "user"), ticket.error
    assert says in ticket.error

# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a torch module as an ONNX file, with the facts of its training inside."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

OPSET = 17
FACTS = "facewright.training"  # key of the facts in the network file
Axes = dict[str, dict[int, str]]


def write_onnx(
    module: torch.nn.Module,
    path: Path,
    example: tuple[torch.Tensor, ...],
    inputs: Sequence[str],
    output: str,
    axes: Axes,
    facts: dict[str, Any],
) -> None:
    """Write ``module`` as the graph ``inputs`` -> ``output``; ``axes`` names the free ones.

    ``example`` is what it is traced with. The file is checked as onnx checks it.
    """
    import onnx

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            str(path),
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=axes,
            opset_version=OPSET,
            do_constant_folding=False,  # the file stays small; runtimes fold when they open it
            dynamo=False,
        )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {FACTS: json.dumps(facts, sort_keys=True)})
    onnx.checker.check_model(model)
    onnx.save(model, path)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a torch module as an ONNX file, with the facts of its training inside."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

OPSET = 17
LARGE = 1024  # numbers from which on an array is worth a node of its own
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

    ``example`` is what it is traced with. The file is checked as onnx checks it. Large arrays of
    numbers that 16 bits can hold take 16 bits each (see ``_shorten``).
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
    _shorten(model.graph)
    onnx.helper.set_model_props(model, {FACTS: json.dumps(facts, sort_keys=True)})
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _shorten(graph: Any) -> None:
    """Store large float32 arrays as float16 where that changes no number: half the space.

    A cast to float32 follows each, so that all arithmetic stays as it was; runtimes do it once,
    when they open the file.
    """
    from onnx import TensorProto, helper, numpy_helper

    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or math.prod(tensor.dims) < LARGE:
            continue
        values = numpy_helper.to_array(tensor)
        with np.errstate(over="ignore"):
            short = values.astype(np.float16)
        if np.array_equal(short, values):
            tensor.CopyFrom(numpy_helper.from_array(short, tensor.name))
            long = f"{tensor.name}.float32"
            casts.append(helper.make_node("Cast", [tensor.name], [long], to=TensorProto.FLOAT))
    long_names = {cast.input[0]: cast.output[0] for cast in casts}
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = long_names.get(name, name)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the integer convolutions and products of a quantised network back into float ones.

On a processor without fast integer kernels the float network is about a sixth faster,
and its output is the quantised one's without the rounding of activations.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any


def dequantised(source: Path, target: Path) -> Path:
    """Write ``source`` with float32 products to ``target`` (once) and return it."""
    import onnx

    if target.exists():
        return target
    model = onnx.load(source)
    graph = model.graph
    nodes = _float_nodes(graph)
    _release_biases(nodes)
    used = {name for node in nodes for name in node.input}
    nodes = [
        node
        for node in nodes
        if node.op_type != "DynamicQuantizeLinear" or any(out in used for out in node.output)
    ]
    used = {name for node in nodes for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    part = target.with_suffix(".part")
    onnx.save(model, part)
    part.rename(target)
    return target


def _float_nodes(graph: Any) -> list[Any]:
    """The graph's nodes with integer products replaced and their scales dropped."""
    from onnx import helper

    tensors = {tensor.name: tensor for tensor in graph.initializer}
    quantisers = {
        node.output[0]: node for node in graph.node if node.op_type == "DynamicQuantizeLinear"
    }
    scales = {node.output[1] for node in quantisers.values()}
    nodes = []
    for node in graph.node:
        integer = node.op_type in {"ConvInteger", "MatMulInteger"}
        if integer and node.input[0] in quantisers and node.input[1] in tensors:
            weights = _float_weights(graph, tensors, node)
            operation = "Conv" if node.op_type == "ConvInteger" else "MatMul"
            source = quantisers[node.input[0]].input[0]
            product = helper.make_node(operation, [source, weights], [node.output[0]])
            product.name = node.name + "_float"
            product.attribute.extend(node.attribute)
            nodes.append(product)
        elif node.op_type == "Mul" and scales.intersection(node.input):
            other = node.input[1] if node.input[0] in scales else node.input[0]
            nodes.append(helper.make_node("Identity", [other], [node.output[0]]))
        else:
            nodes.append(node)
    return nodes


def _float_weights(graph: Any, tensors: dict[str, Any], node: Any) -> str:
    """Name of the tensor holding ``node``'s weights minus their zero point, as float32."""
    import numpy as np
    from onnx import numpy_helper

    name = node.input[1] + "_float"
    if name not in tensors:
        weights = numpy_helper.to_array(tensors[node.input[1]]).astype(np.float32)
        if len(node.input) > 3 and node.input[3]:
            zero = numpy_helper.to_array(tensors[node.input[3]]).astype(np.float32)
            if zero.size > 1 and node.op_type == "ConvInteger":
                zero = zero.reshape([-1] + [1] * (weights.ndim - 1))
            weights = weights - zero
        tensors[name] = numpy_helper.from_array(weights, name)
        graph.initializer.append(tensors[name])
    return name


def _release_biases(nodes: list[Any]) -> None:
    """Biases were rounded to integers of the activation scale: let them stay float."""
    made_by = {output: node for node in nodes for output in node.output}
    for node in nodes:
        if node.op_type != "Add" or "bias_add" not in node.name or "quantized" not in node.name:
            continue
        for name in node.input:
            before = made_by.get(name)
            for _ in range(5):
                if before is None or before.op_type not in {
                    "Reshape", "Cast", "Floor", "Unsqueeze",
                }:  # fmt: skip
                    break
                if before.op_type == "Cast":
                    for attribute in before.attribute:
                        if attribute.name == "to":
                            attribute.i = 1  # float
                elif before.op_type == "Floor":
                    before.op_type = "Identity"
                before = made_by.get(before.input[0])

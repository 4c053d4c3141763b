# SPDX-License-Identifier: GPL-3.0-or-later
"""A tiny protobuf writer: just enough for the ONNX graphs of the tests, with numpy alone."""

from __future__ import annotations

from typing import Any

import numpy as np

OPSET, IR_VERSION = 14, 8  # of the published models
Shape = tuple[str | int, ...]


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1  # negative numbers take ten bytes
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def onnx_tensor(name: str, values: np.ndarray) -> bytes:
    """TensorProto with raw float32 or int64 data."""
    kind = 1 if values.dtype == np.float32 else 7
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, values.tobytes())


def onnx_external_tensor(name: str, size: int, location: str) -> bytes:
    """TensorProto of ``size`` floats whose data lie in another file."""
    entry = _bytes(1, "location") + _bytes(2, location)
    return _number(1, size) + _number(2, 1) + _bytes(8, name) + _bytes(13, entry) + _number(14, 1)


def onnx_node(kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> bytes:
    """NodeProto; attributes are integers or lists of integers."""
    out = b"".join(_bytes(1, name) for name in inputs)
    out += b"".join(_bytes(2, name) for name in outputs)
    out += _bytes(4, kind)
    for name, value in attributes.items():
        if isinstance(value, int):
            body = _bytes(1, name) + _number(3, value) + _number(20, 2)
        else:
            body = _bytes(1, name) + b"".join(_number(8, n) for n in value) + _number(20, 7)
        out += _bytes(5, body)
    return out


def _value(name: str, shape: Shape) -> bytes:
    dims = b"".join(
        _bytes(1, _bytes(2, axis) if isinstance(axis, str) else _number(1, axis)) for axis in shape
    )
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def onnx_model(
    nodes: list[bytes],
    tensors: list[bytes],
    inputs: dict[str, Shape],
    outputs: dict[str, Shape],
    opset: int = OPSET,
    ir_version: int = IR_VERSION,
) -> bytes:
    """ModelProto of one graph with float inputs and outputs."""
    graph = b"".join(_bytes(1, node) for node in nodes) + _bytes(2, "stub")
    graph += b"".join(_bytes(5, tensor) for tensor in tensors)
    graph += b"".join(_bytes(11, _value(*item)) for item in inputs.items())
    graph += b"".join(_bytes(12, _value(*item)) for item in outputs.items())
    return _number(1, ir_version) + _bytes(7, graph) + _bytes(8, _number(2, opset))


def onnx_tensors(arrays: dict[str, np.ndarray]) -> list[bytes]:
    """TensorProtos of arrays by name: integers as int64, all else as float32."""
    return [
        onnx_tensor(name, values.astype(np.int64 if values.dtype.kind == "i" else np.float32))
        for name, values in arrays.items()
    ]

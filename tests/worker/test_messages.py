# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames: what goes in comes out, in any portions; what breaks the rules is refused."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from facewright.worker import messages
from facewright.worker.messages import FrameReader, Message, MessageError, encode


def frame(message: Message) -> bytes:
    return b"".join(bytes(part) for part in encode(message))


def feed(data: bytes, portion: int, reader: FrameReader | None = None) -> list[Message]:
    reader = reader or FrameReader()
    found: list[Message] = []
    while data:
        room = reader.room()
        count = min(portion, len(room), len(data))
        room[:count] = data[:count]
        data = data[count:]
        message = reader.filled(count)
        if message is not None:
            found.append(message)
    return found


def raw(head: bytes, payload: bytes = b"", size: int | None = None) -> bytes:
    size = len(payload) if size is None else size
    return messages.PREFIX.pack(messages.MARK, len(head), size) + head + payload


ARRAYS: dict[str, Any] = {
    "floats": np.arange(7, dtype=np.float32).reshape(7, 1),
    "empty": np.zeros((0, 3), dtype=np.float64),
    "single": np.array(-4, dtype=np.int64),
    "bytes": np.frombuffer(b"\x00\xff\x10", dtype=np.uint8),
    "turned": np.arange(12, dtype=np.int32).reshape(3, 4).T[::2],
    "big-endian": np.arange(5, dtype=">f8"),
}


@pytest.mark.parametrize("portion", [1, 3, 64, 1 << 20])
def test_what_goes_in_comes_out(portion: int) -> None:
    fields = {"type": "done", "text": "Größe \u4e2d", "list": [1, 2.5, None, True, {"a": []}]}
    data = frame(Message(fields, ARRAYS))
    first, second, third = feed(data + frame(Message({"type": "x"})) + data, portion)
    assert second.fields == {"type": "x"}
    assert second.arrays == {}
    for message in (first, third):
        assert message.fields == fields
        assert list(message.arrays) == list(ARRAYS)
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(message.arrays[name], array)
            assert message.arrays[name].shape == array.shape
            assert message.arrays[name].flags.writeable
            assert message.arrays[name].flags.aligned


def test_frames_are_the_same_each_time() -> None:
    assert frame(Message({"b": 1, "a": 2}, ARRAYS)) == frame(Message({"a": 2, "b": 1}, ARRAYS))


@pytest.mark.parametrize(
    "message",
    [
        Message({"a": float("nan")}),
        Message({"a": float("inf")}),
        Message({"a": object()}),
        Message({"a": "x" * (messages.HEAD_LIMIT + 1)}),
        Message({}, {"a": np.array(["text"])}),
        Message({}, {"a": np.array([object()])}),
        Message({}, {"a": np.zeros(2, dtype=np.complex64)}),
        Message({}, {"": np.zeros(2)}),
        Message({}, {"n" * 65: np.zeros(2)}),
        Message({}, {str(i): np.zeros(1) for i in range(257)}),
    ],
)
def test_what_cannot_be_sent_is_refused(message: Message) -> None:
    with pytest.raises(MessageError):
        encode(message)


def test_too_deep_a_message_is_refused() -> None:
    nested: dict[str, Any] = {}
    for _ in range(20):
        nested = {"a": nested}
    with pytest.raises(MessageError, match="deeper"):
        encode(Message(nested))


def described(**entry: Any) -> bytes:
    good = {"name": "a", "dtype": "uint8", "shape": [16]}
    return json.dumps({"arrays": [{**good, **entry}]}).encode()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n", "not one of our frames"),
        (messages.PREFIX.pack(messages.MARK, 0, 0), "head of 0 bytes"),
        (messages.PREFIX.pack(messages.MARK, messages.HEAD_LIMIT + 1, 0), "outside the limit"),
        (messages.PREFIX.pack(messages.MARK, 2, messages.PAYLOAD_LIMIT + 1), "over the limit"),
        (raw(b"not json"), "not a readable JSON"),
        (raw(b"\xff\xfe{}"), "not a readable JSON"),
        (raw(b"[]"), "not a JSON object"),
        (raw(b'{"a":NaN}'), "NaN is not a number"),
        (raw(b'{"a":1e999}'), "too large"),
        (raw(b'{"a":1,"a":2}'), "twice"),
        (raw(b'{"a":' + b"9" * 100000 + b"}"), "not a readable JSON"),
        (raw(b"[" * 500000), "not a readable JSON"),
        (raw(b'{"a":' + b"[" * 20 + b"]" * 20 + b"}"), "deeply"),
        (raw(b'{"arrays":3}'), "does not describe"),
        (raw(b'{"arrays":[3]}'), "does not describe"),
        (raw(described(dtype="object"), bytes(16)), "unknown type"),
        (raw(described(dtype=["f4"]), bytes(16)), "unknown type"),
        (raw(described(name=3), bytes(16)), "no usable name"),
        (raw(described(shape=[-16]), bytes(16)), "no usable shape"),
        (raw(described(shape=[True]), bytes(16)), "no usable shape"),
        (raw(described(shape=[1] * 9), bytes(16)), "no usable shape"),
        (raw(described(shape=[1 << 39, 1 << 39]), bytes(16)), "longer than the payload"),
        (raw(described(shape=[17]), bytes(16)), "longer than the payload"),
        (raw(described(shape=[16]), bytes(32)), "32 bytes where 16"),
        (raw(b"{}", bytes(16)), "16 bytes where 0"),
    ],
)
def test_a_bad_frame_is_refused_with_its_reason(data: bytes, text: str) -> None:
    with pytest.raises(MessageError, match=text):
        feed(data, 1 << 20)


def test_a_large_payload_is_refused_before_it_arrives() -> None:
    with pytest.raises(MessageError, match="over the limit of 100"):
        feed(raw(b"{}", size=101), 1 << 20, FrameReader(payload_limit=100))

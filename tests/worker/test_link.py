# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's end of the link over a real loopback connection, the other end played by the test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from facewright.worker import link as link_module
from facewright.worker import messages
from facewright.worker.link import Link
from facewright.worker.messages import Message, MessageError, encode


def connected() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        other = socket.create_connection(listener.getsockname())
        ours, _address = listener.accept()
    return ours, other


@pytest.fixture
def pair() -> Iterator[tuple[Link, socket.socket]]:
    ours, other = connected()
    link = Link(ours)
    yield link, other
    link.close()
    other.close()


def frame(message: Message) -> bytes:
    return b"".join(bytes(part) for part in encode(message))


def test_the_socket_never_waits() -> None:
    ours, other = connected()
    link = Link(ours)
    assert not ours.getblocking()
    assert link.poll() == []
    link.close()
    other.close()


def test_a_message_in_single_bytes_arrives_once(make: Any, pair: Any) -> None:
    link, other = pair
    other.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    found: list[Message] = []
    for byte in frame(Message({"type": "x"}, {"a": np.arange(5)})):
        other.sendall(bytes([byte]))
        found += link.poll()
    make.wait_until(lambda: bool(found), lambda: found.extend(link.poll()))
    assert [message.type for message in found] == ["x"]
    np.testing.assert_array_equal(found[0].arrays["a"], np.arange(5))


def test_a_peer_that_does_not_read_holds_nothing_up(pair: Any) -> None:
    link, _other = pair
    block = np.zeros(30_000_000, dtype=np.uint8)
    link.post(Message({"type": "x"}, {"a": block}))
    for _ in range(10):
        assert link.poll() == []
    assert 0 < link.queued < block.size + 1000
    assert not link.closed


def test_both_sides_send_large_arrays_at_once(make: Any) -> None:
    """Neither reads before it has sent all: only queues keep the two from a deadlock."""
    left, right = (Link(end) for end in connected())
    block = np.random.default_rng(1).integers(0, 255, 20_000_000, dtype=np.uint8)
    left.post(Message({"type": "left"}, {"a": block}))
    right.post(Message({"type": "right"}, {"a": block[::-1]}))
    found: dict[str, Message] = {}

    def step() -> None:
        for link in (left, right):
            found.update({message.type: message for message in link.poll()})

    make.wait_until(lambda: len(found) == 2, step)
    np.testing.assert_array_equal(found["left"].arrays["a"], block)
    np.testing.assert_array_equal(found["right"].arrays["a"], block[::-1])
    assert left.queued == right.queued == 0
    left.close()
    right.close()


def test_one_poll_moves_a_bounded_amount(monkeypatch: pytest.MonkeyPatch, pair: Any) -> None:
    link, other = pair
    monkeypatch.setattr(link_module, "BYTES_PER_POLL", 50)
    data = frame(Message({"type": "x"}))
    monkeypatch.setattr(link_module, "BYTES_PER_CALL", len(data))
    other.sendall(data * 20)
    assert len(link.poll()) <= 50 // len(data) + 1


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"this is not a frame at all", "not one of our frames"),
        (messages.PREFIX.pack(messages.MARK, 100, 1 << 40), "over the limit"),
        (messages.PREFIX.pack(messages.MARK, 2, 0) + b"[]", "not a JSON object"),
    ],
)
def test_a_bad_frame_closes_the_link_with_its_reason(
    make: Any, pair: Any, data: bytes, text: str
) -> None:
    link, other = pair
    other.sendall(frame(Message({"type": "good"})) + data)
    found: list[Message] = []
    make.wait_until(lambda: link.closed, lambda: found.extend(link.poll()))
    assert [message.type for message in found] == ["good"]
    assert text in link.reason
    assert link.poll() == []
    link.post(Message({"type": "late"}))
    assert link.queued == 0


def test_what_was_sent_before_the_end_still_arrives(make: Any, pair: Any) -> None:
    link, other = pair
    other.sendall(frame(Message({"type": "last"})) + b"FW")
    other.close()
    found: list[Message] = []
    make.wait_until(lambda: link.closed, lambda: found.extend(link.poll()))
    assert [message.type for message in found] == ["last"]
    assert "in the middle of a message" in link.reason


def test_a_message_that_cannot_be_sent_leaves_the_link_usable(make: Any, pair: Any) -> None:
    link, other = pair
    with pytest.raises(MessageError):
        link.post(Message({"value": float("nan")}))
    link.post(Message({"type": "fine"}))
    assert other.recv(1000) == frame(Message({"type": "fine"}))

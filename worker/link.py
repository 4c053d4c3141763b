# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's end of the link to a worker: loopback TCP without threads and without waiting.

Every call returns at once. Bytes that cannot leave yet stay in a queue; one ``poll`` moves at most
``BYTES_PER_POLL`` each way, so that a fast peer cannot hold up Blender either.
"""

from __future__ import annotations

import socket
from collections import deque

from .messages import PAYLOAD_LIMIT, FrameReader, Message, MessageError, encode

BYTES_PER_POLL = 2 << 20
BYTES_PER_CALL = 1 << 20
QUEUE_LIMIT = 2 << 30


class Link:
    """Sends and receives messages over a connected socket, which it owns from then on.

    ``closed`` is True once nothing can arrive any more; ``reason`` then says why in a sentence.
    ``malformed`` is True when that was because the peer broke the rules of frames.
    ``received`` counts the bytes that have come.
    """

    def __init__(self, connection: socket.socket, payload_limit: int = PAYLOAD_LIMIT) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._payload_limit = payload_limit
        self._reader = FrameReader(payload_limit)
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._sending_failed = False
        self.closed = False
        self.reason = ""
        self.malformed = False
        self.received = 0

    @property
    def queued(self) -> int:
        """Bytes that have not left yet."""
        return self._queued

    def post(self, message: Message) -> None:
        """Queue a message and send what can leave now.

        Arrays are not copied: leave them unchanged until the message was answered.
        Raises MessageError when it cannot be sent; a message to a closed link is dropped.
        """
        parts = encode(message, self._payload_limit)
        size = sum(len(part) for part in parts)
        if self._queued + size > QUEUE_LIMIT:
            raise MessageError(f"more than {QUEUE_LIMIT} bytes are waiting to be sent")
        if self.closed or self._sending_failed:
            return
        self._queue.extend(parts)
        self._queued += size
        self._send()

    def poll(self) -> list[Message]:
        """Send and receive what is possible now; return the messages that became whole."""
        if self.closed:
            return []
        self._send()
        return self._receive()

    def close(self, reason: str = "The link was closed.") -> None:
        """Close the connection; what is still queued is dropped. Later calls change nothing."""
        if self.closed:
            return
        self.closed = True
        self.reason = reason
        self._drop_queue()
        self._socket.close()

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._queued = 0

    def _send(self) -> None:
        budget = BYTES_PER_POLL
        while self._queue and budget > 0:
            part = self._queue[0]
            try:
                count = self._socket.send(part[:BYTES_PER_CALL])
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # the peer's last words may still be waiting on our side: receiving goes on
                self._sending_failed = True
                self._drop_queue()
                return
            budget -= count
            self._queued -= count
            if count == len(part):
                self._queue.popleft()
            else:
                self._queue[0] = part[count:]

    def _receive(self) -> list[Message]:
        messages: list[Message] = []
        budget = BYTES_PER_POLL
        while budget > 0:
            try:
                count = self._socket.recv_into(self._reader.room()[:BYTES_PER_CALL])
                if count == 0:
                    half = " in the middle of a message" if self._reader.started else ""
                    self.close(f"The other side closed the link{half}.")
                    break
                budget -= count
                self.received += count
                message = self._reader.filled(count)
            except (BlockingIOError, InterruptedError):
                break
            except MessageError as error:
                self.malformed = True
                self.close(f"The link was closed: {error}.")
                break
            except OSError as error:
                self.close(f"The link broke: {error.strerror or error}.")
                break
            if message is not None:
                messages.append(message)
        return messages

# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets one worker in: a loopback listener that asks for a token and never waits."""

from __future__ import annotations

import hmac
import secrets
import socket
from dataclasses import dataclass, field

TOKEN_SIZE = 32
WAITING_LIMIT = 8


@dataclass
class _Visitor:
    connection: socket.socket
    said: bytearray = field(default_factory=bytearray)


class Door:
    """Listens on 127.0.0.1 at ``port``; who says ``token`` gets in, all others are shut out."""

    def __init__(self) -> None:
        self.token = secrets.token_bytes(TOKEN_SIZE)
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows: nobody else may bind the port
                option = getattr(socket, "SO_EXCLUSIVEADDRUSE")  # noqa: B009
                self._listener.setsockopt(socket.SOL_SOCKET, option, 1)
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(WAITING_LIMIT)
            self._listener.setblocking(False)
        except OSError:
            self._listener.close()
            raise
        self.port = int(self._listener.getsockname()[1])
        self._visitors: list[_Visitor] = []

    def poll(self) -> socket.socket | None:
        """Return the connection of the one who knows the token, then close everything else."""
        self._take_new()
        for visitor in list(self._visitors):
            if not self._listen_to(visitor):
                continue
            self._visitors.remove(visitor)
            if hmac.compare_digest(bytes(visitor.said), self.token):
                self.close()
                return visitor.connection
            visitor.connection.close()
        return None

    def close(self) -> None:
        """Close the listener and every connection that was not let in."""
        self._listener.close()
        for visitor in self._visitors:
            visitor.connection.close()
        self._visitors.clear()

    def _take_new(self) -> None:
        for _ in range(WAITING_LIMIT):
            try:
                connection, _address = self._listener.accept()
            except OSError:  # nobody there, or gone again
                return
            connection.setblocking(False)
            self._visitors.append(_Visitor(connection))
            if len(self._visitors) > WAITING_LIMIT:
                self._visitors.pop(0).connection.close()

    @staticmethod
    def _listen_to(visitor: _Visitor) -> bool:
        """Take what the visitor says; True when it has said enough or has gone."""
        try:
            said = visitor.connection.recv(TOKEN_SIZE - len(visitor.said))
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True
        visitor.said += said
        return not said or len(visitor.said) == TOKEN_SIZE

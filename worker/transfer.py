# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching files over HTTP: goes on where it stopped, follows no doubtful redirection, sends no
account and no token. What arrives is trusted only after its hash was compared by the caller."""

from __future__ import annotations

import http.client
import importlib
import math
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from ..core.errors import Cancelled, UserError
from ..core.hub import may_follow

TIMEOUT_S = 20.0
WAITS_S = (1.0, 2.0, 4.0, 8.0)  # between tries that brought nothing
BLOCK = 1 << 18
_WAIT_STEP_S = 0.1
_BUSY = (429, 500, 502, 503, 504)
_LATER = "Check the connection and try again: what has arrived is kept."


class _Passing(Exception):
    """Trouble that may be over at the next try."""


class _Refused(Exception):
    """A redirection to a place that is not trusted."""


@dataclass(frozen=True)
class Page:
    """A short answer, read whole."""

    data: bytes
    headers: Message


class _Redirections(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Any,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not may_follow(req.full_url, newurl):
            raise _Refused(urlsplit(newurl)._replace(query="", fragment="").geturl())
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class Transfer:
    """Fetches from addresses. ``cancelled`` is asked often; then Cancelled is raised."""

    def __init__(
        self,
        cancelled: Callable[[], bool],
        waits_s: Sequence[float] = WAITS_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._cancelled = cancelled
        self._waits_s = tuple(waits_s)
        self._timeout_s = timeout_s
        secure = urllib.request.HTTPSHandler(context=_certificates())
        self._opener = urllib.request.build_opener(secure, _Redirections())

    def page(self, address: str, limit: int) -> Page:
        """Read a short answer of at most ``limit`` bytes. Raises UserError and Cancelled."""

        def once() -> Page:
            with closing(self._open(address)) as answer:
                data = b""
                while block := self._read(answer):
                    data += block
                    if len(data) > limit:
                        raise UserError(f"The answer of {address} is too long.")
                if answer.length:  # what its head has promised besides
                    raise _Passing("the connection ended early")
                return Page(data, answer.headers)

        return self._patiently(once, lambda: 0, address)

    def file(self, address: str, path: Path, size: int, told: Callable[[int], None]) -> None:
        """Bring ``path`` to ``size`` bytes, going on with what is there; ``told`` hears of each
        block how many bytes there are now. Raises UserError, Cancelled and OSError of the disk."""
        if size == 0:
            path.write_bytes(b"")
        if size_of(path) > size:
            path.unlink()

        def once() -> None:
            if size_of(path) < size:
                self._more(address, path, size, told)

        self._patiently(once, lambda: size_of(path), address)

    def _patiently(self, once: Callable[[], Any], have: Callable[[], int], address: str) -> Any:
        """Try again after passing trouble, until some tries in a row have brought nothing."""
        idle = 0
        while True:
            before = have()
            try:
                return once()
            except _Passing as trouble:
                idle = 0 if have() > before else idle + 1
                if idle > len(self._waits_s):
                    host = urlsplit(address).hostname
                    raise UserError(f"{host} cannot be reached: {trouble}.", _LATER) from trouble
                self._wait(self._waits_s[max(idle, 1) - 1] if self._waits_s else 0.0)

    def _more(self, address: str, path: Path, size: int, told: Callable[[int], None]) -> None:
        have = size_of(path)
        with closing(self._open(address, have)) as answer:
            if have and not _goes_on(answer, have):
                have = 0
            with path.open("ab" if have else "wb") as file:
                while block := self._read(answer):
                    have += len(block)
                    if have > size:
                        raise UserError(f"{path.stem} is longer than its list says.", "Try again.")
                    file.write(block)
                    told(have)
        if have < size:
            raise _Passing("the connection ended early")

    def _read(self, answer: Any) -> bytes:
        self._stop_if_cancelled()
        try:
            # read1: whatever has arrived, so that a slow connection still shows progress
            return bytes(answer.read1(BLOCK))
        except (OSError, http.client.HTTPException) as error:
            raise _Passing(_reason(error)) from error

    def _open(self, address: str, start: int = 0) -> Any:
        self._stop_if_cancelled()
        headers = {"User-Agent": "Facewright", "Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        # hub_address lets only http and https pass
        request = urllib.request.Request(address, headers=headers)  # noqa: S310
        try:
            return self._opener.open(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _BUSY:
                raise _Passing(f"it answered {error.code} {error.reason}") from error
            if error.code == 416:  # what is there is not a beginning of it
                return self._open(address) if start else self._give_up(address, error.code)
            return self._give_up(address, error.code)
        except _Refused as place:
            raise UserError(
                f"{urlsplit(address).hostname} sends us on to {place}, which is not safe.",
                "Set the hub's address to one that begins with https://.",
            ) from place
        except (OSError, http.client.HTTPException) as error:
            return self._give_up_or_try(address, error)

    def _give_up(self, address: str, code: int) -> Any:
        host = urlsplit(address).hostname
        if code in (401, 403):
            raise UserError(
                f"{host} asks for an account before it gives {address}.",
                "Download it in a web browser and add its folder to the library.",
            )
        if code == 404:
            raise UserError(
                f"{host} does not have {address}.", "Look for a newer version of Facewright."
            )
        raise UserError(f"{host} answered {code} to {address}.", _LATER)

    def _give_up_or_try(self, address: str, error: Exception) -> Any:
        cause = getattr(error, "reason", error)
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise UserError(
                f"{urlsplit(address).hostname} cannot be trusted: {cause.verify_message}.",
                "Check the computer's date and, behind a company's proxy, its certificates "
                "(SSL_CERT_FILE).",
            ) from error
        raise _Passing(_reason(error)) from error

    def _wait(self, seconds: float) -> None:
        for _ in range(math.ceil(seconds / _WAIT_STEP_S)):
            self._stop_if_cancelled()
            time.sleep(_WAIT_STEP_S)

    def _stop_if_cancelled(self) -> None:
        if self._cancelled():
            raise Cancelled("Cancelled.")


def _goes_on(answer: Any, start: int) -> bool:
    """Whether an answer is the rest of a file from ``start`` on."""
    where = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return answer.status == 206 and where is not None and int(where[1]) == start


def size_of(path: Path) -> int:
    """Bytes of a file, 0 when it is not there."""
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return "it does not answer"
    return str(getattr(cause, "strerror", "") or cause).rstrip(".") or type(cause).__name__


def _certificates() -> ssl.SSLContext:
    """The system's certificates, or those that come with Blender's Python where there are none."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        # without them the first connection says that it cannot be trusted
        with suppress(ImportError, OSError):
            context.load_verify_locations(importlib.import_module("certifi").where())
    return context

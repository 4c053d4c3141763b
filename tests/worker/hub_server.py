# SPDX-License-Identifier: GPL-3.0-or-later
"""A hub of our own on the loopback: the published layout, and every fault that one can order."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = (".npz", ".onnx")  # what a hub keeps beside git


class HubServer:
    """Serves a folder as a repository. Orders, by the file's path:

    ``cut``       close the connection after so many bytes, once for each entry of the list
    ``status``    answer with this code, once for each entry of the list
    ``move``      answer with a redirection to this address
    ``lie``       hash of the listing in place of the right one
    ``rangeless`` True: give the whole file whatever was asked for
    ``rows``      rows added to the listing
    ``pages``     how many pages the listing has
    ``asked``     what was asked for: (path, Range or "")
    """

    def __init__(self, folder: Path, repository: str) -> None:
        self.folder, self.repository = folder, repository
        self.cut: dict[str, list[int]] = {}
        self.status: dict[str, list[int]] = {}
        self.move: dict[str, str] = {}
        self.lie: dict[str, str] = {}
        self.rows: list[Any] = []
        self.pages = 1
        self.rangeless = False
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        serve = self._http.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def counts(self) -> Counter[str]:
        return Counter(path for path, _range in self.asked)

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(10)

    def listing(self) -> list[Any]:
        rows: list[Any] = [{"type": "directory", "path": "sub", "oid": "0" * 40, "size": 0}]
        for path in sorted(self.folder.rglob("*")):
            if not path.is_file():
                continue
            name, data = path.relative_to(self.folder).as_posix(), path.read_bytes()
            head = b"blob %d\0" % len(data)
            row: Any = {"type": "file", "path": name, "size": len(data)}
            row["oid"] = hashlib.sha1(head + data).hexdigest()
            if path.suffix in LARGE:
                digest = self.lie.get(name) or hashlib.sha256(data).hexdigest()
                row["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 134}
            elif name in self.lie:
                row["oid"] = self.lie[name]
            rows.append(row)
        return rows + self.rows

    def answer(self, to: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(to.path).path)
        self.headers.append(dict(to.headers.items()))
        listing = re.fullmatch(f"/api/models/{re.escape(self.repository)}/tree/([^/]+)", path)
        file = re.fullmatch(f"/{re.escape(self.repository)}/resolve/([^/]+)/(.+)", path)
        name = "listing" if listing else file[2] if file else path
        self.asked.append((name, to.headers.get("Range", "")))
        if self.status.get(name):
            self._send(to, self.status[name].pop(0), b"", {})
        elif name in self.move:
            self._send(to, 302, b"", {"Location": self.move[name]})
        elif listing:
            self._send_listing(to)
        elif file and (self.folder / name).is_file():
            self._send_file(to, name, (self.folder / name).read_bytes())
        elif path.startswith("/store/"):
            self._send_file(to, path[7:], (self.folder / path[7:]).read_bytes())
        else:
            self._send(to, 404, b"", {})

    def _send_listing(self, to: BaseHTTPRequestHandler) -> None:
        rows, page = self.listing(), int(urlsplit(to.path).query.partition("cursor=")[2] or 0)
        share = -(-len(rows) // self.pages)
        headers = {"X-Repo-Commit": COMMIT, "Content-Type": "application/json"}
        if page + 1 < self.pages:
            base = urlsplit(to.path).path
            headers["Link"] = f'<{base}?recursive=true&cursor={page + 1}>; rel="next"'
        part = rows[page * share : (page + 1) * share]
        cut = self.cut["listing"].pop(0) if self.cut.get("listing") else None
        self._send(to, 200, json.dumps(part).encode(), headers, cut)

    def _send_file(self, to: BaseHTTPRequestHandler, name: str, data: bytes) -> None:
        start = re.match(r"bytes=(\d+)-", to.headers.get("Range", ""))
        headers, status = {}, 200
        if start and not self.rangeless:
            begin = int(start[1])
            if begin >= len(data):
                self._send(to, 416, b"", {})
                return
            status = 206
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
            data = data[begin:]
        cut = self.cut[name].pop(0) if self.cut.get(name) else None
        self._send(to, status, data, headers, cut)

    @staticmethod
    def _send(
        to: BaseHTTPRequestHandler,
        status: int,
        data: bytes,
        headers: dict[str, str],
        cut: int | None = None,
    ) -> None:
        to.send_response(status)
        for key, value in headers.items():
            to.send_header(key, value)
        to.send_header("Content-Length", str(len(data)))
        to.end_headers()
        to.wfile.write(data if cut is None else data[:cut])
        if cut is not None:
            to.close_connection = True

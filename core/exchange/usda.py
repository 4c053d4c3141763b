# SPDX-License-Identifier: GPL-3.0-or-later
"""A reader of USD's text form (.usda, or .usd that begins with #usda), as much as layers of
animation need: prims with attributes, relationships and metadata.

References, variants and other layers are passed over. The file may come from anybody: size, depth
and numbers are checked, nothing is resolved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import limits
from ..errors import UserError

MAGIC = b"#usda"
MAX_DEPTH = 64
Values = Any  # numbers, texts, tuples, lists, arrays, and dicts of them

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_TOKEN = re.compile(
    r"(?P<skip>\s+|\#[^\n]*|/\*.*?\*/|//[^\n]*)"
    # Whole arrays of numbers, or of tuples of numbers, at once: they are most of a file
    r"|(?P<array>\[[-+0-9.eE,()\s]*\])"
    rf"|(?P<number>{_NUMBER}(?![\w.]))"
    r'|(?P<long>"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\')'
    r'|(?P<text>"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')'
    r"|(?P<asset>@@@.*?@@@|@[^@\n]*@)"
    r"|(?P<path><[^>\n]*>)"
    r"|(?P<word>[-+]?[^\W\d][\w:.]*(?:\[\])?)"
    r"|(?P<mark>[\[\](){}=:,;&])",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPEN, _CLOSED = {"(": ")", "[": "]", "{": "}"}, ")]}"


@dataclass
class Prim:
    """``values`` by attribute; those sampled over time have ``.timeSamples`` behind their name
    and are pairs of time and value."""

    name: str
    kind: str = ""
    values: dict[str, Values] = field(default_factory=dict)
    children: list[Prim] = field(default_factory=list)
    meta: dict[str, Values] = field(default_factory=dict)

    def walk(self) -> Iterator[Prim]:
        """This prim and all below it, in the order of the file."""
        waiting = [self]
        while waiting:
            prim = waiting.pop()
            yield prim
            waiting.extend(reversed(prim.children))


def parse_usda(data: bytes, name: str) -> Prim:
    """The root of a text layer: its ``meta`` are the layer's, its children the prims at the top.

    Raises UserError naming the file, the line and what is wrong.
    """
    if not data.startswith(MAGIC):
        raise UserError(f"{name} is no text layer of USD: it does not begin with #usda.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text layer of USD: it is not UTF-8.") from error
    reader = _Reader(text)
    try:
        return reader.layer()
    except (ValueError, RecursionError, OverflowError) as error:
        line = text.count("\n", 0, reader.place) + 1
        reason = str(error) or "it is nested too deeply"
        raise UserError(f"{name} cannot be read as USD text: line {line}, {reason}.") from error


class _Reader:
    """One token ahead: ``kind`` and ``text`` at ``place``."""

    def __init__(self, text: str) -> None:
        self._source = text
        self._end = 0
        self._depth = 0
        self.place = 0
        self.kind = self.text = ""

    def _next(self) -> str:
        """Go one token on; returns the one that was."""
        before = self.text
        while True:
            self.place = self._end
            if self.place == len(self._source):
                self.kind, self.text = "end", ""
                return before
            found = _TOKEN.match(self._source, self.place)
            if found is None:
                raise ValueError(f"{self._source[self.place]!r} makes no sense there")
            self._end = found.end()
            if found.lastgroup != "skip":
                self.kind, self.text = str(found.lastgroup), found.group()
                return before

    def _take(self, mark: str) -> None:
        if self.kind != "mark" or self.text != mark:
            raise ValueError(f"{mark!r} is missing before {self.text[:20]!r}")
        self._next()

    def _is(self, mark: str) -> bool:
        return self.kind == "mark" and self.text == mark

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ValueError("it is nested too deeply")

    def layer(self) -> Prim:
        root = Prim("")
        self._next()
        if self._is("("):
            root.meta = self._metadata()
        while self.kind != "end":
            self._statement(root)
        return root

    def _statement(self, owner: Prim) -> None:
        """A prim, an attribute, or what is passed over, inside of a prim or at the top."""
        if self._is(";"):
            self._next()
            return
        if self.kind != "word":
            raise ValueError(f"{self.text[:20]!r} begins nothing that is known")
        if self.text in ("def", "over", "class"):
            owner.children.append(self._prim())
        elif self.text in ("variantSet", "reorder"):
            while not (self._is("{") or self._is("=") or self.kind == "end"):
                self._next()
            if self._is("="):
                self._next()
            self._skip()
        else:
            self._attribute(owner)

    def _prim(self) -> Prim:
        self._next()
        kind = self._next() if self.kind == "word" else ""
        if self.kind != "text":
            raise ValueError("a prim has no name")
        prim = Prim(_unquoted(self._next()), kind)
        if self._is("("):
            prim.meta = self._metadata()
        self._take("{")
        self._deeper()
        while not self._is("}"):
            if self.kind == "end":
                raise ValueError("the file ends inside of a prim")
            self._statement(prim)
        self._depth -= 1
        self._next()
        return prim

    def _attribute(self, owner: Prim) -> None:
        words = []
        while self.kind == "word":
            words.append(self._next())
        if self.kind == "array" and not self.text[1:-1].strip():  # a type's brackets, apart
            self._next()
        while self.kind == "word":
            words.append(self._next())
        name = words[-1]
        if self._is("="):
            self._next()
            owner.values[name] = self._samples() if name.endswith(".timeSamples") else self._value()
        if self._is("("):
            self._skip()

    def _samples(self) -> list[tuple[float, Values]]:
        """Pairs of time and value."""
        self._take("{")
        pairs: list[tuple[float, Values]] = []
        while not self._is("}"):
            if self.kind != "number":
                raise ValueError(f"{self.text[:20]!r} is no time")
            time = float(self._next())
            self._take(":")
            pairs.append((time, self._value()))
            if len(pairs) > limits.MAX_FRAMES:
                raise ValueError(f"it has more than {limits.MAX_FRAMES} frames")
            if self._is(","):
                self._next()
        self._next()
        return pairs

    def _metadata(self) -> dict[str, Values]:
        """What stands in round brackets behind a layer's or prim's head; what has no plain value is
        passed over."""
        self._take("(")
        found: dict[str, Values] = {}
        while not self._is(")"):
            if self.kind == "end":
                raise ValueError("the file ends inside of brackets")
            words = []
            while self.kind == "word":
                words.append(self._next())
            if self._is("="):
                self._next()
                found[words[-1] if words else ""] = self._value()
            elif not self._is(")"):
                self._next()  # a comment as text, or a separator
        self._next()
        return found

    def _value(self) -> Values:
        kind, text = self.kind, self.text
        if kind == "array":
            self._next()
            return _array(text)
        if kind == "number":
            self._next()
            return float(text)
        if kind in ("text", "long"):
            self._next()
            return _unquoted(text)
        if kind in ("asset", "path", "word"):
            self._next()
            if kind == "asset" and self.kind == "path":  # a prim in another file
                self._next()
            if kind != "word" and self._is("("):  # how its time is shifted
                self._skip()
            return text
        if kind == "mark" and text in _OPEN:
            return self._table() if text == "{" else self._list(_OPEN[text])
        raise ValueError(f"{text[:20] or 'the end'!r} is no value")

    def _list(self, end: str) -> list[Values]:
        self._next()
        self._deeper()
        values: list[Values] = []
        while not self._is(end):
            values.append(self._value())
            if self._is(","):
                self._next()
        self._depth -= 1
        self._next()
        return values

    def _table(self) -> dict[str, Values]:
        """A dictionary: typed names, ``int fps = 30``; or pairs with a colon, which are dropped."""
        self._next()
        self._deeper()
        found: dict[str, Values] = {}
        while not self._is("}"):
            words = []
            while self.kind in ("word", "text"):
                words.append(_unquoted(self._next()))
            if self._is("="):
                self._next()
                found[words[-1] if words else ""] = self._value()
            elif self.kind == "end":
                raise ValueError("the file ends inside of brackets")
            elif not self._is("}"):
                self._next()
        self._depth -= 1
        self._next()
        return found

    def _skip(self) -> None:
        """Pass over a value or everything within brackets."""
        open_ones: list[str] = []
        while True:
            if self.kind == "end":
                raise ValueError("the file ends inside of brackets")
            if self.kind == "mark" and self.text in _OPEN:
                open_ones.append(_OPEN[self.text])
            elif (
                self.kind == "mark"
                and self.text in _CLOSED
                and (not open_ones or open_ones.pop() != self.text)
            ):
                raise ValueError(f"{self.text!r} closes nothing")
            self._next()
            if not open_ones:
                return


def _array(text: str) -> Any:
    """Numbers (n,) or tuples of them (n, k) as float64."""
    inside = text[1:-1]
    width = 0
    if "(" in inside:
        first = inside[inside.index("(") : inside.find(")")]
        width = first.count(",") + 1
        inside = inside.replace("(", " ").replace(")", " ")
    parts = inside.split(",")
    if not parts[-1].strip():
        parts.pop()  # a comma behind the last, or nothing at all
    try:
        numbers = np.array(parts, np.float64) if parts else np.zeros(0)
    except ValueError:
        raise ValueError("a list of numbers holds something else") from None
    if not np.isfinite(numbers).all():
        raise ValueError("a number is too large")
    if not width:
        return numbers
    if len(numbers) % width:
        raise ValueError("a list of tuples has tuples of different lengths")
    return numbers.reshape(-1, width)


def _unquoted(text: str) -> str:
    if text[:3] in ('"""', "'''"):
        return _ESCAPE.sub(r"\1", text[3:-3])
    if text[:1] in ('"', "'"):
        return _ESCAPE.sub(r"\1", text[1:-1])
    return text

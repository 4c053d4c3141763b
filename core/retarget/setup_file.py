# SPDX-License-Identifier: GPL-3.0-or-later
"""Setups of character transfers: pairs and settings, as a JSON file to read, edit and share.

    {"schema": 1, "name": "Old man", "about": "...",
     "driver": {"mesh": "Facewright Head", "topology": "0123456789abcdef", "vertices": 12000},
     "target": {"mesh": "Old man", "topology": "...", "vertices": 24000},
     "settings": {"iterations": 3, "stiffness": 100.0, "smooth_level": 1},
     "pairs": [{"name": "chin", "driver": {"corners": [1, 2, 3], "shares": [0.2, 0.3, 0.5]},
                "target": {"corners": [4, 5, 6], "shares": [1, 0, 0]}}]}

Data only. A setup belongs to two topologies, not to objects: names are there to be read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import write_text
from ..safe_files import Json, read_json
from .mesh import HASH_DIGITS

SCHEMA = 1
SUFFIX = ".json"
MAX_BYTES = 4 << 20
MAX_PAIRS = 1000
MAX_NAME = 60
MOST_VERTICES = 1 << 31
NUMBERS = {"iterations": (1, 10), "stiffness": (1.0, 10_000.0), "smooth_level": (0, 10)}
_SUM_TOLERANCE = 1e-3  # of shares that a person has rounded
_MENDING = "Mend the file or save the setup again."
_KEYS = ("schema", "name", "about", "driver", "target", "settings", "pairs")
_HASH = re.compile(rf"[0-9a-f]{{{HASH_DIGITS}}}")


@dataclass(frozen=True)
class MeshNote:
    """Which mesh points were picked on: its name, topology hash and number of vertices."""

    mesh: str
    topology: str
    vertices: int


@dataclass(frozen=True)
class SpotNote:
    """A point of a surface as a file has it: three vertices and its barycentric coordinates."""

    corners: tuple[int, int, int]
    shares: tuple[float, float, float]


@dataclass(frozen=True)
class PairNote:
    """A pair as a file has it."""

    name: str
    driver: SpotNote
    target: SpotNote


@dataclass(frozen=True)
class Setup:
    """What a file holds."""

    name: str
    driver: MeshNote
    target: MeshNote
    pairs: tuple[PairNote, ...]
    iterations: int = 3
    stiffness: float = 100.0
    smooth_level: int = 1
    about: str = ""

    def check_fits(self, driver: MeshNote, target: MeshNote, where: str) -> None:
        """Raises UserError that says which of the meshes is another than the setup's."""
        wrong = [
            (kind, own, other)
            for kind, own, other in (
                ("driver", self.driver, driver),
                ("target", self.target, target),
            )
            if own.topology != other.topology
        ]
        if not wrong:
            return
        kind, own, other = wrong[0]
        if len(wrong) > 1:
            raise UserError(
                f"{where} fits neither mesh: it is for the driver {_said(self.driver)} and the "
                f"target {_said(self.target)}.",
                "Choose these meshes, or pick the pairs anew.",
            )
        fine = "target" if kind == "driver" else "driver"
        raise UserError(
            f"{where} fits the {fine}, but not the {kind}: it is for {_said(own)}, and "
            f"{_said(other)} {_difference(own, other)}.",
            f"Choose that mesh as the {kind}, or pick the pairs anew.",
        )


def _said(note: MeshNote) -> str:
    return f"'{note.mesh}' with {note.vertices:,} vertices"


def _difference(own: MeshNote, other: MeshNote) -> str:
    if own.vertices != other.vertices:
        return "is another mesh"
    return "has other faces or another order of vertices"


def read_setup(path: Path) -> Setup:
    """Read a setup. Raises UserError with one sentence for every kind of damage."""
    return setup_from(read_json(path, MAX_BYTES), str(path))


def write_setup(path: Path, setup: Setup) -> None:
    """Write a setup, whole or not at all, one line for each pair. Raises UserError."""
    values = to_mapping(setup)
    setup_from(values, path.name)
    write_text(path, "".join(_lines(values)))


def to_mapping(setup: Setup) -> dict[str, Json]:
    """As it is written to a file; ``setup_from`` takes it back."""
    values: dict[str, Json] = {"schema": SCHEMA, "name": setup.name}
    if setup.about:
        values["about"] = setup.about
    values["driver"], values["target"] = vars(setup.driver), vars(setup.target)
    values["settings"] = {name: getattr(setup, name) for name in NUMBERS}
    values["pairs"] = [
        {
            "name": pair.name,
            "driver": _spot_values(pair.driver),
            "target": _spot_values(pair.target),
        }
        for pair in setup.pairs
    ]
    return values


def setup_from(values: Mapping[str, Json], where: str) -> Setup:
    """Check what a file holds. Raises UserError that names ``where`` and what is wrong."""
    if values.get("schema") != SCHEMA or isinstance(values.get("schema"), bool):
        raise UserError(
            f"{where} is no setup that this version reads: its schema is not {SCHEMA}.", _MENDING
        )
    _check_keys(values, _KEYS, "a setup", where)
    driver, target = _mesh(values, "driver", where), _mesh(values, "target", where)
    return Setup(
        name=_text(values, "name", where, MAX_NAME) or "Setup",
        about=_text(values, "about", where, 400),
        driver=driver,
        target=target,
        pairs=tuple(_pairs(values.get("pairs"), driver, target, where)),
        **_settings(values.get("settings", {}), where),
    )


def _lines(values: Mapping[str, Json]) -> Iterator[str]:
    """JSON with a line for each pair and each mesh, so that people can read and compare it."""
    yield "{\n"
    for key, value in values.items():
        if key != "pairs":
            yield f"  {json.dumps(key)}: {_dumped(value)},\n"
    pairs = values["pairs"]
    yield '  "pairs": [\n' if pairs else '  "pairs": ['
    for place, pair in enumerate(pairs, 1):
        yield f"    {_dumped(pair)}{',' if place < len(pairs) else ''}\n"
    yield "  ]\n}\n" if pairs else "]\n}\n"


def _dumped(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _spot_values(spot: SpotNote) -> dict[str, Json]:
    # Blender keeps single precision: more digits say nothing
    shares = [float(f"{share:.7g}") for share in spot.shares]
    return {"corners": list(spot.corners), "shares": shares}


def _check_keys(values: Mapping[str, Json], known: tuple[str, ...], what: str, where: str) -> None:
    unknown = sorted(str(key) for key in values if key not in known)
    if unknown:
        raise UserError(f"{where}: {what} has no {unknown[0]!r}.", _MENDING)


def _text(values: Mapping[str, Json], key: str, where: str, longest: int) -> str:
    text = values.get(key, "")
    if not isinstance(text, str) or len(text) > longest or not text.isprintable():
        raise UserError(f"{where}: {key} has to be a text of at most {longest} letters.", _MENDING)
    return text.strip()


def _mesh(values: Mapping[str, Json], key: str, where: str) -> MeshNote:
    found = values.get(key)
    if not isinstance(found, dict):
        raise UserError(f"{where} does not say which {key} it is for.", _MENDING)
    _check_keys(found, ("mesh", "topology", "vertices"), f"the {key}", where)
    topology: Json = found.get("topology")
    count: Json = found.get("vertices")
    if not isinstance(topology, str) or not _HASH.fullmatch(topology):
        raise UserError(
            f"{where}: the topology of the {key} has to be {HASH_DIGITS} hexadecimal digits.",
            _MENDING,
        )
    if not _is_whole(count) or not 3 <= count < MOST_VERTICES:
        raise UserError(f"{where}: the {key} has no sensible number of vertices.", _MENDING)
    return MeshNote(_text(found, "mesh", where, 256), topology, int(count))


def _settings(values: Json, where: str) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise UserError(f"{where}: settings has to be a JSON object.", _MENDING)
    _check_keys(values, tuple(NUMBERS), "settings", where)
    for name, value in values.items():
        low, high = NUMBERS[name]
        whole = isinstance(low, int)
        fits = _is_whole(value) if whole else _is_number(value)
        if not fits or not low <= value <= high:
            kind = "a whole number" if whole else "a number"
            raise UserError(f"{where}: {name} has to be {kind} from {low:g} to {high:g}.", _MENDING)
    return dict(values)


def _pairs(values: Json, driver: MeshNote, target: MeshNote, where: str) -> Iterator[PairNote]:
    if not isinstance(values, list) or len(values) > MAX_PAIRS:
        raise UserError(f"{where}: pairs has to be a list of at most {MAX_PAIRS}.", _MENDING)
    for place, value in enumerate(values, 1):
        if not isinstance(value, dict):
            raise UserError(f"{where}: pair {place} has to be a JSON object.", _MENDING)
        _check_keys(value, ("name", "driver", "target"), f"pair {place}", where)
        name = _text(value, "name", where, MAX_NAME) or f"Point {place}"
        yield PairNote(
            name,
            _spot(value.get("driver"), driver.vertices, f"{where}: pair {place}, driver"),
            _spot(value.get("target"), target.vertices, f"{where}: pair {place}, target"),
        )


def _spot(value: Json, vertices: int, where: str) -> SpotNote:
    if not isinstance(value, dict):
        raise UserError(f"{where} has to have corners and shares.", _MENDING)
    _check_keys(value, ("corners", "shares"), "a point", where)
    corners: Json = value.get("corners")
    shares: Json = value.get("shares")
    if not _are_three(corners) or not all(_is_whole(c) and 0 <= c < vertices for c in corners):
        raise UserError(f"{where}: corners has to be three vertices of the mesh.", _MENDING)
    if (
        not _are_three(shares)
        or not all(_is_number(share) and 0 <= share <= 1 + _SUM_TOLERANCE for share in shares)
        or not math.isclose(sum(shares), 1.0, abs_tol=_SUM_TOLERANCE)
    ):
        raise UserError(
            f"{where}: shares has to be three numbers from 0 to 1 that sum to 1.", _MENDING
        )
    return SpotNote((corners[0], corners[1], corners[2]), (shares[0], shares[1], shares[2]))


def _are_three(value: Json) -> bool:
    return isinstance(value, list) and len(value) == 3


def _is_whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the fields that a manifest's row and an order share. Each refusal names its place."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..emotion.source import MODES
from ..emotion.track import EmotionTrack
from ..errors import UserError
from ..exchange.emotion_json import key_rows, parse_emotion_keys, read_emotion_keys
from ..parameters import checked
from ..safe_files import Json
from ..windows import parse_rate

EMOTION_FIELDS = ("mode", "model", "keys", "preferred", "overrides", "beginning")
FORMAT_LETTERS = 40
BUILT_IN = "built-in"  # the model that comes with the extension, wherever that is installed


def only(values: Mapping[str, Json], known: Collection[str], where: str) -> None:
    """Refuse a field that is not known: mostly it is mistyped. Raises UserError."""
    for name in values:
        if name not in known:
            raise UserError(
                f"{where} has no field called {name!r}.", f"There are {', '.join(known)}."
            )


def text(values: Mapping[str, Json], key: str, where: str) -> str:
    """A text, "" when it is left out. Raises UserError."""
    value = values.get(key, "")
    if not isinstance(value, str) or "\0" in value or not _is_text(value):
        raise UserError(f"{where}: {key} has to be a text.")
    return value


def _is_text(value: str) -> bool:
    """Whether it holds whole characters only: JSON may hold halves, which no file name can."""
    return value.encode("utf-8", "ignore").decode("utf-8") == value


def flag(values: Mapping[str, Json], key: str, where: str, default: bool = False) -> bool:
    """True or false. Raises UserError."""
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise UserError(f"{where}: {key} has to be true or false.")
    return value


def number(values: Mapping[str, Json], key: str, where: str) -> float | None:
    """A number that is not negative, None when it is left out. Raises UserError."""
    value = values.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise UserError(f"{where}: {key} has to be a number that is not negative.")
    return float(value)


def table(values: Mapping[str, Json], key: str, where: str) -> dict[str, Json]:
    """A table of names and values, empty when it is left out. Raises UserError."""
    value = values.get(key, {})
    if not isinstance(value, dict):
        raise UserError(f"{where}: {key} has to be a table of names and values.")
    return value


def settings(values: Mapping[str, Json], where: str) -> dict[str, object]:
    """Parameters by name, each checked against the table. Raises UserError."""
    found = table(values, "settings", where)
    return {name: checked(name, value, f"{where}: settings") for name, value in found.items()}


def frame_rate(values: Mapping[str, Json], where: str) -> Fraction | None:
    """A rate such as 30, 23.976 or "24000/1001"; None when it is left out. Raises UserError."""
    value = values.get("fps")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise UserError(f'{where}: fps has to be a frame rate, such as 30 or "24000/1001".')
    return parse_rate(value)


def formats(values: Mapping[str, Json], where: str) -> tuple[str, ...] | None:
    """Names of formats, each once; None when they are left out. Raises UserError."""
    value = values.get("formats")
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(one, str) and 0 < len(one) <= FORMAT_LETTERS for one in value)
    ):
        raise UserError(f"{where}: formats has to be a list of names such as json.")
    return tuple(dict.fromkeys(value))


def emotion(found: Json, folder: Path, where: str) -> dict[str, object]:
    """The fields of an ``EmotionSource`` that are given, ready for it.

    ``found`` is a table of them, or the name of a file of emotion keys; file names count from
    ``folder``. Raises UserError.
    """
    if isinstance(found, str):
        return {"keys": read_emotion_keys(beside(folder, found))}
    if not isinstance(found, dict):
        raise UserError(f"{where}: emotion has to be a table, or a file of emotion keys.")
    where = f"{where}: emotion"
    only(found, EMOTION_FIELDS, where)
    values: dict[str, object] = {}
    for name, value in found.items():
        if name == "keys":
            values[name] = _keys(value, folder, where)
        elif name == "mode":
            if value not in MODES:
                raise UserError(f"{where}: mode is {value!r}.", f"Choose {', '.join(MODES)}.")
            values[name] = value
        elif name == "model":
            values[name] = located(text(found, "model", where), folder)
        elif name == "overrides":
            values[name] = table(found, "overrides", where)
        else:
            values[name] = _vector(value, f"{where}: {name}")
    return values


def _keys(value: Json, folder: Path, where: str) -> EmotionTrack | None:
    if value is None:
        return None
    if isinstance(value, str):
        return read_emotion_keys(beside(folder, value))
    return parse_emotion_keys(value, f"{where}: keys")


def _vector(value: Json, where: str) -> tuple[float, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or any(
        isinstance(one, bool) or not isinstance(one, (int, float)) for one in value
    ):
        raise UserError(f"{where} has to be a list of numbers.")
    return tuple(float(one) for one in value if isinstance(one, (int, float)))


def emotion_mapping(given: Mapping[str, Any]) -> dict[str, Json]:
    """Fields of an ``EmotionSource`` as ``emotion`` reads them."""
    found: dict[str, Json] = dict(given)
    if isinstance(found.get("keys"), EmotionTrack):
        found["keys"] = key_rows(found["keys"])
    for name in ("preferred", "beginning"):
        if found.get(name) is not None:
            found[name] = list(found[name])
    if "overrides" in found:
        found["overrides"] = dict(sorted(found["overrides"].items()))
    return found


def located(model: str, folder: Path) -> str:
    """A model's folder as a full path; empty and the built-in one stay as they are."""
    return model if model in ("", BUILT_IN) else str(beside(folder, model))


def beside(folder: Path, name: str) -> Path:
    """A file or folder that is named from ``folder`` on; full names stay."""
    return Path(folder, name)

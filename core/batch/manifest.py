# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of a batch: lines of a manifest, or the voices of a folder.

A manifest is a text of JSON lines, one row a line; empty lines count for nothing:

    {"audio": "voices/line 1.wav"}
    {"audio": "voices/line 2.wav", "output": "scene 1/line 2", "settings": {"emotion_joy": 0.5}}

=====================  =========================================================================
``audio``              the voice; names of files count from the manifest's folder
``output``             below the output folder, without ending; the voice's name when left out
``start``, ``end``     the part to use, in seconds; ``channel`` counts from 1, 0 mixes them all
``settings``           parameters by name, before the order's; ``identity`` the model's person
``emotion``            a table as in an order, before the order's, or a file of emotion keys
``fps``, ``formats``   before the order's
``blend``              a .blend, and ``character`` a mesh in it: what the take is baked on
``note``               anything; not read
=====================  =========================================================================

A line that makes no sense is a bad row, which fails by itself; the others are done.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path, PurePosixPath

from .. import limits
from ..errors import UserError
from ..file_names import cleaned_name, name_problem
from ..parameters import checked_values
from ..safe_files import Json, parse_json, read_limited
from ..voice.audio import Voice
from ..voice.tracks import voices
from . import fields

_FIELDS = (
    "audio", "output", "start", "end", "channel", "settings", "identity", "emotion", "fps",
    "formats", "blend", "character", "note",
)  # fmt: skip
OWN_FOLDER = ".facewright"  # of the output folder: what is known of each row
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?(?::(\d{1,9}))?")


@dataclass(frozen=True)
class Row:
    """One voice of a batch.

    ``number``    0-based place among the rows; ``where`` says it for people
    ``audio``     full name of the voice; ``output`` as "folder/name", without ending
    ``emotion``   fields of an ``EmotionSource`` that the row gives itself
    ``blend``, ``character``  full name of a .blend and a mesh in it, "" where none is named
    ``problem``   why the row cannot be done, a sentence; then only the names hold
    """

    number: int
    where: str
    audio: str
    output: str
    start_s: float = 0.0
    end_s: float | None = None
    channel: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    identity: str = ""
    emotion: Mapping[str, object] = field(default_factory=dict)
    fps: Fraction | None = None
    formats: tuple[str, ...] | None = None
    blend: str = ""
    character: str = ""
    problem: str = ""

    @property
    def voice(self) -> Voice:
        """What of the sound file is used."""
        return Voice(self.audio, start_s=self.start_s, end_s=self.end_s, channel=self.channel)

    def to_mapping(self) -> dict[str, Json]:
        """Plain values for JSON, complete; ``from_mapping`` takes them back."""
        found = dict(vars(self))
        found["settings"] = checked_values(self.settings)
        found["emotion"] = fields.emotion_mapping(self.emotion)
        found["fps"] = None if self.fps is None else str(self.fps)
        return found

    @classmethod
    def from_mapping(cls, values: dict[str, Json]) -> Row:
        """Of what ``to_mapping`` gave. Raises UserError, KeyError or TypeError for other things."""
        where = values["where"]
        given = {
            "emotion": fields.emotion(values["emotion"], Path(), where),
            "fps": None if values["fps"] is None else Fraction(values["fps"]),
            "formats": fields.formats(values, where),
        }
        return cls(**{**values, **given})


def read_manifest(path: str | os.PathLike[str]) -> tuple[Row, ...]:
    """The rows of a manifest. Raises UserError when it cannot be read or holds no row."""
    source = Path(os.path.abspath(path))
    data = read_limited(source, limits.MAX_MANIFEST_BYTES).removeprefix(b"\xef\xbb\xbf")
    lines = [(at, line) for at, line in enumerate(data.splitlines(), 1) if line.strip()]
    if not lines:
        raise UserError(f"{source} holds no row.", "Write one JSON object a line.")
    if len(lines) > limits.MAX_BATCH_ROWS:
        raise UserError(f"{source} holds {len(lines)} rows, more than {limits.MAX_BATCH_ROWS}.")
    rows = [
        _row(number, f"{source.name}, line {at}", line, source.parent)
        for number, (at, line) in enumerate(lines)
    ]
    return _with_outputs(rows)


def folder_rows(folder: str | os.PathLike[str]) -> tuple[Row, ...]:
    """One row for each voice of a folder, sorted as people do. Raises UserError without any."""
    source = Path(os.path.abspath(folder))
    try:
        names = voices(str(source))
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"The folder {source} cannot be read: {reason}.") from error
    if not names:
        raise UserError(f"The folder {source} holds no sound file.", "Choose another folder.")
    return voice_rows([os.path.join(source, name) for name in names])


def voice_rows(paths: Sequence[str]) -> tuple[Row, ...]:
    """One row for each of the sound files, which may be from anywhere."""
    rows = [Row(number, os.path.basename(path), path, "") for number, path in enumerate(paths)]
    return _with_outputs(rows)


def chosen_rows(rows: Sequence[Row], text: str) -> tuple[Row, ...]:
    """The rows of "0-9,12" (also "0-9:3", every third); "" is all of them.

    Each once, in their order. Raises UserError for anything else and rows that are not there.
    """
    if not text.strip():
        return tuple(rows)
    chosen: set[int] = set()
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        first, last, step = (int(one) if one else None for one in found.groups()) if found else (
            None, None, None
        )  # fmt: skip
        if first is None or step == 0 or (last is not None and last < first):
            raise UserError(f"{part.strip()!r} is no range of rows.", "Write 0-9,12.")
        if max(first, last or 0) >= len(rows):
            raise UserError(
                f"There is no row {max(first, last or 0)}: the rows are 0 to {len(rows) - 1}."
            )
        chosen.update(range(first, (first if last is None else last) + 1, step or 1))
    return tuple(rows[number] for number in sorted(chosen))


def _row(number: int, where: str, line: bytes, folder: Path) -> Row:
    plain = Row(number, where, "", "")
    try:
        values = parse_json(line, where)
        if not isinstance(values, dict):
            raise UserError(f"{where} has to hold a JSON object.")
        return _read(values, plain, folder)
    except UserError as error:
        return replace(plain, problem=" ".join(str(error).split()))


def _read(values: dict[str, Json], plain: Row, folder: Path) -> Row:
    where = plain.where
    audio = fields.text(values, "audio", where)
    if not audio:
        raise UserError(f"{where} names no audio.")
    plain = replace(plain, audio=str(fields.beside(folder, audio)))
    try:
        fields.only(values, _FIELDS, where)
        blend = fields.text(values, "blend", where)
        return replace(
            plain,
            output=_checked_output(fields.text(values, "output", where), where),
            start_s=fields.number(values, "start", where) or 0.0,
            end_s=fields.number(values, "end", where),
            channel=_channel(values, where),
            settings=fields.settings(values, where),
            identity=fields.text(values, "identity", where),
            emotion=fields.emotion(values.get("emotion", {}), folder, where),
            fps=fields.frame_rate(values, where),
            formats=fields.formats(values, where),
            blend=str(fields.beside(folder, blend)) if blend else "",
            character=fields.text(values, "character", where),
        )
    except UserError as error:
        return replace(plain, problem=" ".join(str(error).split()))


def _channel(values: Mapping[str, Json], where: str) -> int | None:
    value = values.get("channel", 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UserError(f"{where}: channel has to be a whole number; 0 mixes all channels.")
    return value - 1 if value else None


def _checked_output(output: str, where: str) -> str:
    """A name below the output folder that every system takes. Raises UserError."""
    if not output:
        return ""
    parts = output.replace("\\", "/").split("/")
    for part in parts:
        reason = name_problem(part)
        if part.casefold() == OWN_FOLDER:
            reason = "the batch uses that folder itself"
        if reason:
            raise UserError(
                f"{where}: output {output!r} is no name below the output folder: {reason}.",
                'Write "name" or "folder/name".',
            )
    return str(PurePosixPath(*parts))


def _key(output: str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", output).casefold()


def _stem(audio: str) -> tuple[str, str]:
    """Name, as every system takes it, and ending of a file, for thousands at once."""
    name, suffix = os.path.splitext(os.path.basename(audio))
    name = cleaned_name(name)
    return (f"{name}_" if name.casefold() == OWN_FOLDER else name), suffix


def _with_outputs(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows with an output each. One that was named for two rows is the first one's.

    Voices of the same name that name none get their ending too, "hi_wav" and "hi_mp3", and where
    that does not tell them apart, a number.
    """
    done: list[Row] = []
    taken: dict[str, str] = {}
    for row in rows:
        if row.output and not row.problem:
            first = taken.setdefault(_key(row.output), row.where)
            if first != row.where:
                problem = f"{row.where}: output {row.output!r} is already that of {first}."
                row = replace(row, problem=problem, output="")
        done.append(row)
    stems = Counter(_key(_stem(row.audio)[0]) for row in done if not row.output)
    for place, row in enumerate(done):
        if row.output:
            continue
        own, suffix = _stem(row.audio)
        stem = own or f"row {row.number}"
        unique = stems[_key(own)] == 1 and _key(stem) not in taken
        base = stem if unique else f"{stem}_{suffix[1:]}".rstrip("_")
        name, count = base, 1
        while _key(name) in taken:
            count += 1
            name = f"{base}_{count}"
        taken[_key(name)] = row.where
        done[place] = replace(row, output=name)
    return tuple(done)

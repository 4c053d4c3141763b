# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of weights file: one table, one way to write them and one to read them."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..face.track import FaceTrack
from ..files import write_pieces
from ..naming import TONGUE_NAMES
from .channel_map import ChannelMap
from .facs46 import as_arkit, as_facs
from .gains import NO_GAINS, Gains
from .live_link_csv import live_link_pieces, read_live_link_csv
from .metahuman import curves_of, metahuman_pieces
from .skel_clip import face_of_stage, face_of_text, is_text
from .weights_json import read_weights, weights_pieces
from .weights_usd import usd_pieces

JSON, JSON46, USD = "json", "json46", "usd"
METAHUMAN_USD, METAHUMAN_JSON, CSV = "metahuman_usd", "metahuman_json", "csv"


@dataclass(frozen=True)
class WeightOptions:
    """How weights are written.

    ``track_path`` names the voice; ``gains`` change the weights before anything else; ``mapping``
    leads to MetaHuman's curves, None is the shipped table; ``tongue`` writes the 16 poses of the
    tongue beside the 52; ``joints`` writes eyes and jaw as joints where the kind has them.
    """

    track_path: str = ""
    gains: Gains = NO_GAINS
    mapping: ChannelMap | None = None
    tongue: bool = True
    joints: bool = True


Pieces = Callable[[str, FaceTrack, WeightOptions], Iterator[str]]


@dataclass(frozen=True)
class WeightKind:
    """One kind of file: what people call it, what its name ends in, its text in pieces for a
    file's name."""

    label: str
    ending: str
    pieces: Pieces


def _json(_name: str, face: FaceTrack, options: WeightOptions) -> Iterator[str]:
    return weights_pieces(face, options.track_path)


def _json46(_name: str, face: FaceTrack, options: WeightOptions) -> Iterator[str]:
    return weights_pieces(as_facs(face), options.track_path)


def _usd(name: str, face: FaceTrack, options: WeightOptions) -> Iterator[str]:
    return usd_pieces(name, face, options.track_path, options.joints)


def _metahuman_usd(name: str, face: FaceTrack, options: WeightOptions) -> Iterator[str]:
    curves = curves_of(face, options.mapping)
    return usd_pieces(name, face, options.track_path, options.joints, curves)


def _metahuman_json(_name: str, face: FaceTrack, options: WeightOptions) -> Iterator[str]:
    return metahuman_pieces(face, options.mapping, options.track_path)


def _csv(_name: str, face: FaceTrack, _options: WeightOptions) -> Iterator[str]:
    return live_link_pieces(face)


KINDS: dict[str, WeightKind] = {
    JSON: WeightKind("Weights JSON, 52 poses", "_bsweight.json", _json),
    JSON46: WeightKind("Weights JSON, 46 poses", "_bsweight46.json", _json46),
    USD: WeightKind("Weights USD", "_bsweight.usd", _usd),
    METAHUMAN_USD: WeightKind("MetaHuman USD", "_metahuman.usd", _metahuman_usd),
    METAHUMAN_JSON: WeightKind("MetaHuman JSON", "_metahuman.json", _metahuman_json),
    CSV: WeightKind("Live Link Face CSV", "_livelink.csv", _csv),
}
READ_SUFFIXES = (".json", ".usd", ".usda", ".usdc", ".csv")


def write_weight_file(
    path: str | os.PathLike[str],
    kind: str,
    face: FaceTrack,
    options: WeightOptions | None = None,
) -> None:
    """Write a face as one kind of ``KINDS``, whole or not at all.

    ``path`` is taken as it is; ``KINDS[kind].ending`` is what readers look for behind a name.
    Raises UserError when the place cannot be written, KeyError for an unknown kind.
    """
    for _step in weight_file_steps(path, kind, face, options):
        pass


def weight_file_steps(
    path: str | os.PathLike[str],
    kind: str,
    face: FaceTrack,
    options: WeightOptions | None = None,
) -> Generator[None, None, None]:
    """``write_weight_file`` in short steps; closed before its end it leaves nothing behind."""
    chosen = options or WeightOptions()
    face = chosen.gains.apply(face)
    if not chosen.tongue:
        kept = [at for at, name in enumerate(face.names) if name not in TONGUE_NAMES]
        face = replace(
            face, names=tuple(face.names[at] for at in kept), weights=face.weights[:, kept]
        )
    yield from write_pieces(path, KINDS[kind].pieces(Path(path).name, face, chosen))


def read_weight_file(
    path: str | os.PathLike[str], fps: Fraction | None = None, usd: Any | None = None
) -> FaceTrack:
    """Read a weights JSON of either set of names, a SkelAnimation of USD, or a Live Link Face CSV,
    by the file's ending; the 46 poses become the 52.

    ``fps`` is the rate of a CSV, which does not say it. ``usd`` is the module ``pxr.Usd`` for what
    is not text; without it only text is read. Raises UserError naming the file and what is wrong.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    if suffix == ".json":
        return as_arkit(read_weights(source))
    if suffix == ".csv":
        return read_live_link_csv(source, fps)
    if suffix in (".usd", ".usda", ".usdc"):
        return as_arkit(_read_usd(source, usd))
    raise UserError(
        f"{source.name} is no weights file: its ending is none of {', '.join(READ_SUFFIXES)}.",
        "Choose another file.",
    )


def _read_usd(source: Path, usd: Any | None) -> FaceTrack:
    if is_text(source):
        return face_of_text(source)
    if usd is None:
        raise UserError(
            f"{source} is binary USD, which this Blender gives add-ons no reader for.",
            "Save it as text (.usda), for example with usdcat, or use Blender 4.5 or newer.",
        )
    return face_of_stage(source, usd)

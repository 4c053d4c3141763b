# SPDX-License-Identifier: GPL-3.0-or-later
"""What a long run has done so far, in a file: a restarted worker goes on where the old one was.

Only diffusion needs it, whose inferences depend on each other and are slow without a GPU. An
uncompressed npz with the motion so far, its shapes, and the carried state; going on from it gives
the same motion as a run that was never broken off, to the bit.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..arrays import Floats
from ..emotion.track import EmotionTrack
from ..errors import UserError
from ..files import write_npz
from ..models.model import Model
from ..motion import Motion, MotionShapes
from ..parameters import PARAMETERS, Settings
from ..safe_files import ArrayForm, NpzReader
from .diffusion import DiffusionState

_VERSION = 1
EVERY = 40  # inferences: twenty seconds of voice


class Checkpoint:
    """One run's file. It is written after ``every`` inferences, then at growing distances.

    A fifth of what is done lies between two writings of a long run, so that writing never costs
    more than the work that it saves. ``notice`` is a sentence for the user when it could not be
    written.
    """

    def __init__(self, path: str | os.PathLike[str], every: int = EVERY) -> None:
        self.path = Path(path)
        self._every = every
        self._next = every
        self._key = ""
        self.notice = ""

    def begin(
        self, model: Model, samples: Floats, emotion: EmotionTrack, settings: Settings
    ) -> tuple[Motion, DiffusionState] | None:
        """What an earlier run that was asked the very same had done: motion of all frames before
        the state. None where the file is not there, another run's, or damaged.
        """
        self._key = key_of(model, samples, emotion, settings)
        if not self.path.is_file():
            return None
        try:
            found = _read(self.path, self._key, model)
        except UserError:
            return None  # cut short by whatever stopped that run: begin anew
        if found is not None:
            self._plan(found[1].index)
        return found

    def offer(self, index: int, progress: Callable[[], tuple[Motion, DiffusionState]]) -> bool:
        """Write the file when it is time before inference ``index``; else nothing is asked.

        Whether it was written. A full disk does not end the run: ``notice`` says so.
        """
        if index < self._next or self.notice:
            return False
        try:
            _write(self.path, self._key, *progress())
        except UserError as error:
            self.notice = f"A break in the run would have lost it: {error.message}"
            return False
        self._plan(index)
        return True

    def remove(self) -> None:
        """Delete the file: the run is over."""
        with suppress(OSError):
            self.path.unlink()

    def _plan(self, index: int) -> None:
        self._next = max(index + self._every, index * 5 // 4)


def key_of(model: Model, samples: Floats, emotion: EmotionTrack, settings: Settings) -> str:
    """A text that is the same only where the network would be asked the very same."""
    values = settings.to_mapping()
    asked = {
        "version": _VERSION,
        "model": model.sha256,
        "identity": model.identity_index,
        "settings": {name: values[name] for name, row in PARAMETERS.items()
                     if row.stage == "network"},
    }  # fmt: skip
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode())
    for values_of in (samples, emotion.times_s, emotion.values):
        digest.update(np.int64(len(values_of)).tobytes())
        digest.update(np.ascontiguousarray(values_of).tobytes())
    return digest.hexdigest()


def _write(path: Path, key: str, motion: Motion, state: DiffusionState) -> None:
    write_npz(
        path,
        {
            "key": np.frombuffer(key.encode("ascii"), np.uint8),
            "index": np.array([state.index], np.int64),
            "fps": np.array([motion.fps.numerator, motion.fps.denominator], np.int64),
            "latents": state.latents,
            "skin_shapes": state.shapes.skin,
            "tongue_shapes": state.shapes.tongue,
            "skin": motion.skin,
            "tongue": motion.tongue,
            "jaw": motion.jaw,
            "eyes": motion.eyes,
        },
    )


def _read(path: Path, key: str, model: Model) -> tuple[Motion, DiffusionState] | None:
    info = model.info
    with NpzReader(path) as npz:
        if npz.read("key", ArrayForm("u", (None,))).tobytes() != key.encode("ascii"):
            return None
        shapes = MotionShapes(
            npz.floats("skin_shapes", (None, info.skin_vertices, 3)),
            npz.floats("tongue_shapes", (None, info.tongue_vertices, 3)),
        )
        skin = npz.floats("skin", (None, len(shapes.skin)))
        tongue = npz.floats("tongue", (len(skin), len(shapes.tongue)))
        jaw = npz.floats("jaw", (len(skin), info.jaw_size // 3, 3))
        eyes = npz.floats("eyes", (len(skin), 2, 2))
        numerator, denominator = npz.integers("fps", (2,)).tolist()
        (index,) = npz.integers("index", (1,)).tolist()
        latents = npz.floats("latents", (None, None, 1, None))
    if denominator <= 0 or Fraction(numerator, denominator) != info.fps:
        return None
    motion = Motion(skin, tongue, jaw, eyes, Fraction(numerator, denominator), shapes)
    return motion, DiffusionState(index, latents, shapes)

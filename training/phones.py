# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: RUF001 - phonetic letters look alike on purpose
"""Phones: IPA symbols, the viseme class of each, and times read out of voices and aligners."""

from __future__ import annotations

from dataclasses import dataclass, replace

SILENCE = "sil"
VISEMES = (
    "sil", "PP", "FF", "TH", "DD", "KK", "CH", "SS", "RR", "aa", "E", "I", "O", "U", "ax",
)  # fmt: skip
PHONES_OF_VISEME = {
    "PP": "pbmɓʙ",
    "FF": "fvɱʋɸβ",
    "TH": "θð",
    "DD": "tdnlɾrɳʈɖɫɭɲʎʟɬɗȵ",
    "KK": "kgɡŋxɣχʁqʀcɟçɰʕħɴ",
    "CH": "ʃʒʤʧɕʑʂʐʆ",
    "SS": "szʦʣʨʥ",
    "RR": "ɹɻɽ",
    "aa": "aɑɐæʌɶäɒ",
    "E": "eɛœø",
    "I": "iɪjyʏɥᵻ",
    "O": "oɔ",
    "U": "uʊwʍɯɤʉ",
    "ax": "əɜɚɝɘɵɨᵊ",
}
VISEME_OF_PHONE = {
    phone: VISEMES.index(viseme) for viseme, phones in PHONES_OF_VISEME.items() for phone in phones
}
ROUNDED = frozenset("uʊwʍoɔyʏøœɥʉɒɵʃʒʤʧɹ")
# Voices of the Kokoro family write a diphthong as one capital letter; T is the flap. What labels
# call an r-coloured vowel, those voices speak as a vowel and an r, and so the mouth shows it.
COMPOUNDS = {
    "A": "eɪ", "I": "aɪ", "Y": "ɔɪ", "O": "oʊ", "Q": "əʊ", "W": "aʊ", "T": "ɾ",
    "ɚ": "əɹ", "ɝ": "ɜɹ",
}  # fmt: skip
FIRST_HALF = 0.58  # a diphthong's first vowel takes this share of its time
PUNCTUATION = frozenset(';:,.!?—…"()“”$^')
STRESS = frozenset("ˈˌ")
LENGTH = frozenset("ːʰʲ̃ˑ→↗↘↓ᵝʷ̩̯̪ˠˤ")


@dataclass(frozen=True)
class Segment:
    """One phone (IPA, or ``sil``) from ``start`` to ``end``, in seconds."""

    phone: str
    start: float
    end: float

    @property
    def centre(self) -> float:
        """Middle of the segment in seconds."""
        return 0.5 * (self.start + self.end)


@dataclass(frozen=True)
class Sound:
    """A segment reduced to what the mouth shows: viseme index and rounding."""

    viseme: int
    rounded: bool
    start: float
    end: float


def shift(segments: list[Segment], seconds: float) -> list[Segment]:
    """The same segments, ``seconds`` later; none starts before zero."""
    return [
        replace(s, start=max(0.0, s.start + seconds), end=max(0.0, s.end + seconds))
        for s in segments
    ]


def read_tokens(tokens: list[str], seconds: list[float]) -> list[Segment]:
    """Segments of a voice's own tokens and durations.

    A stress mark's time belongs to the vowel after it, a length mark's to the vowel
    before it, a space is shared by its neighbours, punctuation is silence.
    """
    found: list[list] = []
    now, held = 0.0, 0.0
    spaced: float | None = None
    for token, lasts in zip(tokens, seconds, strict=True):
        end = now + lasts
        if token in STRESS:
            held += lasts
        elif token in LENGTH and found:
            found[-1][2] = end
        elif token.isspace():
            if found:
                found[-1][2] = now + lasts / 2
            spaced = now + lasts / 2
        else:
            silent = token in PUNCTUATION
            start = spaced if spaced is not None else now - held
            found.append([SILENCE if silent else token, start, end])
            held, spaced = 0.0, None
        now = end
    return [Segment(phone, float(start), float(end)) for phone, start, end in found]


def sounds(segments: list[Segment]) -> list[Sound]:
    """What the mouth shows: compounds split, affricates merged, breath taking its vowel."""
    shown: list[Sound | Segment] = []
    for segment in segments:
        if segment.end <= segment.start:
            continue
        shown.extend(_parts(segment))
    after = Sound(VISEMES.index("ax"), False, 0.0, 0.0)
    result: list[Sound] = []
    for item in reversed(shown):  # h and the glottal stop look like what follows
        if isinstance(item, Segment):
            viseme = after.viseme or VISEMES.index("ax")
            item = Sound(viseme, after.rounded, item.start, item.end)
        after = item
        result.append(item)
    return result[::-1]


def _parts(segment: Segment) -> list[Sound | Segment]:
    if segment.phone in {SILENCE, "_", "pau", "", "#"} or segment.phone in PUNCTUATION:
        return [Sound(0, False, segment.start, segment.end)]
    letters = "".join(COMPOUNDS.get(letter, letter) for letter in segment.phone)
    known = [letter for letter in letters if letter in VISEME_OF_PHONE]
    if not known:
        return [segment]
    visemes = [VISEMES[VISEME_OF_PHONE[letter]] for letter in known]
    if len(known) == 2 and visemes[0] == "DD" and visemes[1] in {"CH", "SS"}:
        known = known[1:]  # an affricate shows its fricative
    shares = [FIRST_HALF, 1 - FIRST_HALF] if len(known) == 2 else [1 / len(known)] * len(known)
    parts: list[Sound | Segment] = []
    start = segment.start
    for letter, share in zip(known, shares, strict=True):
        end = start + share * (segment.end - segment.start)
        parts.append(Sound(VISEME_OF_PHONE[letter], letter in ROUNDED, start, end))
        start = end
    return parts

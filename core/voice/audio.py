# SPDX-License-Identifier: GPL-3.0-or-later
"""Voices: from a file or its bytes to mono samples at 16 kHz.

Sound is decoded and resampled in blocks, so memory grows with what comes out, not with the file.
The network takes samples as they are, in [-1, 1], with no normalisation (published SDK behaviour).
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from .. import limits
from ..arrays import AnyArray, Floats
from ..errors import UserError
from .resampling import Resampler
from .sound_header import declared_shortfall

_MANY = 8  # channels from which on numpy sums in another order
SHORTER = "{name} is shorter than its header says; what is there was used."
_FIX = "Save it again as WAV, FLAC, OGG or MP3, or choose another file."


@dataclass(frozen=True)
class Voice:
    """Where sound comes from: a file's ``path``, or its bytes ``data`` (a packed sound).

    ``name``     what messages call it; empty takes the file's name
    ``start_s``, ``end_s``  the part to use, seconds from the file's start; None is to the end
    ``channel``  0-based channel to use; None mixes all channels equally
    """

    path: str | None = None
    data: bytes | None = None
    name: str = ""
    start_s: float = 0.0
    end_s: float | None = None
    channel: int | None = None

    @property
    def label(self) -> str:
        """What messages call the voice."""
        label = self.name or (Path(self.path).name if self.path else "") or "The voice"
        return label.encode("utf-8", "replace").decode("utf-8")  # file names may be any bytes


@dataclass(frozen=True)
class VoiceInfo:
    """What is known of a voice without animating it.

    ``rate`` samples per second and ``channels`` of the source; ``duration_s`` of the chosen part;
    ``sha256`` of the source's bytes; ``envelope`` (n, 2) float32 lowest and highest value of each
    of n equal parts of the mono mix.
    """

    rate: int
    channels: int
    duration_s: float
    sha256: str
    envelope: Floats


@dataclass(frozen=True)
class Clip:
    """A voice ready for a network: ``samples`` (N,) float32 mono, 16 kHz.

    ``sha256`` is that of the source's bytes; ``notices`` are sentences for the user.
    """

    samples: Floats
    name: str
    sha256: str
    notices: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        return len(self.samples) / limits.SAMPLE_RATE


@dataclass
class _Found:
    """What turned up while blocks were read."""

    frames: int = 0
    not_numbers: int = 0
    clipped: int = 0
    cut_off: bool = False


def read_voice(voice: Voice, between: Callable[[], object] | None = None) -> Clip:
    """Decode the chosen part of a voice to mono at 16 kHz.

    Any format, rate (4 to 768 kHz) and channel count that libsndfile reads. Values that are no
    numbers become 0, values beyond full scale are clipped, missing data at the end is accepted;
    each leads to a notice. ``between`` is called between blocks; what it raises ends the reading.
    Raises UserError naming the voice, the reason and what to do.
    """
    found = _Found()
    with _opened(voice) as (sound, source):
        first, last = _range(voice, sound)
        resampler = Resampler(sound.samplerate)
        parts: list[Floats] = []
        for block in _blocks(voice, sound, first, last, found):
            parts.append(resampler.push(block))
            if between is not None:
                between()
        parts.append(resampler.finish())
        samples = np.concatenate(parts)
        if not found.frames:
            raise UserError(f"{voice.label} holds no sound.", _FIX)
        to_end = voice.end_s is None or last == sound.frames
        short = found.cut_off or (to_end and declared_shortfall(source))
        digest = _sha256(source)
    return Clip(samples, voice.label, digest, _notices(voice.label, found, len(samples), short))


def probe_voice(
    voice: Voice, columns: int = 1024, between: Callable[[float], object] | None = None
) -> VoiceInfo:
    """Look at the chosen part of a voice: rate, channels, length, hash and envelope.

    The envelope has ``columns`` parts, or one per sample frame when there are fewer. ``between`` is
    told the share done between blocks, 0..1; what it raises ends the reading.
    Raises UserError naming the voice, the reason and what to do.
    """
    found = _Found()
    with _opened(voice) as (sound, source):
        first, last = _range(voice, sound)
        count = max(1, min(int(columns), last - first))
        edges = np.arange(count + 1, dtype=np.int64) * (last - first) // count
        envelope = np.zeros((count, 2), np.float32)
        seen = np.zeros(count, bool)
        for block in _blocks(voice, sound, first, last, found):
            _add_to_envelope(envelope, seen, edges, block, found.frames - len(block))
            if between is not None:
                between(found.frames / (last - first))
        if not found.frames:
            raise UserError(f"{voice.label} holds no sound.", _FIX)
        return VoiceInfo(
            rate=sound.samplerate,
            channels=sound.channels,
            duration_s=found.frames / sound.samplerate,
            sha256=_sha256(source),
            envelope=envelope,
        )


def to_mono_16k(samples: AnyArray, rate: int) -> Floats:
    """Mix ``samples`` (n, channels) or (n,) at ``rate`` to mono (N,) float32 at 16 kHz.

    Channels are averaged; the resampler is band-limited; N = ceil(n * 16000 / rate).
    """
    mono = samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float64)
    resampler = Resampler(rate)
    block = resampler.push(np.asarray(mono, np.float32))
    return np.concatenate([block, resampler.finish()])


def _add_to_envelope(
    envelope: Floats, seen: AnyArray, edges: AnyArray, block: Floats, at: int
) -> None:
    """Take the mono samples at..at+len(block) into the lowest and highest values per column."""
    first = int(np.searchsorted(edges, at, side="right")) - 1
    last = int(np.searchsorted(edges, at + len(block), side="left"))
    starts = np.maximum(edges[first:last] - at, 0)
    low = np.minimum.reduceat(block, starts)
    high = np.maximum.reduceat(block, starts)
    new = ~seen[first:last]
    part = envelope[first:last]
    part[:, 0] = np.where(new, low, np.minimum(part[:, 0], low))
    part[:, 1] = np.where(new, high, np.maximum(part[:, 1], high))
    seen[first:last] = True


def _notices(name: str, found: _Found, count: int, short: bool) -> tuple[str, ...]:
    notices: list[str] = []
    if short:
        notices.append(SHORTER.format(name=name))
    if found.not_numbers:
        notices.append(
            f"{name} holds {found.not_numbers} values that are not numbers; they became silence."
        )
    if found.clipped:
        notices.append(f"{name} is too loud: {found.clipped} values were clipped at full scale.")
    if count < limits.SHORT_CLIP_S * limits.SAMPLE_RATE:
        notices.append(
            f"{name} is under {limits.SHORT_CLIP_S:g} s long; emotion and face parameters may have "
            "no effect."
        )
    return tuple(notices)


@contextmanager
def _opened(voice: Voice) -> Iterator[tuple[Any, IO[bytes]]]:
    """Open a voice as a sound and as its raw bytes. Raises UserError."""
    import soundfile

    class Forward(soundfile.SoundFile):
        """Otherwise soundfile seeks after each block, which makes MP3 decoders stumble."""

        def seekable(self) -> bool:
            return False

    with _raw(voice) as source:
        try:
            # soundfile itself refuses names that are not UTF-8, which Linux allows
            name = os.fsencode(voice.path) if voice.path and os.name != "nt" else voice.path
            sound = Forward(name or source)
        except soundfile.LibsndfileError as error:
            raise _undecodable(voice, error) from error
        except (TypeError, ValueError, OSError, RuntimeError) as error:
            raise UserError(
                f"{voice.label} cannot be read as sound: its format is not known.", _FIX
            ) from error
        with sound:
            if not limits.MIN_RATE <= sound.samplerate <= limits.MAX_RATE:
                raise UserError(
                    f"{voice.label} has {sound.samplerate} samples per second; "
                    f"{limits.MIN_RATE} to {limits.MAX_RATE} are accepted.",
                    _FIX,
                )
            yield sound, source


@contextmanager
def _raw(voice: Voice) -> Iterator[IO[bytes]]:
    if voice.path is None:
        if voice.data is None:
            raise UserError("No voice is chosen.", "Choose a sound file, a sound or a strip.")
        if not voice.data:
            raise UserError(f"{voice.label} is empty.", _FIX)
        yield io.BytesIO(voice.data)
        return
    path = Path(voice.path)
    try:
        found = path.stat()
        if stat.S_ISDIR(found.st_mode):
            raise UserError(f"{voice.path} is a folder, not a sound.", "Choose a sound file.")
        if not stat.S_ISREG(found.st_mode):
            raise UserError(f"{voice.path} is not a file.", "Choose a sound file.")
        if not found.st_size:
            raise UserError(f"{voice.path} is empty.", _FIX)
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise UserError(
            f"The sound file {voice.path} does not exist.", "Choose an existing file."
        ) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"The sound file {voice.path} cannot be opened: {reason}.") from error
    with stream:
        yield stream


def _range(voice: Voice, sound: Any) -> tuple[int, int]:
    """First and last (exclusive) sample frame of the chosen part. Raises UserError."""
    rate, total = int(sound.samplerate), int(sound.frames)
    end_s = np.inf if voice.end_s is None else float(voice.end_s)
    if not (voice.start_s >= 0.0 and end_s > voice.start_s):
        raise UserError(
            f"The range {voice.start_s:g} s to {end_s:g} s of {voice.label} is not possible.",
            "Let the end come after the start.",
        )
    if not total:
        raise UserError(f"{voice.label} holds no sound.", _FIX)
    first = round(min(voice.start_s * rate, 2.0**62))
    last = round(min(end_s * rate, float(total)))
    if first >= total:
        raise UserError(
            f"{voice.label} is {total / rate:.2f} s long; the range starts at {voice.start_s:g} s.",
            "Choose an earlier start.",
        )
    if last <= first:
        raise UserError(f"The range of {voice.label} holds no sound.", "Choose a longer range.")
    if last - first > limits.MAX_DURATION_S * rate:
        raise UserError(
            f"{voice.label} is {(last - first) / rate / 60:.0f} minutes long; at most "
            f"{limits.MAX_DURATION_S / 60:.0f} minutes are animated at once.",
            "Choose a shorter range.",
        )
    if voice.channel is not None and not 0 <= voice.channel < sound.channels:
        raise UserError(
            f"{voice.label} has no channel {voice.channel + 1}; its channels are "
            f"1 to {sound.channels}.",
            "Choose another channel or all of them.",
        )
    return first, last


def _blocks(voice: Voice, sound: Any, first: int, last: int, found: _Found) -> Iterator[Floats]:
    """Yield mono blocks (n,) float32 of the frames first..last, checked and clipped."""
    size = max(256, limits.AUDIO_BLOCK_VALUES // sound.channels)
    wanted = last - first
    _go_to(voice, sound, first)
    while found.frames < wanted and not found.cut_off:
        values = _filled(voice, sound, min(size, wanted - found.frames), found)
        if len(values):
            yield _mono(values, voice.channel, found)


def _filled(voice: Voice, sound: Any, count: int, found: _Found) -> Floats:
    """Up to ``count`` frames (n, channels); fewer when the data end or stop making sense.

    Read in small steps, because a decoder that fails gives nothing of the step it failed in.
    """
    values = np.empty((count, sound.channels), np.float32)
    done = 0
    while done < count and not found.cut_off:
        part = values[done : done + limits.AUDIO_STEP_FRAMES]
        try:
            got = len(sound.read(out=part))
        except RuntimeError as error:  # LibsndfileError
            if not found.frames:
                raise _undecodable(voice, error) from error
            got = 0
        done += got
        found.frames += got
        found.cut_off = got < len(part)
    return values[:done]


def _go_to(voice: Voice, sound: Any, first: int) -> None:
    """Go to a sample frame. MP3 is decoded up to there: after a seek its first frames are wrong."""
    try:
        if not sound.subtype.startswith("MPEG"):
            sound.seek(first)
            return
        while first > 0:
            got = len(sound.read(min(first, limits.AUDIO_STEP_FRAMES), dtype="float32"))
            first = first - got if got else 0
    except RuntimeError as error:  # LibsndfileError
        raise _undecodable(voice, error) from error


def _undecodable(voice: Voice, error: RuntimeError) -> UserError:
    reason = str(getattr(error, "error_string", error)).strip().rstrip(".") or "unknown format"
    return UserError(f"{voice.label} cannot be read as sound: {reason}.", _FIX)


def _mono(values: Floats, channel: int | None, found: _Found) -> Floats:
    if channel is not None:
        values = values[:, channel : channel + 1]
    mono, not_numbers, clipped = mixed(values)
    found.not_numbers += not_numbers
    found.clipped += clipped
    return mono


def mixed(values: Floats) -> tuple[Floats, int, int]:
    """The mean (n,) float32 in [-1, 1] of the channels of ``values`` (n, channels) float32.

    With it how many values were no numbers and count as 0, and how many were clipped at full scale.
    """
    good = np.isfinite(values)
    not_numbers = int(values.size - np.count_nonzero(good))
    if not_numbers:
        values = np.where(good, values, np.float32(0))
    clipped = int(np.count_nonzero(np.abs(values) > 1))
    values = np.clip(values, -1, 1)
    if values.shape[1] == 1:
        return np.ascontiguousarray(values[:, 0]), not_numbers, clipped
    if values.shape[1] >= _MANY:
        return values.mean(axis=1, dtype=np.float64).astype(np.float32), not_numbers, clipped
    # The same sums in the same order; over so few channels numpy's own take ten times as long
    total = values[:, 0].astype(np.float64)
    for channel in range(1, values.shape[1]):
        total += values[:, channel]
    total /= values.shape[1]
    return total.astype(np.float32), not_numbers, clipped


def _sha256(source: IO[bytes]) -> str:
    source.seek(0)
    total = hashlib.sha256()
    while block := source.read(1 << 20):
        total.update(block)
    return total.hexdigest()

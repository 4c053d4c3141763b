# SPDX-License-Identifier: GPL-3.0-or-later
"""Diffusion networks: inferences of half a second each, in order, with a state carried along.

Inference k hears the second that ends at the sample ``k * stride`` and gives, in the published
models, 60 frames, of which the 30 in the middle are kept: frames ``k * 30 - 45`` and on of the
clip, at 60 per second. Those before frame 0 only warm up the state (inference 0 has no others,
inference 1 has 15), and those at or after the voice's end are dropped. Every count is read from
``network_info.json``.

Inputs ``window`` [B, samples], ``identity`` [B, identities] one-hot, ``emotion``
[B, kept frames, emotions], ``input_latents`` [steps, layers, B, dim], ``noise``
[B, steps + 1, frames, channels]; outputs ``prediction`` [B, frames, channels] (skin | tongue | jaw
| eyes, motion of every vertex) and ``output_latents``, the next inference's ``input_latents``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from .. import limits
from ..arrays import Floats, Integers
from ..emotion.track import EmotionTrack
from ..models.model import DiffusionInfo, Model
from ..motion import Motion, MotionShapes, joined
from ..parameters import Settings
from ..windows import WindowProgress, count_frames, frame_samples, segment
from .compact import TOLERANCE, Compactor
from .devices import OpenNetwork
from .running import Meter, check_finite, failed

if TYPE_CHECKING:
    from .checkpoint import Checkpoint

# By session, the seed and the noise of all inferences: drawing takes longer than the half second of
# voice that one inference serves, and every voice of a model shares it.
_CONSTANT_NOISE: WeakKeyDictionary[Any, tuple[int, Any]] = WeakKeyDictionary()
_CONSTANT = (1 << 64) - 1  # stands for the inference's index where the noise is always the same


@dataclass(frozen=True)
class DiffusionState:
    """What one inference hands to the next.

    ``index``    of the next inference
    ``latents``  (steps, layers, 1, dim) float32, zeros before inference 0
    ``shapes``   basis of the motion so far; coefficients of frames before it stay true
    """

    index: int
    latents: Floats
    shapes: MotionShapes


@dataclass(frozen=True)
class Timing:
    """Which frames and samples each inference is about, in integers.

    ``windows`` are what is heard; a delay moves them, while frames and emotion stay where they are.
    """

    info: DiffusionInfo
    fps: Fraction
    windows: WindowProgress

    def first_frame(self, index: int) -> int:
        """Frame of the clip that the first kept one of an inference is; negative in warm-up."""
        return index * self.info.center - self.info.lead

    def usable(self, index: int, count: int) -> range:
        """Frames of the clip that an inference gives, of ``count`` that the clip has."""
        first = self.first_frame(index)
        return range(max(first, 0), max(min(first + self.info.center, count), 0))

    def targets(self, index: int) -> Integers:
        """Samples (kept frames,) int64 at which its kept frames are; negative in warm-up."""
        return frame_samples(self.info.center, self.fps, self.first_frame(index))

    def window(self, samples: Floats, index: int, gain: float, origin: int = 0) -> Floats:
        """What an inference hears of a voice: (samples,) float32, times ``gain``.

        ``samples`` holds the voice from its sample ``origin`` on; silence stands outside it.
        """
        low = self.windows.start_of(index)
        return segment(samples, low, low + self.windows.size, gain, origin)

    def inferences(self, count: int) -> int:
        """Inferences that ``count`` frames of a clip need."""
        return -(-(count + self.info.lead) // self.info.center) if count else 0


def timing_of(model: Model, delay_s: float = 0.0) -> Timing:
    """When the inferences of a diffusion model are. ``delay_s`` as ``prediction_delay``."""
    info = model.info
    diffusion, fps = _parts(model)
    start = -info.window_length - round(delay_s * limits.SAMPLE_RATE)
    stride = Fraction(info.inference_stride)
    windows = WindowProgress(info.window_length, start, info.target_offset, stride)
    return Timing(diffusion, fps, windows)


def _parts(model: Model) -> tuple[DiffusionInfo, Fraction]:
    diffusion, fps = model.info.diffusion, model.info.fps
    if diffusion is None or fps is None:
        raise TypeError(f"{model.name} is no diffusion model")
    return diffusion, fps


def noise_for(model: Model, seed: int, index: int | None) -> Floats:
    """Normal noise (1, steps + 1, frames, channels) float32 of one inference, or of all (None).

    From numpy's Philox generator keyed by both numbers. The published SDK draws on the GPU: results
    are alike, not equal.
    """
    diffusion, _ = _parts(model)
    key = np.array([seed, _CONSTANT if index is None else index], np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    shape = (1, diffusion.steps + 1, diffusion.frames, model.info.channels)
    return generator.standard_normal(shape, np.float32)


class Inferences:
    """A diffusion network run step by step, its state kept where the network runs.

    Noise (64 MB in the published models) and latents stay in the device's memory from one
    inference to the next; two buffers of latents take turns.
    """

    def __init__(
        self,
        opened: OpenNetwork,
        model: Model,
        settings: Settings,
        meter: Meter,
        state: DiffusionState | None = None,
    ) -> None:
        self.model = model
        self.meter = meter
        self.timing = timing_of(model, settings.prediction_delay)
        self._info, self._fps = _parts(model)
        self._settings = settings
        self._opened = opened
        self._binding = opened.session.io_binding()
        shape = (self._info.steps, self._info.layers, 1, self._info.latent_dim)
        latents = np.zeros(shape, np.float32) if state is None else state.latents.copy()
        self._latents = self._kept(latents)
        self._next_latents = self._kept(np.zeros(shape, np.float32))
        self._prediction = np.zeros((1, self._info.frames, model.info.channels), np.float32)
        self._noise: Any = None
        self._identity = np.zeros((1, len(model.info.identities)), np.float32)
        self._identity[0, model.identity_index] = 1.0
        self.index = 0 if state is None else state.index
        self._skin = _compactor(
            model.info.skin_vertices, None if state is None else state.shapes.skin
        )
        self._tongue = _compactor(
            model.info.tongue_vertices, None if state is None else state.shapes.tongue
        )
        if not settings.fresh_noise:
            self._drawn_noise()  # now: a live voice would have to wait for it

    @property
    def shapes(self) -> MotionShapes:
        """The basis of all motion so far; copies, (S, V, 3) and (Tt, Vt, 3)."""
        return self.shapes_after(0, 0)

    def shapes_after(self, skin: int, tongue: int) -> MotionShapes:
        """As ``shapes``, without the first ``skin`` and ``tongue`` of them."""
        return MotionShapes(
            self._skin.directions(skin).reshape(-1, self._skin.width // 3, 3),
            self._tongue.directions(tongue).reshape(-1, self._tongue.width // 3, 3),
        )

    def nothing(self) -> Motion:
        """No frames, with as many coefficients as are known by now."""
        return self._split(self._prediction[0, :0])

    def notices(self) -> tuple[str, ...]:
        """A sentence for the user where the motion could not be kept to ``TOLERANCE``."""
        worst = max(self._skin.worst, self._tongue.worst)
        if worst <= TOLERANCE:
            return ()
        return (
            f"The motion of the model {self.model.name} is more varied than can be kept exactly; "
            f"it is off by up to {worst:.2g} units.",
        )

    def state(self) -> DiffusionState:
        """Everything that the next inference depends on: go on from it exactly as from here."""
        return DiffusionState(self.index, self._latents.numpy().copy(), self.shapes)

    def step(self, window: Floats, emotion: Floats, count: int) -> Motion:
        """Run the next inference; its usable frames of ``count`` that the clip has.

        ``window`` (samples,) float32 with the gain applied; ``emotion`` (kept frames, emotions) at
        ``timing.targets``. The motion's coefficients may have fewer columns than ``shapes`` has
        rows later on (see ``motion.joined``). Raises UserError when the network fails.
        """
        self._run(window, emotion)
        frames = self.timing.usable(self.index, count)
        skip = self._info.left - self.timing.first_frame(self.index)
        self.index += 1
        if not frames:
            return self.nothing()
        self.meter.frames += len(frames)
        return self._split(self._prediction[0, frames.start + skip : frames.stop + skip])

    def _run(self, window: Floats, emotion: Floats) -> None:
        binding, path = self._binding, self.model.network_path
        # The runtime reads host arrays where they are: they have to live until the run is over.
        host = {
            name: np.ascontiguousarray(values, np.float32)
            for name, values in (
                ("window", window[None]),
                ("emotion", emotion[None]),
                ("identity", self._identity),
            )
        }
        kept = {"noise": self._drawn_noise(), "input_latents": self._latents}
        try:
            for name, values in host.items():
                binding.bind_cpu_input(name, values)
            for name, value in kept.items():
                binding.bind_ortvalue_input(name, value)
            binding.bind_ortvalue_output("prediction", _on_host(self._prediction))
            binding.bind_ortvalue_output("output_latents", self._next_latents)
            self.meter.timed(self._run_bound)
        except Exception as error:  # the runtime's own exceptions share no public base
            raise failed(path, error) from error
        self._latents, self._next_latents = self._next_latents, self._latents
        left = self._info.left
        check_finite(self._prediction[:, left : left + self._info.center], path)

    def _run_bound(self) -> None:
        self._binding.synchronize_inputs()
        self._opened.session.run_with_iobinding(self._binding)
        self._binding.synchronize_outputs()

    def _drawn_noise(self) -> Any:
        seed, session = self._settings.noise_seed, self._opened.session
        if self._settings.fresh_noise:
            self._noise = self._kept(noise_for(self.model, seed, self.index))
        elif self._noise is None:
            known = _CONSTANT_NOISE.get(session)
            if known is None or known[0] != seed:
                known = seed, self._kept(noise_for(self.model, seed, None))
                _CONSTANT_NOISE[session] = known
            self._noise = known[1]
        return self._noise

    def _kept(self, values: Floats) -> Any:
        """An array in the memory of the device that the network runs on."""
        import onnxruntime

        return onnxruntime.OrtValue.ortvalue_from_numpy(values, self._opened.memory, 0)

    def _split(self, rows: Floats) -> Motion:
        """Frames (n, channels) cut into skin | tongue | jaw | eyes, the first two compacted."""
        info = self.model.info
        sizes = (3 * info.skin_vertices, 3 * info.tongue_vertices, info.jaw_size)
        skin, tongue, jaw, eyes = np.split(rows, np.cumsum(sizes), axis=1)
        return Motion(
            skin=self._skin.push(skin),
            tongue=self._tongue.push(tongue),
            jaw=jaw.reshape(-1, info.jaw_size // 3, 3).copy(),
            eyes=eyes.reshape(-1, 2, 2).copy(),
            fps=self._fps,
        )


def _compactor(vertices: int, shapes: Floats | None) -> Compactor:
    width = 3 * vertices
    return Compactor(width, None if shapes is None else shapes.reshape(len(shapes), width))


def _on_host(values: Floats) -> Any:
    import onnxruntime

    return onnxruntime.OrtValue.ortvalue_from_numpy(values, "cpu", 0)


def listen(
    opened: OpenNetwork,
    model: Model,
    samples: Floats,
    emotion: EmotionTrack,
    settings: Settings,
    meter: Meter,
    checkpoint: Checkpoint | None = None,
) -> Motion:
    """The motion of a whole voice ``samples`` (N,) at the model's own frame rate.

    Raises Cancelled and UserError. ``checkpoint`` is read before, written during and removed after
    a run; it stays when the run fails.
    """
    timing = timing_of(model, settings.prediction_delay)
    count = count_frames(len(samples), timing.fps)
    saved = checkpoint.begin(model, samples, emotion, settings) if checkpoint else None
    run = Inferences(opened, model, settings, meter, saved[1] if saved else None)
    motion = saved[0] if saved else run.nothing()
    parts: list[Motion] = []
    total, gain = timing.inferences(count), settings.input_strength

    def done() -> Motion:
        return replace(joined([motion, *parts, run.nothing()]), shapes=run.shapes)

    while run.index < total:
        meter.check()
        rows = emotion.sample(timing.targets(run.index) / limits.SAMPLE_RATE)
        parts.append(run.step(timing.window(samples, run.index, gain), rows, count))
        meter.tell(run.index / total)
        if checkpoint and checkpoint.offer(run.index, lambda: (done(), run.state())):
            motion, parts = done(), []
    if checkpoint and checkpoint.notice:
        meter.notices.append(checkpoint.notice)
    meter.notices += run.notices()
    result = done()
    if checkpoint:
        checkpoint.remove()
    return result

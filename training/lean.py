# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener in the form that is exported: the same function, about half the arithmetic.

What is shared or known beforehand is not computed again: the windows of the spectrum are
folded about their centre and split into even and odd samples, as the first two steps of a
fast Fourier transform do; every three-tap convolution gives two outputs from four products
instead of six (Winograd's F(2, 3)); constants that pass through linear steps are added
once, further on. All large steps are products of two matrices, which every runtime does
best. Sums are taken in another order, so results differ from the listener's by rounding.
"""

from __future__ import annotations

import copy
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from .coarticulation import LEARNT_CURVES
from .network import (
    BANDS,
    CENTRE,
    FFT,
    FLOOR,
    HEARD,
    HOP,
    NEIGHBOURS,
    STRIDE,
    WINDOW,
    Block,
    Listener,
    mel_filters,
    slowness,
)
from .phones import VISEMES

STEP = STRIDE * HOP  # samples from one output frame to the next
HALF = HEARD // 2  # samples on either side of a spectrum's centre
FOLDED = FFT // 4  # bins computed; the others are mirror images of these
ROW, SPAN = HOP // 2, HALF // 2  # samples of one parity per hop, per half of a spectrum
BLOCK = 20  # divides both
LEARNT = "learnt"  # prefix of what cannot be computed anew
_TAPS = ("hear", "middle", "ahead")


class Lean(nn.Module):
    """Samples to the logits of one or many frames, from what a ``Listener`` has learnt."""

    def __init__(self, channels: int, dilations: list[int]) -> None:
        super().__init__()
        self.channels, self.dilations = channels, list(dilations)
        reach = sum(dilations) + NEIGHBOURS  # frames on either side
        self.start = CENTRE - HOP * (2 + STRIDE * reach)  # centre of the first spectrum
        self.multiple, self.remainder = _whole_pairs(self.dilations)
        for name, values in _spectrum().items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32))
        self.register_buffer("slowness", torch.tensor(slowness().T.copy()))
        said = len(VISEMES) + len(LEARNT_CURVES)
        outputs = {"first": (5 * BANDS, channels), "last": (channels, said)}
        for number in range(len(dilations)):
            taps = {f"{tap}{number}": (channels, channels) for tap in _TAPS}
            outputs.update(taps, **{f"mix{number}": (channels, channels)})
        for name, shape in outputs.items():
            self.register_buffer(f"{LEARNT}_{name}", torch.zeros(shape))
            if not name.startswith(("mix", *_TAPS[1:])):
                self.register_buffer(f"{LEARNT}_{name}_bias", torch.zeros(shape[1]))

    def learnt(self, name: str) -> torch.Tensor:
        """One array of what was learnt."""
        values: torch.Tensor = self.get_buffer(f"{LEARNT}_{name}")
        return values

    def forward(
        self, samples: torch.Tensor, frames: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(B, 1, N) -> logits (B * T, 15) and (B * T, 8), T = (N - 8320) // 320 + 1.

        Frame t is what the listener says of samples 320 t .. 320 t + 8319. ``frames`` tells T
        where it is fixed, so that the exported graph has no arithmetic of shapes in it.
        """
        wanted = (samples.shape[2] - WINDOW) // STEP + 1 if frames is None else frames
        wanted = wanted + 2 * NEIGHBOURS
        whole = wanted + (self.remainder - wanted) % self.multiple
        margin = 2 * sum(self.dilations)
        bands = self._bands(samples.squeeze(1), 2 * (wanted + margin) + 3)
        x = self._blocks(self._features(bands, wanted + margin), whole + margin)
        x = x.reshape(-1, whole, self.channels)
        said = x[:, :wanted].reshape(-1, self.channels) @ self.learnt("last")
        said = said.reshape(-1, wanted, said.shape[1])
        last = 2 * NEIGHBOURS
        parts = [said[:, at : at - last or None] * self.slowness[at] for at in range(last + 1)]
        logits = torch.stack(parts).sum(0).reshape(-1, said.shape[2]) + self.learnt("last_bias")
        return logits[:, : len(VISEMES)], logits[:, len(VISEMES) :]

    def _bands(self, samples: torch.Tensor, count: int) -> torch.Tensor:
        """(B, N) -> logarithms of the mel bands (B, count, BANDS)."""
        half = self.start // 2 + ROW * (count + 1)  # samples of one parity
        x = samples[:, : 2 * half].reshape(-1, half, 2).transpose(1, 2).reshape(-1, 2 * half)
        back = x.flip(1)  # odd samples first
        steps = ROW * torch.arange(count)
        begin, end = self.start // 2 + steps, HOP + ROW * (count - 1) - steps
        even, even_back = _stretches(x, begin), _stretches(back[:, half - 1 : -1], end)
        odd, odd_back = _stretches(x, half + begin), _stretches(back[:, :half], end)
        even_i = (even - even_back) @ self.sines_even
        odd_i = (odd - odd_back) @ self.sines_odd
        even, odd = (even + even_back) @ self.cosines_even, (odd + odd_back) @ self.cosines_odd
        low = (even + odd).square() + (even_i + odd_i).square()
        high = (even - odd).square() + (odd_i - even_i).square()
        bands = low @ self.filters_low + high @ self.filters_high
        return torch.log(bands + FLOOR).reshape(-1, count, BANDS)

    def _features(self, bands: torch.Tensor, count: int) -> torch.Tensor:
        """(B, 2 count + 3, BANDS) -> (B, count, C)."""
        heard = _gather(bands, STRIDE * torch.arange(count), 5)
        x = heard.reshape(-1, 5 * BANDS) @ self.learnt("first") + self.learnt("first_bias")
        return functional.gelu(x).reshape(-1, count, self.channels)

    def _blocks(self, x: torch.Tensor, count: int) -> torch.Tensor:
        """(B, up to count, C) -> (B * T, C); the last frame stands for those that lack.

        Frames go in pairs, ``dilation`` apart, as two tensors (B, pairs, dilation * C): a
        block's outputs are again such pairs, and need sorting only where the dilation changes.
        """
        even = odd = x
        before = 0
        for number, dilation in enumerate(self.dilations):
            pairs = count // (2 * dilation)
            if dilation != before:
                if before:
                    x = _merge(even, odd).reshape(-1, count, self.channels)
                steps = 2 * dilation * torch.arange(pairs)
                shape = (-1, pairs, dilation * self.channels)
                even = _gather(x, steps, dilation).reshape(shape)
                odd = _gather(x, steps + dilation, dilation).reshape(shape)
            even, odd = self._block(even, odd, number, torch.arange(pairs - 1))
            count, before = count - 2 * dilation, dilation
        return _merge(even, odd)

    def _block(
        self, even: torch.Tensor, odd: torch.Tensor, number: int, steps: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Pairs (B, Q, dilation * C) each -> pairs (B, Q - 1, dilation * C).

        With four frames a, b, c, d, ``dilation`` apart, and taps h, m, l the outputs are
        ha + mb + lc and hb + mc + ld. Both are made from four products:
        h(a - c), (h + m + l)/2 (b + c), (h - m + l)/2 (c - b) and l(b - d).
        """
        flat = (-1, self.channels)
        a, c = (even.index_select(1, steps + at).reshape(flat) for at in (0, 1))
        b, d = (odd.index_select(1, steps + at).reshape(flat) for at in (0, 1))
        hear, ahead = self.learnt(f"hear{number}"), self.learnt(f"ahead{number}")
        outer, middle = 0.5 * (hear + ahead), 0.5 * self.learnt(f"middle{number}")
        plus, minus = (b + c) @ (outer + middle), (c - b) @ (outer - middle)
        heard = (a - c) @ hear + (plus + minus), (plus - minus) - (b - d) @ ahead
        bias, mix = self.learnt(f"hear{number}_bias"), self.learnt(f"mix{number}")
        said = [functional.gelu(one + bias) @ mix for one in heard]
        shape = (-1, steps.shape[0], even.shape[2])
        return (b + said[0]).reshape(shape), (c + said[1]).reshape(shape)


def lean(listener: Listener) -> Lean:
    """What the listener has learnt in the exported form; both say the same."""
    blocks = [block for block in listener.blocks if isinstance(block, Block)]
    given = Lean(listener.first.out_channels, [block.dilation for block in blocks])
    weight, bias = _without_norm(listener.first, listener.norm)
    told = {"first": weight.permute(2, 1, 0).reshape(-1, len(bias)) / 4.0}
    told["first_bias"] = bias + 1.5 * weight.sum((1, 2))  # the features are (logarithm + 6) / 4
    carried = torch.zeros(given.channels, dtype=torch.float64)
    for number, block in enumerate(blocks):
        weight, bias = _without_norm(block.hear, block.norm)
        for tap, matrix in zip(_TAPS, weight.permute(2, 1, 0), strict=True):
            told[f"{tap}{number}"] = matrix
        told[f"hear{number}_bias"] = bias + weight.sum(2) @ carried
        told[f"mix{number}"] = block.mix.weight.detach().double()[:, :, 0].T
        carried = carried + _bias(block.mix)
    weight = listener.last.weight.detach().double()[:, :, 0]
    told["last"], told["last_bias"] = weight.T, _bias(listener.last) + weight @ carried
    for name, values in told.items():
        given.learnt(name).copy_(values)
    return given.eval()


def rounded(listener: Lean) -> Lean:
    """The listener with its learnt matrices rounded to numbers of float16, biases as they are.

    They stay float32 tensors here; a file holds them in half the space. Rounding again changes
    nothing. Raises RuntimeError where a number is not finite or too large.
    """
    given = copy.deepcopy(listener)
    for name, values in given.named_buffers():
        if name.startswith(LEARNT) and values.ndim == 2:
            short = values.half()
            if not short.isfinite().all():
                raise RuntimeError(
                    f"The trained network cannot be exported: {name} holds numbers that float16 "
                    "cannot. Train it again with a lower rate."
                )
            values.copy_(short)
    return given


def _bias(convolution: nn.Conv1d) -> torch.Tensor:
    return convolution.bias.detach().double()


def _without_norm(
    convolution: nn.Conv1d, norm: nn.BatchNorm1d
) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight and bias, float64, of the convolution with the normalisation behind it."""
    scale = norm.weight.detach().double() / (norm.running_var.double() + norm.eps).sqrt()
    weight = convolution.weight.detach().double() * scale[:, None, None]
    bias = (_bias(convolution) - norm.running_mean.double()) * scale
    return weight, bias + norm.bias.detach().double()


def _whole_pairs(dilations: list[int]) -> tuple[int, int]:
    """(m, r): with a number of frames that leaves r when divided by m, pairs come out whole."""
    multiple = 2 * math.lcm(*dilations)
    for remainder in range(multiple):
        counts = [remainder + 2 * sum(dilations[number:]) for number in range(len(dilations))]
        if all(n % (2 * d) == 0 for n, d in zip(counts, dilations, strict=True)):
            return multiple, remainder
    raise ValueError(f"No number of frames fits pairs of the dilations {dilations}")


def _gather(x: torch.Tensor, steps: torch.Tensor, width: int) -> torch.Tensor:
    """Of (B, n, k), for every step the ``width`` rows that begin there: (B, steps * width, k).

    The last row stands for those behind the end.
    """
    rows = (steps[:, None] + torch.arange(width)).reshape(-1)
    return x.index_select(1, rows.clamp(max=x.shape[1] - 1))


def _stretches(samples: torch.Tensor, begin: torch.Tensor) -> torch.Tensor:
    """Stretches (B * T, 100) of samples of one parity (B, n) from ``begin`` (T,), all 20 k."""
    blocks = samples.reshape(samples.shape[0], -1, BLOCK)
    return _gather(blocks, begin // BLOCK, SPAN // BLOCK).reshape(-1, SPAN)


def _merge(even: torch.Tensor, odd: torch.Tensor) -> torch.Tensor:
    """Two tensors of pairs (B, Q, width) back to one of frames, in order: (B * Q, 2, width)."""
    shape = (-1, 1, even.shape[2])
    return torch.cat([even.reshape(shape), odd.reshape(shape)], dim=1)


def _spectrum() -> dict[str, np.ndarray]:
    """Matrices of the folded spectrum, and the filters of its bins and of their mirrors.

    Bin k of the even and of the odd samples gives the bins k (their sum) and 256 - k (their
    difference) of all samples; the sample at the centre is met from both sides, so half of it
    is taken each time.
    """
    window = np.hanning(HEARD + 1)[HALF:HEARD]
    phase = 2 * np.pi / FFT * np.arange(HALF)[:, None] * np.arange(1, FOLDED + 1)
    cosines, sines = np.cos(phase) * window[:, None], np.sin(phase) * window[:, None]
    cosines[0] *= 0.5
    filters = mel_filters().T
    high = filters[FFT // 2 - np.arange(1, FOLDED + 1)].copy()
    high[-1] = 0.0  # the bin in the middle is its own mirror
    return {
        "cosines_even": cosines[::2],
        "cosines_odd": cosines[1::2],
        "sines_even": sines[::2],
        "sines_odd": sines[1::2],
        "filters_low": filters[1 : FOLDED + 1],
        "filters_high": high,
    }

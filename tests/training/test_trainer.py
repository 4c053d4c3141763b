# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit: what its losses punish, how its schedule is laid out and kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="torch is only in the training environment (python tools/dev.py train)"
)

from facewright.training import trainer as training  # noqa: E402
from facewright.training.coarticulation import CLOSE, JAW, curve_frames  # noqa: E402
from facewright.training.losses import chatter_loss, contact_loss  # noqa: E402
from facewright.training.network import FRAME_S, Listener  # noqa: E402
from facewright.training.phones import Segment, sounds  # noqa: E402
from facewright.training.recipe import read_recipe  # noqa: E402
from facewright.training.trainer import Plan, Trainer  # noqa: E402
from facewright.training.weights import read_listener, write_listener  # noqa: E402

DILATIONS = [2, 2, 1, 1, 1, 1, 1]


# ---- losses -------------------------------------------------------------------------------------


def mapa():
    """Target curves (1, 7, T) of "mapapa", and which frames are closed, which wide open."""
    segments = [Segment(p, 0.2 * i, 0.2 * i + 0.2) for i, p in enumerate("mapapa")]
    curves = curve_frames(sounds(segments), FRAME_S * np.arange(60))
    told = torch.from_numpy(np.ascontiguousarray(curves.T))[None]
    return told, told[0, CLOSE] > 0.9, (told[0, JAW] > 0.7) & (told[0, CLOSE] < 0.05)


def test_the_right_mouth_costs_next_to_nothing():
    wanted, closed, opened = mapa()
    assert closed.sum() > 10 and opened.sum() > 10
    assert contact_loss(wanted, wanted) < 1e-3
    assert chatter_loss(wanted[:, JAW], wanted[:, JAW]) == 0


@pytest.mark.parametrize(
    ("curve", "where", "value"), [(CLOSE, 1, 0.5), (JAW, 1, 0.6), (CLOSE, 2, 0.6)]
)
def test_open_closures_and_closed_vowels_cost(curve, where, value):
    told = mapa()
    shown = told[0].clone()
    shown[0, curve, told[where]] = value
    assert contact_loss(shown, told[0]) > 0.1
    better = told[0].clone()
    better[0, curve, told[where]] = 0.7 * told[0][0, curve, told[where]] + 0.3 * value
    assert contact_loss(better, told[0]) < contact_loss(shown, told[0])


def test_a_jaw_that_chatters_costs_more_than_one_that_is_off():
    wanted = mapa()[0][:, JAW]
    chatter = torch.tensor([0.05, -0.05]).repeat(wanted.shape[1] // 2)
    assert chatter_loss(wanted + chatter, wanted) > 0.01
    assert chatter_loss(wanted + 0.05, wanted) < 1e-9


# ---- the schedule -------------------------------------------------------------------------------


def options(**changed):
    told = read_recipe().section("fit")
    return {**told, "channels": 8, "warm_up": 10, "checkpoint_seconds": 1e9, **changed}


def batch(number):
    """A direction to go in, in place of sound: the schedule does not mind what is learnt."""
    return (np.random.default_rng(number).random(23).astype(np.float32),)


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    def losses(network, drawn, _options):
        loss = (network.last.bias * drawn[0]).sum() + network.first.weight.square().sum()
        return loss, {"loss": loss.item()}

    monkeypatch.setattr(training, "losses", losses)


def make(tmp_path, steps=None, seconds=None, seed=1, **changed):
    torch.manual_seed(seed)
    plan = Plan("try", options(**changed), steps, seconds, tmp_path / "checkpoint.pt")
    return Trainer(plan, Listener(8, DILATIONS))


class Clock:
    """A second for every step, or ``pace`` of them."""

    def __init__(self, pace=1.0):
        self.now, self.pace = 0.0, pace

    def monotonic(self):
        self.now += self.pace / 2  # asked before and after a step
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(training, "time", clock)
    return clock


def test_steps_are_laid_out_for_the_time_there_is(tmp_path, clock):
    clock.pace = 2.0
    trainer = make(tmp_path, seconds=100.0)
    rates = []

    def drawn():
        for number in itertools.count():
            rates.append(trainer.learning_rate())
            yield batch(number)

    trainer.run(drawn())
    assert trainer.total == trainer.step == 10 + int((0.96 * 100 - 10) / 1.0)
    assert trainer.seconds <= 100.0
    assert rates[0] < rates[5] < rates[10] == max(rates)
    assert all(a >= b for a, b in itertools.pairwise(rates[10:]))
    assert rates[-1] < 0.02 * max(rates)  # all the way down


def test_a_machine_that_gets_slower_still_ends_in_time(tmp_path, clock):
    trainer = make(tmp_path, seconds=60.0)

    def drawn():
        for number in itertools.count():
            clock.pace = 2.0 if number < 20 else 20.0
            yield batch(number)

    trainer.run(drawn())
    assert trainer.step < trainer.total
    assert 60.0 <= trainer.seconds <= 75.0


def test_a_fit_that_was_stopped_keeps_its_schedule_and_its_weights(tmp_path, clock, monkeypatch):
    (tmp_path / "whole").mkdir()
    whole = make(tmp_path / "whole", seconds=40.0)
    whole.run(batch(n) for n in itertools.count())
    first = make(tmp_path, seconds=40.0, checkpoint_seconds=5.0)

    def stopped():
        yield from (batch(n) for n in range(25))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.run(stopped())
    clock.pace = 0.01  # another machine: the schedule is not laid out again
    again = make(tmp_path, seconds=40.0, seed=9)
    assert 0 < again.step < 25
    assert again.total == whole.total
    again.run(batch(n) for n in itertools.count(again.step))
    assert again.step == whole.step
    for name, values in whole.averaged.state_dict().items():
        torch.testing.assert_close(again.averaged.state_dict()[name], values)


def test_steps_that_are_given_count_and_the_rate_still_falls(tmp_path):
    trainer = make(tmp_path, steps=12)
    trainer.run(batch(n) for n in itertools.count())
    assert trainer.step == 12
    assert trainer.learning_rate() < 0.05 * trainer.options["rate"]


def test_networks_of_any_form_are_kept_whole(tmp_path):
    torch.manual_seed(0)
    network = Listener(12, [1, 2, 1]).eval()
    write_listener(tmp_path / "n.pt", network, {"steps": 7})
    told = read_listener(tmp_path / "n.pt")
    assert told.facts == {"steps": 7}
    sound = 0.1 * torch.randn(1, 1, 8000)
    with torch.no_grad():
        for one, other in zip(told.listener(sound), network(sound), strict=True):
            assert torch.equal(one, other)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has what is asked for")
def test_a_gpu_that_is_not_there_is_told_before_anything_is_read(capsys):
    from facewright.training.cli import main

    assert main(["draft", "--device", "cuda"]) == 1
    assert "no CUDA device" in capsys.readouterr().out

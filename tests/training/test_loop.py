"""The loop: accumulation, averages, checkpoints, resuming, precisions, the log."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
import torch

pytest.importorskip("accelerate")

from accelerate.state import AcceleratorState
from likeness.models.errors import ConfigError, InvalidSettingError
from likeness.tests.training.facestudio.small_facestudio import facestudio
from likeness.tests.training.facestudio.small_facestudio import small_batch as style_batch
from likeness.tests.training.small_run import SmallFeed, config_for, final_state, new_run, trained
from likeness.training.loop import begin, new_accelerator, train
from likeness.training.run_folder import checkpoints


class FaceStudioFeed:
    """Pictures of a method whose parameters have paces."""

    def batch(self, read):
        return read

    def read(self, first: int):
        return (style_batch(first=2 * number) for number in count(first))


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("stage", [1, 2])
def test_a_run_that_goes_on_equals_one_that_never_stopped(tmp_path, stage):
    whole = trained(config_for(tmp_path / "whole", stage=stage, steps=4, ema=0.5))
    config = config_for(tmp_path / "parts", stage=stage, steps=2, ema=0.5)
    trained(config)
    parts = trained(replace(config, run=replace(config.run, steps=4)))
    assert same(final_state(whole), final_state(parts))


def test_the_seed_decides_everything(tmp_path):
    first, again, other = (
        trained(config_for(tmp_path / name, seed=seed)) for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert same(final_state(first), final_state(again))
    assert not same(final_state(first), final_state(other))


def test_accumulated_batches_equal_one_large_one(tmp_path):
    large = trained(config_for(tmp_path / "large", batch_size=4))
    small = trained(config_for(tmp_path / "small", batch_size=2, accumulate=2))
    for key, value in final_state(large).items():
        torch.testing.assert_close(final_state(small)[key], value, atol=1e-5, rtol=1e-3)


def test_old_checkpoints_go_and_half_written_ones_do_not_count(tmp_path):
    config = config_for(tmp_path, steps=5, save_every=1, keep=2)
    trained(config)
    assert [step for step, _ in checkpoints(tmp_path)] == [4, 5]
    half = tmp_path / "checkpoints" / "step-00000009.partial"
    half.mkdir()
    (tmp_path / "checkpoints" / "step-00000008").mkdir()
    assert new_run(config).step == 5


def test_resume_takes_a_folder_and_begins_anew_only_where_nothing_was_saved(tmp_path):
    config = config_for(tmp_path, steps=2, save_every=1)
    assert new_run(replace(config, run=replace(config.run, resume="none"))).step == 0
    trained(config)
    first = checkpoints(tmp_path)[0][1]
    with pytest.raises(InvalidSettingError, match=r'resume is "none".*up to step 2'):
        new_run(replace(config, run=replace(config.run, resume="none")))
    assert new_run(replace(config, run=replace(config.run, resume=first))).step == 1
    with pytest.raises(InvalidSettingError, match=r"holds no progress\.json"):
        new_run(replace(config, run=replace(config.run, resume=tmp_path)))


def test_going_on_from_an_old_step_deletes_no_later_one(tmp_path):
    config = config_for(tmp_path, steps=4, save_every=1, keep=4)
    trained(config)
    old = replace(config, run=replace(config.run, resume=checkpoints(tmp_path)[0][1], steps=3, keep=1))
    trained(old)
    assert [step for step, _ in checkpoints(tmp_path)] == [3, 4]


def test_a_checkpoint_of_another_method_is_refused(tmp_path):
    trained(config_for(tmp_path, steps=1))
    with pytest.raises(InvalidSettingError, match="does not fit this configuration"):
        new_run(config_for(tmp_path, steps=1, stage=2))


def test_the_average_follows_slowly(tmp_path):
    run = trained(config_for(tmp_path, steps=3, ema=0.9))
    assert run.average is not None
    fresh = new_run(config_for(tmp_path / "fresh", ema=0.9)).parameters

    def moved(parameters):
        pairs = zip(parameters, fresh, strict=True)
        return sum((now - before).detach().abs().sum().item() for now, before in pairs)

    assert 0 < moved(run.average.shadow_params) < moved(run.parameters)


def test_the_learning_rate_warms_up(tmp_path):
    run = new_run(config_for(tmp_path, steps=4, warmup=3))
    rates = [run.rate.get_last_lr()[0]]
    train(run, SmallFeed(run), at_step=lambda _: rates.append(run.rate.get_last_lr()[0]))
    torch.testing.assert_close(torch.tensor(rates), 1e-3 * torch.tensor([0.25, 0.5, 0.75, 1.0, 1.0]))


def test_parameters_that_have_a_pace_of_their_own_keep_it_through_warm_up_and_resuming(tmp_path):
    def paced(steps):
        config = config_for(tmp_path, steps=steps, warmup=3)
        AcceleratorState._reset_state(True)
        return begin(config, facestudio(), new_accelerator(config, cpu=True))

    run = paced(2)
    assert [len(group["params"]) for group in run.optimizer.param_groups] == [
        len(pace.parameters) for pace in run.method.paces()
    ]
    rates = [run.rate.get_last_lr()]
    train(run, FaceStudioFeed(), at_step=lambda _: rates.append(run.rate.get_last_lr()))
    expected = [[1e-3 * share, 1e-2 * share] for share in (0.25, 0.5, 0.75)]
    torch.testing.assert_close(torch.tensor(rates), torch.tensor(expected))
    assert paced(4).rate.get_last_lr() == rates[-1]


def test_mixed_precision_trains_float32_weights(tmp_path):
    run = trained(config_for(tmp_path, mixed="bf16"))
    fresh = new_run(config_for(tmp_path / "fresh")).parameters
    assert {parameter.dtype for parameter in run.parameters} == {torch.float32}
    assert any(not torch.equal(now, before) for now, before in zip(run.parameters, fresh, strict=True))
    assert all(torch.isfinite(parameter).all() for parameter in run.parameters)


def test_checkpointing_gives_the_same_run(tmp_path):
    plain, checkpointed = (
        trained(config_for(tmp_path / str(flag), gradient_checkpointing=flag)) for flag in (False, True)
    )
    for key, value in final_state(plain).items():
        torch.testing.assert_close(final_state(checkpointed)[key], value, atol=1e-6, rtol=1e-4)


def test_a_loss_that_is_no_number_ends_the_run(tmp_path):
    run = new_run(config_for(tmp_path, steps=1))
    with pytest.raises(InvalidSettingError, match="loss at step 1 is nan; lower"):
        train(run, SmallFeed(run, broken=True))
    assert not checkpoints(tmp_path)


def test_the_log_holds_losses_rate_and_waiting(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trained(config_for(tmp_path, steps=2, stage=2, tensorboard=True))
    [events] = (tmp_path / "logs").rglob("events.*")
    log = EventAccumulator(str(events.parent)).Reload()
    assert {"loss", "denoising", "routing", "learning_rate", "seconds_per_step", "waiting_for_data", "encoding"} <= set(
        log.Tags()["scalars"]
    )
    assert [entry.step for entry in log.Scalars("loss")] == [1, 2]


def test_half_precision_on_the_cpu_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r'^\[precision\] mixed is "fp16", which needs a GPU'):
        new_run(config_for(tmp_path, mixed="fp16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="on GPUs accelerate joins them")
def test_processes_that_do_not_know_of_each_other_are_refused(tmp_path, monkeypatch):
    AcceleratorState._reset_state(True)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="2 processes were started and accelerate knows of 1"):
        new_accelerator(config_for(tmp_path))

import pytest
import torch
from likeness.models.consistentid.id_projection import IDProjection
from likeness.models.errors import ShapeError, UnknownCheckpointError

from_weights = IDProjection.from_state_dict


@pytest.fixture
def module(projection_weights):
    return from_weights(projection_weights, dim_head=8)


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, 10, generator=generator), torch.randn(2, 7, 12, generator=generator)


def test_sizes_come_from_the_weights(module, inputs):
    assert (module.num_tokens, module.width) == (4, 16)
    assert module(*inputs, shortcut=False, s_scale=1.0).shape == (2, 4, 16)


def test_scale_counts_with_the_shortcut_only(module, inputs):
    alone = module(*inputs, shortcut=False, s_scale=1.0)
    shortcut = [module(*inputs, shortcut=True, s_scale=scale) for scale in (0.0, 0.5)]

    assert torch.equal(alone, module(*inputs, shortcut=False, s_scale=0.5))
    torch.testing.assert_close(shortcut[1] - shortcut[0], 0.5 * alone)
    assert alone.abs().max() > 0.1


def test_rows_do_not_mix(module, inputs):
    both = module(*inputs, shortcut=True, s_scale=1.0)
    one = module(inputs[0][1:], inputs[1][1:], shortcut=True, s_scale=1.0)

    torch.testing.assert_close(both[1:], one)


def test_other_widths_are_refused(module, inputs):
    face, photo = inputs

    with pytest.raises(ShapeError, match="id_vector"):
        module(face[:, 1:], photo, shortcut=True, s_scale=1.0)
    with pytest.raises(ShapeError, match="picture features"):
        module(face, photo[..., 1:], shortcut=True, s_scale=1.0)


def test_faults_are_named(projection_weights):
    lost = projection_weights.pop("perceiver_resampler.layers.1.0.to_q.weight")
    projection_weights["stranger"] = lost

    with pytest.raises(
        UnknownCheckpointError, match=r"missing \(perceiver_resampler\.layers\.1.*unexpected \(stranger\)"
    ):
        from_weights(projection_weights, dim_head=8)


def test_a_head_width_that_does_not_divide_is_refused(projection_weights):
    with pytest.raises(UnknownCheckpointError, match="heads of 5"):
        from_weights(projection_weights, dim_head=5)


def test_widths_that_contradict_each_other_are_refused(projection_weights):
    projection_weights["proj.2.weight"] = projection_weights["proj.2.weight"][:-1]

    with pytest.raises(UnknownCheckpointError, match="63 values"):
        from_weights(projection_weights, dim_head=8)

import pytest
import torch
from likeness.models.adapters.resampler import LearnedResampler, Resampler, ResamplerSizes
from likeness.models.errors import ShapeError, UnknownCheckpointError

SIZES = ResamplerSizes(features=12, dim=24, inner=16, dim_head=8, hidden=48, depth=2, output=10)


@pytest.fixture
def resampler():
    torch.manual_seed(0)
    return Resampler(SIZES).eval().requires_grad_(False)


def test_sizes_are_read_from_the_weights(resampler):
    weights = {f"any.{key}": tensor for key, tensor in resampler.state_dict().items()}
    assert ResamplerSizes.read(weights, "any.", 8, "The resampler") == SIZES
    with pytest.raises(UnknownCheckpointError, match="attention 16 wide, which heads of 5 do not divide"):
        ResamplerSizes.read(weights, "any.", 5, "The resampler")
    del weights["any.proj_in.weight"]
    with pytest.raises(UnknownCheckpointError, match=r"any\.proj_in\.weight"):
        ResamplerSizes.read(weights, "any.", 8, "The resampler")


def test_every_picture_is_read_on_its_own_in_any_order_of_its_features(resampler):
    generator = torch.Generator().manual_seed(1)
    features, queries = torch.randn(2, 5, 12, generator=generator), torch.randn(2, 3, 24, generator=generator)
    read = resampler(features, queries)
    assert read.shape == (2, 3, 10)
    torch.testing.assert_close(read[1:], resampler(features[1:], queries[1:]))
    torch.testing.assert_close(read, resampler(features.flip(1), queries))
    assert not torch.allclose(read, resampler(2 * features, queries), atol=1e-3)


def test_the_layers_are_added_and_what_comes_out_is_normed(resampler):
    """Without its layers' outputs it is the norm of the projected queries."""
    for layer in resampler.layers:
        for part in layer:
            for parameter in part.parameters():
                parameter.zero_()
    queries = torch.randn(1, 3, 24, generator=torch.Generator().manual_seed(2))
    expected = resampler.norm_out(resampler.proj_out(queries))
    torch.testing.assert_close(resampler(torch.ones(1, 4, 12), queries), expected)


def test_features_of_another_width_are_refused(resampler):
    with pytest.raises(ShapeError, match="picture features"):
        resampler(torch.zeros(1, 4, 11), torch.zeros(1, 3, 24))


@pytest.fixture
def learned():
    torch.manual_seed(3)
    module = LearnedResampler(SIZES, 3).eval().requires_grad_(False)
    module.latents.normal_()
    return module


def test_learned_queries_read_as_given_ones(learned):
    features = torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(4))
    given = Resampler(SIZES)
    given.load_state_dict({key: tensor for key, tensor in learned.state_dict().items() if key != "latents"})

    torch.testing.assert_close(learned(features), given(features, learned.latents.expand(2, -1, -1)))
    assert learned(features[:, :1]).shape == (2, 3, 10)
    assert (learned.num_tokens, learned.width, learned.features) == (3, 10, 12)


def test_a_learned_resampler_comes_back_from_its_weights(learned):
    again = LearnedResampler.from_state_dict(learned.state_dict(), dim_head=8)
    features = torch.ones(1, 2, 12)

    assert torch.equal(again(features), learned(features))
    assert not torch.allclose(
        LearnedResampler.from_state_dict(learned.state_dict(), dim_head=16)(features), again(features)
    )


def test_faulty_weights_and_features_of_a_learned_resampler_are_refused(learned):
    weights = dict(learned.state_dict())
    with pytest.raises(ShapeError, match="picture features"):
        learned(torch.zeros(1, 4, 11))
    with pytest.raises(UnknownCheckpointError, match=r"missing \(latents\)"):
        LearnedResampler.from_state_dict({key: weights[key] for key in weights if key != "latents"}, dim_head=8)
    with pytest.raises(UnknownCheckpointError, match="heads of 64"):
        LearnedResampler.from_state_dict(weights)

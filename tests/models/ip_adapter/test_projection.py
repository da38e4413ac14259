import pytest
import torch
from likeness.models.adapters.id_projection import FacesProjection, IDProjection
from likeness.models.adapters.resampler import LearnedResampler
from likeness.models.errors import ShapeError, UnknownCheckpointError
from likeness.models.ip_adapter.projection import FullFaceProjection, ImagePromptProjection, from_state_dict
from likeness.tests.models.ip_adapter.small_files import CLIP, FACE, HEAD, NETWORKS, WIDTH, random_weights

CLASSES = {
    "plain": ImagePromptProjection,
    "full face": FullFaceProjection,
    "faceid": FacesProjection,
    "portrait": FacesProjection,
    "faceid plus": IDProjection,
    "plus": LearnedResampler,
    "portrait unnorm": LearnedResampler,
}
GIVEN = {  # shapes of the inputs, and of the tokens
    "plain": ([(2, CLIP)], (2, 4, WIDTH)),
    "full face": ([(2, 7, CLIP)], (2, 7, WIDTH)),
    "faceid": ([(2, FACE)], (2, 4, WIDTH)),
    "portrait": ([(2, 3, FACE)], (2, 48, WIDTH)),
    "faceid plus": ([(2, FACE), (2, 7, CLIP)], (2, 4, WIDTH)),
    "plus": ([(2, 7, CLIP)], (2, 16, WIDTH)),
    "portrait unnorm": ([(2, 1, FACE)], (2, 16, WIDTH)),
}


@pytest.fixture
def projection() -> ImagePromptProjection:
    generator = torch.Generator().manual_seed(6)
    shapes = {"proj.weight": (48, 5), "proj.bias": (48,), "norm.weight": (12,), "norm.bias": (12,)}
    return ImagePromptProjection.from_state_dict(
        {key: torch.randn(*shape, generator=generator) for key, shape in shapes.items()}
    )


@torch.no_grad()
def test_four_normed_tokens(projection):
    pooled = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))

    tokens = projection(pooled)

    assert tokens.shape == (2, 4, 12)
    assert (projection.num_tokens, projection.width, projection.image_width) == (4, 12, 5)
    plain = (tokens - projection.norm.bias) / projection.norm.weight
    torch.testing.assert_close(plain.mean(-1), torch.zeros(2, 4), atol=1e-5, rtol=0)


@torch.no_grad()
def test_null_is_the_projection_of_zeros(projection):
    assert torch.equal(projection.null(), projection(torch.zeros(1, 5)))
    assert projection.null().any()


def test_wrong_width_is_refused(projection):
    with pytest.raises(ShapeError, match="embedding"):
        projection(torch.zeros(1, 7))


@pytest.mark.parametrize("network", NETWORKS)
@torch.no_grad()
def test_keys_tell_the_network_and_shapes_its_sizes(network):
    weights = random_weights(NETWORKS[network]())
    module = from_state_dict({key: tensor.half() for key, tensor in weights.items()}, dim_head=HEAD)

    generator = torch.Generator().manual_seed(3)
    shapes, expected = GIVEN[network]
    tokens = module(
        *(torch.randn(shape, generator=generator) for shape in shapes),
        **({"shortcut": True} if network == "faceid plus" else {}),
    )

    assert type(module) is CLASSES[network]
    assert {tensor.dtype for tensor in module.state_dict().values()} == {torch.float32}
    assert module.state_dict().keys() == weights.keys()
    assert tokens.shape == expected
    assert module.width == WIDTH
    assert tokens.std() > 0.05


@torch.no_grad()
def test_full_face_makes_each_token_alone(projection):
    module = from_state_dict(random_weights(NETWORKS["full face"]()))
    clip_tokens = torch.randn(1, 7, CLIP, generator=torch.Generator().manual_seed(4))

    torch.testing.assert_close(module(clip_tokens)[:, 2:3], module(clip_tokens[:, 2:3]))
    with pytest.raises(ShapeError, match="clip_tokens"):
        module(clip_tokens[..., 1:])


@pytest.mark.parametrize(
    ("key", "shape", "width"),
    [("latents", (1, 16, 2048), 2048), ("perceiver_resampler.proj_in.bias", (4096,), 4096)],
)
def test_adapters_for_kolors_are_refused(key, shape, width):
    network = "plus" if key == "latents" else "faceid plus"
    weights = random_weights(NETWORKS[network]()) | {key: torch.zeros(shape)}

    with pytest.raises(UnknownCheckpointError, match=f"made for Kolors .* {width} wide"):
        from_state_dict(weights)


def test_other_weights_are_refused():
    with pytest.raises(UnknownCheckpointError, match=r'No projection of an IP-Adapter.*"norm\.weight"'):
        from_state_dict({"norm.weight": torch.zeros(3)})
    with pytest.raises(UnknownCheckpointError, match="heads of 64 do not divide"):
        from_state_dict(random_weights(NETWORKS["plus"]()))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_missing_weight_is_named(network):
    weights = random_weights(NETWORKS[network]())
    lost = next(key for key in reversed(weights) if key.endswith("bias"))
    del weights[lost]

    with pytest.raises(UnknownCheckpointError, match=lost.replace(".", r"\.")):
        from_state_dict(weights, dim_head=HEAD)

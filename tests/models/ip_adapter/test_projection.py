import pytest
import torch
from likeness.models.errors import ShapeError
from likeness.models.ip_adapter.projection import ImagePromptProjection


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
    plain = (tokens - projection.norm.bias) / projection.norm.weight
    torch.testing.assert_close(plain.mean(-1), torch.zeros(2, 4), atol=1e-5, rtol=0)


@torch.no_grad()
def test_null_is_the_projection_of_zeros(projection):
    assert torch.equal(projection.null(), projection(torch.zeros(1, 5)))
    assert projection.null().any()


def test_wrong_width_is_refused(projection):
    with pytest.raises(ShapeError, match="embedding"):
        projection(torch.zeros(1, 7))

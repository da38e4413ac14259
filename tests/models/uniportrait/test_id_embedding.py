import pytest
import torch
from likeness.models.errors import ShapeError, UnknownCheckpointError
from likeness.models.uniportrait.id_embedding import IDEmbedding

pytestmark = pytest.mark.usefixtures("no_grad")


@pytest.fixture
def no_grad():
    with torch.no_grad():
        yield


@pytest.fixture
def module(faceid_file) -> IDEmbedding:
    return IDEmbedding.from_state_dict(faceid_file["faceid_proj"], dim_head=8)


def features(rows: int = 2):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(rows, 5, 6, generator=generator), torch.randn(rows, 7, 10, generator=generator)


def test_output_is_one_token_set_per_row(module):
    assert module(*features(), 0.1).shape == (2, 4, 12)
    assert module.num_tokens == 4


def test_scale_zero_leaves_structure_out_exactly(module):
    intrinsic, structure = features()

    assert torch.equal(module(intrinsic, structure, 0.0), module(intrinsic, 100 * structure, 0.0))
    assert not torch.equal(module(intrinsic, structure, 0.1), module(intrinsic, 100 * structure, 0.1))


def test_every_layer_and_row_may_have_a_scale_of_its_own(module):
    intrinsic, structure = features()
    low, high = module(intrinsic, structure, 0.1), module(intrinsic, structure, 0.9)
    mixed = module(intrinsic, structure, torch.tensor([[0.1, 0.9], [0.1, 0.9]]))

    torch.testing.assert_close(mixed, torch.stack([low[0], high[1]]))
    first_layer_alone = module(intrinsic, structure, torch.tensor([[0.1, 0.1], [0.0, 0.0]]))
    assert not torch.allclose(first_layer_alone, low, atol=1e-4)


def test_structure_scale_is_not_an_interpolation(module):
    low, middle, high = (module(*features(), scale) for scale in (0.0, 0.5, 1.0))

    assert not torch.allclose(middle, (low + high) / 2, atol=1e-3)


def test_rows_do_not_see_each_other(module):
    intrinsic, structure = features()
    alone = module(intrinsic[:1], structure[:1], 0.3)

    torch.testing.assert_close(module(intrinsic, structure, 0.3)[:1], alone)


def test_order_of_tokens_does_not_matter_but_their_number_does(module):
    intrinsic, structure = features()

    torch.testing.assert_close(module(intrinsic.flip(1), structure, 0.3), module(intrinsic, structure, 0.3))
    doubled = module(torch.cat([intrinsic, intrinsic], dim=1), structure, 0.3)
    assert not torch.allclose(doubled, module(intrinsic, structure, 0.3), atol=1e-4)


def test_dropped_tokens_count_for_nothing(module):
    intrinsic, structure = features()
    keep = torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0]).expand(2, -1)

    masked = module(intrinsic, structure, 0.3, intrinsic_mask=keep[..., None])

    torch.testing.assert_close(masked, module(intrinsic[:, keep[0] == 1], structure, 0.3), atol=1e-5, rtol=1e-5)


def test_wrong_widths_and_heads_are_refused(module, faceid_file):
    with pytest.raises(ShapeError, match="intrinsic"):
        module(torch.zeros(1, 5, 9), torch.zeros(1, 7, 10), 0.1)
    with pytest.raises(ShapeError, match="structure"):
        module(torch.zeros(1, 5, 6), torch.zeros(2, 7, 10), 0.1)
    with pytest.raises(UnknownCheckpointError, match="heads of 5"):
        IDEmbedding.from_state_dict(faceid_file["faceid_proj"], dim_head=5)

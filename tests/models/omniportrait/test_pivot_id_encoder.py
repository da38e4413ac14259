from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError, UnknownCheckpointError
from likeness.models.omniportrait.pivot_id_encoder import PivotIDEncoder


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return PivotIDEncoder(6, 4)


@pytest.fixture
def given():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(3, 4, generator=generator), torch.randn(3, 6, generator=generator)


def test_training_begins_near_the_plain_prompt(encoder, given):
    rows, references = given
    fused = encoder(rows, references)
    assert 0 < (fused - rows).abs().max() < 0.1
    torch.testing.assert_close(encoder(rows, torch.zeros(3, 6)), rows)


def test_a_row_becomes_the_linear_layer_of_face_and_row(encoder, given):
    torch.nn.init.normal_(encoder.fusion.weight)
    rows, references = given
    mixed = torch.cat((references, rows), -1) @ encoder.fusion.weight.T + encoder.fusion.bias
    torch.testing.assert_close(encoder(rows, references), mixed)
    torch.testing.assert_close(encoder(rows, references, 0.25), rows + 0.25 * (mixed - rows))
    assert torch.equal(encoder(rows, references, 0.0), rows)


def test_sizes_come_from_the_file(encoder, given):
    read = PivotIDEncoder.from_state_dict(encoder.state_dict())
    assert (read.reference_width, read.text_width) == (6, 4)
    assert torch.equal(read(*given), encoder(*given))
    assert not any(parameter.requires_grad for parameter in read.parameters())


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"fusion.weight": torch.zeros(4, 4), "fusion.bias": torch.zeros(4)},
        {"fusion.weight": torch.zeros(4, 9), "fusion.bias": torch.zeros(3)},
    ],
)
def test_another_file_is_refused(weights):
    with pytest.raises(UnknownCheckpointError, match="pivot ID encoder"):
        PivotIDEncoder.from_state_dict(weights)


def test_other_widths_and_strengths_are_refused(encoder, given):
    rows, references = given
    with pytest.raises(ShapeError, match="references"):
        encoder(rows, references[:2])
    with pytest.raises(ShapeError, match="rows"):
        encoder(references, references)
    with pytest.raises(InvalidSettingError, match=r"strength is 2\.5"):
        encoder(rows, references, 2.5)


def test_every_row_may_have_its_own_strength(encoder, given):
    torch.nn.init.normal_(encoder.fusion.weight)
    rows, references = given
    found = encoder(rows, references, [0.0, 1.0, 0.5])
    for row, strength in enumerate((0.0, 1.0, 0.5)):
        torch.testing.assert_close(found[row], encoder(rows, references, strength)[row])
    with pytest.raises(InvalidSettingError, match=r"strength is 2\.5"):
        encoder(rows, references, [0.0, 2.5, 1.0])

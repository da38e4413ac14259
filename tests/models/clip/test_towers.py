"""CLIP's picture towers: sizes, strict loading, order and equality with open_clip's own models."""

from __future__ import annotations

import pytest
import torch
from likeness.models.clip.towers import (
    PUBLISHED,
    Activation,
    ResNetSizes,
    Sizes,
    TransformerSizes,
    from_state_dicts,
    new_tower,
    recognise,
    sizes_of,
    tower_weights,
)
from likeness.models.errors import UnknownCheckpointError
from likeness.models.facestudio.description import NETWORKS, WIDTHS
from torch import Tensor, nn

VIT = TransformerSizes(image=56, patch=14, width=64, layers=2, feed=96, outputs=10)
RESNET = ResNetSizes(image=64, width=4, blocks=(1, 2, 1, 1), outputs=6)


def own(sizes: Sizes, activation: Activation = "quick_gelu", seed: int = 3) -> tuple[nn.Module, dict[str, Tensor]]:
    """A tower of open_clip's with random weights, and these."""
    torch.manual_seed(seed)
    tower = new_tower(sizes, activation).eval()
    with torch.no_grad():
        for key, tensor in tower.state_dict().items():
            if "running_mean" in key or ("bn3" in key and "weight" in key):
                tensor.normal_(0.5, 0.2)
    return tower, tower.state_dict()


def pixels(side: int) -> Tensor:
    return torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("sizes", [VIT, RESNET])
def test_sizes_are_read_from_the_tensors(sizes: Sizes) -> None:
    assert sizes_of(own(sizes)[1]) == sizes


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("sizes", [VIT, RESNET])
def test_a_tower_gives_what_open_clips_own_gives(sizes: Sizes, activation: Activation) -> None:
    tower, weights = own(sizes, activation)
    towers = from_state_dicts([weights], activation=activation)
    with torch.no_grad():
        expected = tower(pixels(sizes.image))
        torch.testing.assert_close(towers(pixels(sizes.image)), expected, atol=1e-5, rtol=1e-5)
    assert towers.width == sizes.outputs
    assert not any(parameter.requires_grad for parameter in towers.parameters())


def test_the_activation_decides() -> None:
    _, weights = own(VIT)
    quick, exact = (from_state_dicts([weights], activation=each)(pixels(56)) for each in ("quick_gelu", "gelu"))
    assert (quick - exact).abs().max() > 1e-4


def test_embeddings_are_joined_in_the_towers_order_and_not_normalised() -> None:
    first, second = own(VIT), own(TransformerSizes(image=56, patch=28, width=64, layers=1, feed=64, outputs=5), seed=4)
    towers = from_state_dicts([first[1], second[1]], activation="quick_gelu")
    with torch.no_grad():
        expected = [tower(pixels(56)) for tower, _ in (first, second)]
    found = towers(pixels(56))
    torch.testing.assert_close(found, torch.cat(expected, dim=-1), atol=1e-5, rtol=1e-5)
    assert towers.width == 15
    turned = from_state_dicts([second[1], first[1]], activation="quick_gelu")(pixels(56))
    torch.testing.assert_close(turned, torch.cat(expected[::-1], dim=-1), atol=1e-5, rtol=1e-5)


def test_the_weights_of_a_whole_clip_file_are_those_of_its_picture_tower() -> None:
    _, weights = own(VIT)
    whole = {f"visual.{key}": tensor for key, tensor in weights.items()}
    whole |= {"transformer.resblocks.0.ln_1.weight": torch.zeros(2), "logit_scale": torch.zeros(())}
    assert tower_weights(whole).keys() == weights.keys()
    assert tower_weights({"else": torch.zeros(1)}) == {}


def test_the_widths_of_the_published_towers_are_those_that_a_file_promises() -> None:
    for encoder, names in NETWORKS.items():
        assert sum(PUBLISHED[name].outputs for name in names) == WIDTHS[encoder]


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_towers_are_recognised_and_are_open_clips(name: str) -> None:
    """The tower that open_clip itself builds by that name, on the meta device, has the same keys and shapes."""
    import open_clip

    config = open_clip.get_model_config(f"{name}-quickgelu")
    with torch.device("meta"):
        theirs = open_clip.CLIP(**config).visual
        ours = new_tower(PUBLISHED[name], "quick_gelu")
    shapes = {key: tuple(tensor.shape) for key, tensor in theirs.state_dict().items()}
    assert {key: tuple(tensor.shape) for key, tensor in ours.state_dict().items()} == shapes
    assert recognise(theirs.state_dict()) == name


def test_towers_of_other_sizes_are_not_recognised() -> None:
    assert recognise(own(VIT)[1]) is None
    assert recognise({}) is None
    assert recognise({"conv1.weight": torch.zeros(2)}) is None


@pytest.mark.slow
def test_paper3_at_its_true_size_gives_what_open_clips_own_models_give() -> None:
    import open_clip

    torch.manual_seed(0)
    models = [
        open_clip.create_model(name, pretrained=None, force_quick_gelu=True).eval() for name in NETWORKS["paper3"]
    ]
    weights = [tower_weights(model.state_dict()) for model in models]
    assert [recognise(each) for each in weights] == list(NETWORKS["paper3"])
    towers = from_state_dicts(weights, activation="quick_gelu")
    shown = pixels(224)[:1]
    with torch.no_grad():
        expected = torch.cat([model.encode_image(shown) for model in models], dim=-1)
        found = towers(shown)
    assert found.shape == (1, WIDTHS["paper3"])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_weights_that_do_not_fit_are_refused_with_all_that_is_wrong() -> None:
    _, weights = own(VIT)
    broken = {key: tensor for key, tensor in weights.items() if key != "ln_post.bias"} | {"odd": torch.zeros(1)}
    with pytest.raises(
        UnknownCheckpointError, match=r'"a" does not fit: keys 1 missing \(ln_post\.bias\); 1 unexpected'
    ):
        from_state_dicts([broken], activation="quick_gelu", names=['"a"'])
    with pytest.raises(UnknownCheckpointError, match="missing"):
        from_state_dicts([{}], activation="quick_gelu")


def test_positions_that_are_no_square_are_refused() -> None:
    _, weights = own(VIT)
    with pytest.raises(UnknownCheckpointError, match="has 16 positions"):
        from_state_dicts([{**weights, "positional_embedding": weights["positional_embedding"][:16]}], activation="gelu")


def test_channels_that_make_no_heads_are_refused() -> None:
    _, weights = own(VIT)
    narrow = {**weights, "conv1.weight": torch.zeros(60, 3, 14, 14)}
    with pytest.raises(UnknownCheckpointError, match="60 channels"):
        from_state_dicts([narrow], activation="gelu")

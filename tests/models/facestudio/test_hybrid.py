"""The shared linear layer, pictures against texts, and people made of several."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError, UnknownCheckpointError
from likeness.models.facestudio.hybrid import FACE, HybridLayer, blend, mix
from torch.nn.functional import linear, normalize

STYLE, TOKENS, WIDTH = 20, 3, 6


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def faces(count, seed=5):
    return normalize(normal(count, FACE, seed=seed), dim=-1)


def weights(tokens=TOKENS, width=WIDTH, style=STYLE):
    return {"weight": normal(tokens * width, style + FACE) / 20, "bias": normal(tokens, width, seed=1)}


@pytest.fixture
def layer():
    return HybridLayer.from_state_dict(weights())


def test_one_linear_layer_of_style_then_face(layer):
    style, face, own = normal(2, STYLE, seed=2), faces(2), weights()
    got = layer(style, face)
    expected = linear(torch.cat([style, face], 1), own["weight"]) + own["bias"].flatten()
    torch.testing.assert_close(got, expected.reshape(2, TOKENS, WIDTH))
    assert (layer.num_tokens, layer.width, layer.style_width) == (TOKENS, WIDTH, STYLE)
    assert not any(parameter.requires_grad for parameter in layer.parameters())


def test_neither_style_nor_face_is_the_bias(layer):
    assert torch.equal(layer.null(), layer(torch.zeros(1, STYLE), torch.zeros(1, FACE)))
    assert torch.equal(layer.null()[0], weights()["bias"])


def test_weights_come_back_as_they_were(layer):
    assert layer.state_dict().keys() == weights().keys()
    again = HybridLayer.from_state_dict({key: tensor.half() for key, tensor in layer.state_dict().items()})
    assert (again.num_tokens, again.width, again.weight.dtype) == (TOKENS, WIDTH, torch.float32)


@pytest.mark.parametrize(
    ("length", "tokens", "width"), [(768, 1, 768), (2048, 1, 2048), (6144, 8, 768), (16384, 8, 2048), (48, 8, 6)]
)
def test_a_flat_bias_is_one_token_of_a_base_model_or_eight(length, tokens, width):
    own = {"proj.weight": torch.zeros(length, 3 + FACE), "proj.bias": torch.arange(length).float()}
    got = HybridLayer.from_state_dict(own).null()
    assert got.shape == (1, tokens, width)
    assert torch.equal(got.flatten(), own["proj.bias"])


@pytest.mark.parametrize(
    ("style", "width", "count"), [(1792, 768, 14_161_920), (768, 768, 7_870_464), (768, 2048, 7_870_464 * 2048 // 768)]
)
def test_the_parameters_of_the_layouts(style, width, count):
    """Counted for eight tokens on SD1.5, and on SDXL in the ratio of the widths."""
    with torch.device("meta"):
        own = {"weight": torch.empty(8 * width, style + FACE), "bias": torch.empty(8 * width)}
    assert sum(parameter.numel() for parameter in HybridLayer.from_state_dict(own).parameters()) == count


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w.pop("bias"), r"something else \(1 keys"),
        (lambda w: w.update({"other": torch.zeros(2)}), r"something else \(3 keys"),
        (lambda w: w.update({"b.bias": w.pop("bias")}), "something else"),
        (lambda w: w.update({"weight": torch.zeros(18, FACE)}), r"\(18, 512\) and \(3, 6\)"),
        (lambda w: w.update({"weight": torch.zeros(17, FACE + 3)}), r"\(17, 515\) and \(3, 6\)"),
        (lambda w: w.update({"weight": torch.zeros(18)}), r"\(18,\) and"),
        (lambda w: w.update({"bias": torch.zeros(18)}), "18 values, which 8 tokens do not divide"),
        (lambda w: w.clear(), "no tensors"),
    ],
)
def test_files_of_another_kind_are_refused(change, told):
    own = weights()
    change(own)
    with pytest.raises(UnknownCheckpointError, match=told):
        HybridLayer.from_state_dict(own)


@pytest.mark.parametrize(
    ("style", "face"), [((2, STYLE + 1), (2, FACE)), ((2, STYLE), (1, FACE)), ((2, STYLE), (2, 9))]
)
def test_inputs_of_another_shape_are_refused(layer, style, face):
    with pytest.raises(ShapeError, match="expected"):
        layer(torch.zeros(style), torch.zeros(face))


def test_the_ends_of_a_blend_are_its_sources():
    image, text = normal(2, STYLE), normal(2, STYLE, seed=1)
    assert torch.equal(blend(image, text, 1.0), image)
    assert torch.equal(blend(image, text, 0.0), text)
    torch.testing.assert_close(blend(image, text, 0.25), text + 0.25 * (image - text))
    torch.testing.assert_close(blend(image, text, 0.3), blend(text, image, 0.7))


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.5, 1.0])
def test_blending_embeddings_is_blending_outputs(layer, alpha):
    image, text, face = normal(2, STYLE), normal(2, STYLE, seed=1), faces(2)
    branches = alpha * layer(image, face) + (1 - alpha) * layer(text, face)
    torch.testing.assert_close(layer(blend(image, text, alpha), face), branches, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("alpha", [-0.1, 1.5, float("nan")])
def test_an_alpha_out_of_range_is_refused(alpha):
    with pytest.raises(InvalidSettingError, match=r"alpha is .* choose a number from 0 to 1"):
        blend(torch.zeros(1, 2), torch.zeros(1, 2), alpha)


def test_two_spaces_are_named():
    with pytest.raises(
        ShapeError, match=r"768 wide \(ViT-L/14\) and the text's 1280 wide \(ViT-bigG/14\), which are two"
    ):
        blend(torch.zeros(1, 768), torch.zeros(1, 1280), 0.5)
    with pytest.raises(ShapeError, match="text has shape"):
        blend(torch.zeros(2, 768), torch.zeros(1, 768), 0.5)


def test_a_mixed_face_has_length_one_and_only_ratios_count():
    people, shares = faces(3), torch.tensor([0.2, 0.3, 0.9])
    got = mix(people, shares)
    assert got.shape == (FACE,)
    assert got.norm().item() == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(got, normalize(shares @ people, dim=0))
    torch.testing.assert_close(got, mix(people, 7 * shares))


def test_the_order_of_people_does_not_matter():
    people, shares, order = faces(3), torch.tensor([0.2, 0.3, 0.9]), [2, 0, 1]
    for literal in (False, True):
        got = mix(people[order], shares[order], literal=literal)
        torch.testing.assert_close(got, mix(people, shares, literal=literal))


def test_one_face_stays_itself_and_weights_of_zero_leave_out():
    people = faces(2)
    torch.testing.assert_close(mix(people[:1], torch.tensor([0.4])), people[0])
    torch.testing.assert_close(mix(people, torch.tensor([0.0, 0.4])), people[1])
    torch.testing.assert_close(mix(people[:1], torch.tensor([0.4]), literal=True), 0.4 * people[0])


def test_literal_is_the_sum_as_it_stands():
    people = torch.eye(FACE)[:2]  # nothing in common
    shares = torch.tensor([0.5, 0.5])
    assert mix(people, shares, literal=True).norm().item() == pytest.approx(0.5**0.5)
    assert not mix(people, torch.zeros(2), literal=True).any()


def test_literal_mixing_is_mixing_the_guidance(layer):
    style, people, shares = normal(1, STYLE), faces(3), torch.tensor([0.5, 0.3, 0.2])
    mixed = layer(style, mix(people, shares, literal=True)[None])
    each = torch.stack([share * layer(style, face[None]) for share, face in zip(shares, people, strict=True)])
    torch.testing.assert_close(mixed, each.sum(0), atol=1e-5, rtol=1e-5)
    assert not torch.allclose(layer(style, mix(people, shares)[None]), mixed, atol=1e-3)


def test_faces_that_cancel_each_other_are_nobody():
    one = faces(1)
    assert not mix(torch.cat([one, -one]), torch.ones(2)).any()
    assert not mix(torch.zeros(1, FACE), torch.ones(1)).any()


@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("shares", [[0.5, -0.1], [float("nan"), 1], [float("inf"), 1]])
def test_weights_that_are_none_are_refused(shares, literal):
    with pytest.raises(InvalidSettingError, match="choose numbers of at least 0"):
        mix(faces(2), torch.tensor(shares), literal=literal)


def test_nothing_to_mix_is_refused():
    with pytest.raises(InvalidSettingError, match="weights of 2 mixed faces are all 0"):
        mix(faces(2), torch.zeros(2))
    with pytest.raises(ShapeError, match="weights"):
        mix(faces(2), torch.ones(3))
    with pytest.raises(ShapeError, match="faces"):
        mix(torch.ones(FACE), torch.ones(2))

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.ip_adapter.combination import COMBINATIONS, SCALINGS, combine, join, scale

PICTURES = torch.tensor([[3.0, 4.0], [4.0, -3.0], [0.0, 0.0]])


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("concat", PICTURES.tolist()),
        ("add", [[7.0, 1.0]]),
        ("subtract", [[1.0, 5.5]]),
        ("average", [[7 / 3, 1 / 3]]),
        ("norm average", [[(3 + 4) / 5 / 3, (4 - 3) / 5 / 3]]),  # the norms over the pictures are 5 and 5
    ],
)
def test_combinations(how, expected):
    torch.testing.assert_close(combine(PICTURES, how), torch.tensor(expected))


@pytest.mark.parametrize("how", COMBINATIONS)
def test_tokens_are_combined_as_embeddings_are(how):
    tokens = PICTURES[:, None].expand(-1, 5, -1)
    torch.testing.assert_close(combine(tokens, how)[:, 2], combine(PICTURES, how))


@pytest.mark.parametrize("how", [how for how in COMBINATIONS if how != "norm average"])
def test_one_picture_stays_what_it_is(how):
    assert torch.equal(combine(PICTURES[:1], how), PICTURES[:1])


def test_values_that_are_zero_in_all_pictures_stay_zero():
    assert combine(torch.zeros(2, 3), "norm average").tolist() == [[0, 0, 0]]


def test_joined_tokens_keep_their_order():
    tokens = randn(2, 3, 4)
    assert torch.equal(join(tokens), torch.cat([tokens[0], tokens[1]])[None])


def test_unknown_names_are_refused():
    with pytest.raises(InvalidSettingError, match='by "mix"; choose one of concat'):
        combine(PICTURES, "mix")
    with pytest.raises(InvalidSettingError, match='"K only"; choose one of V only'):
        scale(PICTURES, PICTURES, 1, "K only")


def test_scalings():
    keys, values = randn(2, 3, 640), randn(2, 3, 640, seed=1)
    mean = values.mean(1, keepdim=True)
    expected = {
        "V only": (keys, 0.6 * values),
        "K+V": (0.6 * keys, 0.6 * values),
        "K+V w/ C penalty": (0.3 * keys, 0.3 * values),
        "K+mean(V) w/ C penalty": (0.3 * keys, values - mean + 0.3 * mean),
    }
    assert set(expected) == set(SCALINGS)
    for how, pair in expected.items():
        torch.testing.assert_close(scale(keys, values, 0.6, how), pair)


@pytest.mark.parametrize("how", SCALINGS)
def test_strength_one_changes_nothing_in_the_widest_layers(how):
    keys, values = randn(3, 1280), randn(3, 1280, seed=1)
    torch.testing.assert_close(scale(keys, values, 1.0, how), (keys, values))

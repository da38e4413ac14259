import pytest
import torch
from likeness.models.errors import ShapeError, UnknownCheckpointError
from likeness.models.face.iresnet import IResNet

STAGES = [(8, 2), (16, 1), (24, 3)]


def small_network() -> IResNet:
    torch.manual_seed(0)
    network = IResNet(8, STAGES).eval()
    for name, buffer in network.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        if name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    return network


def pictures(rows: int = 2) -> torch.Tensor:
    return torch.rand(rows, 3, 112, 112, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def test_round_trip_infers_every_size():
    network = small_network()

    loaded = IResNet.from_state_dict(network.state_dict())

    assert loaded.taps == (1, 2, 5)
    for mine, theirs in zip(loaded(pictures()), network(pictures()), strict=True):
        assert torch.equal(mine, theirs)


@torch.no_grad()
def test_maps_shrink_by_half_per_stage():
    shapes = [tuple(tapped.shape) for tapped in small_network()(pictures())]

    assert shapes == [(2, 8, 56, 56), (2, 16, 28, 28), (2, 24, 14, 14)]


@torch.no_grad()
def test_batch_of_two_equals_two_of_one():
    network = IResNet.from_state_dict(small_network().state_dict())

    together = network(pictures())
    alone = [network(pictures()[place : place + 1]) for place in range(2)]

    for place, tapped in enumerate(together):
        torch.testing.assert_close(tapped, torch.cat([maps[place] for maps in alone]), atol=1e-5, rtol=1e-5)


def test_published_sizes_tap_the_published_blocks():
    with torch.device("meta"):
        network = IResNet(64, [(64, 3), (128, 13), (256, 30), (512, 3)])

    assert network.taps == (2, 15, 45, 48)
    assert sorted({key.split(".")[1] for key in network.state_dict() if "shortcut_layer" in key}) == ["16", "3", "46"]


def test_output_layer_and_counters_do_not_matter():
    weights = small_network().state_dict()
    without_counters = {key: tensor for key, tensor in weights.items() if not key.endswith("num_batches_tracked")}

    loaded = IResNet.from_state_dict(without_counters | {"output_layer.3.weight": torch.zeros(4, 4)})

    assert not any(key.startswith("output_layer") for key in loaded.state_dict())


def test_all_faults_are_told_at_once():
    weights = dict(small_network().state_dict())
    del weights["body.1.res_layer.4.weight"], weights["input_layer.1.bias"]
    weights["body.2.res_layer.5.bias"] = torch.zeros(3)
    weights["head.weight"] = torch.zeros(1)

    with pytest.raises(UnknownCheckpointError) as caught:
        IResNet.from_state_dict(weights)

    for key in ("body.1.res_layer.4.weight", "input_layer.1.bias", "body.2.res_layer.5.bias", "head.weight"):
        assert key in str(caught.value)


def test_a_foreign_state_dict_is_refused():
    with pytest.raises(UnknownCheckpointError, match=r"input_layer\.0\.weight"):
        IResNet.from_state_dict({"conv1.weight": torch.zeros(4, 3, 3, 3)})


def test_wrong_picture_size_is_refused():
    with pytest.raises(ShapeError, match="112"):
        small_network()(torch.zeros(1, 3, 224, 224))

"""CLIP models for styles: both layouts, the paper's three, what is noted of them, every refusal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.image_embedder import image_embeddings, load_image_embedder
from likeness.models.clip import CLIP_MEAN, CLIP_STD
from likeness.models.clip.towers import ResNetSizes, TransformerSizes, from_state_dicts, new_tower, tower_weights
from likeness.models.errors import IncompatibleBaseModelError, UnknownCheckpointError
from likeness.models.facestudio.description import Description
from likeness.models.weights.head import sha256
from likeness.tests.training.facestudio.small_facestudio import write_style
from likeness.training.facestudio.style_network import load_style_network
from safetensors.torch import load_file, save_file

CPU = torch.device("cpu")
SMALL = {
    "l.safetensors": TransformerSizes(image=64, patch=16, width=64, layers=1, feed=64, outputs=768),
    "r.safetensors": ResNetSizes(image=64, width=8, blocks=(1, 1, 1, 1), outputs=512),
    "b.safetensors": TransformerSizes(image=64, patch=32, width=64, layers=1, feed=64, outputs=512),
    "wide.safetensors": TransformerSizes(image=96, patch=32, width=64, layers=1, feed=64, outputs=512),
}
THREE = ("l.safetensors", "r.safetensors", "b.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("towers")
    for number, (name, sizes) in enumerate(SMALL.items()):
        torch.manual_seed(number)
        tower = new_tower(sizes, "quick_gelu")
        save_file({f"visual.{key}": tensor.contiguous() for key, tensor in tower.state_dict().items()}, made / name)
    write_style(made / "transformers.safetensors")
    write_style(made / "narrow.safetensors", outputs=512)
    return made


def paths(folder, *names):
    return tuple(folder / name for name in names)


def squares(size, rows=2):
    return np.random.default_rng(0).integers(0, 256, (rows, size, size, 3), np.uint8)


def normalised(pictures):
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
    return (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255 - mean) / std


def test_one_file_in_transformers_layout(folder):
    [path] = paths(folder, "transformers.safetensors")
    network = load_style_network("vitl", [path], CPU)
    assert (network.width, network.square.size) == (768, 224)
    assert network.description == Description(encoder="vitl", activation="quick_gelu", sha256=(sha256(path),))
    expected = image_embeddings(load_image_embedder(path, activation="quick_gelu"), normalised(squares(224)))
    assert torch.equal(network.embeddings(squares(224)), expected)


def test_one_file_in_open_clips_layout(folder):
    network = load_style_network("vitl", paths(folder, "l.safetensors"), CPU)
    assert (network.width, network.square.size) == (768, 64)
    assert network.embeddings(squares(64)).shape == (2, 768)


def test_the_papers_three_are_joined_in_its_order(folder):
    network = load_style_network("paper3", paths(folder, *THREE), CPU)
    assert (network.width, network.description.encoder) == (1792, "paper3")
    assert network.description.sha256 == tuple(map(sha256, paths(folder, *THREE)))
    found = network.embeddings(squares(64))
    assert not found.requires_grad
    for part, path in zip(found.split([768, 512, 512], dim=1), paths(folder, *THREE), strict=True):
        alone = from_state_dicts([tower_weights(load_file(path))], activation="quick_gelu", names=[path.name])
        with torch.no_grad():
            torch.testing.assert_close(part, alone(normalised(squares(64))))


def test_the_key_tells_weights_and_preparation_apart(folder):
    one, same, other = (
        load_style_network("vitl", paths(folder, name), CPU)
        for name in ("l.safetensors", "l.safetensors", "transformers.safetensors")
    )
    assert one.key == same.key != other.key
    assert replace(one, description=replace(one.description, mean=(0.5, 0.5, 0.5))).key != one.key
    assert replace(one, description=replace(one.description, recogniser="other")).key == one.key


@pytest.mark.parametrize(
    ("kind", "names", "message"),
    [
        ("vitl", ["narrow.safetensors"], '"narrow.safetensors" in .* 512 wide and ViT-L/14 gives 768'),
        ("vitl", ["b.safetensors"], '"b.safetensors" in .* is not ViT-L-14 of OpenAI'),
        ("paper3", ["l.safetensors", "b.safetensors", "r.safetensors"], '"b.safetensors" in .* is not RN101'),
        ("paper3", ["transformers.safetensors", "r.safetensors", "b.safetensors"], "transformers.safetensors"),
    ],
)
def test_files_at_other_places_are_refused(folder, kind, names, message):
    with pytest.raises(UnknownCheckpointError, match=message):
        load_style_network(kind, paths(folder, *names), CPU)


def test_pictures_of_several_sizes_are_refused(folder):
    with pytest.raises(
        IncompatibleBaseModelError, match="look at pictures of 64, 64, 96 pixels; name three of one size"
    ):
        load_style_network("paper3", paths(folder, "l.safetensors", "r.safetensors", "wide.safetensors"), CPU)

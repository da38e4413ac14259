"""CLIP-T, CLIP-I and aesthetics of a small model are what its towers say, computed here by hand."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import open_clip
import pytest
import torch
from likeness.evaluation.metrics.clip import (
    CLIP_IMAGE,
    AestheticsConfig,
    ClipConfig,
    ClipIqa,
    ClipText,
    Predictor,
    load_aesthetics,
    load_clip,
)
from likeness.evaluation.metrics.networks import Networks
from likeness.models.errors import UnknownCheckpointError
from likeness.tests.evaluation.metrics.shown import noise, shown
from PIL import Image
from torch.nn.functional import cosine_similarity

NAME, WIDTH = "small-test-model", 24
CONFIG = {
    "embed_dim": WIDTH,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A model's file, and the model."""
    folder = tmp_path_factory.mktemp("clip")
    (folder / f"{NAME}.json").write_text(json.dumps(CONFIG), encoding="utf-8")
    open_clip.add_model_config(folder)
    torch.manual_seed(0)
    network = open_clip.create_model(NAME).eval()
    torch.save(network.state_dict(), folder / "clip.pt")
    return folder / "clip.pt", network


def by_hand(network, picture):
    """What the picture tower says: the short side to 32 pixels, the middle of it, OpenAI's mean and deviation."""
    image = Image.fromarray(picture)
    scale = 32 / min(image.size)
    image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.BICUBIC)
    left, top = round((image.width - 32) / 2), round((image.height - 32) / 2)
    pixels = torch.tensor(np.array(image.crop((left, top, left + 32, top + 32)))).permute(2, 0, 1) / 255
    mean, deviation = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    pixels = (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)
    with torch.no_grad():
        return network.encode_image(pixels[None])[0]


def test_clip_t_is_the_cosine_of_picture_and_prompt(small):
    path, network = small
    with torch.no_grad():
        text = network.encode_text(open_clip.tokenize(["a man on the beach"]))[0]
    expected = float(cosine_similarity(by_hand(network, noise(0)), text, dim=0))
    assert ClipText(load_clip(path, NAME)).measure(shown((1,)))["value"] == pytest.approx(expected, abs=1e-4)


def test_clip_i_looks_as_the_picture_tower(small):
    path, network = small
    found = load_clip(path, NAME).of_picture(noise(0))
    assert float(cosine_similarity(found, by_hand(network, noise(0)).double(), dim=0)) == pytest.approx(1, abs=1e-5)
    assert float(found.norm()) == pytest.approx(1, abs=1e-6)


def test_clip_i_is_the_mean_over_all_photos(small):
    path, network = small
    photos = [by_hand(network, noise(seed)) for seed in (1, 2, 3)]
    picture = by_hand(network, noise(0))
    expected = float(np.mean([float(cosine_similarity(picture, photo, dim=0)) for photo in photos]))
    metric = CLIP_IMAGE.make(ClipConfig(weights=path, model=NAME), Networks())
    assert metric.measure(shown((1, 2), (3,)))["value"] == pytest.approx(expected, abs=1e-4)
    assert metric.measure(shown((0,)))["value"] == pytest.approx(1, abs=1e-6)
    assert metric.key.startswith(f"image clip {NAME} ")


def test_iqa_is_how_much_more_a_picture_is_good_than_bad(small):
    path, network = small
    with torch.no_grad():
        good, bad = network.encode_text(open_clip.tokenize(["Good photo.", "Bad photo."]))
    picture = by_hand(network, noise(0))
    better = float(cosine_similarity(picture, good, dim=0) - cosine_similarity(picture, bad, dim=0))
    found = ClipIqa(load_clip(path, NAME)).measure(shown((1,)))["value"]
    assert found == pytest.approx(1 / (1 + np.exp(-100 * better)), abs=1e-4)


def test_aesthetics_are_five_layers_on_a_direction(small, tmp_path):
    path, network = small
    torch.manual_seed(1)
    widths, names = (WIDTH, 1024, 128, 64, 16, 1), (0, 2, 4, 6, 7)  # as LAION's file calls its layers
    layers = [torch.nn.Linear(*pair) for pair in pairwise(widths)]
    weights = {
        f"layers.{name}.{part}": tensor
        for name, layer in zip(names, layers, strict=True)
        for part, tensor in layer.state_dict().items()
    }
    torch.save(weights, tmp_path / "laion.pth")
    direction = torch.nn.functional.normalize(by_hand(network, noise(0)), dim=0)
    with torch.no_grad():
        for layer in layers:
            direction = layer(direction)
    config = AestheticsConfig(weights=path, model=NAME, predictor=tmp_path / "laion.pth")
    assert load_aesthetics(config).measure(shown((1,)))["value"] == pytest.approx(float(direction), abs=1e-4)


def test_the_predictor_has_the_published_keys():
    keys = {key for key in Predictor(768).state_dict() if key.endswith("weight")}
    assert keys == {f"layers.{number}.weight" for number in (0, 2, 4, 6, 7)}


def test_another_file_is_refused(small, tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(UnknownCheckpointError, match=r'The file "other\.pt"'):
        load_clip(tmp_path / "other.pt", NAME)

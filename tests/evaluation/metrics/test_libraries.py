"""FID and BLIP of small networks are what their formulas say; weights that are others are one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.evaluation.metrics.libraries import Fid, FidConfig, FolderConfig, load_blip, load_fid
from likeness.models.errors import CorruptModelFileError, InvalidSettingError
from likeness.tests.evaluation.metrics.shown import noise, shown
from scipy.linalg import sqrtm
from torch import nn

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", "[ENC]", "a", "man", "on", "the", "beach"]


class Means(nn.Module):
    """Four means of a picture as its features."""

    num_features = 4

    def forward(self, pixels):
        pixels = pixels.double() / 255
        return torch.cat((pixels.mean((2, 3)), pixels[:, :1, :24].mean((2, 3))), 1)


def new_small():
    metrics = pytest.importorskip("torchmetrics.image.fid")
    return metrics.FrechetInceptionDistance(Means())


def test_fid_is_the_distance_of_two_normal_distributions():
    sets = [[noise(seed) for seed in seeds] for seeds in (range(12), range(20, 30))]
    found = Fid(new_small, "means").measure_all(*sets)
    features = [Means()(torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)).numpy() for pictures in sets]
    (first, one), (second, two) = ((some.mean(0), np.cov(some, rowvar=False)) for some in features)
    expected = np.square(first - second).sum() + np.trace(one + two - 2 * sqrtm(one @ two).real)
    assert found["value"] == pytest.approx(expected, abs=1e-4)
    assert (found["pictures"], found["photos"]) == (12, 10)


def test_fid_of_one_picture_is_refused():
    with pytest.raises(InvalidSettingError, match="there are 1 pictures and 2 photos; have at least two of each"):
        Fid(new_small, "means").measure_all(iter([noise(0)]), iter([noise(1), noise(2)]))


def test_other_weights_of_inception_are_one_sentence(tmp_path):
    pytest.importorskip("torch_fidelity")
    torch.save({"a": torch.zeros(1)}, tmp_path / "inception.pth")
    with pytest.raises(CorruptModelFileError, match=rf'"inception.pth" in {tmp_path} cannot be read as the weights'):
        load_fid(FidConfig(weights=tmp_path / "inception.pth")).new()


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    """A small BLIP's folder."""
    from transformers import BertTokenizerFast, BlipConfig, BlipForImageTextRetrieval, BlipImageProcessor, BlipProcessor

    folder = tmp_path_factory.mktemp("blip")
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BlipConfig(
        text_config={**sizes, "vocab_size": len(WORDS), "encoder_hidden_size": 32, "max_position_embeddings": 40},
        vision_config={**sizes, "image_size": 32, "patch_size": 16},
        projection_dim=16,
        image_text_hidden_size=8,
    )
    torch.manual_seed(0)
    BlipForImageTextRetrieval(config).save_pretrained(folder)
    tokenizer = BertTokenizerFast(vocab_file=str(folder / "vocab.txt"))
    BlipProcessor(BlipImageProcessor(size={"height": 32, "width": 32}), tokenizer).save_pretrained(folder)
    return folder


def test_blip_is_the_cosine_of_its_two_projections(blip):
    metric = load_blip(FolderConfig(weights=blip))
    network = metric.network
    told = metric.processor(images=[noise(0)], text="a man on the beach", return_tensors="pt")
    with torch.no_grad():
        picture = network.vision_proj(network.vision_model(told["pixel_values"])[0][0, 0])
        words = network.text_encoder(told["input_ids"], attention_mask=told["attention_mask"])[0]
        text = network.text_proj(words[0, 0])
    expected = float(nn.functional.cosine_similarity(picture, text, dim=0))
    assert metric.measure(shown((1,)))["value"] == pytest.approx(expected, abs=1e-4)


def test_a_folder_without_blip_is_one_sentence(tmp_path):
    with pytest.raises(CorruptModelFileError, match=f"in {tmp_path.parent} cannot be read as the weights"):
        load_blip(FolderConfig(weights=tmp_path))

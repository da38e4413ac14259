"""Training of the image encoder: pictures and texts about them meet (contrastive, as CLIP)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

from ....models.clip import clip_statistics, text_ids
from ....models.uniportrait.encode import CROP_SIZE, preprocess
from ....training.batches.draws import Draws
from ...world.people.identity import ATTRIBUTES, NOUNS
from ...world.world import World
from ..augment import augment
from ..loop import train
from ..train_config import TrainConfig
from .backbone import augmented_crops

PEOPLE = (1, 2)
PATCH = 14  # pixels, as in ViT-L/14 and ViT-H/14
WIDTH, LAYERS, HEADS, OUTPUT = 64, 3, 4, 64
SHARPNESS = 10.0  # of the comparison, where training begins
VOCABULARY = 49408


def new_image_encoder() -> CLIPVisionModelWithProjection:
    """Return an untrained image encoder for pictures of 224 pixels."""
    return CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            image_size=CROP_SIZE,
            patch_size=PATCH,
            projection_dim=OUTPUT,
            hidden_act="gelu",
        )
    )


class _Texts(nn.Module):
    """Texts as bags of words; thrown away after the training."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(VOCABULARY, WIDTH, mode="mean")
        self.output = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, OUTPUT))
        self.sharpness = nn.Parameter(torch.tensor(SHARPNESS).log())

    def forward(self, texts: list[str]) -> Tensor:
        ids = [torch.tensor(text_ids(text)) for text in texts]
        starts = torch.tensor([0, *(len(each) for each in ids)])[:-1].cumsum(0)
        return self.output(self.words(torch.cat(ids), starts))


def train_image_encoder(encoder: CLIPVisionModelWithProjection, config: TrainConfig, folder: Path) -> None:
    """Train an image encoder from a seed on crops of faces and on whole pictures.

    Args:
        encoder: untrained.
        config: how.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: see `train`.

    Reference: arXiv:2103.00020, figure 3.
    """
    world = World(seed=config.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        texts = _Texts()

    def loss(draws: Draws) -> Tensor:
        half = len(draws.positions) // 2
        crops, codes = augmented_crops(world, Draws(draws.seed, draws.positions[:half]))
        rows = Draws(draws.seed, draws.positions[half:])
        scene = world.scenes(rows.positions, people=PEOPLE)
        pixels = torch.cat((preprocess(crops), resize_for_encoder(augment(scene.image, rows))))
        said = [describe_face(each) for each in codes.tolist()]
        said += [
            ", ".join((caption.text, *(describe_face(code) for code in people if code[0] >= 0)))
            for caption, people in zip(scene.captions, scene.codes.tolist(), strict=True)
        ]
        return contrastive_loss(encoder(pixel_values=pixels).image_embeds, texts(said), texts.sharpness.exp())

    train(config, nn.ModuleDict({"encoder": encoder, "texts": texts}), loss, folder)


def describe_face(codes: list[int]) -> str:
    """Return somebody in words."""
    said = [f"{each.name} {each.values[code]}" for each, code in zip(ATTRIBUTES, codes, strict=True)]
    return f"the face of a {NOUNS[codes[0]]}: " + ", ".join(said)


def resize_for_encoder(pictures: Tensor) -> Tensor:
    """Return pictures (B, 3, S, S), 0–1, as the encoder sees them, (B, 3, 224, 224)."""
    mean, std = clip_statistics(pictures.device)
    size = (CROP_SIZE, CROP_SIZE)
    resized = functional.interpolate(pictures, size=size, mode="bicubic", antialias=True, align_corners=False)
    return (resized.clamp(0, 1) - mean) / std


def contrastive_loss(pictures: Tensor, texts: Tensor, sharpness: Tensor) -> Tensor:
    """Return how badly pictures (B, D) and their texts (B, D) find each other among all; a scalar."""
    alike = sharpness * functional.normalize(pictures, dim=-1) @ functional.normalize(texts, dim=-1).T
    own = torch.arange(len(alike))
    return (functional.cross_entropy(alike, own) + functional.cross_entropy(alike.T, own)) / 2

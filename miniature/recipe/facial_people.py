"""What ConsistentID learns from: pictures of one person, another portrait of them, and its facial regions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...diffusers_host.image_encoder import hidden_tokens
from ...models.clip import EOS, clip_pixels, text_ids
from ...models.consistentid.corrected import Corrected
from ...models.consistentid.marked_text import Caption, mark
from ...models.consistentid.pipelines import SD15
from ...models.face.facial_features import FEATURES, MOST_REGIONS, kept_regions, region_picture
from ...models.face.parsing import FaceParser
from ...models.face.region_masks import filled_masks
from ...models.face.squares import square_around
from ...models.uniportrait.encode import face_vectors
from ...training.batches.draws import Draws
from ...training.consistentid.method import FacialBatch
from ..world.regions import FACE_REGIONS, Region
from ..world.scene import Scene
from ..world.world import World
from .emphasis import part_weights
from .latents import caption_tokens, encode_pictures, encode_tokens
from .pool_files import POOL_FILES, PoolFiles, pool_name, read_parts
from .steps.backbone import cut_faces

MARGIN = 1.0  # face sizes around a face on each side, as the nodes cut it out of a photo
FLAVOUR = Corrected(SD15)
PLACES = {
    "face": FACE_REGIONS,
    "eyes": (Region.LEFT_EYE, Region.RIGHT_EYE),
    "ears": (Region.LEFT_EAR, Region.RIGHT_EAR),
    "nose": (Region.NOSE,),
    "mouth": (Region.MOUTH, Region.UPPER_LIP, Region.LOWER_LIP),
}


@dataclass(frozen=True, eq=False, slots=True)
class FacialPool:
    """P pictures of one person each; K is 5, W and Wv are widths of face vector and image encoder.

    Attributes:
        latents: (P, C, h, w).
        tokens: ids of the prompt, (P, 77) int64.
        vectors: of another portrait, (P, W).
        photo: the image encoder's tokens of that portrait, class token first, (P, Tv, Wv) float16.
        regions: the same of the regions' pictures, in the order of the words, (P, K, Tv, Wv) float16.
        words: rows of the words that take them, (P, K) int64.
        has_word: which of them there are, (P, K) bool.
        places: where the picture shows the regions, (P, K, h, w) float16, 0–1.
        weights: of the positions in the loss, see `part_weights`, (P, 1, h, w) float16.
    """

    latents: Tensor
    tokens: Tensor
    vectors: Tensor
    photo: Tensor
    regions: Tensor
    words: Tensor
    has_word: Tensor
    places: Tensor
    weights: Tensor

    def batch(self, base: Base, draws: Draws) -> FacialBatch:
        """Return a batch of pictures drawn from the pool, a row for each row of numbers."""
        rows = draws.integers("picture", len(self.latents))
        with torch.no_grad():
            text = encode_tokens(base, torch.cat((caption_tokens([""]), self.tokens[rows])))
        return FacialBatch(
            positions=draws.positions,
            latents=self.latents[rows],
            text=text[1:],
            empty=text[:1],
            pooled=None,
            sizes=torch.zeros(len(rows), 6),
            vectors=self.vectors[rows],
            photo=self.photo[rows].float(),
            regions=self.regions[rows].float(),
            words=self.words[rows],
            has_word=self.has_word[rows],
            places=self.places[rows].float(),
            weights=self.weights[rows].float(),
        )


def read_facial_people(
    base: Base,
    faces: FaceEncoder,
    parser: FaceParser,
    world: World,
    folder: Path,
    *,
    pictures: int,
    files: PoolFiles = POOL_FILES,
) -> FacialPool:
    """Return the first pictures of a world; those that the folder does not hold yet are drawn and encoded first.

    Args:
        base: its VAE encodes.
        faces: encodes portraits.
        parser: finds their regions.
        world: draws; with regions.
        folder: of the encoded pictures; those of other networks, worlds or numbers are not taken for these.
        pictures: P; rounded up to whole files.
        files: how they lie there.
    """
    networks = [cast(nn.Module, base.vae), faces.backbone, faces.image_encoder, parser]
    place = folder / pool_name(networks, world, (1, 1))
    parts = read_parts(place, range(pictures), lambda numbers: _encode(base, faces, parser, world, numbers), files)
    return FacialPool(**parts)


@torch.no_grad()
def _encode(base: Base, faces: FaceEncoder, parser: FaceParser, world: World, numbers: range) -> dict[str, Tensor]:
    scene, portraits = world.scenes(numbers), world.portraits(numbers)
    shown = _region_places(scene)
    people = [
        _describe(caption.text, picture, box, parser, faces.image_encoder)
        for caption, picture, box in zip(
            scene.captions, portraits.arrays(), portraits.boxes[:, 0].tolist(), strict=True
        )
    ]
    found = {name: torch.stack([each[name] for each in people]) for name in people[0] if name != "order"}
    order = torch.stack([each["order"] for each in people])
    places = shown.gather(1, order[..., None, None].expand(-1, -1, *shown.shape[2:]))
    return {
        "latents": encode_pictures(base, scene.image),
        "vectors": face_vectors(faces.backbone, cut_faces(portraits, Draws(world.seed, tuple(numbers)))),
        "places": places.half(),
        "weights": part_weights(scene).half(),
        **found,
    }


def _region_places(scene: Scene) -> Tensor:
    """Return where pictures show the regions, in the order of `PLACES`, (B, 5, h, w)."""
    assert scene.regions is not None
    masks = [scene.regions[:, 0, list(regions)].sum(1).clamp(max=1) for regions in PLACES.values()]
    side = scene.image.shape[-1] // 8
    return interpolate(torch.stack(masks, 1), (side, side), mode="bilinear", antialias=True, align_corners=False)


def _describe(
    caption: str, picture: np.ndarray, box: list[float], parser: FaceParser, image_encoder: nn.Module
) -> dict[str, Tensor]:
    """Return one person: tokens of photo and regions, the prompt and its words."""
    rows, columns = square_around(tuple(box), picture.shape[:2], MARGIN, None).inside  # type: ignore[arg-type]
    photo = np.ascontiguousarray(picture[rows, columns])
    masks = filled_masks(parser.parse(photo, FLAVOUR.pipeline.parsing_size))
    by_feature = {FEATURES[name]: name for name in kept_regions(masks)}
    prompt = FLAVOUR.compose(caption, [Caption(None, tuple(by_feature.values()))])
    tokens = mark(prompt.marked_text, text_ids, pad=EOS)
    words = [each.feature for each in prompt.marks][: len(tokens.positions)]
    pixels = [clip_pixels(photo), *(clip_pixels(region_picture(photo, masks[by_feature[word]])) for word in words)]
    features = hidden_tokens(image_encoder, torch.stack(pixels)).half()
    regions = features.new_zeros(MOST_REGIONS, *features.shape[1:])
    regions[: len(words)] = features[1:]
    names = list(PLACES)
    order = [names.index(word) for word in words] + [0] * (MOST_REGIONS - len(words))
    return {
        "tokens": tokens.ids,
        "photo": features[0],
        "regions": regions,
        "words": tokens.index,
        "has_word": tokens.index_mask,
        "order": torch.tensor(order),
    }

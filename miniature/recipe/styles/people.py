"""What FaceStudio learns from: pictures in all styles, as styles without their faces, and the face of whoever is in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....models.facestudio.face_masking import hide_faces
from ....models.facestudio.style_encoding import style_pixels, style_square
from ....models.images.layout import arrays_from_images
from ....models.miniature.vae import FACTOR
from ....models.uniportrait.encode import vectors_of
from ....training.batches.draws import Draws
from ....training.facestudio.batch import StyleBatch
from ...world.scene import Scene
from ...world.styles import restyle
from ...world.world import World
from ..emphasis import part_weights
from ..latents import caption_tokens, encode_pictures
from ..pool_files import POOL_FILES, PoolFiles, pool_name, read_parts
from ..steps.backbone import cut_faces
from ..steps.readers import draw_styles, names_of

EMPTY = 5  # every so many pictures one shows nobody; the paper gives no number
PEOPLE = (1, 2)  # in the others; of two, one is shown to the model and the other's place does not count


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class StylePool:
    """P pictures, most of them of one person or two.

    Attributes:
        latents: as the UNet takes them, (P, C, h, w) float32.
        tokens: of the captions, which say nothing of the style, (P, 77) int64.
        styles: see `styles.STYLES`, (P,) int64.
        style: what the image encoder says of the pictures, their faces hidden, (P, E) float32.
        face: of a portrait of one of the people, of length 1, (P, V) float32; zeros where nobody is.
        weights: of the positions in the loss, see `part_weights`, 0 where the other person is, (P, 1, h, w) float16.
    """

    latents: Tensor
    tokens: Tensor
    styles: Tensor
    style: Tensor
    face: Tensor
    weights: Tensor

    def batch(self, base: Base, draws: Draws) -> StyleBatch:
        """Return a batch of pictures drawn from the pool, a row for each row of numbers."""
        del base
        rows = draws.integers("picture", len(self.latents))
        return StyleBatch(
            positions=draws.positions,
            latents=self.latents[rows],
            style=self.style[rows],
            face=self.face[rows],
            sizes=torch.zeros(len(rows), 6),
            weights=self.weights[rows].float(),
        )


def read_style_people(
    base: Base,
    faces: FaceEncoder,
    world: World,
    folder: Path,
    *,
    pictures: int,
    files: PoolFiles = POOL_FILES,
) -> StylePool:
    """Return the first pictures of a world in a style each; those that the folder does not hold are made first.

    Args:
        base: its VAE encodes.
        faces: encodes portraits, and pictures as styles.
        world: draws, with regions.
        folder: of the encoded pictures.
        pictures: P; rounded up to whole files.
        files: how they lie there.
    """
    networks: list[nn.Module] = [base.vae, faces.backbone, faces.image_encoder]
    place = folder / pool_name(networks, world, (0, PEOPLE[1]))
    return StylePool(**read_parts(place, range(pictures), lambda numbers: _encode(base, faces, world, numbers), files))


def style_embeddings(faces: FaceEncoder, pictures: Tensor, boxes: Tensor | None) -> Tensor:
    """What the image encoder says of pictures, projected and not normalised, (B, E).

    Args:
        faces: with the image encoder.
        pictures: (B, 3, H, W), 0–1.
        boxes: of the faces that are hidden, pixels, (B, N, 4), zeros for nobody; None hides none.
    """
    squares: list[Tensor] = []
    for row, picture in enumerate(arrays_from_images(pictures.permute(0, 2, 3, 1))):
        found = [] if boxes is None else [box for box in boxes[row].tolist() if box[2] > box[0]]
        squares.append(style_pixels(style_square(hide_faces(picture, found).picture)))
    return faces.image_encoder(pixel_values=torch.stack(squares)).image_embeds


@torch.no_grad()
def _encode(base: Base, faces: FaceEncoder, world: World, numbers: range) -> dict[str, Tensor]:
    scene, rows = world.scenes(numbers, people=PEOPLE), Draws(world.seed, tuple(numbers))
    empty = torch.tensor([number % EMPTY == 0 for number in numbers])
    shown = rows.integers("shown", PEOPLE[1]) * scene.present[:, 1]  # of two people the first or the second
    styles = draw_styles(rows)
    drawn = restyle(torch.where(empty[:, None, None, None], _without_people(scene), scene.image), names_of(styles))
    portraits = Draws(world.seed, tuple(range(numbers.start * PEOPLE[1], numbers.stop * PEOPLE[1])))
    features = faces.features(cut_faces(world.portraits(numbers, people=PEOPLE[1]), portraits))
    vectors = vectors_of(features.intrinsic.unflatten(1, (len(numbers) * PEOPLE[1], -1))[0])
    vectors = vectors.unflatten(0, (len(numbers), PEOPLE[1]))[torch.arange(len(numbers)), shown]
    weights = _weights(scene, shown)
    return {
        "latents": encode_pictures(base, drawn),
        "tokens": caption_tokens([caption.text for caption in scene.captions]),
        "styles": styles,
        "style": style_embeddings(faces, drawn, scene.boxes * ~empty[:, None, None]),
        "face": vectors * ~empty[:, None],
        "weights": torch.where(empty[:, None, None, None], torch.ones_like(weights), weights).half(),
    }


def _weights(scene: Scene, shown: Tensor) -> Tensor:
    """Weights of the positions, (B, 1, h, w): the parts of the person who is shown, nothing of the other one."""
    assert scene.regions is not None
    rows, people = torch.arange(len(shown)), torch.arange(scene.instances.shape[1])
    alone = replace(scene, regions=scene.regions[rows, shown][:, None])
    others = (scene.instances * (people != shown[:, None])[..., None, None]).sum(1, keepdim=True)
    return part_weights(alone) * (1 - avg_pool2d(others, FACTOR).clamp(0, 1))


def _without_people(scene: Scene) -> Tensor:
    """The backgrounds of some pictures alone, (B, 3, S, S)."""
    return scene.plan.backdrop.paint(scene.image.shape[-1]).clamp(0, 1)

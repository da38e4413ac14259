"""The judge's networks: one reads a person, one reads what is behind them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...models.miniature.finder import normed_convolution
from ..world.facts import ACCESSORIES, PATTERNS
from ..world.palette import CLOTHING_NAMES, TINT_NAMES
from ..world.people.identity import ATTRIBUTES, SIZES
from ..world.styles import STYLES

WINDOW = 96  # pixels; what is seen of a person
REACH = 2.0  # from the middle of the face to the window's edge, in units of half a head's height
PICTURE = 64  # pixels; what is seen of a whole picture
EYES_ABOVE, MOUTH_BELOW = 0.12, 0.62  # the middle of the face, in those units

_ATTRIBUTES = dict(zip((each.name for each in ATTRIBUTES), SIZES, strict=True))
PERSON = _ATTRIBUTES | {"clothing": len(CLOTHING_NAMES), "accessory": len(ACCESSORIES)}
EXPRESSION = {"opening": 2}  # of the mouth: closed or open
BACKDROP = {"pattern": len(PATTERNS), "tint": len(TINT_NAMES)}
STYLED = BACKDROP | {"style": len(STYLES)}


class Reader(nn.Module):
    """A small convolutional classifier of several questions.

    Args:
        questions: number of answers by name.
        widths: channels of its levels; each halves the side.
    """

    def __init__(self, questions: dict[str, int], widths: tuple[int, ...]):
        super().__init__()
        self.questions = questions
        layers: list[nn.Module] = [nn.PixelUnshuffle(2)]
        before = 12
        for width in widths:
            layers += [normed_convolution(before, width, 1), normed_convolution(width, width, 2)]
            before = width
        self.layers = nn.Sequential(*layers, normed_convolution(before, before, 1))
        self.answers = nn.Linear(2 * before, sum(questions.values()))

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """Return the logits by question, (B, answers); pixels are (B, 3, h, w), 0–1."""
        seen = self.layers(pixels * 2 - 1)
        pooled = torch.cat((seen.mean((2, 3)), seen.amax((2, 3))), -1)
        return dict(zip(self.questions, self.answers(pooled).split(list(self.questions.values()), -1), strict=True))


def new_person_reader() -> Reader:
    """Return an untrained reader of attributes, clothing and accessory in a window of `person_windows`."""
    return Reader(PERSON, (32, 64, 96, 128))


def new_expression_reader() -> Reader:
    """Return an untrained reader of the expression in such a window; for experiments, not part of the judge's file."""
    return Reader(EXPRESSION, (24, 32, 48, 64))


def new_backdrop_reader() -> Reader:
    """Return an untrained reader of pattern and tint of a picture of `PICTURE` pixels."""
    return Reader(BACKDROP, (32, 48, 64))


def new_styled_backdrop_reader() -> Reader:
    """Return an untrained reader that tells the style of such a picture too."""
    return Reader(STYLED, (32, 48, 64))


def new_styled_from(reader: Reader) -> Reader:
    """Return a reader of styles that reads backdrops as another one does and has no opinion on styles yet."""
    styled = new_styled_backdrop_reader()
    known = reader.answers.out_features
    with torch.no_grad():
        styled.layers.load_state_dict(reader.layers.state_dict())
        styled.answers.weight[known:].zero_()
        styled.answers.bias[known:].zero_()
        styled.answers.weight[:known].copy_(reader.answers.weight)
        styled.answers.bias[:known].copy_(reader.answers.bias)
    return styled


def person_windows(pictures: Tensor, points: Tensor) -> Tensor:
    """Cut out what is to be seen around faces.

    Args:
        pictures: one per face, (F, 3, H, W), 0–1.
        points: five per face, see `Scene.points`, (F, 5, 2), pixels.

    Returns:
        (F, 3, 96, 96); the edge goes on beyond the picture.
    """
    eyes, mouth = points[:, :2].mean(1), points[:, 3:].mean(1)
    down = (mouth - eyes) / (EYES_ABOVE + MOUTH_BELOW)
    middle = eyes + EYES_ABOVE * down
    reach = REACH * down.norm(dim=-1).clamp(min=1)
    side = torch.tensor([pictures.shape[-1], pictures.shape[-2]]).to(pictures)
    centre = (2 * middle + 1) / side - 1
    scale = 2 * reach[:, None] / side
    zeros = torch.zeros_like(reach)
    matrices = torch.stack((scale[:, 0], zeros, centre[:, 0], zeros, scale[:, 1], centre[:, 1]), -1).unflatten(
        -1, (2, 3)
    )
    grid = functional.affine_grid(matrices, [len(points), 3, WINDOW, WINDOW], align_corners=False)
    return functional.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def whole_pictures(pictures: Tensor) -> Tensor:
    """Return pictures (B, 3, H, W) as the reader of backdrops sees them, (B, 3, 64, 64)."""
    return functional.interpolate(
        pictures, size=(PICTURE, PICTURE), mode="bilinear", antialias=True, align_corners=False
    )

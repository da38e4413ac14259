"""What the judge says about the demo, and the grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...miniature.judge.judge import Judge, Verdict
from ...miniature.judge.scores import CHANCE, IDENTITY, all_recognised, identity_hits, merge
from ...miniature.world.people.identity import codes_of, identities
from ...miniature.world.world import World
from ...models.images.contact_sheet import contact_sheet
from ...models.images.layout import arrays_from_images
from .scene import ALONE, BLENDED, PLAIN, ROUTED, Arm, Scene

TRUE_PICTURES = 32  # that the judge's own limit is measured on
STRANGERS = 8  # in the line-up that each face is picked from, beside the two
WORLD_SEED = 99  # of pictures that no network has seen
COLUMNS = 4


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table.

    Attributes:
        title: whose pictures.
        shares: of the faces that show each attribute of `IDENTITY`.
        recognised: share of the pictures in which everybody is picked out of a line-up; None where nobody can be.
    """

    title: str
    shares: tuple[float, ...]
    recognised: float | None


def strangers(codes: Tensor) -> Tensor:
    """Others for the line-up, the same for the same two people, (8, 7)."""
    found = codes_of(identities("held out")[torch.arange(0, STRANGERS * 700, 700)])
    return found[(found[:, None] != codes).any(-1).all(1)]


def score(judge: Judge, scene: Scene, pictures: dict[Arm, Tensor]) -> list[Line]:
    """The table, chance first and the judge's own limit last."""
    verdicts = {arm: judge.read(each) for arm, each in pictures.items()}
    others = strangers(scene.codes)
    two = scene.codes
    true = World(seed=WORLD_SEED, split="held out").scenes(
        range(TRUE_PICTURES), people=(2, 2), codes=two.expand(TRUE_PICTURES, -1, -1)
    )
    return [
        Line("chance, one face", CHANCE, None),
        _line(PLAIN.title, verdicts[PLAIN], two, others),
        _line(ALONE.title, verdicts[ALONE], two[:1], others),
        _line(BLENDED.title, verdicts[BLENDED], two, others),
        _line(ROUTED.title, verdicts[ROUTED], two, others),
        _line("the same, against two strangers", verdicts[ROUTED], others[:2], torch.cat((two, others[2:]))),
        _line("drawn by the world itself", judge.read(true.image), two, others),
    ]


def table(lines: Sequence[Line], pictures: int) -> str:
    """The table as text."""
    head = f"{'':34}{''.join(f'{name:>13}' for name in IDENTITY)}{'recognised':>13}"
    rows = [
        f"{line.title:34}{''.join(f'{share:13.2f}' for share in line.shares)}"
        f"{'' if line.recognised is None else f'{line.recognised:13.2f}'}"
        for line in lines
    ]
    note = (
        f"Share of faces that show the person's skin, hair and eyes, and of pictures in which the judge picks everybody out "
        f"of a line-up with strangers; {pictures} pictures a line."
    )
    return "\n".join([head, *rows, note])


def save_grid(path: Path, scene: Scene, pictures: dict[Arm, Tensor], maps: Tensor) -> None:
    """Write references, one picture of every arm and the routing map as one PNG."""
    first, second = scene.references
    cells: list[tuple[np.ndarray, str]] = [(first, "reference: person 1"), (second, "reference: person 2")]
    cells += [(_array(pictures[arm]), arm.title) for arm in (PLAIN, ALONE, BLENDED, ROUTED)]
    cells += [(_array(maps.permute(0, 3, 1, 2)), "routing map"), (_array(pictures[ROUTED], 1), ROUTED.title)]
    path.parent.mkdir(exist_ok=True)
    sheet = contact_sheet([picture for picture, _ in cells], [title for _, title in cells], columns=COLUMNS)
    Image.fromarray(sheet).save(path)


def _line(title: str, verdicts: Sequence[Verdict], codes: Tensor, others: Tensor) -> Line:
    hits = merge([identity_hits(verdict, codes) for verdict in verdicts])
    recognised = [all_recognised(verdict, codes, others) for verdict in verdicts]
    shares = tuple(sum(hits[name]) / len(hits[name]) for name in IDENTITY)
    return Line(title, shares, sum(recognised) / len(recognised))


def _array(pictures: Tensor, number: int = 0) -> np.ndarray:
    return arrays_from_images(pictures[number : number + 1].permute(0, 2, 3, 1))[0]

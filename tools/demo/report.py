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
TRUE = "both, drawn by the world itself"
SHOWN = 2  # pictures with the router in the grid, each beside its routing map
COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table.

    Attributes:
        title: whose pictures.
        shares: of the faces that show each attribute of `IDENTITY`.
        recognised: for each picture whether everybody is picked out of a line-up; None where nobody can be.
    """

    title: str
    shares: tuple[float, ...]
    recognised: tuple[bool, ...] | None


def strangers(codes: Tensor) -> Tensor:
    """Others for the line-up, the same for the same two people, (8, 7)."""
    found = codes_of(identities("held out")[torch.arange(0, STRANGERS * 700, 700)])
    return found[(found[:, None] != codes).any(-1).all(1)]


def true_pictures(codes: Tensor, count: int) -> Tensor:
    """Pictures (count, 3, H, W), 0–1, that the world itself draws of two people (2, 7)."""
    world = World(seed=WORLD_SEED, split="held out")
    return world.scenes(range(count), people=(2, 2), codes=codes.expand(count, -1, -1)).image


def score(judge: Judge, scene: Scene, pictures: dict[Arm, Tensor]) -> list[Line]:
    """The table, chance first and the judge's own limit last."""
    verdicts = {arm: judge.read(each) for arm, each in pictures.items()}
    others = strangers(scene.codes)
    two = scene.codes
    return [
        Line("chance, one face", CHANCE, None),
        _line(PLAIN.title, verdicts[PLAIN], two, others),
        _line(ALONE.title, verdicts[ALONE], two[:1], others),
        _line(BLENDED.title, verdicts[BLENDED], two, others),
        _line(ROUTED.title, verdicts[ROUTED], two, others),
        _line("the same, against two strangers", verdicts[ROUTED], others[:2], torch.cat((two, others[2:]))),
        _line(TRUE, judge.read(true_pictures(two, TRUE_PICTURES)), two, others),
    ]


def table(lines: Sequence[Line], pictures: int) -> str:
    """The table as text."""
    head = f"{'':34}{''.join(f'{name:>13}' for name in IDENTITY)}{'recognised':>13}"
    rows = [
        f"{line.title:34}{''.join(f'{share:13.2f}' for share in line.shares)}"
        f"{'' if line.recognised is None else f'{_share(line.recognised):13.2f}'}"
        for line in lines
    ]
    note = (
        f"Share of faces that show the person's skin, hair and eyes, and of pictures in which the judge picks everybody out "
        f"of a line-up with strangers; {pictures} pictures a line."
    )
    return "\n".join([head, *rows, note])


def about_the_grid(lines: Sequence[Line]) -> str:
    """One line on the pictures with the router: which ones the grid shows, and in which the judge finds both people."""
    [routed] = [line for line in lines if line.title == ROUTED.title]
    found = routed.recognised or ()
    numbers = [str(number) for number, is_found in enumerate(found, 1) if is_found]
    which = f" ({', '.join(numbers)})" if numbers else ""
    return (
        f"The {len(found)} pictures with the router differ in their noise alone. In {len(numbers)} of them the judge picks "
        f"both people out{which}; the grid shows the first {SHOWN}. "
        "Where a routing map gives one of the two no head, a head tends to mix both."
    )


def save_grid(path: Path, scene: Scene, pictures: dict[Arm, Tensor], maps: Tensor) -> None:
    """Write references, a true picture, one picture of every arm, and two with the router, as one PNG.

    Args:
        path: of the PNG; its folder is made where it is missing.
        scene: whose references are shown.
        pictures: (B, 3, H, W), 0–1, by arm; at least two with the router.
        maps: the routing maps of those, (B, h, w, 3), 0–1.
    """
    first, second = scene.references
    cells: list[tuple[np.ndarray, str]] = [(first, "reference: person 1"), (second, "reference: person 2")]
    cells.append((_array(true_pictures(scene.codes, 1)), TRUE))
    cells += [(_array(pictures[arm]), arm.title) for arm in (PLAIN, ALONE, BLENDED)]
    for number in range(SHOWN):
        cells.append((_array(pictures[ROUTED], number), f"with the router, picture {number + 1}"))
        cells.append((_array(maps.permute(0, 3, 1, 2), number), f"routing map of picture {number + 1}"))
    path.parent.mkdir(exist_ok=True)
    sheet = contact_sheet([picture for picture, _ in cells], [title for _, title in cells], columns=COLUMNS)
    Image.fromarray(sheet).save(path)


def _line(title: str, verdicts: Sequence[Verdict], codes: Tensor, others: Tensor) -> Line:
    hits = merge([identity_hits(verdict, codes) for verdict in verdicts])
    recognised = tuple(all_recognised(verdict, codes, others) for verdict in verdicts)
    return Line(title, tuple(_share(hits[name]) for name in IDENTITY), recognised)


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits)


def _array(pictures: Tensor, number: int = 0) -> np.ndarray:
    return arrays_from_images(pictures[number : number + 1].permute(0, 2, 3, 1))[0]

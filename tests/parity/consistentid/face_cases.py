"""Face parsing, region masks and region pictures run on the stored ConsistentID cases.

The expected values are those of the published code: BiSeNet with weights made from key names (see `torch_recipe.py`), and
region masks and pictures of synthetic label maps. The files beside this one hold a part of each case, made by
`reduce_faces.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from likeness.models.face.facial_features import kept_regions, region_picture, region_pixels
from likeness.models.face.parsing import LABELS, FaceParser, new_bisenet
from likeness.models.face.region_masks import filled_masks
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Comparison
from likeness.tests.parity.torch_recipe import weights
from torch import Tensor

HERE = Path(__file__).parent
PARSER_CASE = "bisenet/logits_128x128"
REGION_CASES = ("regions/no_ears", "regions/only_face_nose")
HEADS = {"out.logits": 4, "out.logits16": 8, "out.logits32": 8}  # every n-th row and column of a reduced case
PIXEL_STEP = 4
REGIONS = 5  # at most
MASK, PICTURE, PIXELS = "out.mask.", "out.masked_photo.", "out.region_pixel_values"
PADDED = "out.facial_mask"  # masks of the kept regions and empty ones up to five; reduced cases leave them out


@dataclass(frozen=True)
class FaceCase:
    """One stored case.

    Attributes:
        tensors: inputs and expected outputs.
        orders: lists of names that the reference run noted.
        is_reduced: whether outputs are thinned.
    """

    tensors: dict[str, Tensor]
    orders: dict[str, list[str]]
    is_reduced: bool

    @classmethod
    def read(cls, folder: Folder, name: str) -> FaceCase:
        """Read a case from the full folder of cases, or from the reduced files."""
        file = folder.file(name)
        if file.suffix == ".safetensors":
            noted = json.loads((folder.path / "INDEX.json").read_text(encoding="utf-8"))["cases"][name].get("meta", {})
            return cls(folder.read(name), noted, is_reduced=False)
        with np.load(file) as stored:
            orders = {key: stored[key].tolist() for key in stored.files if key.endswith("_in_order")}
        return cls(folder.read(name), orders, is_reduced=True)

    def thinned(self, tensor: Tensor, step: int) -> Tensor:
        """Our output as far as the case holds it."""
        return tensor[..., ::step, ::step] if self.is_reduced else tensor


def parser() -> FaceParser:
    """The full-size network with the case's weights."""
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in new_bisenet().state_dict().items()}
    return FaceParser.from_state_dict(weights("", shapes))


def parsing(folder: Folder) -> Iterator[Comparison]:
    """The scores of all three heads, and the labels (no mismatch allowed)."""
    case = FaceCase.read(folder, PARSER_CASE)
    heads = parser().logits(case.tensors["in.image"])
    for (key, step), got in zip(HEADS.items(), heads, strict=True):
        yield Comparison(f"{PARSER_CASE} {key}", case.thinned(got, step), case.tensors[key], 2e-5, 1e-4)
    yield Comparison(f"{PARSER_CASE} labels", heads[0].argmax(1), case.tensors["out.labels"], 0, 0)


def masks(folder: Folder) -> Iterator[Comparison]:
    """Every mask of every label map, exactly; names and their order as numbers."""
    for name in REGION_CASES:
        case = FaceCase.read(folder, name)
        found = filled_masks(case.tensors["in.labels"].numpy())
        for key, mask in found.items():
            yield Comparison(f"{name} mask {key}", torch.from_numpy(mask), case.tensors[MASK + key], 0, 0)
        for key, names in (("all_mask_names", list(found)), ("kept_regions", list(kept_regions(found)))):
            expected = case.orders[f"{key}_in_order"]
            yield Comparison(f"{name} {key}", _numbers(names), _numbers(expected), 0, 0)
        if PADDED in case.tensors:
            kept = torch.from_numpy(np.stack([found[region] for region in kept_regions(found)]))
            padded = torch.cat([kept, kept.new_zeros(REGIONS - len(kept), *kept.shape[1:])])
            yield Comparison(f"{name} masks of the kept regions", padded, case.tensors[PADDED], 0, 0)


def pictures(folder: Folder) -> Iterator[Comparison]:
    """The picture of every region (exactly), and what the image encoder sees of it."""
    for name in REGION_CASES:
        case = FaceCase.read(folder, name)
        photo, found = case.tensors["in.photo_hwc"].numpy(), filled_masks(case.tensors["in.labels"].numpy())
        kept = kept_regions(found)
        for region in kept:
            got = torch.from_numpy(region_picture(photo, found[region]))
            yield Comparison(f"{name} picture {region}", got, case.tensors[PICTURE + region], 0, 0)
        pixels = case.thinned(region_pixels(photo, found, kept), PIXEL_STEP)
        yield Comparison(f"{name} pixels", pixels, case.tensors[PIXELS], 1e-5, 0)


def _numbers(names: list[str]) -> Tensor:
    """Names as label ids; -1 for what no label is called."""
    return torch.tensor([LABELS.index(name) if name in LABELS else -1 for name in names])


CASES = (parsing, masks, pictures)

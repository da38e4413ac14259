"""What encoding one photo for ConsistentID costs, stage by stage, and what a changed prompt costs after that.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.consistentid_encoding [--flavours SD1.5 SDXL] [--repeats 3]

Networks of full size with random weights, float32 on the CPU; the published behaviour of each flavour. Detecting and
recognising the face are left out: their models cannot be replaced by random ones of the same size here.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import torch
from likeness.tools.portraits import astronaut
from likeness.tools.weights.write import (
    CHECKPOINT,
    CLIP_VISION,
    CONSISTENTID,
    FACE_PARSING,
    NARROW_CONSISTENTID_SDXL,
    NARROW_SDXL_CHECKPOINT,
    WeightFile,
    make,
)
from torch import Tensor, nn

from .comfy_process import comfyui, parser

FLAVOURS = {"SD1.5": (CONSISTENTID, CHECKPOINT), "SDXL": (NARROW_CONSISTENTID_SDXL, NARROW_SDXL_CHECKPOINT)}
PROMPTS = ("a portrait photo on a beach", "a portrait photo in a library", "a portrait photo in the snow")
NEGATIVE = "blurry"
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Loaded:
    """The models of one flavour, and what counts the calls of the networks that look at the photo."""

    consistentid: Any
    clip: Any
    clip_vision: Any
    face_parser: Any
    calls: Counter[str]


class Stages:
    """Seconds by stage, in the order of the first run."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def time(self, name: str, call: Callable[[], Result]) -> Result:
        """Run a stage and note how long it took."""
        start = perf_counter()
        result = call()
        self.seconds.setdefault(name, []).append(perf_counter() - start)
        return result

    def print(self) -> None:
        """One line per stage: its median."""
        for name, seconds in self.seconds.items():
            print(f"  {name:<52}{statistics.median(seconds):>8.3f} s", flush=True)

    @property
    def together(self) -> float:
        """Sum of the medians, seconds."""
        return sum(statistics.median(seconds) for seconds in self.seconds.values())


@torch.inference_mode()
def main() -> None:
    """Print the stages of each flavour."""
    arguments = parser(__doc__)
    arguments.add_argument("--flavours", nargs="+", choices=list(FLAVOURS), default=list(FLAVOURS))
    arguments.add_argument("--repeats", type=int, default=3)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    with comfyui(given.comfyui) as (_, version):
        print(f"ComfyUI {version}, torch {torch.__version__}, {given.threads} threads, medians of {given.repeats}")
        for name in given.flavours:
            report(name, load(*FLAVOURS[name]), given.repeats)


def load(adapter: WeightFile, checkpoint: WeightFile) -> Loaded:
    """Load the models of one flavour, as the loader nodes do."""
    import comfy.clip_vision
    import comfy.sd
    from likeness.host.consistentid.adapter import load_consistentid
    from likeness.host.encoders.parser import load_face_parser

    _, clip, *_ = comfy.sd.load_checkpoint_guess_config(str(make(checkpoint)), output_vae=False, output_model=False)
    clip_vision: Any = comfy.clip_vision.load(str(make(CLIP_VISION)))
    consistentid = load_consistentid(make(adapter), mode="published")
    face_parser = load_face_parser(make(FACE_PARSING))
    calls: Counter[str] = Counter()
    looking: dict[str, nn.Module] = {
        "face parser": face_parser.parser.network,
        "CLIP image encoder": clip_vision.model,
        "region resampler": consistentid.adapter.facial_encoder.visual_projection,
        "ID projection": consistentid.adapter.id_projection,
    }
    for name, network in looking.items():
        network.register_forward_hook(lambda *_, name=name: calls.update([name]))
    return Loaded(consistentid=consistentid, clip=clip, clip_vision=clip_vision, face_parser=face_parser, calls=calls)


def report(name: str, models: Loaded, repeats: int) -> None:
    """Print what the photo costs, then what each further prompt costs."""
    photo = np.asarray(astronaut().picture)
    width, height = photo.shape[1], photo.shape[0]
    first, further = Stages(), Stages()
    identities = encode_photo(Stages(), models, photo)  # warms up
    for _ in range(repeats):
        models.calls.clear()
        identities = encode_photo(first, models, photo)
    seen = dict(models.calls)
    print(f"\n{name}, one photo of {width}x{height}, parsed at {models.consistentid.flavour.parsing_size}:")
    first.print()
    print(f"  {'together':<52}{first.together:>8.3f} s")
    models.calls.clear()
    change_prompt(Stages(), models, identities, PROMPTS[0])
    for number in range(repeats):
        change_prompt(further, models, identities, PROMPTS[number % len(PROMPTS)])
    print("a changed prompt:")
    further.print()
    print(f"calls for the photo: {seen}; for {1 + repeats} more prompts: {dict(models.calls) or 'none'}")


def encode_photo(stages: Stages, models: Loaded, photo: np.ndarray) -> Any:
    """What the nodes do between a photo and a prompt; gives the identities.

    Args:
        stages: takes the times.
        models: of one flavour.
        photo: (H, W, 3) uint8 RGB.
    """
    from likeness.host.consistentid.regions import region_vectors
    from likeness.host.encoders.image_encoder import image_tokens, null_image_tokens
    from likeness.host.encoders.parser import parse_photo
    from likeness.models.clip.pixels import CLIP_SIZE, clip_pixels
    from likeness.models.face.facial_features import kept_regions, region_picture
    from likeness.models.face.region_masks import filled_masks

    flavour = models.consistentid.flavour
    labels = stages.time("face parsing", lambda: parse_photo(models.face_parser, photo, flavour.parsing_size))
    masks = stages.time("masks of the regions, holes filled", lambda: filled_masks(labels))
    names = kept_regions(masks)
    pictures = stages.time(
        f"{len(names)} region pictures", lambda: [region_picture(photo, masks[name]) for name in names]
    )
    pixels = stages.time(
        f"CLIP preprocessing of {1 + len(names)} pictures",
        lambda: torch.stack([clip_pixels(picture) for picture in (photo, *pictures)]),
    )
    tokens = stages.time(
        f"CLIP image encoder, {len(pixels)} pictures", lambda: image_tokens(models.clip_vision, pixels, width=1280)
    )
    empty = null_image_tokens(models.clip_vision, width=1280, size=CLIP_SIZE)  # once per loaded encoder: not timed
    vectors = stages.time(
        f"region resampler, {len(names)} + 1 empty",
        lambda: region_vectors(models.consistentid, torch.cat([tokens[1:], empty])),
    )
    id_tokens = stages.time(
        "ID projection, 1 + 1 empty", lambda: _project(models.consistentid, torch.cat([tokens[:1], empty]))
    )
    return _identities(names, vectors, id_tokens)


def change_prompt(stages: Stages, models: Loaded, identities: Any, text: str) -> None:
    """What the prompt node does; the fusion is part of it, and timed again by itself.

    Args:
        stages: takes the times.
        models: of one flavour.
        identities: what `encode_photo` gave.
        text: the prompt.
    """
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.sampling.delayed_conditioning import MergePoint

    stages.time(
        "prompt node: text encoder and fusion",
        lambda: encode_prompt(
            models.consistentid,
            models.clip,
            identities,
            positive=text,
            negative=NEGATIVE,
            merge=MergePoint(),
            size=(1024, 1024),
        ),
    )
    stages.time("of that, the fusion", lambda: _fuse(models.consistentid, identities))


def _fuse(consistentid: Any, identities: Any) -> None:
    """The fusion alone: as many rows as regions, of the positive and of the negative text."""
    from likeness.host.memory import loaded

    encoder = consistentid.adapter.facial_encoder
    vectors = torch.cat([region.vector for region in identities.people[0].regions.regions])
    with loaded(consistentid.encoder):
        vectors = vectors.to(next(encoder.parameters()))
        for _ in ("positive", "negative"):
            encoder.fuse(torch.zeros_like(vectors), vectors)


def _project(consistentid: Any, tokens: Tensor) -> Tensor:
    from likeness.host.memory import loaded

    projection, flavour = consistentid.adapter.id_projection, consistentid.flavour
    vectors = torch.nn.functional.normalize(torch.randn(1, 512, generator=torch.Generator().manual_seed(0)), dim=-1)
    with loaded(consistentid.encoder):
        pairs = torch.cat([vectors, torch.zeros_like(vectors)])
        like = next(projection.parameters())
        return projection(pairs.to(like), tokens.to(like), shortcut=flavour.shortcut, s_scale=flavour.s_scale)


def _identities(names: tuple[str, ...], vectors: Tensor, id_tokens: Tensor) -> Any:
    from likeness.models.consistentid.identity import FacialRegion, FacialRegions, Identities, Identity

    regions = (FacialRegion(name=name, vector=vector[None]) for name, vector in zip(names, vectors[:-1], strict=True))
    person = Identity(name="person 1", tokens=id_tokens[:1], regions=FacialRegions.of(regions))
    return Identities(people=(person,), null_tokens=id_tokens[1:], null_region=vectors[-1:])


if __name__ == "__main__":
    main()

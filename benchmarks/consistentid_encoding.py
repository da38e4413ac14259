"""What encoding one photo for ConsistentID costs, stage by stage, and what the same photo and a changed prompt cost then.

Usage: PYTHON_OF_A_COMFYUI -m likeness.benchmarks.consistentid_encoding [--flavours SD1.5 SDXL] [--repeats 3]

Networks of full size with random weights, float32 on the CPU; the published behaviour of each flavour. Detecting and
recognising the face are left out: their models cannot be replaced by random ones of the same size here.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import torch
from likeness.models.face.analysis import analyze
from likeness.models.face.given import GivenRegions
from likeness.models.face.types import Face
from likeness.models.people.person import People, Person
from likeness.models.people.photo import photos_of
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
    from likeness.host.consistentid.adapter import new_consistentid
    from likeness.host.encoders.parser import load_face_parser
    from likeness.models.consistentid.checkpoint import load as read

    _, clip, *_ = comfy.sd.load_checkpoint_guess_config(str(make(checkpoint)), output_vae=False, output_model=False)
    clip_vision: Any = comfy.clip_vision.load(str(make(CLIP_VISION)))
    face_parser = load_face_parser(make(FACE_PARSING))
    consistentid = new_consistentid(
        read(make(adapter)),
        clip_vision=clip_vision,
        face_parser=face_parser,
        recogniser=RandomRecogniser(),
        mode="published",
    )
    calls: Counter[str] = Counter()
    looking: dict[str, nn.Module] = {
        "face parser": face_parser.parser.network,
        "CLIP image encoder": clip_vision.model,
        "region resampler": consistentid.adapter.facial_encoder.visual_projection,
        "ID projection": consistentid.adapter.id_projection,
    }
    for name, network in looking.items():
        network.register_forward_hook(lambda *_, name=name: calls.update([name]))
    return Loaded(consistentid=consistentid, clip=clip, calls=calls)


@dataclass(frozen=True, slots=True)
class RandomRecogniser:
    """A `FaceRecogniser` in the place of a file that cannot be had here."""

    key: str = "random"
    width: int = 512

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """The same random vector for every face, (R, 512)."""
        del pictures
        return torch.randn(1, self.width, generator=torch.Generator().manual_seed(0)).repeat(len(faces), 1)


def report(name: str, models: Loaded, repeats: int) -> None:
    """Print what the photo costs, what it costs again, and what each further prompt costs."""
    photo = np.asarray(astronaut().picture)
    width, height = photo.shape[1], photo.shape[0]
    size = models.consistentid.flavour.pipeline.parsing_size
    first, again, further = Stages(), Stages(), Stages()
    look(Stages(), models, photo)  # warms up
    seen: dict[str, int] = {}
    for _ in range(repeats):
        models.consistentid.encoders.store.clear()
        models.consistentid.null_region()  # once per loaded encoder: not timed
        models.calls.clear()
        look(first, models, photo)
        seen = dict(models.calls)
    for _ in range(repeats):
        look(again, models, photo)
    people = one_person(photo)
    models.calls.clear()
    change_prompt(Stages(), models, people, PROMPTS[0])
    for number in range(repeats):
        change_prompt(further, models, people, PROMPTS[number % len(PROMPTS)])
    print(f"\n{name}, one photo of {width}x{height}, parsed at {size}:")
    first.print()
    print(f"  {'together':<52}{first.together:>8.3f} s")
    print("the same photo again:")
    again.print()
    print("a changed prompt:")
    further.print()
    print(f"calls for the photo: {seen}; for {1 + repeats} more prompts: {dict(models.calls) or 'none'}")


def look(stages: Stages, models: Loaded, photo: np.ndarray) -> None:
    """What the nodes do between a photo and a prompt, stage by stage; each finds what the one before has left.

    Args:
        stages: takes the times.
        models: of one flavour.
        photo: (H, W, 3) uint8 RGB.
    """
    from likeness.models.clip import clip_pixels
    from likeness.models.consistentid.features import NO_WISHES
    from likeness.models.consistentid.marked_text import NOUNS
    from likeness.models.consistentid.region_pictures import region_pictures

    consistentid, people = models.consistentid, one_person(photo)
    encoders, size = consistentid.encoders, consistentid.flavour.pipeline.parsing_size
    stages.time("face parsing", lambda: encoders.required_parser.labels(photo, size))
    shown = stages.time("masks and pictures of the regions", lambda: region_pictures(photo, NOUNS, encoders, size))
    whole = stages.time("CLIP preprocessing of the photo", lambda: clip_pixels(photo))
    pixels = torch.stack([whole, *(each.pixels for each in shown)])
    stages.time(f"CLIP image encoder, {len(pixels)} pictures", lambda: encoders.tokens(pixels))
    stages.time(f"region resampler, {len(shown)} regions", lambda: consistentid.regions(1, people, NO_WISHES))
    stages.time("ID projection, 1 + 1 empty", lambda: consistentid.encode(people))


def change_prompt(stages: Stages, models: Loaded, people: Any, text: str) -> None:
    """What the prompt node does.

    Args:
        stages: takes the times.
        models: of one flavour.
        people: whose photos were looked at before.
        text: the prompt.
    """
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.sampling.delayed_conditioning import MergePoint

    stages.time(
        "prompt node: text encoder, regions and fusion",
        lambda: encode_prompt(
            models.consistentid,
            models.clip,
            people,
            positive=text,
            negative=NEGATIVE,
            merge=MergePoint(),
            size=(1024, 1024),
        ),
    )


def one_person(photo: np.ndarray) -> People:
    """A chain with one person whose face was chosen: the middle of the photo."""
    height, width = photo.shape[:2]
    faces = analyze([photo], GivenRegions(f"{width // 4} {height // 4} {3 * width // 4} {3 * height // 4}"))
    return People((Person(name="person 1", photos=photos_of(faces, None, is_chosen=True)),))


if __name__ == "__main__":
    main()

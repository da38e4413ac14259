"""What comes over sockets and out of widgets: pictures, masks, numbers, region lists, prompts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from likeness.models.consistentid.facial_prompt import assemble
from likeness.models.face.analysis import Selection, analyze
from likeness.models.face.cropping import crop_face
from likeness.models.face.given import FaceCrop, GivenRegions, parse_region
from likeness.models.face.preview import crops_tensor, preview_tensor
from likeness.models.face.region_masks import mask_tensor
from likeness.models.face.squares import put_back
from likeness.models.images.layout import arrays_from_images, images_from_arrays, rgb_images
from likeness.models.ip_adapter.block_weights import read_numbers
from likeness.models.people.card_names import check_name
from likeness.models.people.marked_prompt import mark_people, read_prompt
from likeness.models.people.person import People, Person, PersonSettings
from likeness.models.people.photo import Photo
from likeness.models.people.preview import Line, chain_strip, people_strip
from likeness.models.placement.given import MaskSources, masks_of_people
from likeness.models.placement.masks import check_mask
from likeness.models.placement.matching import match_people
from torch import Tensor

from .damage_text import written
from .forked import Attempt

DTYPES = (
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float64,
    torch.bool,
    torch.uint8,
    torch.int64,
    torch.complex64,
    torch.float8_e4m3fn,
)
SIDES = (1, 2, 7, 48, 64, 65, 100, 200, 333)
STRANGE = (None, "text", 7, [], [[0.5]], {}, 1.5, b"bytes", ())
NUMBERS = (
    float("nan"),
    float("inf"),
    -float("inf"),
    0,
    -1,
    0.5,
    1,
    2,
    1e308,
    -1e308,
    1e-320,
    10**400,
    -(10**400),
    True,
    255,
    256,
    257,
)
REGION_WORDS = (
    *(
        "1",
        "10",
        "-5",
        "100.5",
        "1e2",
        "1e999",
        "nan",
        "inf",
        "0",
        " ",
        ",",
        ";",
        "\n",
        "\t",
        "image",
        "image 1",
        "image 2:",
        "image 99",
        "IMAGE 2\n",
    ),
    *(
        "x",
        "0 0 50 50\n",
        "170 182 243 186 208 231 180 262 236 264\n",
        "5 5 5 5\n",
        "9" * 5000,
        "1_0",
        "१",
        "image " + "9" * 5000,
        "\x85",
        "-",
        ".",
    ),
)
REGION_LINES = (
    "0 0 50 50",
    "60, 60; 99 99",
    "image 1",
    "image 2:",
    "",
    "20 22 43 26 32 51 10 62 56 64",
    "-9 -9 1e3 1e3",
)
PROMPT_WORDS = (
    *(
        "a man",
        "woman",
        " ",
        "@id1",
        "@id2",
        "@id0",
        "@id9",
        "@id" + "1" * 5000,
        "@Anna",
        "@",
        "@id",
        "[",
        "]",
        "(",
        ")",
        "\\",
        "\\)",
        ":1.2",
        ":",
        "1.2)",
    ),
    *(
        "embedding:a",
        "embedding:",
        ",",
        ".",
        "\n",
        "{",
        "}",
        "<|facial|>",
        "<|face|>",
        "face",
        "eyes",
        "AND",
        "BREAK",
        "é",
        "id1",
        "@ID1",
        "#",
        "a",
        "|",
    ),
)
NAMES = (("Anna", "Bob", "a b"), (), ("@id1",), ("a" * 400, "(", "[x]"), ("", " ", "Anna"), ("Anna", "anna", "ANNA"))
REGIONS = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")


@dataclass(frozen=True, slots=True)
class ValueKind:
    """Something that is made up.

    Attributes:
        name: of the row in the table.
        make: an action, and what was made up.
        usual: an action with what users hand over.
    """

    name: str
    make: Callable[[Random], tuple[Callable[[], object], str]]
    usual: Callable[[], object]

    def prepare(self, folder: Path) -> None:
        """Nothing is needed."""

    def sound(self, base: Path, folder: Path) -> Attempt:
        """What users hand over."""
        return Attempt(self.usual, "")

    def attempt(self, random: Random, base: Path, folder: Path) -> Attempt:
        """One value, used."""
        return Attempt(*self.make(random))


def tensor(random: Random, axes: int, channels: tuple[int, ...] = (3,)) -> Any:
    """A tensor, nearly always one of a sensible number of axes, with odd sizes, numbers and kinds; or something else."""
    if random.random() < 0.05:
        return random.choice(STRANGE)
    if random.random() < 0.04:
        return torch.zeros(1).expand(*((1, 20_000, 20_000, 3)[:axes] if axes == 4 else (1, 20_000, 20_000)))
    sizes = [random.choice((1, 1, 2)), *(random.choice(SIDES) for _ in range(axes - 1))]
    if axes == 4:
        sizes[-1] = random.choice((*channels * 8, 1, 4, 2, 5))
    if random.random() < 0.08:
        sizes[random.randrange(axes)] = 0
    if random.random() < 0.1:
        sizes = sizes[: random.randrange(len(sizes) + 1)] + [3] * random.randrange(3)
    generator = torch.Generator().manual_seed(random.randrange(1 << 30))
    made = torch.rand(sizes, generator=generator) * random.choice((1, 1, 1, 255, -1, 1e38))
    if made.numel() and random.random() < 0.2:
        made.view(-1)[random.randrange(made.numel())] = random.choice((torch.nan, torch.inf, -torch.inf, 1e30))
    made = made.to(random.choice(DTYPES)) if random.random() < 0.4 else made
    return random.choice((made,) * 12 + _unusual(made))


def _unusual(made: Tensor) -> tuple[Tensor, ...]:
    plain = made.float() if made.dtype in (torch.complex64, torch.float8_e4m3fn) else made
    return (
        plain.to("meta"),
        plain.to_sparse(),
        plain.transpose(0, -1) if plain.ndim > 1 else plain,
        plain.flip(-1) if plain.ndim else plain,
    )


def _picture(random: Random) -> tuple[Callable[[], object], str]:
    image, other = tensor(random, 4), tensor(random, 4)
    region = random.choice(("0 0 40 40", "1 1 2 2", "-5 -5 300 300", "10 10 12 60"))
    detector = random.choice((GivenRegions(region), FaceCrop()))

    def find() -> Any:
        return analyze(arrays_from_images(image, "photo"), detector, on_no_face="go on")

    def crop_and_paste() -> object:
        crop, mask, square = crop_face(image, find(), None, number=1, margin=random.choice((0.0, 1.0, 4.0)), size=64)
        return crop, mask, put_back(rgb_images(image), rgb_images(other, "crop"), square, random.choice((0, 32, 256)))

    ways = {
        "arrays": lambda: arrays_from_images(image),
        "faces": find,
        "preview": lambda: preview_tensor(find()),
        "crops": lambda: crops_tensor(find()),
        "crop and paste": crop_and_paste,
        "strip": lambda: chain_strip(
            People().add(Person(name="a", photos=(Photo(picture=arrays_from_images(image)[0]),)))
        ),
        "back": lambda: images_from_arrays(arrays_from_images(image)),
    }
    way = random.choice(sorted(ways))
    return ways[way], f"{way} {_shown(image)}"


def _mask(random: Random) -> tuple[Callable[[], object], str]:
    mask = tensor(random, random.choice((3, 3, 2)))
    image = torch.rand(1, 64, 48, 3, generator=torch.Generator().manual_seed(0))
    faces = analyze(arrays_from_images(image), GivenRegions("0 0 40 40\n10 10 30 60"))
    number = random.choice((1, 2, 3))
    ways = {
        "check": lambda: check_mask(mask, "a"),
        "person": lambda: Person(name="a", mask=mask),
        "match": lambda: match_people(mask, number, faces.faces, order=random.choice(("", "1", "2 1", "x"))),
        "match anyhow": lambda: match_people(mask, number, extra="nowhere"),
        "crop by faces": lambda: crop_face(image, faces, mask, number=number, margin=1.0, size=32),
        "crop": lambda: crop_face(image, None, mask, number=number, margin=0.0, size=32),
        "place": lambda: masks_of_people(MaskSources(masks=mask), random.choice((None, 1, 2))),
    }
    way = random.choice(sorted(ways))
    return ways[way], f"{way} {_shown(mask)}"


def _widget(random: Random) -> tuple[Callable[[], object], str]:
    def number() -> Any:
        return random.choice(NUMBERS)

    words = [
        written(random, ("1", "-1", " ", ",", "nan", "x", "9" * 5000, "1e999", "\n", "²"), most=8) for _ in range(2)
    ]
    box = {side: random.choice((*NUMBERS, "1", None)) for side in ("x", "y", "width", "height")}
    boxes = random.choice((box, [box], [[box], [box, box]], [[]], [], 7, [7], {"x": 1}, [[box]] * 50, None))
    landmarks = {
        "image_size": random.choice(((64, 64), (number(), 64), (64,), None, (0, 0), "ab")),
        "frames": random.choice(
            ([[{"bbox_xyxy": [number(), 2, 3, 4]}]], [[box]], 7, [], [[]], [[{"bbox_xyxy": None}]])
        ),
    }
    size = random.choice(((64, 64), (0, 0), (16384, 16384), (number(), 64)))
    name = written(random, ("a", "Anna", "/", "..", "\\", "con", ".", "😀", "\u202e", " ", "\x00"), most=12)
    label = torch.zeros(8, 8, dtype=torch.uint8).numpy()
    label[2:5, 2:5] = random.choice((1, 5, 255))
    values = [number() for _ in range(3)]
    whole = [random.choice([each for each in NUMBERS if isinstance(each, int)]) for _ in range(2)]
    ways = {
        "settings": lambda: PersonSettings(strength=values[0], start_percent=values[1], end_percent=values[2]),
        "selection": lambda: Selection(number=values[0], point=(values[1], values[2])),
        "block weights": lambda: read_numbers(words[0]),
        "order": lambda: match_people(torch.eye(4)[:, None].expand(4, 4, 4), 2, order=words[0]),
        "boxes": lambda: masks_of_people(MaskSources(boxes=boxes, width=size[1], height=size[0]), 2),
        "landmarks": lambda: masks_of_people(MaskSources(landmarks=landmarks), 2),
        "edges": lambda: mask_tensor([label], "face", expand=whole[0], feather=whole[1]),
        "name of a card": lambda: check_name(name),
        "name of a person": lambda: chain_strip(People().add(Person(name=name)).add(Person(name=name))),
        "note": lambda: people_strip([Line(Person(name="a"), name)], name),
        "weight": lambda: People().add(Person(name="a")).mix_into_last(Person(name="b"), values[0]),
        "photo": lambda: Photo(picture=label, weight=values[0]),
    }
    way = random.choice(sorted(ways))
    return ways[way], way


def _region(random: Random) -> tuple[Callable[[], object], str]:
    text = written(random, REGION_WORDS, most=40)
    if random.random() < 0.5:
        lines = [random.choice(REGION_LINES) for _ in range(random.choice((1, 3, 300, 5000)))]
        lines.insert(random.randrange(len(lines)), random.choice((*REGION_LINES, text[:100])))
        text = "\n".join(lines)
    picture = torch.zeros(300, 400, 3, dtype=torch.uint8).numpy()
    if random.random() < 0.5:
        return partial(parse_region, text, [(300, 400), (100, 100)]), f"read {_shown(text)}"
    return partial(analyze, [picture, picture], GivenRegions(text), on_no_face="go on"), f"faces {_shown(text)}"


def _prompt(random: Random) -> tuple[Callable[[], object], str]:
    text, caption = written(random, PROMPT_WORDS), written(random, PROMPT_WORDS)
    names = random.choice(NAMES)
    people = random.randrange(4)
    flavour = random.choice(("corrected", "sd15", "sdxl", "inpaint"))
    ways = {
        "read": lambda: read_prompt(text, names),
        "marks": lambda: mark_people(text, people, None, names),
        "facial": lambda: assemble(text, REGIONS[: people + 1], flavour=flavour, caption=caption),
    }
    way = random.choice(sorted(ways))
    return ways[way], f"{way} {_shown(text)}"


def _shown(value: object) -> str:
    if isinstance(value, Tensor):
        return f"{value.dtype} {tuple(value.shape)}"
    return repr(value)[:80]


def _usual_picture() -> object:
    found = analyze(arrays_from_images(torch.rand(2, 64, 48, 3)), GivenRegions("0 0 40 40\nimage 2\n0 0 40 40"))
    return preview_tensor(found), crops_tensor(found)


KINDS = (
    ValueKind("pictures", _picture, _usual_picture),
    ValueKind("masks", _mask, lambda: Person(name="a", mask=torch.ones(1, 8, 8)).mask),
    ValueKind("widgets", _widget, lambda: (PersonSettings(strength=0.5), read_numbers("1, 0.5"), check_name("Anna"))),
    ValueKind("region texts", _region, lambda: parse_region("0 0 50 50\nimage 2\n5 5 9 9", [(300, 400)] * 2)),
    ValueKind("prompts", _prompt, lambda: mark_people("a man @id1 and a woman @Bob", 2, None, ("Anna", "Bob"))),
)

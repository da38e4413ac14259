"""Pictures of one person with facial regions: which word takes which region, and where pictures show it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.miniature.networks.untrained import new_base
from likeness.miniature.recipe import facial_people
from likeness.miniature.recipe.facial_people import read_facial_people
from likeness.miniature.recipe.latents import caption_tokens, encode_pictures, encode_tokens
from likeness.miniature.recipe.pool_files import PoolFiles
from likeness.miniature.recipe.steps.backbone import cut_faces
from likeness.miniature.world.regions import FACE_REGIONS, Region
from likeness.miniature.world.world import World
from likeness.models.clip import CLIP_MEAN, CLIP_STD, text_ids
from likeness.models.face.iresnet import IResNet
from likeness.models.face.parsing import LABELS, FaceParser
from likeness.models.uniportrait.encode import face_vectors
from likeness.tests.miniature.small_base import SIZES
from likeness.tests.miniature.small_base import base as base
from likeness.training.batches.draws import Draws
from torch import nn
from torch.nn.functional import avg_pool2d, max_pool2d

WORLD = World(seed=9, with_regions=True)
PICTURES = 4
SENTENCE = ("face", "nose", "eyes", "ears", "mouth")  # as its words come
REGIONS = {
    "face": FACE_REGIONS,
    "nose": (Region.NOSE,),
    "eyes": (Region.LEFT_EYE, Region.RIGHT_EYE),
    "ears": (Region.LEFT_EAR, Region.RIGHT_EAR),
    "mouth": (Region.MOUTH, Region.UPPER_LIP, Region.LOWER_LIP),
}
EVERYTHING = {
    "Face": 0,
    "Left_Eye": 1,
    "Left_Ear": 4,
    "Nose": 6,
    "Upper_Lip": 11,
}  # label → cell in which the parser finds it
OF_WORD = {"face": "Face", "nose": "Nose", "eyes": "Left_Eye", "ears": "Left_Ear", "mouth": "Upper_Lip"}
CELLS = 4  # of a side
CELL_TOKENS = CELLS**2


class Paints(nn.Module):
    """Stands for a parser's network: finds labels in cells of the picture, row by row, whatever it shows."""

    def __init__(self, **cells):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(sorted(cells.values()), dtype=torch.float32))
        self.cells = cells

    def forward(self, pixels):
        side = pixels.shape[-1] // CELLS
        scores = torch.zeros(1, len(LABELS), *pixels.shape[-2:])
        scores[:, 0] = 1
        for label, cell in self.cells.items():
            row, column = divmod(cell, CELLS)
            scores[:, LABELS.index(label), row * side : (row + 1) * side, column * side : (column + 1) * side] = 2
        return (scores,)


class Colours(nn.Module):
    """Stands for an image encoder: its tokens are a one as class token, then the mean colours of the cells, 0–1."""

    def __init__(self, seed=0):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(float(seed)))

    def forward(self, pixel_values, output_hidden_states):
        assert output_hidden_states
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (CLIP_MEAN, CLIP_STD))
        cells = avg_pool2d(pixel_values * std + mean, pixel_values.shape[-1] // CELLS).flatten(2).mT
        tokens = torch.cat((torch.ones_like(cells[:, :1]), cells), 1)
        return SimpleNamespace(hidden_states=(None, tokens, None))


def parser_that_finds(*labels):
    return FaceParser(Paints(**{label: EVERYTHING.get(label, 15) for label in labels}))


def new_faces(seed=0):
    torch.manual_seed(seed)
    return FaceEncoder(backbone=IResNet(4, [(4, 1), (4, 1), (4, 1), (7, 1)]).eval(), image_encoder=Colours(seed))


def read(base, folder, *labels, **settings):
    given = {
        "base": base,
        "faces": new_faces(),
        "parser": parser_that_finds(*(labels or EVERYTHING)),
        "world": WORLD,
        "pictures": PICTURES,
        "files": PoolFiles(pictures=2, rows=2),
    }
    return read_facial_people(**{**given, **settings}, folder=folder)


@pytest.fixture(scope="module")
def pool(base, tmp_path_factory):
    return read(base, tmp_path_factory.mktemp("pool"))


def cells_of(picture):
    """Mean colours of a square picture (S, S, 3) uint8, 0–1, (16, 3)."""
    side = len(picture) // CELLS
    return torch.from_numpy(picture.reshape(CELLS, side, CELLS, side, 3).mean((1, 3)) / 255).flatten(0, 1).float()


def test_a_pool_holds_everything_of_every_picture(pool):
    shapes = {
        "latents": (PICTURES, 4, 16, 16),
        "tokens": (PICTURES, 77),
        "vectors": (PICTURES, 7),
        "photo": (PICTURES, 1 + CELL_TOKENS, 3),
        "regions": (PICTURES, 5, 1 + CELL_TOKENS, 3),
        "words": (PICTURES, 5),
        "has_word": (PICTURES, 5),
        "places": (PICTURES, 5, 16, 16),
    }
    assert {name: tuple(getattr(pool, name).shape) for name in shapes} == shapes
    assert {name: getattr(pool, name).dtype for name in ("photo", "regions", "places")} == dict.fromkeys(
        ("photo", "regions", "places"), torch.float16
    )
    assert (pool.tokens.dtype, pool.words.dtype, pool.has_word.dtype) == (torch.int64, torch.int64, torch.bool)


def test_pictures_are_those_of_the_world_and_vectors_those_of_another_portrait(pool, base):
    with torch.no_grad():
        expected = encode_pictures(base, WORLD.scenes(range(PICTURES)).image)
    torch.testing.assert_close(pool.latents, expected, atol=1e-5, rtol=1e-4)
    crops = cut_faces(WORLD.portraits(range(PICTURES)), Draws(WORLD.seed, tuple(range(PICTURES))))
    torch.testing.assert_close(pool.vectors, face_vectors(new_faces().backbone, crops))


def test_a_prompt_is_the_caption_and_a_sentence_about_the_face(pool):
    captions = [caption.text for caption in WORLD.scenes(range(PICTURES)).captions]
    sentence = " ; Detail:The person has one face, one nose, two eyes, two ears, and one mouth."
    assert torch.equal(pool.tokens, caption_tokens([caption + sentence for caption in captions]))


def test_words_are_where_their_ids_are_in_ascending_order(pool):
    assert pool.has_word.all()
    assert (pool.words.diff(dim=1) > 0).all()
    ids = pool.tokens.gather(1, pool.words)
    assert ids.tolist() == [[text_ids(word)[0] for word in SENTENCE]] * PICTURES


def test_the_photo_is_the_whole_portrait_with_its_class_token_first(pool):
    for photo, portrait in zip(pool.photo, WORLD.portraits(range(PICTURES)).arrays(), strict=True):
        assert torch.equal(photo[0], torch.ones(3).half())
        torch.testing.assert_close(photo[1:].float(), cells_of(portrait), atol=0.01, rtol=0)


def test_every_word_has_the_picture_of_its_own_region(pool):
    for regions, portrait in zip(pool.regions, WORLD.portraits(range(PICTURES)).arrays(), strict=True):
        colours = cells_of(portrait)
        for word, region in zip(SENTENCE, regions, strict=True):
            cell = EVERYTHING[OF_WORD[word]]
            expected = torch.zeros(CELL_TOKENS, 3)
            expected[cell] = colours[cell]
            assert torch.equal(region[0], torch.ones(3).half())
            torch.testing.assert_close(region[1:].float(), expected, atol=0.06, rtol=0)
            assert region[1 + cell].float().max() > 3 * region[1:].float().sum(0).sub(region[1 + cell]).max()


def test_places_lie_where_the_picture_shows_the_word(pool):
    scene = WORLD.scenes(range(PICTURES))
    for number, word in enumerate(SENTENCE):
        shown = scene.regions[:, 0, list(REGIONS[word])].sum(1)
        places = pool.places[:, number].float()
        shares = avg_pool2d(shown[:, None], 8)[:, 0]
        around = max_pool2d(shown[:, None], 24, stride=8, padding=8)[:, 0]
        assert (places >= 0).all()
        assert places.max() <= 1
        assert (places[shares > 0.2] > 0.05).all(), word
        assert (places[around == 0] == 0).all(), word
        torch.testing.assert_close(places.sum((1, 2)), shares.sum((1, 2)), atol=0.05, rtol=0.02)
        assert places.any(), word


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (("Nose", "Face"), ("face", "nose")),
        (("Right_Eye", "Left_Ear"), ("eyes", "ears")),
        (("Lower_Lip", "Nose", "Left_Eye"), ("nose", "eyes", "mouth")),
    ],
)
def test_words_of_regions_that_the_photo_does_not_show_are_left_out(base, tmp_path, pool, found, words):
    some = read(base, tmp_path, *found, pictures=2)
    count = len(words)
    assert some.has_word.tolist() == [[place < count for place in range(5)]] * 2
    ids = some.tokens.gather(1, some.words)[:, :count]
    assert ids.tolist() == [[text_ids(word)[0] for word in words]] * 2
    said = set(some.tokens[0].tolist()) & {text_ids(word)[0] for word in SENTENCE}
    assert said == {text_ids(word)[0] for word in words}
    assert some.regions[:, :count, 0].eq(1).all()
    assert not some.regions[:, count:].any()
    for place, word in enumerate(words):
        assert torch.equal(some.places[:, place], pool.places[:2, SENTENCE.index(word)])


def test_a_photo_without_regions_leaves_the_caption_alone(base, tmp_path):
    none = read(base, tmp_path, "Hair", pictures=2)
    captions = [caption.text for caption in WORLD.scenes(range(2)).captions]
    assert torch.equal(none.tokens, caption_tokens(captions))
    assert not none.has_word.any()
    assert not none.regions.any()
    assert none.photo.any()


def test_a_face_is_looked_at_with_its_surroundings_only():
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[40:64, 60:84] = 255  # three face sizes around a face of 8 pixels
    seen = facial_people._describe("a man", picture, [68.0, 48.0, 76.0, 56.0], parser_that_finds("Nose"), Colours())
    torch.testing.assert_close(seen["photo"].float(), torch.ones(1 + CELL_TOKENS, 3), atol=0.01, rtol=0)


def test_a_batch_takes_the_pictures_that_are_drawn(pool, base):
    draws = Draws(3, (5, 6, 7, 8, 9))
    rows = draws.integers("picture", PICTURES)
    batch = pool.batch(base, draws)
    assert batch.positions == draws.positions
    assert len(rows.unique()) > 1
    for name in ("latents", "vectors", "words", "has_word"):
        assert torch.equal(getattr(batch, name), getattr(pool, name)[rows]), name
    for name in ("photo", "regions", "places"):
        assert torch.equal(getattr(batch, name), getattr(pool, name)[rows].float()), name
        assert getattr(batch, name).dtype == torch.float32
    with torch.no_grad():
        torch.testing.assert_close(batch.text, encode_tokens(base, pool.tokens[rows]))
        torch.testing.assert_close(batch.empty, encode_tokens(base, caption_tokens([""])))
    assert not batch.text.requires_grad
    assert batch.pooled is None


def written(folder):
    """When every file of a folder was written, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.safetensors")}


def test_what_is_encoded_is_read_again(base, tmp_path):
    first = read(base, tmp_path, pictures=2)
    files = written(tmp_path)
    again = read(base, tmp_path, pictures=2)
    for name in first.__slots__:
        assert torch.equal(getattr(again, name), getattr(first, name)), name
    assert written(tmp_path) == files != {}


def test_more_pictures_are_encoded_beside_those_that_are_there(base, pool, tmp_path):
    read(base, tmp_path, pictures=2)
    [[path, time]] = written(tmp_path).items()
    more = read(base, tmp_path, pictures=3)
    assert torch.equal(more.regions, pool.regions)  # of the first four: files are made whole
    files = written(tmp_path)
    assert (len(files), files[path]) == (2, time)


@pytest.mark.parametrize(
    "change",
    [
        {"faces": new_faces(seed=1)},
        {"base": new_base(SIZES, seed=2)},
        {"parser": parser_that_finds("Nose", "Face")},
        {"world": World(seed=10, with_regions=True)},
        {"world": World(seed=9, size=64, with_regions=True)},
    ],
    ids=["other encoders", "another VAE", "another parser", "another seed", "smaller pictures"],
)
def test_parts_of_other_networks_and_worlds_are_not_taken(base, tmp_path, change):
    read(base, tmp_path, pictures=2)
    files = written(tmp_path)
    read(**{"base": base, **change}, folder=tmp_path, pictures=2)
    later = written(tmp_path)
    assert len(later) == 2
    assert files.items() <= later.items()

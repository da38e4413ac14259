"""From photos to ConsistentID's people: what each mode looks at, and the exchanged colours of the published SD1.5."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.clip.pixels import clip_pixels
from likeness.models.errors import InvalidSettingError, MissingModelFileError, NoFaceFoundError
from likeness.models.face.parsing import LABELS

pytestmark = pytest.mark.comfy

pytest.importorskip("insightface")

RED, BLUE, GREY = (220, 30, 30), (30, 30, 220), (90, 90, 90)
FEATURES = ("face", "ears", "eyes", "nose", "mouth")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A detector that takes red squares for faces, and a recogniser whose first numbers are the colours that it sees."""
    from likeness.models.face.detection import DetectorFiles
    from likeness.tests.models.face import synthetic_detectors

    folder = tmp_path_factory.mktemp("faces")
    detectors = DetectorFiles(scrfd=synthetic_detectors.scrfd(folder / "det.onnx"))
    return detectors, synthetic_detectors.arcface(folder / "w600k_r50.onnx")


@pytest.fixture
def adapter(consistentid, files, monkeypatch):
    """A builder: an adapter with the synthetic detector and recogniser; the detector knows 640 pixels only."""
    import likeness.host.encoders.faces
    from likeness.host.encoders.recogniser import OnnxRecogniser

    monkeypatch.setattr(likeness.host.encoders.faces, "detector_files", lambda: files[0])

    def build(name="sd15", *, corrected=False):
        loaded = consistentid(name, corrected=corrected, kind="sd15")
        return replace(loaded, recogniser=OnnxRecogniser(files[1]), flavour=replace(loaded.flavour, detection_size=640))

    return build


@pytest.fixture
def vectors(monkeypatch):
    """The ID vectors that were projected, newest last."""
    from likeness.host.consistentid import people as consistentid_identity

    seen, function = [], consistentid_identity._id_vectors

    def note(*args):
        seen.append(function(*args))
        return seen[-1]

    monkeypatch.setattr(consistentid_identity, "_id_vectors", note)
    return seen


@pytest.fixture
def add(wide_vision):
    from likeness.host.consistentid.people import add_person

    def run(consistentid, photo, identities=None, **settings):
        return add_person(consistentid, wide_vision, photo, identities, **settings)

    return run


def photo(*colours, side=80):
    """A batch of grey pictures with a square each."""
    pictures = np.full((len(colours), 256, 320, 3), GREY, np.uint8)
    for picture, colour in zip(pictures, colours, strict=True):
        picture[90 : 90 + side, 120 : 120 + side] = colour
    return torch.from_numpy(pictures).float() / 255


def detected(image):
    """What Detect Faces gives."""
    from likeness.host.encoders.faces import detect_faces

    return detect_faces(image)


def tokens_of(consistentid, vision, vector, picture):
    from likeness.host.encoders.image_encoder import image_tokens

    read = image_tokens(vision, clip_pixels(picture)[None], width=1280)
    flavour = consistentid.flavour
    with torch.no_grad():
        return consistentid.adapter.id_projection(
            vector[None], read, shortcut=flavour.shortcut, s_scale=flavour.s_scale
        )


@pytest.mark.parametrize(
    ("name", "corrected", "colour"),
    [("sd15", False, BLUE), ("inpaint", False, BLUE), ("sdxl", False, RED), ("sd15", True, RED)],
)
def test_detector_and_recogniser_see_the_published_colours(adapter, add, vectors, wide_vision, name, corrected, colour):
    """SD1.5 as published exchanges red and blue for insightface alone: its detector finds the blue square."""
    consistentid, image = adapter(name, corrected=corrected), photo(colour)
    people, faces = add(consistentid, image)
    other = photo(RED if colour == BLUE else BLUE)
    with pytest.raises(NoFaceFoundError):
        add(consistentid, other)

    red, green, blue = vectors[0][0, :3].tolist()
    assert red > 0 > green
    assert red > blue
    assert vectors[0].norm() == pytest.approx(1)
    picture = (image[0] * 255).round().byte().numpy()
    assert np.array_equal(faces.images[0], picture)  # nobody else sees exchanged colours
    assert abs(faces.faces[0].crop[112, 112].astype(int) - colour).max() < 20
    expected = tokens_of(consistentid, wide_vision, vectors[0][0], picture)
    torch.testing.assert_close(people.people[0].tokens, expected)


def test_faces_that_were_picked_are_described_in_the_published_colours_too(adapter, add, vectors):
    faces = detected(photo(RED))
    for consistentid in (adapter(), adapter(corrected=True)):
        add(consistentid, faces)
    exchanged, right = (vector[0, :3] for vector in vectors)
    torch.testing.assert_close(exchanged, right.flip(0), atol=1e-3, rtol=1e-3)
    assert right[0] > right[2]


def test_published_takes_the_first_photo_and_corrected_the_mean(adapter, add, vectors, wide_vision):
    reds = photo(RED, (250, 90, 20))
    reds[1, :40] = 0.9
    corrected = adapter(corrected=True)
    mean = add(corrected, reds)[0].people[0].tokens
    one, other = (add(corrected, reds[n : n + 1])[0].people[0].tokens for n in (0, 1))
    torch.testing.assert_close(mean, (one + other) / 2)
    assert not torch.allclose(one, other, atol=1e-4)
    assert [len(vector) for vector in vectors] == [2, 1, 1]

    published, blues = adapter(), photo(BLUE, (30, 30, 250))
    first = add(published, blues)[0].people[0].tokens
    assert torch.equal(first, add(published, blues[:1])[0].people[0].tokens)


def test_picked_faces_are_cropped_in_corrected_mode_only(adapter):
    from likeness.host.consistentid.regions import pictures

    image = photo(RED, side=60)
    faces = detected(image)
    [portrait] = pictures(adapter(corrected=True), faces)
    [whole] = pictures(adapter(), faces)
    assert whole.shape == (256, 320, 3)
    assert portrait.shape[0] < 256
    red = (np.abs(portrait.astype(int) - RED) < 10).all(-1)
    assert red.sum() == 60 * 60
    assert [picture.shape for picture in pictures(adapter(corrected=True), image)] == [(256, 320, 3)]


@pytest.mark.parametrize("corrected", [False, True])
def test_what_no_face_means(adapter, add, vectors, wide_vision, corrected):
    consistentid, grey = adapter(corrected=corrected), photo(GREY)
    with pytest.raises(NoFaceFoundError):
        add(consistentid, grey)
    passed, faces = add(consistentid, grey, on_no_face="pass model through")
    assert not faces.found
    assert passed.people == ()
    assert vectors == []
    zero, faces = add(consistentid, grey, on_no_face="zero identity")
    assert not faces.found
    assert vectors[-1].abs().max() == 0
    picture = (grey[0] * 255).round().byte().numpy()
    expected = tokens_of(consistentid, wide_vision, torch.zeros(512), picture)
    torch.testing.assert_close(zero.people[0].tokens, expected)


def test_nobody_is_a_zero_vector_and_an_empty_picture(adapter, add, wide_vision):
    from likeness.host.encoders.image_encoder import image_tokens

    consistentid = adapter()
    people, _ = add(consistentid, photo(BLUE))
    empty = image_tokens(wide_vision, torch.zeros(1, 3, 224, 224), width=1280)
    with torch.no_grad():
        null = consistentid.adapter.id_projection(torch.zeros(1, 512), empty, shortcut=False, s_scale=1.0)
        region = consistentid.adapter.facial_encoder.regions(empty[None])[0]
    torch.testing.assert_close(people.null_tokens, null)
    torch.testing.assert_close(people.null_region, region)


def test_a_chain_of_people(adapter, add):
    consistentid = adapter(corrected=True)
    one, _ = add(consistentid, photo(RED))
    two, _ = add(consistentid, photo((200, 0, 60)), one, name="person 1", caption=" a long nose ", strength=0.5)
    three, _ = add(consistentid, photo(RED), two, mask=torch.ones(8, 8))
    assert [person.name for person in three.people] == ["person 1", "person 1 2", "person 3"]
    assert len(one.people) == 1
    assert two.people[1].caption == "a long nose"
    assert two.people[1].strength == 0.5
    assert three.people[2].mask.shape == (1, 8, 8)
    assert three.null_tokens is one.null_tokens


def test_the_published_mode_knows_one_person(adapter, add):
    one, _ = add(adapter(), photo(BLUE))
    with pytest.raises(InvalidSettingError, match="the published ConsistentID knows one only"):
        add(adapter(), photo(BLUE), one)


def test_a_missing_recogniser_is_named(adapter, add):
    consistentid = replace(adapter(corrected=True), recogniser=None)
    with pytest.raises(MissingModelFileError, match=r"w600k_r50\.onnx was not found"):
        add(consistentid, photo(RED))
    assert len(add(consistentid, photo(GREY), on_no_face="zero identity")[0].people) == 1


# --- regions ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def parsed(wide_vision, monkeypatch):
    """A builder for `encode_regions` with a parser that finds the names given, one list per photo; and the sizes it saw."""
    from likeness.host.consistentid import regions as consistentid_regions

    sizes, labels = [], {name: number for number, name in enumerate(LABELS)}

    def run(consistentid, image, *shown, strengths=None, others=None):
        photos = iter(shown)

        def parse(parser, picture, size):
            sizes.append(size)
            found = np.zeros((size, size), np.uint8)
            for place, name in enumerate(next(photos)):
                found[40 * place + 10 : 40 * place + 40, 20:200] = labels[name]
            return found

        monkeypatch.setattr(consistentid_regions, "parse_photo", parse)
        strengths = dict.fromkeys(FEATURES, 1.0) if strengths is None else strengths
        return consistentid_regions.encode_regions(consistentid, wide_vision, None, image, strengths, others)

    return run, sizes


@pytest.fixture
def regions(parsed):
    """`encode_regions` with a parser that finds the names given, one list per photo."""
    return parsed[0]


def test_regions_of_a_photo(adapter, regions, wide_vision):
    from likeness.host.encoders.image_encoder import image_tokens

    consistentid = adapter()
    encoded = regions(consistentid, photo(BLUE), ["Nose", "Right_Eye", "Left_Eye", "Face"])
    assert encoded.regions.names == encoded.names == ("Face", "Left_Eye", "Nose")
    for region, picture in zip(encoded.regions.regions, encoded.pictures, strict=True):
        assert picture.shape == (256, 320, 3)
        read = image_tokens(wide_vision, clip_pixels(picture)[None], width=1280)
        with torch.no_grad():
            expected = consistentid.adapter.facial_encoder.regions(read[None])[0]
        torch.testing.assert_close(region.vector, expected)
    assert encoded.preview.ndim == 4


@pytest.mark.parametrize(("name", "size"), [("sd15", 512), ("sdxl", 1280)])
def test_the_published_size_of_parsing(adapter, parsed, name, size):
    encode, sizes = parsed
    encode(adapter(name), photo(RED), ["Face"])
    assert sizes == [size]


def test_switches_and_strengths(adapter, regions):
    shown = ["Face", "Left_Eye", "Nose"]
    encoded = regions(adapter(), photo(BLUE), shown, strengths={"eyes": 0.5, "mouth": 1.0})
    assert encoded.regions.names == ("Left_Eye",)
    assert encoded.regions.by_feature()["eyes"].strength == 0.5


def test_published_looks_at_the_first_photo_and_corrected_at_all(adapter, regions):
    image = photo(RED, BLUE)
    published = regions(adapter(), image, ["Face"], ["Nose"])
    corrected = regions(adapter(corrected=True), image, ["Face"], ["Face", "Nose"])
    alone = [regions(adapter(corrected=True), image[n : n + 1], ["Face"]).regions.regions[0].vector for n in (0, 1)]
    assert published.regions.names == ("Face",)
    assert corrected.regions.names == ("Face", "Nose")
    assert len(corrected.pictures) == 3
    torch.testing.assert_close(corrected.regions.regions[0].vector, sum(alone) / 2)


def test_eyes_of_one_photo_and_the_rest_of_another(adapter, regions):
    consistentid = adapter()
    others = regions(consistentid, photo(RED), ["Face", "Left_Eye", "Nose"]).regions
    mixed = regions(consistentid, photo(BLUE), ["Right_Eye", "Nose"], strengths={"eyes": 1.0}, others=others)
    assert mixed.regions.names == ("Face", "Right_Eye", "Nose")
    assert mixed.regions.regions[2].vector is others.regions[2].vector
    assert mixed.names == ("Right_Eye",)


def test_a_photo_without_regions(adapter, regions):
    from likeness.host.consistentid.regions import require_regions

    encoded = regions(adapter(), photo(GREY), [])
    assert encoded.regions.regions == ()
    assert encoded.preview.shape[-1] == 3
    with pytest.raises(NoFaceFoundError, match="found none of the regions that are switched on"):
        require_regions(encoded)


def test_a_clip_vision_of_another_width_is_refused(adapter, vision_model):
    from likeness.host.consistentid.people import add_person
    from likeness.models.errors import IncompatibleBaseModelError

    narrow = vision_model(
        hidden_size=64, intermediate_size=16, num_attention_heads=4, num_hidden_layers=2, patch_size=56
    )
    with pytest.raises(IncompatibleBaseModelError, match=r"64 wide .* needs 1280"):
        add_person(adapter(), narrow, photo(BLUE), None)

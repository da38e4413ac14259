"""Cards in ComfyUI: what they are encoded for on small files, names, and their folder, which may hold ten thousand."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError, MissingModelFileError
from likeness.models.people.card import read_card
from likeness.models.people.card_record import About, Made
from likeness.models.people.encodings import ENCODINGS
from likeness.models.people.person import People
from likeness.models.people.photo import photos_of
from likeness.tests.host import small_miniature

pytestmark = pytest.mark.comfy

SIZE = 64  # of a reference, pixels
CONSENT = About(consent="Yes.")


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return small_miniature.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def miniature(paths):
    return small_miniature.load(paths)


@pytest.fixture(scope="module")
def people(paths):
    from likeness.models.people.person import Person

    faces, detector = small_miniature.one_face(paths)
    return People().add(Person(name="Anna", photos=photos_of(faces, detector, is_chosen=False)))


@pytest.fixture
def everything(miniature):
    from likeness.host.encoders.backbone import ManagedBackbone
    from likeness.host.identity_cards import EncodedFor

    return EncodedFor(
        uniportrait=miniature.uniportrait,
        consistentid=miniature.consistentid,
        omniportrait=miniature.omniportrait,
        ip_adapter=miniature.ip_adapter,
        facestudio=miniature.facestudio,
        clip_vision=miniature.clip_vision,
        vae=miniature.vae,
        face_parser=miniature.face_parser,
        reference_size=SIZE,
        recogniser=ManagedBackbone(miniature.uniportrait.backbone.backbone.patcher),
    )


@pytest.fixture
def save(tmp_path):
    from likeness.host.identity_cards import save_card

    def run(people, encoded_for, name="", about=CONSENT, keeps="nothing"):
        return save_card(people, encoded_for, name=name, about=about, keeps=keeps, folder=tmp_path / "identities")

    return run


def tensors_of(encoded):
    return [encoded.tokens, encoded.null_tokens]


def what_methods_take(miniature, person):
    """Everything that methods make of a person."""
    from likeness.host.encoders.latents import latent_encoder
    from likeness.models.consistentid.features import NO_WISHES
    from likeness.models.facestudio.encode import face_vectors
    from likeness.models.ip_adapter.encode import Looking
    from likeness.models.omniportrait.encode import ReferenceEncoders, reference_pictures
    from likeness.models.people.remembered import RememberedParser

    regions = miniature.consistentid.regions(1, People((person,)), NO_WISHES)
    encoders = ReferenceEncoders(latents=latent_encoder(miniature.vae), parser=RememberedParser(miniature.face_parser))
    [picture] = reference_pictures(person, encoders, SIZE)
    return [
        *tensors_of(miniature.uniportrait.encode([person], 0.3)),
        *tensors_of(miniature.consistentid.encode([person])),
        *(region.vector for region in regions.regions),
        miniature.omniportrait.encode([person]),
        *tensors_of(miniature.ip_adapter.encode_people([person], Looking())),
        face_vectors([person], miniature.facestudio.recogniser),
        picture.latent,
        picture.mask,
    ]


@pytest.mark.parametrize("keeps", ["nothing", "thumbnails", "photos"])
def test_every_method_takes_the_same_bits_of_a_card(miniature, people, everything, save, keeps):
    expected = what_methods_take(miniature, people[0])
    card = read_card(save(people, everything, keeps=keeps))
    ENCODINGS.clear()  # nothing is left of the photos
    found = what_methods_take(miniature, card.person)
    assert len(found) == len(expected)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert card.about.encoded_for == (
        "CLIP vision",
        "ConsistentID",
        "FaceStudio",
        "IP-Adapter",
        "OmniPortrait",
        "UniPortrait",
        "face vectors",
        "guidance at 64 pixels",
    )


def test_the_card_says_what_encoders_ran_with(people, everything, save):
    card = read_card(save(people, everything))
    assert len(card.made) == len(card.encodings) > 8
    device = str(torch.device("cpu")) if not torch.cuda.is_available() else "cuda"
    assert {made.dtype for made in card.made.values()} <= {"float32", "float16", "bfloat16"}
    assert set(card.made.values()) >= {Made(dtype="float32", device=device)}


def test_a_card_is_a_function_of_its_inputs(people, everything, save):
    first, second = save(people, everything), save(people, everything)
    assert (first.name, second.name) == ("Anna.safetensors", "Anna 2.safetensors")
    assert first.read_bytes() == second.read_bytes()


def test_a_card_of_nobody_and_of_nothing_is_a_sentence(people, save):
    from likeness.host.identity_cards import EncodedFor
    from likeness.models.people.person import Person

    nothing = EncodedFor()
    with pytest.raises(InvalidSettingError, match="neither photos nor anything that encoders say; connect the methods"):
        save(people, nothing)
    with pytest.raises(InvalidSettingError, match='no photo of "Berta"'):
        save(People().add(Person(name="Berta")), nothing)
    with pytest.raises(InvalidSettingError, match="has 2 people and takes one"):
        save(people.add(people[0]), nothing)
    card = read_card(save(people, nothing, keeps="photos"))
    assert card.person.has_face
    assert card.encodings == {}


def test_a_card_that_is_saved_again_keeps_what_it_was_encoded_for(people, miniature, save):
    from likeness.host.identity_cards import EncodedFor

    expected = miniature.uniportrait.encode([people[0]], 0.3)
    card = read_card(save(people, EncodedFor(uniportrait=miniature.uniportrait)))
    again = read_card(save(People((card.person,)), EncodedFor()))
    assert again.about.encoded_for == ("UniPortrait",)
    assert torch.equal(miniature.uniportrait.encode([again.person], 0.3).tokens, expected.tokens)
    with pytest.raises(InvalidSettingError, match="has no vector"):
        save(People((card.person,)), EncodedFor(ip_adapter=miniature.ip_adapter))


def test_people_by_faces_are_known_from_a_card(people, everything, save):
    from likeness.host.looking.faces import know
    from likeness.models.people.remembered import RememberedRecogniser

    card = read_card(save(people, everything))
    recogniser = RememberedRecogniser(everything.recogniser)
    expected = know([people[0]], recogniser, recogniser)
    assert torch.equal(know([card.person], recogniser, recogniser).vectors, expected.vectors)


def test_ten_thousand_cards_are_listed_by_their_names_and_none_is_opened(identities, monkeypatch):
    from likeness.host.files import IDENTITIES, list_files

    (identities / "sub").mkdir()
    for number in range(10_000):
        (identities / ("sub" if number % 2 else "") / f"{number:05}.safetensors").touch()
    monkeypatch.setattr("builtins.open", lambda *_, **__: pytest.fail("a card was opened"))
    found = list_files(IDENTITIES)
    assert len(found) == 10_000
    assert os.path.join("sub", "00001.safetensors") in found


def test_a_card_has_another_state_when_it_was_saved_again(identities, people, everything):
    from likeness.host.identity_cards import card_state, load_card, save_card

    path = save_card(people, everything, name="sub", about=CONSENT, keeps="nothing")
    assert path == identities / "sub.safetensors"
    first = card_state("sub.safetensors")
    assert load_card("sub.safetensors").about.consent == "Yes."
    assert card_state("sub.safetensors") == first != ""
    other = save_card(people, everything, name="other", about=replace(CONSENT, consent="No."), keeps="nothing")
    stamp = path.stat().st_mtime_ns
    os.replace(other, path)
    os.utime(path, ns=(stamp + 10**9, stamp + 10**9))
    assert card_state("sub.safetensors") != first
    assert card_state("nobody.safetensors") == ""
    with pytest.raises(MissingModelFileError, match="was not found"):
        load_card("../../etc/passwd")

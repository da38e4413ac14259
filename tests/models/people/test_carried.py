"""What encoders said about photos answers without the photos: the same bits in every method, and a sentence where it cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.facestudio.encode import face_vectors
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.encode import Looking, person_tokens
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.omniportrait.encode import ReferenceEncoders, encode, reference_pictures
from likeness.models.people.carried import AbsentDetector, gather
from likeness.models.people.encodings import Encodings
from likeness.models.people.person import Person
from likeness.models.people.remembered import (
    RememberedBackbone,
    RememberedEmbedder,
    RememberedImageEncoder,
    RememberedLatents,
    RememberedParser,
    RememberedRecogniser,
)
from likeness.models.uniportrait.encode import UniPortraitEncoders, person_features
from likeness.tests.models.ip_adapter import small_files
from likeness.tests.models.omniportrait.small_adapter import CONFIG
from likeness.tests.models.omniportrait.small_people import Labels, MeanLatents
from likeness.tests.models.omniportrait.small_people import PixelTokens as PivotTokens
from likeness.tests.models.people.through_cards import Method, assert_same, switch_off, through_a_card
from likeness.tests.people import PixelEmbeddings, PixelMaps, PixelTokens, PixelVectors, someone


def uniportrait() -> Method:
    clip, backbone = PixelTokens(1280), PixelMaps((4, 4, 4, 4))
    encoders = UniPortraitEncoders(
        clip=RememberedImageEncoder(clip, Encodings()), backbone=RememberedBackbone(backbone, Encodings())
    )

    def look(one):
        found = person_features(one, encoders)
        return [found.intrinsic, found.structure]

    return Method(look, [clip, backbone])


def facestudio() -> Method:
    recogniser = PixelVectors(8)
    remembered = RememberedRecogniser(recogniser, Encodings())
    return Method(lambda one: [face_vectors([one], remembered)], [recogniser])


def ip_adapter(network: str, crop: str = "centre") -> Method:
    clip, embedder = PixelTokens(small_files.CLIP), PixelEmbeddings(small_files.CLIP)
    recogniser = PixelVectors(small_files.FACE)
    encoders = IPAdapterEncoders(
        clip=RememberedImageEncoder(clip, Encodings()),
        embedder=RememberedEmbedder(embedder, Encodings()),
        recogniser=RememberedRecogniser(recogniser, Encodings()),
    )
    adapter = load(small_files.adapter_file(network), dim_head=small_files.HEAD)
    return Method(
        lambda one: [person_tokens(one, encoders, adapter, Looking(crop=crop))], [clip, embedder._tokens, recogniser]
    )


def omniportrait() -> Method:
    pivot, vae, parser = PivotTokens(), MeanLatents(), Labels(np.ones((512, 512), np.uint8))
    encoder = RememberedImageEncoder(pivot, Encodings())
    encoders = ReferenceEncoders(
        latents=RememberedLatents(vae, Encodings()), parser=RememberedParser(parser, Encodings())
    )

    def look(one):
        pictures = reference_pictures(one, encoders, 128)
        return [encode(one, encoder, CONFIG), *(each.latent for each in pictures), *(each.mask for each in pictures)]

    return Method(look, [pivot, vae, parser])


METHODS = {
    "uniportrait": uniportrait,
    "facestudio": facestudio,
    "omniportrait": omniportrait,
    **{
        f"ip-adapter {network}": lambda network=network: ip_adapter(network)
        for network in ("plain", "plus", "full face", "faceid", "faceid plus", "portrait")
    },
}


@pytest.mark.parametrize("keeps", ["nothing", "photos"])
@pytest.mark.parametrize("name", METHODS)
def test_a_card_gives_the_bits_of_the_photos_and_no_network_runs(tmp_path, monkeypatch, name, keeps):
    method = METHODS[name]()
    anna = someone("Anna", photos=2)
    anna = replace(anna, photos=(anna.photos[0], replace(anna.photos[1], weight=0.5)))
    expected = method.look(anna)
    card = through_a_card(anna, [method.look], tmp_path, keeps)
    switch_off(method, monkeypatch)
    assert_same(method.look(card), expected)


def test_mixed_people_and_several_methods_on_one_card(tmp_path, monkeypatch):
    first, second = uniportrait(), facestudio()
    parts = someone("Anna", 1), someone("Berta", 2)
    expected = [method.look(part) for part in parts for method in (first, second)]
    mixed = Person(name="both", mixed=((parts[0], 0.6), (parts[1], 0.4)))
    card = through_a_card(mixed, [first.look, second.look], tmp_path)
    for method in (first, second):
        switch_off(method, monkeypatch)
    found = [method.look(part) for part, _ in card.mixed for method in (first, second)]
    for one, other in zip(found, expected, strict=True):
        assert_same(one, other)


def test_a_card_is_encoded_for_one_more_method_from_its_photos_and_keeps_what_it_has(tmp_path, monkeypatch):
    first, second = uniportrait(), facestudio()
    anna = someone("Anna")
    expected = [method.look(anna) for method in (first, second)]
    card = through_a_card(anna, [first.look], tmp_path, "photos")
    again = through_a_card(card, [second.look], tmp_path, "photos")
    private = through_a_card(
        again, [second.look], tmp_path
    )  # what was said of the photos themselves is of no use there
    for method in (first, second):
        switch_off(method, monkeypatch)
    for method, wanted in zip((first, second), expected, strict=True):
        assert_same(method.look(again), wanted)
    assert_same(second.look(private), expected[1])
    assert {key.output.split()[0] for key in private.encodings.entries} == {"vector"}


def test_a_card_without_photos_is_saved_again_with_what_it_has(tmp_path, monkeypatch):
    method = uniportrait()
    anna = someone("Anna")
    expected = method.look(anna)
    again = through_a_card(through_a_card(anna, [method.look], tmp_path), [], tmp_path)
    switch_off(method, monkeypatch)
    assert_same(method.look(again), expected)


def test_what_a_card_lacks_is_made_from_its_photos_or_is_a_sentence(tmp_path):
    method, other = uniportrait(), facestudio()
    anna = someone("Anna")
    assert_same(other.look(through_a_card(anna, [method.look], tmp_path, "photos")), other.look(anna))
    card = through_a_card(anna, [method.look], tmp_path)
    with pytest.raises(
        InvalidSettingError, match=r'card of "Anna" has no vector .* the method or recogniser to Save Identity'
    ):
        other.look(card)
    assert len(other.networks[0].seen) == 1  # the photo, and never a stand-in


def test_other_settings_are_not_answered_with_what_was_seen(tmp_path):
    network = "plain"
    centre = ip_adapter(network)
    wide = someone("Anna")
    wide = replace(wide, photos=(replace(wide.photos[0], picture=wide.photos[0].picture[:100].copy()),))
    card = through_a_card(wide, [centre.look], tmp_path)
    with pytest.raises(InvalidSettingError, match="has no embedding"):
        ip_adapter(network, "stretch").look(card)


def test_other_weights_are_refused_without_photos_and_encoded_again_with_them(tmp_path, caplog):
    method, retrained = facestudio(), facestudio()
    retrained.networks[0].key = "vectors " + "a" * 64
    anna = someone("Anna")
    with pytest.raises(
        InvalidSettingError, match=r"made with other weights .vectors of pixels instead of vectors aaaaaaaa.;"
    ):
        retrained.look(through_a_card(anna, [method.look], tmp_path))
    assert retrained.networks[0].seen == []
    with caplog.at_level("INFO"):
        retrained.look(through_a_card(anna, [method.look], tmp_path, "photos"))
    assert len(retrained.networks[0].seen) == 1
    assert "made with other weights" in caplog.text


def test_a_person_of_a_card_without_photos_shows_no_photo_outside_of_a_look(tmp_path):
    card = through_a_card(someone("Anna"), [facestudio().look], tmp_path)
    assert (card.photos, card.shown, card.has_face) == ((), (), True)


def test_a_look_that_asks_something_else_of_a_stand_in_is_found_out():
    method = facestudio()

    def fickle(one):
        if one.looked[0].stand_in:
            return uniportrait().look(one)
        return method.look(one)

    with pytest.raises(RuntimeError, match="asks 'tokens' of a stand-in"):
        gather(someone("Anna"), [fickle], keeps_photos=False)


def test_an_absent_detector_says_what_to_do():
    detector = AbsentDetector().at_size(640).at_size(320)
    assert detector.key == "detector of the card at 320"
    with pytest.raises(InvalidSettingError, match="connect consistentid"):
        detector.find([])

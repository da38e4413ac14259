"""ConsistentID through an identity card: tokens and regions of the photos, with and without them, in both behaviours."""

from __future__ import annotations

import pytest
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.encode import id_tokens, regions
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.features import FacialFeatures
from likeness.models.consistentid.id_projection import IDProjection
from likeness.models.consistentid.pipelines import SD15
from likeness.models.consistentid.published import Published
from likeness.models.people.encodings import Encodings
from likeness.models.people.person import People
from likeness.models.people.remembered import RememberedDetector
from likeness.tests.models.consistentid.conftest import CLIP, FACE, HEAD
from likeness.tests.models.consistentid.small_encoders import SmallDetector, looking, person, photo
from likeness.tests.models.people.through_cards import Method, assert_same, switch_off, through_a_card

RED = (200, 20, 20)  # a face to `SmallDetector`


@pytest.fixture
def consistentid(projection_weights, encoder_weights):
    looks = looking(CLIP, FACE)
    projection = IDProjection.from_state_dict(projection_weights, dim_head=HEAD)
    facial_encoder = FacialEncoder.from_state_dict(encoder_weights, dim_head=HEAD)

    def build(flavour):
        def look(one):
            found = regions(1, People((one,)), FacialFeatures(), looks.encoders, facial_encoder, flavour)
            return [id_tokens(one, looks.encoders, projection, flavour), *(each.vector for each in found.regions)]

        return Method(look, [looks.clip, looks.parser, looks.recogniser])

    return build


@pytest.mark.parametrize("flavour", [Published(SD15), Corrected(SD15)], ids=["published", "corrected"])
@pytest.mark.parametrize("settings", [{}, {"is_chosen": True}, {"taken": False}], ids=["whole", "chosen", "no face"])
@pytest.mark.parametrize("keeps", ["nothing", "photos"])
def test_consistentid_too(tmp_path, monkeypatch, consistentid, flavour, settings, keeps):
    method = consistentid(flavour)
    detector = None if "taken" in settings else RememberedDetector(SmallDetector(), Encodings())
    ada = person(
        "Ada", photo(1, detector=detector, middle=RED[::-1] if flavour.mode == "published" else RED, **settings)
    )
    expected = method.look(ada)
    assert len(expected) > 1
    card = through_a_card(ada, [method.look], tmp_path, keeps)
    switch_off(method, monkeypatch)
    monkeypatch.setattr(SmallDetector, "find", lambda *_: pytest.fail("a network was asked"))
    assert_same(method.look(card), expected)

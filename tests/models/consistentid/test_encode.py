"""People to ID tokens and facial regions: what each behaviour looks at, means, mixtures, lenders, and nothing twice."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.clip import clip_pixels
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.encode import encode_people, id_tokens, null_region, null_tokens, regions
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.features import NO_WISHES, FacialFeatures, FeatureChoice
from likeness.models.consistentid.id_projection import IDProjection
from likeness.models.consistentid.pipelines import SD15, SDXL
from likeness.models.consistentid.published import Published
from likeness.models.errors import InvalidSettingError, MissingModelFileError
from likeness.models.people.person import People
from likeness.tests.models.consistentid.conftest import CLIP, FACE, HEAD
from likeness.tests.models.consistentid.small_encoders import looking, person, photo, picture
from torch.nn.functional import normalize

PUBLISHED, CORRECTED = Published(SD15), Corrected(SD15)
BOTH = pytest.mark.parametrize("flavour", [PUBLISHED, CORRECTED], ids=["published", "corrected"])


@pytest.fixture
def looks():
    return looking(CLIP, FACE)


@pytest.fixture
def projection(projection_weights):
    return IDProjection.from_state_dict(projection_weights, dim_head=HEAD)


@pytest.fixture
def facial_encoder(encoder_weights):
    return FacialEncoder.from_state_dict(encoder_weights, dim_head=HEAD)


@pytest.fixture
def tokens(looks, projection):
    return lambda one, flavour=CORRECTED: id_tokens(one, looks.encoders, projection, flavour)


@pytest.fixture
def find(looks, facial_encoder):
    def run(number, people, *choices, flavour=CORRECTED):
        features = FacialFeatures(choices)
        return regions(number, People(tuple(people)), features, looks.encoders, facial_encoder, flavour)

    return run


def by_hand(looks, projection, pixels, vector, *, shortcut=False):
    read = looks.clip.tokens(clip_pixels(pixels)[None])
    return projection(vector, read, shortcut=shortcut, s_scale=1.0)


@pytest.mark.parametrize("flavour", [Published(SDXL), CORRECTED, Corrected(SDXL)])
def test_id_tokens_are_the_projected_vector_and_the_whole_photo(looks, projection, tokens, flavour):
    one = person()
    shown = one.photos[0]
    vector = normalize(looks.recogniser.vectors([shown.taken], [shown.picture]), dim=-1)
    expected = by_hand(looks, projection, shown.picture, vector, shortcut=flavour.pipeline.shortcut)
    torch.testing.assert_close(tokens(one, flavour), expected)


def test_published_sd15_shows_the_recogniser_exchanged_colours_and_the_image_encoder_the_right_ones(
    looks, projection, tokens
):
    shown = photo()
    got = tokens(person("Ada", shown), PUBLISHED)
    [seen] = looks.recogniser.seen
    assert np.array_equal(seen, shown.picture[..., ::-1])
    vector = normalize(looks.recogniser.vectors([shown.taken], [seen]), dim=-1)
    torch.testing.assert_close(got, by_hand(looks, projection, shown.picture, vector))


def test_the_mean_over_photos_follows_their_weights(tokens):
    one, two = photo(1), photo(2)
    both = tokens(person("Ada", one, replace(two, weight=3.0)))
    torch.testing.assert_close(both, (tokens(person("Ada", one)) + 3 * tokens(person("Ada", two))) / 4)
    assert not torch.allclose(tokens(person("Ada", one)), tokens(person("Ada", two)), atol=1e-3)


def test_published_takes_the_first_photo_alone(tokens):
    one, two = photo(1), photo(2)
    assert torch.equal(tokens(person("Ada", one, two), PUBLISHED), tokens(person("Ada", one), PUBLISHED))


@BOTH
def test_a_person_kept_without_a_face_has_a_vector_of_zeros(looks, projection, tokens, flavour):
    kept = photo(taken=False)
    expected = by_hand(looks, projection, kept.picture, torch.zeros(1, FACE))
    torch.testing.assert_close(tokens(person("Ada", kept), flavour), expected)
    assert looks.recogniser.seen == []


def test_somebody_without_a_photo_cannot_be_looked_at(tokens):
    with pytest.raises(InvalidSettingError, match='no photo of "Ada" to look at; connect one to Add Person'):
        tokens(replace(person(), photos=()))


def test_mixed_people_add_up_their_tokens(looks, projection, tokens):
    one, two = person("Ada", photo(1)), person("Bob", photo(2))
    mixed = person("both", photo(1), mixed=((one, 0.7), (two, 0.6)))
    torch.testing.assert_close(tokens(mixed), 0.7 * tokens(one) + 0.6 * tokens(two))
    with pytest.raises(InvalidSettingError, match=r'"both" is mixed of several people, but .* set "mode"'):
        encode_people([mixed], looks.encoders, projection, PUBLISHED)


def test_nobody_is_a_vector_of_zeros_and_an_empty_picture(looks, projection, facial_encoder):
    empty = looks.clip.tokens(torch.zeros(1, 3, 224, 224))
    expected = projection(torch.zeros(1, FACE), empty, shortcut=True, s_scale=1.0)
    torch.testing.assert_close(null_tokens(looks.encoders, projection, Published(SDXL)), expected)
    torch.testing.assert_close(null_region(looks.encoders, facial_encoder), facial_encoder.regions(empty[None])[0])


def test_people_are_encoded_in_their_order_with_nobody(looks, projection, tokens):
    people = [person("Ada", photo(1)), person("Bob", photo(2))]
    encoded = encode_people(people, looks.encoders, projection, CORRECTED)
    assert torch.equal(encoded.tokens, torch.cat([tokens(one) for one in people]))
    assert torch.equal(encoded.null_tokens, null_tokens(looks.encoders, projection, CORRECTED))
    with pytest.raises(InvalidSettingError, match="the published ConsistentID knows one only"):
        encode_people(people, looks.encoders, projection, PUBLISHED)


@pytest.mark.parametrize(
    ("missing", "said"),
    [("clip", "CLIP vision model .* models/clip_vision"), ("recogniser", r"w600k_r50\.onnx was not found; put")],
)
def test_a_missing_encoder_is_named_when_it_is_needed(looks, projection, missing, said):
    encoders = replace(looks.encoders, **{missing: None})
    with pytest.raises(MissingModelFileError, match=said):
        id_tokens(person(), encoders, projection, CORRECTED)


def test_without_a_face_no_recogniser_is_missed(looks, projection):
    encoders = replace(looks.encoders, recogniser=None, parser=None)
    assert id_tokens(person("Ada", photo(taken=False)), encoders, projection, CORRECTED).isfinite().all()


# --- regions ------------------------------------------------------------------------------------------------------------


def test_regions_are_read_from_the_photo_on_black(looks, facial_encoder, find):
    found = find(1, [person("Ada", photo(regions=("Nose", "Right_Eye", "Left_Eye", "Face")))])
    assert found.names == ("Face", "Left_Eye", "Nose")
    for region in found.regions:
        [shown] = region.pictures
        read = looks.clip.tokens(clip_pixels(shown)[None])  # small enough to be shown as it was encoded
        torch.testing.assert_close(region.vector, facial_encoder.regions(read[None])[0])
        assert region.strength == 1


@pytest.mark.parametrize(("pipeline", "size"), [(SD15, 512), (SDXL, 1280)])
def test_the_parser_sees_the_pipeline_s_size(looks, find, pipeline, size):
    find(1, [person()], flavour=Corrected(pipeline))
    assert looks.parser.sizes == [size]


def test_switches_and_strengths(looks, find):
    found = find(1, [person()], FeatureChoice(person=1, strengths={"eyes": 0.5, "mouth": 1.0}))
    assert found.names == ("Left_Eye", "Upper_Lip")
    assert found.by_feature()["eyes"].strength == 0.5
    assert len(looks.clip.seen) == 2, "what is switched off is not encoded"


def test_without_any_feature_no_parser_is_missed(looks, facial_encoder):
    encoders = replace(looks.encoders, parser=None)
    people = People((person(),))
    none = FacialFeatures((FeatureChoice(person=1, strengths={}),))
    assert regions(1, people, none, encoders, facial_encoder, CORRECTED).regions == ()
    with pytest.raises(MissingModelFileError, match=r"needs a face parser .* switch all features off"):
        regions(1, people, NO_WISHES, encoders, facial_encoder, CORRECTED)


def test_regions_are_means_over_photos_that_show_them(find):
    one, two = photo(1, ("Face", "Nose")), photo(2, ("Face",), weight=3.0)
    both = find(1, [person("Ada", one, two)]).by_feature()
    alone = [find(1, [person("Ada", each)]).by_feature() for each in (one, two)]
    torch.testing.assert_close(both["face"].vector, (alone[0]["face"].vector + 3 * alone[1]["face"].vector) / 4)
    torch.testing.assert_close(both["nose"].vector, alone[0]["nose"].vector)
    assert find(1, [person("Ada", two, one)], flavour=PUBLISHED).names == ("Face",)


def test_regions_of_mixed_people(find):
    one, two = person("Ada", photo(1)), person("Bob", photo(2, ("Face",)))
    mixed = find(1, [person("both", photo(1), mixed=((one, 0.6), (two, 0.4)))]).by_feature()
    alone = [find(1, [each]).by_feature() for each in (one, two)]
    torch.testing.assert_close(mixed["face"].vector, 0.6 * alone[0]["face"].vector + 0.4 * alone[1]["face"].vector)
    torch.testing.assert_close(mixed["nose"].vector, alone[0]["nose"].vector)


def test_others_give_what_a_person_lacks_or_has_switched_off(find):
    mine, hers = person("Ada", photo(1, ("Right_Eye", "Nose"))), person("Eve", photo(2, ("Face", "Left_Eye", "Nose")))
    choices = (
        FeatureChoice(person=1, strengths={"eyes": 1.0}, others_from=2),
        FeatureChoice(person=2, strengths={"face": 1.0, "nose": 0.5}),
    )
    found = find(1, [mine, hers], *choices).by_feature()
    own, lent = find(1, [mine]).by_feature(), find(1, [hers]).by_feature()
    assert list(found) == ["face", "eyes", "nose"]
    torch.testing.assert_close(found["eyes"].vector, own["eyes"].vector)
    torch.testing.assert_close(found["nose"].vector, lent["nose"].vector)
    assert (found["nose"].strength, found["eyes"].strength) == (0.5, 1.0)


@BOTH
@pytest.mark.parametrize(
    "lender", [person("Eve", photo(2), strength=0.0), person("Eve", photo(2, taken=False), is_left_out=True)]
)
def test_somebody_who_is_off_or_left_out_lends_features(find, flavour, lender):
    mine = person("Ada", photo(1, ("Nose",)))
    found = find(1, [mine, lender], FeatureChoice(person=1, others_from=2), flavour=flavour)
    assert found.names == ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")


def test_features_are_lent_along_a_chain(find):
    people = [person("Ada", photo(1, ("Nose",))), person("Bob", photo(2, ("Face",))), person("Eve", photo(3))]
    chain = (FeatureChoice(person=1, others_from=2), FeatureChoice(person=2, others_from=3))
    found = find(1, people, *chain).by_feature()
    torch.testing.assert_close(found["face"].vector, find(2, people).by_feature()["face"].vector)
    torch.testing.assert_close(found["mouth"].vector, find(3, people).by_feature()["mouth"].vector)


# --- nothing twice ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", [PUBLISHED, CORRECTED, Published(SDXL)], ids=["sd15", "corrected", "sdxl"])
def test_nothing_is_looked_at_twice(looks, projection, facial_encoder, flavour):
    """After name, strength, mask and order have changed, and in a person who was described anew."""

    def look(*people):
        chain = People(people)
        for number in range(1, 1 + len(people)):
            regions(number, chain, NO_WISHES, looks.encoders, facial_encoder, flavour)
            encode_people([people[number - 1]], looks.encoders, projection, flavour)

    def people(**settings):
        return [person(f"someone {settings}", photo(seed), **settings) for seed in (1, 2)]

    look(*people())
    before = looks.calls
    assert before == (13, 2, 2)  # of each photo five regions and the whole, and the empty picture
    look(*reversed(people(strength=0.5, mask=torch.ones(4, 4))))
    look(*people(start_percent=0.2))
    assert looks.calls == before


def test_a_photo_seen_through_another_encoder_is_new(looks, projection):
    id_tokens(person(), looks.encoders, projection, CORRECTED)
    looks.clip.key = "other weights"
    id_tokens(person(), looks.encoders, projection, CORRECTED)
    assert len(looks.clip.seen) == 2


def test_a_changed_pixel_is_another_photo(looks, facial_encoder):
    people = [person("Ada", photo(1))]
    regions(1, People(tuple(people)), NO_WISHES, looks.encoders, facial_encoder, CORRECTED)
    changed = picture(1)
    changed[30, 30] ^= 1
    people = [person("Ada", replace(photo(1), picture=changed))]
    regions(1, People(tuple(people)), NO_WISHES, looks.encoders, facial_encoder, CORRECTED)
    assert looks.parser.sizes == [512, 512]

"""ConsistentID's prompt as CONDITIONING, whatever the behaviour: sizes, encoders, and who is described."""

from dataclasses import replace

import pytest
import torch
from likeness.models.clip import text_ids
from likeness.models.consistentid.features import FeatureChoice
from likeness.models.consistentid.marked_text import MARKER
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People, PersonSettings
from likeness.tests.host.consistentid.prompts import changed_rows, ids_at
from likeness.tests.host.scheduled_clip import scheduled_clip

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("corrected", [False, True])
def test_sdxl_is_told_the_size(encode, corrected):
    size = {"width": 832, "height": 1216, "crop_w": 0, "crop_h": 0, "target_width": 832, "target_height": 1216}
    sdxl, sd15 = encode("sdxl", corrected=corrected), encode("sd15", corrected=corrected)
    for _, options in sdxl.positive + sdxl.negative:
        assert {key: options.get(key) for key in size} == size
    assert all("width" not in options for _, options in sd15.positive + sd15.negative)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_nobody_leaves_text_alone(encode, crowd, narrow_clip, name, corrected):
    encoded = encode(name, crowd(0), corrected=corrected, positive="a man", negative="ugly")
    clip = narrow_clip(name)
    for entries, text in ((encoded.positive, "a man"), (encoded.negative, "ugly")):
        if name == "sd15" and not corrected and text == "a man":
            continue  # the published joiner stays
        [[tensor, options]] = entries
        [[expected, _]] = clip.encode_from_tokens_scheduled(clip.tokenize(text))
        torch.testing.assert_close(tensor, expected)
        assert "likeness.owners" not in options


@pytest.mark.parametrize(("name", "clip"), [("sd15", "sdxl"), ("sdxl", "sd15")])
@pytest.mark.parametrize("corrected", [False, True])
def test_the_clip_of_the_other_architecture_is_refused(encode, narrow_clip, name, clip, corrected):
    from likeness.models.errors import IncompatibleBaseModelError

    wide = narrow_clip(clip, width=32)
    with pytest.raises(
        IncompatibleBaseModelError, match=r"This CLIP gives rows 32 wide, this ConsistentID adapter needs 24"
    ):
        encode(name, clip=wide, corrected=corrected)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_clip_skip(encode, narrow_clip, name, corrected):
    """CLIPSetLastLayer, in both modes ComfyUI's own."""
    clip = narrow_clip(name)
    skipped = clip.clone()
    skipped.clip_layer(-3)
    one, other = (encode(name, clip=which, corrected=corrected).positive for which in (clip, skipped))
    assert one[0][0].shape == other[0][0].shape
    assert not torch.allclose(one[0][0], other[0][0], atol=1e-3)


@pytest.mark.parametrize("corrected", [False, True])
@pytest.mark.parametrize("name", ["sd15", "sdxl", "inpaint"])
def test_a_schedule_of_clip_hooks(encode, narrow_clip, tiny_model, sample, name, corrected):
    """A CLIP with a hook that changes on the way gives several entries; each is fused and has its phases."""
    clip = scheduled_clip(narrow_clip("sdxl" if name == "sdxl" else "sd15"))
    encoded = encode(name, clip=clip, corrected=corrected)
    assert len(encoded.positive) == 4
    assert [options["clip_start_percent"] for _, options in encoded.positive] == [0.0, 0.5] * 2
    first, second = (tensor for tensor, _ in encoded.positive[2:])
    assert not torch.allclose(first, second, atol=1e-3)
    latent = sample(tiny_model(), size=(8, 8), steps=1, positive=encoded.positive, negative=encoded.negative)
    assert latent.isfinite().all()


# --- who is described ---------------------------------------------------------------------------------------------------

OFF = {
    "switched off": {"settings": PersonSettings(strength=0.0)},
    "an empty window": {"settings": PersonSettings(start_percent=0.5, end_percent=0.5)},
    "left out": {"is_left_out": True},
}
SAID = (
    FeatureChoice(person=1, caption="A long nose."),
    FeatureChoice(person=2, caption="A red face."),
    FeatureChoice(person=3, caption="Two blue eyes."),
)


def with_changed(people, place, **changes):
    return People(tuple(replace(one, **changes) if number == place else one for number, one in enumerate(people)))


@pytest.mark.parametrize("why", OFF)
def test_nobody_s_caption_is_written_who_does_not_act_and_numbers_stay(encode, narrow_clip, crowd, why):
    """The rows of the third person are still the third's, though the second is out."""
    people = with_changed(crowd(3), 1, **OFF[why])
    encoded = encode("sd15", people, *SAID, corrected=True)
    assert "red face" not in encoded.text
    assert [one.name for one in encoded.people] == ["person 1", "person 3"]
    owners = encoded.positive[0][1]["likeness.owners"]
    assert set(owners) == {-1, 0, 2}
    text = encoded.text.replace(f" {MARKER}", "")
    rows = [row for row, owner in enumerate(owners) if owner == 2]
    assert ids_at(narrow_clip(), text, rows) == text_ids("Two blue eyes.")


@pytest.mark.parametrize("why", OFF)
@pytest.mark.parametrize("corrected", [False, True])
def test_features_are_lent_by_somebody_who_does_not_act(encode, crowd, why, corrected):
    """In both behaviours, since one person acts."""
    people = with_changed(crowd(2), 1, **OFF[why])
    eyes_of_two = FeatureChoice(person=1, strengths={"face": 1.0}, others_from=2)
    lent = encode("sd15", people, eyes_of_two, corrected=corrected)
    alone = encode("sd15", People((people[0],)), corrected=corrected)
    [seen], [own] = lent.people, alone.people
    assert seen.regions.names == own.regions.names
    torch.testing.assert_close(seen.regions.by_feature()["face"].vector, own.regions.by_feature()["face"].vector)
    assert not torch.allclose(seen.regions.by_feature()["eyes"].vector, own.regions.by_feature()["eyes"].vector)
    assert lent.text == alone.text
    assert changed_rows(lent) == changed_rows(alone)
    assert not torch.allclose(lent.positive[1][0], alone.positive[1][0], atol=1e-3)


@pytest.mark.parametrize("corrected", [False, True])
def test_a_person_kept_without_a_face_is_described(encode, crowd, corrected):
    known = crowd()
    kept = with_changed(known, 0, photos=tuple(replace(photo, taken=None, faces=()) for photo in known[0].photos))
    encoded, expected = (encode("sd15", people, corrected=corrected) for people in (kept, known))
    torch.testing.assert_close(encoded.positive[1][0], expected.positive[1][0])


def test_wishes_that_do_not_fit_the_chain_are_refused(encode, crowd):
    with pytest.raises(
        InvalidSettingError, match="person of Set Facial Features is 2, but the chain has numbers 1 to 1"
    ):
        encode("sd15", crowd(), FeatureChoice(person=2))
    with pytest.raises(InvalidSettingError, match="go round in a circle"):
        encode("sd15", crowd(2), FeatureChoice(person=1, others_from=1), corrected=True)


def test_the_published_behaviour_describes_one_person(encode, crowd):
    with pytest.raises(InvalidSettingError, match="the published ConsistentID knows one only"):
        encode("sd15", crowd(2))

"""ConsistentID with real encoders under ComfyUI's memory management: what it needs, and that nothing is encoded twice."""

from dataclasses import replace

import pytest
import torch
from likeness.models.consistentid.facial_regions import FacialRegion
from likeness.models.errors import IncompatibleBaseModelError, MissingModelFileError
from likeness.models.people.person import People, PersonSettings
from likeness.tests.models.consistentid.small_encoders import SmallParser, SmallRecogniser, person, photo

pytestmark = pytest.mark.comfy


@pytest.fixture
def adapter(consistentid_files):
    from likeness.models.consistentid.checkpoint import load

    return load(consistentid_files())


@pytest.fixture
def watched(adapter, wide_vision):
    """An adapter with ComfyUI's own image encoder, and how many pictures each encoder has looked at."""
    from likeness.host.consistentid.adapter import new_consistentid
    from likeness.models.people.encodings import ENCODINGS

    ENCODINGS.clear()
    parser, recogniser, seen = SmallParser(), SmallRecogniser(512), []
    hook = wide_vision.model.register_forward_pre_hook(
        lambda _, args, given: seen.append(len(given["pixel_values"])), with_kwargs=True
    )

    def build(mode):
        return new_consistentid(adapter, clip_vision=wide_vision, face_parser=parser, recogniser=recogniser, mode=mode)

    yield build, lambda: (sum(seen), len(parser.sizes), len(recogniser.seen))
    hook.remove()
    ENCODINGS.clear()


def look(loaded, people):
    """All that prompt and application ask for."""
    from likeness.models.consistentid.features import NO_WISHES

    with torch.inference_mode():
        for number, one in enumerate(people, start=1):
            loaded.regions(number, people, NO_WISHES)
            loaded.encode([one])
        return loaded.null_region()


@pytest.mark.parametrize("mode", ["published", "corrected"])
def test_a_photo_is_encoded_once(watched, mode):
    """Re-applied with other name, strength, mask and order, also by an adapter that was loaded anew."""
    build, looked_at = watched
    loaded = build(mode)
    ada, bob = person("Ada", photo(1)), person("Bob", photo(2))
    look(loaded, People((ada, bob)))
    assert looked_at() == (13, 2, 2)  # of each photo five regions and the whole, and one empty picture
    settings = PersonSettings(strength=0.3, end_percent=0.5)
    look(loaded, People((replace(bob, name="Robert", settings=settings), replace(ada, mask=torch.ones(8, 8)))))
    look(build(mode), People((person("Eve", photo(1)),)))
    assert looked_at() == (13, 2, 2)
    look(loaded, People((person("Ada", photo(3)),)))
    assert looked_at() == (19, 3, 3)


def test_what_is_kept_is_no_inference_tensor(watched):
    build, _ = watched
    kept = build("corrected").encoders.tokens(torch.zeros(1, 3, 224, 224))
    look(build("corrected"), People((person("Ada", photo(1)),)))
    assert not build("corrected").encoders.tokens(torch.zeros(1, 3, 224, 224)).is_inference()
    assert not kept.is_inference()


def test_the_networks_are_offloaded_beside_the_model(adapter):
    from likeness.host.consistentid.adapter import new_consistentid

    loaded = new_consistentid(adapter)
    assert set(dict(loaded.encoder.model.named_children())) == {"projection", "facial_encoder"}
    assert loaded.attention.model is adapter.attention
    assert not any(parameter.requires_grad for parameter in loaded.encoder.model.parameters())


def test_an_image_encoder_of_another_width_is_refused(adapter, vision_model):
    from likeness.host.consistentid.adapter import new_consistentid

    narrow = vision_model(
        hidden_size=64, intermediate_size=16, num_attention_heads=4, num_hidden_layers=2, patch_size=56
    )
    with pytest.raises(IncompatibleBaseModelError, match=r"64 wide .* needs 1280"):
        new_consistentid(adapter, clip_vision=narrow)


def test_without_encoders_it_loads_and_says_what_is_missing_when_asked(adapter):
    from likeness.host.consistentid.adapter import new_consistentid

    loaded = new_consistentid(adapter)
    with pytest.raises(MissingModelFileError, match=r"w600k_r50\.onnx was not found"):
        loaded.encode([person()])
    with pytest.raises(MissingModelFileError, match="needs the CLIP vision model"):
        loaded.null_region()


def test_places_of_those_who_act():
    from likeness.host.people import acting_places

    people = People(
        (person(strength=0.0), person(), person(is_left_out=True), person("kept", photo(taken=False)), person())
    )
    assert acting_places(people, without_face=True) == [1, 3, 4]


def test_regions_are_fused_into_every_entry_and_the_given_ones_stay(consistentid):
    generator = torch.Generator().manual_seed(0)
    entries = [[torch.randn(1, 6, 24, generator=generator), {"number": number}] for number in range(2)]
    before = [tensor.clone() for tensor, _ in entries]
    region = FacialRegion(name="Nose", vector=torch.randn(1, 24, generator=generator))
    fused = consistentid().fuse(entries, [2], [region])
    for (tensor, _), (given, _), kept in zip(fused, entries, before, strict=True):
        assert torch.equal(given, kept)
        assert (tensor != given).any(-1)[0].nonzero().flatten().tolist() == [2]
    assert [options["number"] for _, options in fused] == [0, 1]
    assert consistentid().fuse(entries, [], []) is entries

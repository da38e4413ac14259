"""One chain of people in all methods at once: nothing about them is encoded twice, and what is drawn stays the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from likeness.models.miniature.files import BASE, CONSISTENTID, FACES, OMNIPORTRAIT, UNIPORTRAIT
from likeness.models.omniportrait.guidance_settings import GuidanceSettings
from likeness.models.people.encodings import ENCODINGS, pixels_hash
from likeness.models.people.person import People, PersonSettings

pytestmark = [
    pytest.mark.comfy,
    pytest.mark.skipif(
        not all(path.is_file() for path in (BASE, FACES, UNIPORTRAIT, CONSISTENTID, OMNIPORTRAIT)),
        reason="the miniature is not trained yet",
    ),
]

PROMPT = "a man in a red shirt on the left and a boy in a green shirt on the right, against white and grey stripes"
SIDE = 16  # of the latents
LEFT = torch.zeros(1, 64, 64)
LEFT[:, :, :32] = 1


@pytest.fixture(scope="module")
def miniature():
    from likeness.host.miniature import load_miniature

    return load_miniature()


@pytest.fixture
def seen(monkeypatch):
    """What the networks were shown, by kind of network, from an empty store on."""
    from likeness.host.encoders.backbone import ManagedBackbone
    from likeness.host.encoders.detector import DrawnFaces
    from likeness.host.encoders.image_encoder import ClipVisionEncoder
    from likeness.host.encoders.latents import VaeEncoder
    from likeness.host.encoders.parser import LoadedFaceParser

    shown: dict[str, Counter[Any]] = {}

    def note(kind, cls, method, of):
        original, shown[kind] = getattr(cls, method), Counter()

        def noting(self, *args):
            shown[kind].update(of(*args))
            return original(self, *args)

        monkeypatch.setattr(cls, method, noting)

    def pictures(batch, *_):
        return [pixels_hash(one) for one in batch]

    note("detector", DrawnFaces, "find", pictures)
    note("recogniser", ManagedBackbone, "vectors", lambda faces, pictures: map(pixels_hash, pictures))
    note("backbone", ManagedBackbone, "maps", pictures)
    note("parser", LoadedFaceParser, "labels", lambda picture, size: [(pixels_hash(picture), size)])
    note("clip", ClipVisionEncoder, "tokens", pictures)
    note("vae", VaeEncoder, "latents", pictures)
    ENCODINGS.clear()
    yield shown
    ENCODINGS.clear()


@dataclass(frozen=True)
class Wish:
    """How a person is to act.

    Attributes:
        portrait: which of the miniature's, 0 or 1.
        mask: where; None leaves that to a router.
        name, strength: theirs.
    """

    portrait: int
    mask: torch.Tensor | None
    name: str = ""
    strength: float = 1.0


WISHES = (Wish(0, LEFT, "Ann"), Wish(1, 1 - LEFT, "Ben"))


def chain(miniature, *wishes):
    """Photos to people, as Add Person makes them."""
    from likeness.host.encoders.detector import DRAWN
    from likeness.host.people import FaceChoice, make_person

    people = People()
    for wish in wishes:
        person, _ = make_person(
            miniature.portraits[wish.portrait],
            FaceChoice(detector=DRAWN),
            name=wish.name,
            mask=wish.mask,
            settings=PersonSettings(strength=wish.strength),
        )
        people = people.add(person)
    return people


def apply_all(miniature, people, where=None):
    """UniPortrait, ConsistentID and guidance in one MODEL, all placed alike; gives it and the conditioning."""
    from likeness.host.consistentid.application import apply as apply_consistentid
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.omniportrait.guidance import ReferenceLook, apply_guidance
    from likeness.host.placement import LoadedPlacement
    from likeness.host.sampling.delayed_conditioning import MergePoint
    from likeness.host.sampling.runs import sigma_window
    from likeness.host.uniportrait.application import apply as apply_uniportrait

    first = apply_uniportrait(miniature.model, miniature.uniportrait, people, where=where)
    second = apply_consistentid(first.model, miniature.consistentid, people, where=where)
    prompt = encode_prompt(
        miniature.consistentid, miniature.clip, people, positive=PROMPT, negative="", merge=MergePoint(),
        size=(8 * SIDE, 8 * SIDE),
    )  # fmt: skip
    third = apply_guidance(
        second.model,
        people,
        GuidanceSettings(strength=1.0, window=sigma_window(miniature.model, 0.0, 1.0), reference_percent=0.7),
        look=ReferenceLook(vae=miniature.vae, parser=miniature.face_parser, detail="fine"),
        where=where or LoadedPlacement("words"),
    )
    assert first.is_applied
    assert second.is_applied
    assert third.is_applied
    assert [line.is_in for applied in (first, second, third) for line in applied.lines] == [True] * 3 * len(people)
    return third.model, (prompt.positive, prompt.negative)


def draw(model, conds):
    import nodes

    latent = {"samples": torch.zeros(1, 4, SIDE, SIDE)}
    [found] = nodes.KSampler().sample(model, 1, 2, 2.0, "euler", "simple", *conds, latent)
    return found["samples"].clone()


@pytest.fixture
def run(miniature):
    """Photos to latents, as ComfyUI executes the nodes."""

    def photos_to_latents(*wishes, of=miniature):
        with torch.inference_mode():
            return draw(*apply_all(of, chain(of, *wishes)))

    return photos_to_latents


def counts(seen):
    return {kind: sum(each.values()) for kind, each in seen.items()}


def test_every_network_sees_every_picture_once(miniature, seen):
    with torch.inference_mode():
        apply_all(miniature, chain(miniature, *WISHES))
    assert {kind: each.most_common(1)[0][1] for kind, each in seen.items()} == dict.fromkeys(seen, 1)
    found = counts(seen)
    once_a_person = ("detector", "recogniser", "backbone", "vae", "parser")  # both that parse see the whole portrait
    assert {kind: found[kind] for kind in once_a_person} == dict.fromkeys(once_a_person, 2)
    assert found["clip"] > 5, "two faces, two photos, nobody, and facial regions"


def test_nobody_is_the_same_picture_for_every_method(miniature, seen):
    with torch.inference_mode():
        people = chain(miniature, *WISHES)
        miniature.uniportrait.encode(people, 0.3)
        assert counts(seen)["clip"] == 3, "two faces and nobody"
        miniature.consistentid.encode(people)
    assert counts(seen)["clip"] == 5, "two photos"


@pytest.mark.parametrize(
    "wishes",
    [
        (Wish(0, LEFT, "Zoe"), Wish(1, 1 - LEFT, "Yan")),
        (Wish(0, LEFT, strength=0.5), Wish(1, 1 - LEFT, strength=1.5)),
        (Wish(0, 1 - LEFT), Wish(1, LEFT)),
        (Wish(1, LEFT, "Ben"), Wish(0, 1 - LEFT, "Ann")),
        (Wish(1, LEFT),),
        WISHES,
    ],
    ids=["name", "strength", "mask", "order", "one alone", "the same again"],
)
def test_another_wish_encodes_nothing_more(miniature, seen, wishes):
    with torch.inference_mode():
        apply_all(miniature, chain(miniature, *WISHES))
        before = counts(seen)
        apply_all(miniature, chain(miniature, *wishes))
    assert counts(seen) == before


def test_loading_everything_anew_encodes_nothing_more(miniature, seen):
    """As a re-queue does where ComfyUI keeps no results."""
    from likeness.host.miniature import load_miniature

    with torch.inference_mode():
        apply_all(miniature, chain(miniature, *WISHES))
        before = counts(seen)
        again = load_miniature()
        apply_all(again, chain(again, *WISHES))
    assert counts(seen) == before


def test_all_of_it_draws_and_draws_the_same_again(run, seen):
    first = run(*WISHES)
    assert first.isfinite().all()
    run(*(Wish(1, LEFT, "Ben"), Wish(0, 1 - LEFT, "Ann")))
    assert torch.equal(run(*WISHES), first)


def test_what_was_encoded_before_changes_no_bit(miniature, run, seen):
    first = run(*WISHES)
    ENCODINGS.clear()
    with torch.inference_mode():
        alone = chain(miniature, WISHES[1])
        miniature.uniportrait.encode(alone, 0.3)
        miniature.consistentid.encode(alone)
    assert torch.equal(run(*WISHES), first)


def test_wishes_change_what_is_drawn(run, seen):
    first = run(*WISHES)
    others = {
        "strength": (Wish(0, LEFT, strength=0.2), WISHES[1]),
        "order": (Wish(1, LEFT), Wish(0, 1 - LEFT)),
        "mask": (Wish(0, torch.ones(1, 64, 64)), WISHES[1]),
    }
    assert {what: torch.equal(run(*wishes), first) for what, wishes in others.items()} == dict.fromkeys(others, False)
    assert torch.equal(run(*(Wish(0, LEFT, "Zoe"), Wish(1, 1 - LEFT, "Yan"))), first), "a name is only a name"


def test_one_router_may_place_people_for_all_methods(miniature):
    from likeness.host.placement import LoadedPlacement
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    where = LoadedPlacement("router", UniPortraitRouter(miniature.uniportrait, 0.3))
    with torch.inference_mode():
        people = chain(miniature, Wish(0, None, "Ann"), Wish(1, None, "Ben"))
        assert draw(*apply_all(miniature, people, where)).isfinite().all()

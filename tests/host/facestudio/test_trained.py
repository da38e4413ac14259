"""Trained FaceStudio on a MODEL: its contexts, its weights, and people in their places."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import (
    IncompatibleBaseModelError,
    InvalidSettingError,
    MissingModelFileError,
)
from likeness.models.facestudio.encode import contexts, face_vectors
from likeness.models.people.person import People
from likeness.tests.host.facestudio.conftest import TOKENS

pytestmark = pytest.mark.comfy

NOBODY = People()


@pytest.fixture
def apply(tiny_model, facestudio, style):
    from likeness.host.facestudio.method import Asked

    def run(people=NOBODY, *, kind="sd15", model=None, loaded=None, **asked):
        asked.setdefault("style", style())
        return (loaded or facestudio(kind)).apply(model or tiny_model(kind), Asked(people=people, **asked))

    return run


@pytest.fixture
def draw(sample):
    def run(applied, **settings):
        return sample(applied.model, positive=applied.positive, negative=applied.negative, **settings)

    return run


def halves(chain):
    left = torch.zeros(1, 128, 128)
    left[:, :, :64] = 1
    return People(tuple(replace(person, mask=mask) for person, mask in zip(chain, (left, 1 - left), strict=True)))


def middle_free(chain):
    masks = torch.zeros(len(chain), 1, 8, 8)
    masks[0, :, :, :3] = 1
    masks[1, :, :, 5:] = 1
    return People(tuple(replace(person, mask=mask) for person, mask in zip(chain, masks, strict=True)))


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("whole", [False, True])
def test_it_acts_on_both_base_models_and_comes_off_again(
    apply, draw, facestudio, tiny_model, chain, sample, kind, whole
):
    model = tiny_model(kind)
    before = {key: tensor.clone() for key, tensor in model.model.state_dict().items()}
    plain = sample(model)
    applied = apply(chain(1), kind=kind, model=model, loaded=facestudio(kind, whole=whole))
    drawn = draw(applied)
    assert applied.is_applied
    assert drawn.isfinite().all()
    assert not torch.equal(drawn, plain)
    assert torch.equal(sample(model), plain)
    assert all(torch.equal(before[key], tensor) for key, tensor in model.model.state_dict().items())


def test_one_person_is_the_whole_context(apply, facestudio, style, chain):
    applied = apply(chain(1), alpha=0.25, text=style("text", 5))
    loaded, people = facestudio(), chain(1).people
    wanted = contexts(
        loaded.adapter,
        0.25 * style().embedding + 0.75 * style("text", 5).embedding,
        face_vectors(people, loaded.recogniser),
        strengths=(1,),
    )
    torch.testing.assert_close(applied.positive[0][0], wanted.people)
    assert torch.equal(applied.negative[0][0], wanted.null)
    assert "likeness.owners" not in applied.positive[0][1]


def test_the_whole_unet_is_that_of_the_file(apply, draw, facestudio, tiny_model, sample):
    """Without people and with it, the other model draws the same from the same contexts."""
    applied = apply(loaded=facestudio(whole=True))
    other = sample(tiny_model(seed=8), positive=applied.positive, negative=applied.negative)
    torch.testing.assert_close(draw(applied), other, rtol=0, atol=1e-5)


def test_people_read_their_own_context_alone(apply, draw, chain):
    """Somebody else on the right changes nothing that is attended to on the left: the first layer's left half stays."""
    both = apply(halves(chain(2)))
    assert both.positive[0][0].shape[1] == 3 * TOKENS
    other = People((chain(2)[0], chain(3)[2]))
    assert not torch.equal(draw(both), draw(apply(halves(other))))


def test_masked_attention_is_the_region_of_each_alone(apply, chain, sample):
    """With one step and one row the first cross-attention tells: the same as drawn with each context alone, place by place."""
    from likeness.host.facestudio.contexts import marked
    from likeness.host.unet.attention import inject

    applied = apply(middle_free(chain(2)))
    count = applied.positive[0][0].shape[1] // TOKENS
    outs = {}
    for name, model, positive in [
        ("masked", applied.model, applied.positive),
        *(
            (each, apply().model, [[applied.positive[0][0][:, each * TOKENS : (each + 1) * TOKENS], marked({})]])
            for each in range(count)
        ),
    ]:
        witness = FirstLayer()
        sample(inject(model, [witness], name="test", adds=False), positive=positive, negative=applied.negative, steps=1)
        outs[name] = witness.hidden.unflatten(1, witness.grid)
    columns = {0: slice(6, 10), 1: slice(0, 6), 2: slice(10, 16)}  # of the background and of both people, of 16
    for each, where in columns.items():
        torch.testing.assert_close(outs["masked"][:, :, where], outs[each][:, :, where], rtol=0, atol=2e-6)


class FirstLayer:
    """Remembers what the second cross-attention layer of a level is given, before a convolution has mixed places."""

    def __init__(self):
        self.hidden = self.grid = None

    def wants(self, site):
        return site.kind == "cross" and site.index == 1

    def __call__(self, site, call):
        if self.hidden is None and call.polarity > 0:
            self.hidden, self.grid = call.hidden.clone(), call.grid


@pytest.mark.parametrize("background", ["none", "mean", "random", "nearest"])
def test_backgrounds_differ_where_nobody_is(apply, draw, chain, background):
    people = middle_free(chain(2))
    drawn = {each: draw(apply(people, background=each)) for each in {"none", background}}
    assert torch.equal(*drawn.values()) if len(drawn) == 2 and background == "none" else True
    if background != "none":
        assert not torch.equal(drawn["none"], drawn[background])


def test_random_backgrounds_go_by_their_seed(apply, draw, chain):
    people = middle_free(chain(2))
    first, again, other = (draw(apply(people, background="random", seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_frozen_backgrounds_need_masks_and_give_theirs(apply, chain):
    applied = apply(middle_free(chain(2)), background="freeze")
    assert applied.people_mask[0].mean(0).tolist() == [1, 1, 1, 0, 0, 1, 1, 1]
    assert "Set Latent Noise Mask" in applied.note
    with pytest.raises(InvalidSettingError, match="nobody has a mask"):
        apply(chain(1), background="freeze")


def test_places_are_recorded(apply, draw, chain):
    from likeness.host.sampling.runs import find_placement_maps

    applied = apply(halves(chain(2)))
    maps = find_placement_maps(applied.model, draw(applied)).maps[0]
    assert maps[0, :, :4].min() > 0.99
    assert maps[1, :, -4:].min() > 0.99


def test_a_window_ends(apply, draw, chain):
    from likeness.models.people.person import PersonSettings

    def with_window(end):
        return People((replace(chain(1)[0], settings=PersonSettings(end_percent=end)),))

    always, half = draw(apply(with_window(1.0))), draw(apply(with_window(0.5)))
    assert not torch.equal(always, half)


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_connected_prompts_are_refused(apply, conditioning, name):
    with pytest.raises(InvalidSettingError, match=f"{name} of Apply FaceStudio is connected"):
        apply(**{name: conditioning(1)})


def test_a_negative_text_is_the_negative_context(apply, facestudio, style):
    applied = apply(negative_text=style("text", 9))
    layer = facestudio().adapter.layer
    nobody = torch.zeros(1, layer.face_width)
    torch.testing.assert_close(applied.negative[0][0], layer(style("text", 9).embedding, nobody))


def test_styles_of_another_space_are_refused(apply, style):
    with pytest.raises(InvalidSettingError, match=r'"text" is of the space other \(12\)'):
        apply(text=style("text", name="other"))
    with pytest.raises(InvalidSettingError, match=r'"negative_text" is of the space other \(12\)'):
        apply(negative_text=style("text", name="other"))


def test_without_any_style_there_is_nothing_to_draw(apply):
    with pytest.raises(InvalidSettingError, match="Nothing says what the picture is to look like"):
        apply(style=None)


def test_alpha_without_its_source_is_said(apply):
    assert apply(alpha=0.5).note == "alpha is 1 and not 0.5: no text is connected."


def test_what_was_cut_from_a_text_is_said(apply, style):
    cut = replace(style("text"), note="The rest was left out: text by 3.")
    assert "text by 3" in apply(text=cut).note
    assert "text by 3" in apply(negative_text=cut).note


@pytest.mark.parametrize("by", ["words", "router"])
def test_ways_that_read_a_text_are_refused(apply, chain, by):
    from likeness.host.placement import LoadedPlacement

    with pytest.raises(InvalidSettingError, match=f"Place People is by {by}, and trained FaceStudio has no text"):
        apply(chain(2), where=LoadedPlacement(by))
    assert apply(halves(chain(2)), where=LoadedPlacement(by)).is_applied  # masks come first


def test_two_people_at_one_place_are_refused(apply, chain):
    with pytest.raises(InvalidSettingError, match="2 of 2 people have no mask"):
        apply(chain(2))


def test_an_empty_mask_is_said(apply, draw, chain):
    left = halves(chain(2))
    people = People((left[0], replace(left[1], mask=torch.zeros(1, 5, 7))))
    applied = apply(people)
    assert f"Nowhere, because the mask is empty: {people[1].name}." in applied.note
    assert draw(applied).isfinite().all()


def test_another_architecture_is_refused(apply, tiny_model, facestudio):
    with pytest.raises(IncompatibleBaseModelError, match="16 cross-attention layers"):
        apply(model=tiny_model("sdxl"))
    with pytest.raises(IncompatibleBaseModelError, match="a whole UNet that does not fit"):
        apply(model=tiny_model("sdxl"), loaded=facestudio(whole=True))


def test_a_missing_recogniser_is_named_when_it_is_needed(apply, facestudio, chain):
    blind = replace(facestudio(), recogniser=None)
    assert apply(loaded=blind).is_applied
    with pytest.raises(MissingModelFileError, match=r"w600k_r50\.onnx"):
        apply(chain(1), loaded=blind)


def test_sdxl_gets_a_pooled_vector(apply, facestudio, chain):
    loaded = facestudio(pooled=True)
    applied = apply(chain(1), loaded=loaded)
    pooled = loaded.adapter.pooled
    torch.testing.assert_close(applied.positive[0][1]["pooled_output"], pooled(applied.positive[0][0]))
    torch.testing.assert_close(applied.negative[0][1]["pooled_output"], pooled(loaded.adapter.layer.null()))

"""Words while a MODEL samples: areas, joined prompts, windows; prompts that name nobody or were changed."""

from __future__ import annotations

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.placement.found import Found
from likeness.models.placement.words import WordLook

pytestmark = pytest.mark.comfy

ROWS = ((0, 2), (1, 4), (1, 5))
NAMES = {0: "Ann", 1: "Ben"}


@pytest.fixture
def named(conditioning):
    """A builder: random text whose rows name Ann and Ben."""
    from likeness.host.named_text import name_rows

    return lambda seed=0, rows=ROWS, tokens=7, **options: name_rows(conditioning(seed, tokens, **options), rows)


@pytest.fixture
def looking(tiny_model, people):
    """A builder: a MODEL with two people at their words, and its look."""
    from likeness.host.looking.watch import watch
    from likeness.host.looking.words import WordWatch
    from likeness.host.unet.attention import inject

    def build(kind="sd15", names=NAMES, **options):
        look = WordLook(**options)
        model = tiny_model(kind)
        model = inject(model, [people(model, 2, placement=Found(look, tuple(names)))], name="test")
        watch(model, [WordWatch(look, names)])
        return model, look

    return build


@pytest.fixture
def seen(monkeypatch):
    """Everything that looks were shown."""
    calls, take = [], WordLook.take

    def watched(self, memory, what):
        calls.append(what)
        take(self, memory, what)

    monkeypatch.setattr(WordLook, "take", watched)
    return calls


def test_every_call_is_read_and_looking_changes_no_bit(tiny_model, sample, named, seen):
    from likeness.host.looking.watch import watch
    from likeness.host.looking.words import WordWatch

    plain = tiny_model()
    clone = plain.clone()
    watch(clone, [WordWatch(WordLook(), NAMES)])
    positive = named()
    assert torch.equal(sample(clone, positive=positive, steps=3), sample(plain, positive=positive, steps=3))
    assert len(seen) == 3
    assert all(set(each.attention.columns) == {0, 1} and each.samples == (0,) for each in seen)


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_what_is_seen_places_people_from_the_second_step_on(looking, sample, named, kind, monkeypatch):
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.models.placement import region_mask

    monkeypatch.setattr(region_mask, "LEAST_PEAK", 0.0)  # random weights attend to nothing in particular
    monkeypatch.setattr(region_mask, "LARGEST_AREA", 1.0)
    model, _ = looking(kind)
    with torch.inference_mode():
        latent = sample(model, positive=named(), steps=3, batch=2)
    maps = find_placement_maps(model, latent)
    first, *others = maps.steps
    assert torch.equal(first.maps, torch.full_like(first.maps, 0.5))
    assert not maps.missing
    assert set(maps.words) == {"Ann", "Ben"}
    assert maps.words["Ann"].shape[0] == 2
    for step in others:
        assert (step.maps.sum(1) <= 1 + 1e-6).all()
        assert step.maps.std() > 0.1


def test_who_is_never_seen_is_said_and_shares_as_chosen(looking, sample, named, monkeypatch):
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.models.placement import region_mask

    monkeypatch.setattr(region_mask, "LEAST_PEAK", 1e9)
    model, _ = looking()
    with torch.inference_mode():
        latent = sample(model, positive=named(), steps=2)
    maps = find_placement_maps(model, latent)
    assert maps.missing == {"Ann": frozenset({0}), "Ben": frozenset({0})}
    assert maps.is_missing("Ann", 0)
    torch.testing.assert_close(maps.maps, torch.full_like(maps.maps, 0.5))


def test_joined_prompts_areas_masks_and_windows_are_followed(looking, sample, named, seen):

    import nodes

    left = nodes.ConditioningSetArea().append(named(1, ((0, 2),)), 64, 128, 0, 0, 1.0)[0]
    right = nodes.ConditioningSetArea().append(named(2, ((1, 3),)), 64, 128, 64, 0, 1.0)[0]
    masked = nodes.ConditioningSetMask().append(named(3), torch.ones(1, 16, 16), "default", 1.0)[0]
    early = nodes.ConditioningSetTimestepRange().set_range(masked, 0.0, 0.5)[0]
    together = nodes.ConditioningCombine().combine(nodes.ConditioningCombine().combine(left, right)[0], early)[0]
    model, _ = looking()
    with torch.inference_mode():
        sample(model, positive=together, steps=2)
    crops = {(tuple(each.attention.columns), each.crop and (each.crop.left, each.crop.width)) for each in seen}
    assert ((0,), (0, 8)) in crops
    assert ((1,), (8, 8)) in crops
    assert ((0, 1), None) in crops


def test_a_text_that_is_repeated_in_a_batch_is_read_in_all_its_copies(tiny_model, sample, named, conditioning, seen):
    """The same picture with a negative prompt of another length, for which ComfyUI repeats ours."""
    from likeness.host.looking.watch import watch
    from likeness.host.looking.words import WordWatch

    clone = tiny_model().clone()
    watch(clone, [WordWatch(WordLook(), NAMES)])
    sample(clone, positive=named(), negative=conditioning(9, 7), steps=1)
    sample(clone, positive=named(), negative=conditioning(9, 14), steps=1)
    alone, repeated = seen
    for place in (0, 1):
        torch.testing.assert_close(
            alone.attention.columns[place], repeated.attention.columns[place], atol=1e-5, rtol=1e-4
        )


def test_a_prompt_without_names_and_one_without_somebody_are_refused(looking, sample, conditioning, named):
    model, _ = looking()
    with pytest.raises(
        InvalidSettingError, match=r'no prompt names "Ann" \(@id1\), "Ben" \(@id2\); encode .* Encode People Prompt'
    ):
        sample(model, positive=conditioning(1))
    with pytest.raises(InvalidSettingError, match=r'no word of the prompt is "Ben" \(@id2\)'):
        sample(model, positive=named(rows=((0, 2),)))


@pytest.mark.parametrize("node", ["average", "concat"])
def test_a_prompt_whose_rows_were_moved_or_mixed_is_refused(looking, sample, conditioning, named, node):
    import nodes

    if node == "average":
        [changed] = nodes.ConditioningAverage().addWeighted(named(), conditioning(5), 0.6)
    else:
        [changed] = nodes.ConditioningConcat().concat(named(), conditioning(5))
    model, _ = looking()
    with pytest.raises(InvalidSettingError, match=r"moved or mixed the rows of the prompt .*Conditioning Combine"):
        sample(model, positive=changed)


def test_a_prompt_that_is_only_scaled_still_names_people(looking, sample, named):
    model, _ = looking()
    scaled = [[1.5 * text, options] for text, options in named()]
    assert torch.isfinite(sample(model, positive=scaled)).all()


def test_two_methods_with_one_look_read_once(looking, sample, named, seen):
    from likeness.host.looking.watch import watch
    from likeness.host.looking.words import WordWatch

    model, look = looking()
    watch(model, [WordWatch(look, {1: "Ben", 2: "Cid"})])
    with pytest.raises(InvalidSettingError, match=r'is "Cid" \(@id3\)'):
        sample(model, positive=named(), steps=2)
    sample(model, positive=named(rows=(*ROWS, (2, 6))), steps=2)
    assert len(seen) == 2


def test_a_run_that_goes_on_where_another_ended_begins_with_what_was_found(looking, sample, named, monkeypatch):
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.models.placement import region_mask

    monkeypatch.setattr(region_mask, "LEAST_PEAK", 0.0)  # random weights attend to nothing in particular
    monkeypatch.setattr(region_mask, "LARGEST_AREA", 1.0)
    model, _ = looking()
    with torch.inference_mode():
        first = sample(model, positive=named(), steps=2)
        second = sample(model, positive=named(), steps=2, latent=first)
        other = sample(model, positive=named(), steps=2, latent=first + 1)
    shared = [find_placement_maps(model, latent).steps[0].maps for latent in (first, second, other)]
    assert [torch.equal(maps, torch.full_like(maps, 0.5)) for maps in shared] == [True, False, True]


@pytest.mark.parametrize("size", [(18, 14), (9, 31)])
def test_latents_of_odd_sizes_are_read(tiny_model, sample, named, seen, size):
    from likeness.host.looking.watch import watch
    from likeness.host.looking.words import WordWatch

    clone = tiny_model().clone()
    watch(clone, [WordWatch(WordLook(), NAMES)])
    sample(clone, positive=named(), steps=1, size=size)
    [only] = seen
    height, width = only.attention.grid
    assert all(len(layer.query[0]) == height * width for layer in only.attention.layers)


def test_a_controlnet_changes_nothing_of_what_names_people(looking, sample, named, seen):
    from comfy.controlnet import ControlBase

    class Control(ControlBase):
        """Adds nothing."""

        def get_control(self, x, *others):
            del x, others

        def get_models(self):
            return []

        def inference_memory_requirements(self, dtype):
            return 0

    model, _ = looking()
    controlled = [[text, {**options, "control": Control()}] for text, options in named()]
    with torch.inference_mode():
        sample(model, positive=controlled)
        sample(model, positive=named())
    assert [set(each.attention.columns) for each in seen] == [{0, 1}] * 4
    torch.testing.assert_close(seen[0].attention.columns[0], seen[2].attention.columns[0], atol=1e-4, rtol=1e-3)

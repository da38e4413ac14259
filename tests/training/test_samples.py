"""Sample grids: the sampler's arithmetic, who is shown where, the same pictures every time, nothing left behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import load_base, new_schedule
from likeness.diffusers_host.text_encoders import TextCondition, encode_prompts
from likeness.models.uniportrait.encode import ReferenceFeatures
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.small_world import WIDTH, small_batch, stage_one, stage_two
from likeness.training import samples
from likeness.training.config.sections import SamplesConfig
from likeness.training.references import Reference
from likeness.training.samples import SampleSheet, Sitter, encode_sheet, write_samples

SIZE = 16  # pixels; the tiny VAE has no levels, so the latents have the same side
PROMPTS = ("a woman in the snow", "a woman reads")


def sitter(number: int) -> Sitter:
    one = small_batch(rows=1, contents=[number])
    crop = np.full((224, 224, 3), 20 * number, np.uint8)
    features = ReferenceFeatures(intrinsic=one.intrinsic[0], structure=one.structure[0])
    return Sitter(Reference(f"person {number}", crop), features)


def text_for(prompts: int, *, pooled: bool) -> TextCondition:
    generator = torch.Generator().manual_seed(5)
    tokens = torch.randn(prompts + 1, 7, WIDTH, generator=generator)
    return TextCondition(tokens=tokens, pooled=torch.randn(prompts + 1, 16, generator=generator) if pooled else None)


def sheet_for(method, *, people=1, together=False, prompts=PROMPTS[:1], seeds=(0,), steps=2, guidance=3.0):
    return SampleSheet(
        method=method,
        config=SamplesConfig(prompts=prompts, seeds=seeds, steps=steps, guidance=guidance),
        size=SIZE,
        sitters=tuple(sitter(number + 1) for number in range(people)),
        together=together,
        text=text_for(len(prompts), pooled=method.base.family == "sdxl"),
    )


@pytest.fixture
def drawn(monkeypatch):
    """A function: a sheet to the pictures and captions that it lays out, and the number of columns."""

    def draw(sheet):
        laid = []
        monkeypatch.setattr(
            samples, "contact_sheet", lambda pictures, captions, columns: laid.append((pictures, captions, columns))
        )
        sheet.draw()
        [(pictures, captions, columns)] = laid
        return pictures, captions, columns

    return draw


def watch(method, look):
    """Call `look` with the positional and keyword arguments of every call of the UNet."""
    return method.base.unet.register_forward_pre_hook(lambda _, args, given: look(args, given), with_kwargs=True)


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("prediction", ["eps", "v"])
def test_the_same_weights_draw_the_same_grid(family, prediction):
    sheet = sheet_for(stage_one(family, prediction=prediction), seeds=(0, 1))
    first = sheet.draw()
    torch.manual_seed(77)
    assert first.dtype == np.uint8
    assert np.array_equal(first, sheet.draw())


@pytest.mark.parametrize(("prediction", "zero_terminal"), [("eps", False), ("v", False), ("v", True)])
@pytest.mark.parametrize(("guidance", "calls"), [(1.0, 1), (3.0, 2)])
def test_a_perfect_model_is_followed_to_its_picture(monkeypatch, drawn, prediction, zero_terminal, guidance, calls):
    """A model that knows the clean latents leads there from any noise; guidance then extrapolates between two of them."""
    method = stage_one(prediction=prediction)
    schedule = new_schedule(prediction, zero_terminal=zero_terminal)
    method.base = replace(method.base, schedule=schedule)
    generator = torch.Generator().manual_seed(3)
    with_face, without = torch.randn(2, 1, 4, SIZE, SIZE, generator=generator).unbind()
    shown, timesteps = [], []
    monkeypatch.setattr(method, "show", lambda batch, *, nobody: shown.append(nobody.tolist()) or batch)

    def predict(base, latents, timestep, batch):
        timesteps.extend(timestep.tolist())
        kept = schedule.alphas_cumprod[timestep].view(-1, 1, 1, 1)
        clean = torch.cat([without if hidden else with_face for hidden in shown[-1]])
        assert torch.equal(batch.text, sheet.text.tokens[[1 if hidden else 0 for hidden in shown[-1]]])
        noise = (latents - kept.sqrt() * clean) / (1 - kept).sqrt()
        return noise if prediction == "eps" else kept.sqrt() * noise - (1 - kept).sqrt() * clean

    monkeypatch.setattr(samples, "predict", predict)
    sheet = sheet_for(method, steps=5, guidance=guidance)
    pictures, _, _ = drawn(sheet)
    target = without + guidance * (with_face - without)
    with torch.no_grad():
        expected = ((method.base.vae.decode(target / 0.18215).sample[0] + 1) * 127.5).clamp(0, 255)
    assert np.abs(pictures[1].astype(float) - expected.permute(1, 2, 0).numpy()).max() <= 0.6
    assert timesteps == [timestep for timestep in (999, 799, 599, 399, 199) for _ in range(calls)]
    assert len(shown) == 1  # once for a picture, not once for a step


@pytest.mark.parametrize("steps", [1, 25, 61, 103, 1000])
def test_as_many_steps_as_asked_lead_down_to_the_picture(monkeypatch, steps):
    timesteps = []

    def predict(base, latents, timestep, batch):
        timesteps.append(int(timestep))
        return torch.zeros_like(latents)

    monkeypatch.setattr(samples, "predict", predict)
    sheet_for(stage_one(), steps=steps, guidance=1.0).draw()
    assert len(timesteps) == steps
    assert timesteps[0] == 999
    assert timesteps == sorted(set(timesteps), reverse=True)
    assert 0 <= timesteps[-1] < 1000 / steps


def test_one_person_in_each_picture_gives_a_column_per_person_and_seed(drawn):
    sheet = sheet_for(stage_one(), people=2, prompts=PROMPTS, seeds=(3, 4))
    pictures, captions, columns = drawn(sheet)
    assert columns == 4
    assert captions == [
        *("person 1", "person 1", "person 2", "person 2"),
        *(f"seed {seed}: {prompt}" for prompt in PROMPTS for seed in (3, 4, 3, 4)),
    ]
    assert [head[0, 0, 0] for head in pictures[:4]] == [20, 20, 40, 40]
    assert len({picture.tobytes() for picture in pictures[4:]}) == 8  # person, seed and prompt all count
    assert {picture.shape for picture in pictures[4:]} == {(SIZE, SIZE, 3)}


def test_a_picture_of_one_person_does_not_depend_on_the_others(drawn):
    pictures, _, _ = drawn(sheet_for(stage_one(), people=2))
    alone, _, _ = drawn(replace(sheet_for(stage_one(), people=1), sitters=(sitter(2),)))
    assert np.array_equal(pictures[3], alone[1])


@pytest.mark.parametrize(("people", "seeds"), [(3, (0, 1)), (2, (0, 1, 2))])
def test_everybody_together_gives_a_column_per_seed(drawn, people, seeds):
    method, seen = stage_two(), []
    watch(method, lambda args, given: seen.append(method.shown.residual.tokens.shape[:2]))
    pictures, captions, columns = drawn(sheet_for(method, people=people, together=True, prompts=PROMPTS, seeds=seeds))
    assert columns == 3
    heads = [f"person {number + 1}" for number in range(people)] + [""] * (3 - people)
    rows = [[f"seed {seed}: {prompt}" for seed in seeds] + [""] * (3 - len(seeds)) for prompt in PROMPTS]
    assert captions == heads + rows[0] + rows[1]
    assert len(pictures) == 9
    assert set(seen) == {(2, people)}  # with nobody and with everybody


@pytest.mark.parametrize("changed", [0, 1, 2])
def test_each_of_those_together_counts(drawn, changed):
    sheet = sheet_for(stage_two(), people=3, together=True, guidance=1.0)
    sitters = [sitter(9) if place == changed else one for place, one in enumerate(sheet.sitters)]
    before, _, _ = drawn(sheet)
    after, _, _ = drawn(replace(sheet, sitters=tuple(sitters)))
    assert not np.array_equal(before[3], after[3])


def test_sdxl_reads_the_whole_square_and_the_pooled_text():
    method, seen = stage_one("sdxl"), []
    watch(method, lambda args, given: seen.append(given["added_cond_kwargs"]))
    sheet = sheet_for(method, steps=1)
    sheet.draw()
    [one] = seen
    assert one["time_ids"].tolist() == [[16, 16, 0, 0, 16, 16]] * 2
    assert torch.equal(one["text_embeds"], sheet.text.pooled.flip(0))  # the empty prompt's, then the prompt's


def test_drawing_leaves_training_as_it_was():
    method, batch = stage_two(), small_batch(people=2)
    loss = method(batch)["loss"]
    loss.backward()
    gradients = [weight.grad.clone() for weight in method.trained()]
    weights = [weight.detach().clone() for weight in method.trained()]
    modes, state = [module.training for module in method.modules()], torch.get_rng_state()
    graphs = []
    hook = watch(method, lambda args, given: graphs.append(torch.is_grad_enabled()))
    sheet_for(method, people=2, together=True).draw()
    hook.remove()
    assert set(graphs) == {False}
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in method.modules()] == modes
    for weight, before, gradient in zip(method.trained(), weights, gradients, strict=True):
        assert weight.requires_grad
        assert torch.equal(weight, before)
        assert torch.equal(weight.grad, gradient)
    assert torch.equal(method(batch)["loss"], loss)


def test_a_base_in_half_precision_is_drawn_with(drawn):
    method = stage_one()
    sheet = sheet_for(method)
    full, _, _ = drawn(sheet)
    method.base.unet.to(torch.bfloat16)
    half, _, _ = drawn(sheet)
    assert np.abs(full[1].astype(float) - half[1]).mean() < 4


def test_the_empty_prompt_stands_behind_the_others():
    base = load_base(small_checkpoint("sd15"))
    text = encode_sheet(base, SamplesConfig(prompts=PROMPTS))
    assert text.tokens.shape[0] == 3
    torch.testing.assert_close(text.tokens[2:], encode_prompts(base.text_encoders, [""]).tokens)


def test_a_grid_is_written_under_its_step(tmp_path):
    grid = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    path = write_samples(tmp_path / "samples", 1000, grid)
    assert [entry.name for entry in (tmp_path / "samples").iterdir()] == ["step-00001000.png"]
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image), grid)

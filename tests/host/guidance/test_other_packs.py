"""Guidance beside what other packs do to a MODEL: their patches, wrappers and layers run inside the graph of a guided step."""

from __future__ import annotations

import pytest
import torch
from likeness.tests.host.omniportrait.small_guidance import apply, by_words, half
from likeness.tests.host.omniportrait.small_guidance import people as in_photos

pytestmark = pytest.mark.comfy


def core_node(module, name, *args):
    """What a node of ComfyUI's own makes of its arguments, in inference mode as it is executed."""
    from importlib import import_module

    node = getattr(import_module(f"comfy_extras.{module}"), name)
    with torch.inference_mode():
        found = node.execute(*args) if hasattr(node, "execute") else getattr(node(), node.FUNCTION)(*args)  # of 0.3.64
    return getattr(found, "args", found)[0]


def patched(model, kind, patch):
    """A clone of a MODEL with one patch, made in inference mode as nodes are executed."""
    with torch.inference_mode():
        clone = model.clone()
        clone.set_model_patch(patch, kind)
        return clone


def with_people(model, people):
    """A clone of a MODEL with people in its attention."""
    from likeness.host.memory import manage
    from likeness.host.unet.attention import inject

    with torch.inference_mode():
        residual = people(model)
        weights = [manage(residual.attention), manage(residual.placement.routers)]
        return inject(model, [residual], name="people", weights=weights)


def guided(model):
    return apply(model, in_photos(half())).model


FREE_U = [("FreeU", (1.1, 1.2, 0.9, 0.2)), ("FreeU_V2", (1.3, 1.4, 0.9, 0.2))]


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize(("name", "values"), FREE_U)
def test_freeu_draws_guided_whichever_comes_first(loaded_model, drawn, name, values, is_first):
    """It writes into the hidden states whose features are read, and must not write into these."""

    def freed(model):
        return core_node("nodes_freelunch", name, model, *values)

    plain = drawn(freed(loaded_model))
    found = drawn(guided(freed(loaded_model)) if is_first else freed(guided(loaded_model)))
    assert torch.isfinite(found).all()
    assert not torch.equal(found, plain)


def output_block(h, skip, options, is_in_place):
    return (h.mul_(1.1), skip.mul_(0.9)) if is_in_place else (h * 1.1, skip * 0.9)


def input_block(h, options, is_in_place):
    return h.mul_(1.1) if is_in_place else h * 1.1


def attention_output(n, options, is_in_place):
    return n.mul_(1.1) if is_in_place else n * 1.1


def attention_input(n, context, value, options, is_in_place):
    return (n.mul_(1.1) if is_in_place else n * 1.1), context, value


PATCHES = {
    "output_block_patch": output_block,
    "input_block_patch": input_block,
    "attn1_output_patch": attention_output,
    "attn2_output_patch": attention_output,
    "attn2_patch": attention_input,
}


@pytest.mark.parametrize("kind", PATCHES)
def test_patches_that_write_in_place_do_what_they_do_with_tensors_of_their_own(loaded_model, people, drawn, kind):
    """Also behind people in the attention, whose residual has noted what the layer was given."""
    from functools import partial

    model = guided(with_people(loaded_model, people))
    found = [
        drawn(patched(model, kind, partial(PATCHES[kind], is_in_place=is_in_place))) for is_in_place in (True, False)
    ]
    assert torch.equal(*found)


def test_what_the_sampler_is_given_may_be_written_into(loaded_model, drawn):
    """Between the conds and the end of the step a node may write into what each side gave."""

    def before_guidance(args, is_in_place):
        return [each.mul_(0.9) if is_in_place else each * 0.9 for each in args["conds_out"]]

    found = []
    for is_in_place in (True, False):
        with torch.inference_mode():
            model = guided(loaded_model)
            model.set_model_sampler_pre_cfg_function(lambda args, way=is_in_place: before_guidance(args, way))
        found.append(drawn(model))
    assert torch.equal(*found)


def test_a_wrapper_may_write_into_the_latent_it_is_given(loaded_model, drawn):
    def wrap(apply_model, args, is_in_place):
        x = args["input"]
        return apply_model(x.mul_(0.99) if is_in_place else x * 0.99, args["timestep"], **args["c"])

    found = []
    for is_in_place in (True, False):
        with torch.inference_mode():
            model = guided(loaded_model)
            model.set_model_unet_function_wrapper(lambda f, args, way=is_in_place: wrap(f, args, way))
        found.append(drawn(model))
    assert torch.equal(*found)


def test_what_a_controlnet_adds_to_skips_changes_no_gradient(loaded_model, drawn, conditioning, monkeypatch):
    """ComfyUI adds it in place, to hidden states that the next input block has read and may read again for its gradient."""
    from comfy.controlnet import ControlBase
    from likeness.host.guidance import guided_pass

    class Control(ControlBase):
        def get_control(self, x, *others):
            x.mul_(2)
            added = torch.full((len(x), 128, 2, 2), 0.3)
            return {"output": [None] * 9 + [added] * 3}  # the last is for the first output block

    found = []
    for is_saving in (False, True):
        monkeypatch.setattr(guided_pass, "is_short", lambda *_, way=is_saving: way)
        found.append(drawn(guided(loaded_model), positive=conditioning(10, control=Control())))
    assert not torch.equal(found[0], drawn(guided(loaded_model)))
    torch.testing.assert_close(*found, atol=1e-4, rtol=1e-4)


def test_only_beside_others_is_anything_of_torch_changed(loaded_model, drawn, people, monkeypatch):
    """It costs time in every operation, which graphs of ours alone do not pay."""
    from likeness.host.guidance import other_packs

    entered = []
    enter = other_packs.copied_before_writing
    monkeypatch.setattr(other_packs, "copied_before_writing", lambda: entered.append(1) or enter())
    ours = guided(with_people(loaded_model, people))
    drawn(ours, steps=1)
    assert entered == []
    drawn(patched(ours, "attn1_output_patch", lambda n, options: n), steps=1)
    assert entered == [1]


def sampled_in(mode):
    """A function wrapper that runs the network in a mode, as nodes do that draw a picture in tiles."""

    def whole(apply_model, args):
        with mode():
            return apply_model(args["input"], args["timestep"], **args["c"])

    return whole


def wrapped(model, wrapper):
    with torch.inference_mode():
        clone = model.clone()
        clone.set_model_unet_function_wrapper(wrapper)
        return clone


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_where_no_gradient_can_be_had_it_is_said(loaded_model, drawn, mode):
    """A picture as without guidance and not a word would be taken for nobody found."""
    from likeness.models.errors import LikenessError

    with pytest.raises(LikenessError, match="without gradients, so nobody can be pulled; bypass"):
        drawn(wrapped(guided(loaded_model), sampled_in(mode)))


def test_where_a_picture_is_shown_in_parts_it_is_said(loaded_model, drawn):
    from likeness.models.errors import LikenessError

    def in_halves(apply_model, args):
        options = args["c"]
        halves = args["input"].chunk(2, -1)
        return torch.cat([apply_model(half, args["timestep"], **options) for half in halves], -1)

    assert torch.isfinite(drawn(wrapped(loaded_model, in_halves))).all()
    with pytest.raises(LikenessError, match=r"16×8 in place of 16×16.* bypass"):
        drawn(wrapped(guided(loaded_model), in_halves))


def test_where_the_network_is_left_out_it_is_logged_once(loaded_model, drawn, caplog):
    """As packs do that take the result of an earlier step."""
    calls = []

    def seldom(apply_model, args):
        calls.append(1)
        return args["input"] if len(calls) > 4 else apply_model(args["input"], args["timestep"], **args["c"])

    drawn(wrapped(guided(loaded_model), seldom), steps=4)
    assert caplog.text.count("did not run") == 1


def hypernetwork(folder, **options):
    """A file as ComfyUI's loader reads it, for contexts and hidden states of two widths."""
    generator = torch.Generator().manual_seed(7)

    def part(width):
        weights = {}
        for number, shape in enumerate(((2 * width, width), (width, 2 * width))):
            weights[f"linear.{2 * number}.weight"] = torch.randn(shape, generator=generator) * 0.05
            weights[f"linear.{2 * number}.bias"] = torch.zeros(shape[0])
            if options.get("is_layer_norm"):
                weights[f"linear.{2 * number + 1}.weight"] = torch.ones(shape[0])
                weights[f"linear.{2 * number + 1}.bias"] = torch.zeros(shape[0])
        return weights

    path = folder / "hypernetwork.pt"
    torch.save({**options, **{width: [part(width), part(width)] for width in (24, 64, 128)}}, path)
    return path


@pytest.mark.parametrize("options", [{}, {"is_layer_norm": True, "activation_func": "swish"}])
def test_a_hypernetworks_layers_are_constants_of_the_graph(loaded_model, drawn, tmp_path, options):
    from comfy_extras.nodes_hypernetwork import load_hypernetwork_patch

    with torch.inference_mode():
        model = loaded_model.clone()
        patch = load_hypernetwork_patch(str(hypernetwork(tmp_path, **options)), 1.0)
        model.set_model_attn1_patch(patch)
        model.set_model_attn2_patch(patch)
    plain = drawn(model)
    assert not torch.equal(plain, drawn(loaded_model))
    found = drawn(guided(model))
    assert torch.isfinite(found).all()
    assert not torch.equal(found, plain)
    assert all(
        not each.requires_grad or each.grad is None for net in patch.hypernet.values() for each in net.parameters()
    )


@pytest.mark.parametrize("kind", ["output_block_patch", "attn1_output_patch", "attn2_patch"])
def test_what_other_nodes_made_in_inference_mode_is_a_constant_of_the_graph(loaded_model, drawn, kind):
    """Against the same numbers in an ordinary tensor."""
    found = []
    for is_inference in (True, False):
        with torch.inference_mode(is_inference):
            factor = torch.full((1,), 1.1)
        patches = {
            "output_block_patch": lambda h, skip, options, by=factor: (h * by, skip * by),
            "attn1_output_patch": lambda n, options, by=factor: torch.lerp(n, n * by, by),
            "attn2_patch": lambda n, context, value, options, by=factor: (n * by, context, value),
        }
        found.append(drawn(patched(guided(loaded_model), kind, patches[kind])))
    assert torch.equal(*found)


def test_a_tensor_that_may_not_be_written_into_is_told_of(loaded_model, drawn):
    """A node that keeps hidden states from step to step in a tensor that was made in inference mode."""
    from likeness.models.errors import LikenessError

    kept = {}

    def keep(n, options):
        where = options["block"], tuple(n.shape)
        if where not in kept:
            with torch.inference_mode():
                kept[where] = torch.zeros(n.shape)
        kept[where].copy_(n)
        return n

    assert torch.isfinite(drawn(patched(loaded_model, "attn1_output_patch", keep))).all()
    with pytest.raises(LikenessError, match=r"test_other_packs \(keep\) works"):
        drawn(patched(guided(loaded_model), "attn1_output_patch", keep))


@pytest.mark.parametrize(
    ("module", "name", "values"),
    [("nodes_tomesd", "TomePatchModel", (0.5,)), ("nodes_hypertile", "HyperTile", (32, 1, 0, False))],
)
def test_where_positions_are_merged_the_prompt_is_not_blamed(loaded_model, drawn, conditioning, module, name, values):
    from likeness.models.errors import LikenessError

    model = core_node(module, name, apply(loaded_model, in_photos(None), by_words()).model, *values)
    named = conditioning(10, **{"likeness.named rows": ((0, 2),)})
    with pytest.raises(LikenessError, match=r"positions of the picture .* at their word; bypass"):
        drawn(model, positive=named)

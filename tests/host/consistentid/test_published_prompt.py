"""The published prompt as CONDITIONING, to the letter."""

import pytest
import torch
from likeness.models.clip import text_ids
from likeness.models.consistentid.facial_prompt import assemble
from likeness.models.consistentid.features import FeatureChoice
from likeness.models.consistentid.marked_text import MARKER, mark
from likeness.tests.host.consistentid.prompts import CAPTIONS, LONG, NAMES, NEGATIVE, PROMPT, by_hand, literal, spied

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("positive", [PROMPT, "", LONG, '"quoted"\nnew line 😀 (unbalanced', "one (face), my nose"])
@pytest.mark.parametrize("name", ["sd15", "inpaint"])
def test_published_ids_are_those_of_the_published_code(encode, narrow_clip, monkeypatch, name, positive):
    clip = narrow_clip()
    given = spied(clip, monkeypatch)
    text = encode(name, clip=clip, positive=positive).text
    prompt = assemble(positive, NAMES, flavour=name)
    expected = mark(prompt.text, text_ids, pad=49407)
    assert text == prompt.text
    given = [rows for rows in given if len(rows["l"][0]) == 77]
    assert given[0] == {"l": [expected.ids.tolist()]}
    plain = text_ids(prompt.plain)[:75]
    assert given[1] == {"l": [[49406, *plain, 49407, *[49407] * (75 - len(plain))]]}


@pytest.mark.parametrize("positive", [PROMPT, LONG])
def test_published_rows(encode, consistentid, narrow_clip, crowd, positive):
    """By rank: the first region goes into the first marked word, whatever it is; the negative takes empty pictures."""
    clip = narrow_clip()
    encoded = encode(positive=positive)
    prompt = assemble(positive, NAMES, flavour="sd15")
    rows = list(mark(prompt.text, text_ids, pad=49407).positions)
    assert len(rows) == 5

    [text_only, plain_options], [merged, options] = encoded.positive
    [[negative, _]] = encoded.negative
    assert options["likeness.named rows"] == tuple((0, row) for row in rows)
    assert "likeness.named rows" not in plain_options
    marked = literal(clip, prompt.text.replace(MARKER, ""), ends=False)[0]
    vectors = [region.vector for region in encoded.people[0].regions.regions]
    torch.testing.assert_close(text_only, literal(clip, prompt.plain)[0])
    torch.testing.assert_close(merged, by_hand(consistentid(), marked, rows, vectors))
    plain = literal(clip, NEGATIVE)[0]
    torch.testing.assert_close(negative, by_hand(consistentid(), plain, rows, [consistentid().null_region()] * 5))
    unmarked = [row for row in range(77) if row not in rows]
    torch.testing.assert_close(negative[:, unmarked], plain[:, unmarked])


def test_the_negative_is_the_same_in_both_phases(encode):
    encoded = encode()
    assert len(encoded.negative) == 1
    assert len(encoded.positive) == 2


def test_published_sdxl_leaks_its_markers_into_the_second_encoder(encode, narrow_clip, monkeypatch):
    clip = narrow_clip("sdxl")
    given = spied(clip, monkeypatch)
    text = encode("sdxl", clip=clip).text
    expected = mark(text, text_ids, pad=49407)
    leaked = [49406, *text_ids(text), 49407]
    assert text.count(MARKER) == 5
    assert len(leaked) > 2 + len(text_ids(text.replace(MARKER, ""))) + 20
    assert given[0]["l"] == [expected.ids.tolist()]
    assert given[0]["g"] == [(leaked + [0] * 77)[:77]]
    [plain] = given[1]["g"]
    assert plain[: plain.index(49407)] == [49406, *text_ids(PROMPT)]


@pytest.mark.parametrize(
    ("positive", "cut"), [("", False), (PROMPT, False), ("many more words, " * 9, True), (LONG, True)]
)
def test_published_sdxl_rows_and_pooled_vectors(encode, consistentid, narrow_clip, crowd, positive, cut):
    """Both halves of a marked row are overwritten; the pooled vector is at the first row where the end was cut off."""
    clip = narrow_clip("sdxl")
    encoded = encode("sdxl", clip=clip, positive=positive)
    expected = mark(encoded.text, text_ids, pad=49407)
    ids_g = [49406, *text_ids(encoded.text), 49407]
    assert (len(ids_g) > 77) is cut
    ids_g = torch.tensor([(ids_g + [0] * 77)[:77]])
    halves = []
    with torch.no_grad():
        for name, ids in (("l", expected.ids[None]), ("g", ids_g)):
            part = getattr(clip.cond_stage_model, f"clip_{name}").transformer
            last, penultimate, _ = part.text_model(ids, intermediate_output=-2, final_layer_norm_intermediate=False)
            halves.append(penultimate)
        pooled = part.text_projection(last[:, ids_g[0].argmax()])
    rows = list(expected.positions)
    vectors = [region.vector for region in encoded.people[0].regions.regions][: len(rows)]
    wanted = by_hand(consistentid("sdxl", kind="sd15"), torch.cat(halves, dim=-1), rows, vectors)

    [text_only, plain_options], [merged, options] = encoded.positive
    torch.testing.assert_close(merged, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(options["pooled_output"], pooled, atol=1e-5, rtol=1e-5)
    plain, plain_pooled = literal(clip, positive)  # the user's prompt alone
    torch.testing.assert_close(text_only, plain)
    torch.testing.assert_close(plain_options["pooled_output"], plain_pooled)
    [[negative, negative_options]] = encoded.negative
    against, against_pooled = literal(clip, NEGATIVE)
    nobody = [consistentid("sdxl", kind="sd15").null_region()] * len(rows)
    torch.testing.assert_close(negative, by_hand(consistentid("sdxl", kind="sd15"), against, rows, nobody))
    torch.testing.assert_close(negative_options["pooled_output"], against_pooled)


@pytest.mark.parametrize("regions", [(), ("Nose",), ("Right_Eye", "Lower_Lip")])
@pytest.mark.parametrize("name", ["sd15", "sdxl", "inpaint"])
def test_published_with_few_regions(encode, crowd, name, regions):
    encoded = encode(name, crowd(regions=regions))
    assert encoded.text.count(MARKER) == len(regions)
    assert all(tensor.isfinite().all() for tensor, _ in encoded.positive + encoded.negative)
    if not regions and name != "sdxl":
        (text_only, _), (merged, _) = encoded.positive
        torch.testing.assert_close(text_only, merged)


def test_control_nets_of_the_inpaint_flavour_see_id_tokens(encode, consistentid, crowd):
    """81 rows of the conditional side for both sides, following the phase."""
    encoded = encode("inpaint")
    tokens = consistentid("inpaint").encode(crowd()).tokens
    assert len(encoded.positive) == len(encoded.negative) == 2
    for positive, negative in zip(encoded.positive, encoded.negative, strict=True):
        expected = torch.cat([positive[0], tokens], dim=1)
        assert expected.shape[1] == 81
        assert torch.equal(positive[1]["cross_attn_controlnet"], expected)
        assert torch.equal(negative[1]["cross_attn_controlnet"], expected)
    assert torch.equal(encoded.negative[0][0], encoded.negative[1][0])
    assert not torch.equal(encoded.positive[0][0], encoded.positive[1][0])
    for entries in (encode("sd15").positive, encode("inpaint", corrected=True).positive):
        assert all("cross_attn_controlnet" not in options for _, options in entries)


def test_a_real_control_net_gets_them(encode, crowd, tiny_model, sample, consistentid):
    """ComfyUI's own ControlNet: the conditional context on both halves of the batch, switched with the phase."""
    import comfy.cldm.cldm
    import comfy.controlnet
    import comfy.ops
    from likeness.host.consistentid.application import apply

    model = tiny_model()
    unwanted = ("out_channels", "transformer_depth_output", "use_temporal_resblock", "dtype")
    config = {key: value for key, value in model.model.model_config.unet_config.items() if key not in unwanted}
    network = comfy.cldm.cldm.ControlNet(
        **config, hint_channels=3, operations=comfy.ops.disable_weight_init, dtype=torch.float32
    )
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.02)
    seen, forward = [], network.forward

    def noted(*args, **kwargs):
        seen.append(kwargs["context"])
        return forward(*args, **kwargs)

    network.forward = noted
    cpu = torch.device("cpu")
    control = comfy.controlnet.ControlNet(network, load_device=cpu, manual_cast_dtype=None)
    control.set_cond_hint(torch.rand(1, 3, 64, 64), 0.5)
    encoded = encode("inpaint", step=0)
    controlled = [
        [[tensor, {**options, "control": control, "control_apply_to_uncond": False}] for tensor, options in entries]
        for entries in (encoded.positive, encoded.negative)
    ]
    patched = apply(model, consistentid("inpaint"), crowd()).model
    latent = sample(patched, size=(8, 8), positive=controlled[0], negative=controlled[1])
    assert latent.isfinite().all()
    texts = [options["cross_attn_controlnet"] for _, options in encoded.positive]
    assert len(seen) == 2
    for context, text in zip(seen, texts, strict=True):
        assert context.shape == (2, 81, 24)
        torch.testing.assert_close(context, text.expand(2, -1, -1))


@pytest.mark.parametrize("caption", CAPTIONS)
@pytest.mark.parametrize("name", ["sd15", "sdxl", "inpaint"])
def test_published_captions_of_any_kind(encode, caption, name):
    encoded = encode(name, None, FeatureChoice(person=1, caption=CAPTIONS[caption]))
    assert all(tensor.shape[1:] == (77, 24) for tensor, _ in encoded.positive + encoded.negative)
    assert all(tensor.isfinite().all() for tensor, _ in encoded.positive + encoded.negative)
    if caption == "words":  # longer than 330 characters: the prompt alone
        assert encoded.text == PROMPT

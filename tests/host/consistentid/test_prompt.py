"""ConsistentID's prompt as CONDITIONING: the published form to the letter, and the corrected one."""

from dataclasses import replace

import pytest
import torch
from likeness.models.clip import tokens as clip_tokens
from likeness.models.consistentid.facial_prompt import MARKER, assemble
from likeness.models.consistentid.facial_tokens import mark

pytestmark = pytest.mark.comfy

NAMES = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")
PROMPT, NEGATIVE = "a man, ((in)) a (dark:1.4) forest", "ugly, ((((blurry))))"
LONG = "word " * 90


@pytest.fixture
def encode(consistentid, narrow_clip, crowd):
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.sampling.delayed_conditioning import MergePoint

    def run(name="sd15", identities=None, *, clip=None, corrected=False, step=1, positive=PROMPT, negative=NEGATIVE):
        return encode_prompt(
            consistentid(name, corrected=corrected, kind="sd15"),
            clip or narrow_clip("sdxl" if name == "sdxl" else "sd15"),
            crowd() if identities is None else identities,
            positive=positive,
            negative=negative,
            merge=MergePoint(step=step),
            size=(832, 1216),
        )

    return run


def literal(clip, text, *, ends=True):
    """What the published code gives to the encoders for a text without markers: cut to 75 ids, or without an end to 77."""
    rows = {}
    for name, pad in (("l", 49407), ("g", 0)):
        if f"clip_{name}" in dir(clip.tokenizer):
            ids = clip_tokens.encode(text)
            ids = [49406, *ids[:75], 49407] if ends else [49406, *ids, 49407][:77]
            rows[name] = [[(token, 1.0) for token in ids + [pad] * (77 - len(ids))]]
    [[tensor, options]] = clip.encode_from_tokens_scheduled(rows)
    return tensor, options["pooled_output"]


def by_hand(adapter, tensor, rows, vectors):
    fused = tensor.clone()
    with torch.no_grad():
        fused[:, rows] = adapter.adapter.facial_encoder.fuse(tensor[:, rows], torch.cat(vectors)[None])
    return fused


def spied(clip, monkeypatch):
    """Everything that is given to the text encoders."""
    given, function = [], clip.encode_from_tokens_scheduled

    def note(tokens, *args, **kwargs):
        given.append({name: [[token for token, _ in row] for row in rows] for name, rows in tokens.items()})
        return function(tokens, *args, **kwargs)

    monkeypatch.setattr(clip, "encode_from_tokens_scheduled", note)
    return given


@pytest.mark.parametrize("positive", [PROMPT, "", LONG, '"quoted"\nnew line 😀 (unbalanced', "one (face), my nose"])
@pytest.mark.parametrize("name", ["sd15", "inpaint"])
def test_published_ids_are_those_of_the_published_code(encode, narrow_clip, monkeypatch, name, positive):
    clip = narrow_clip()
    given = spied(clip, monkeypatch)
    text = encode(name, clip=clip, positive=positive).text
    prompt = assemble(positive, NAMES, flavour=name)
    expected = mark(prompt.text, clip_tokens.encode, pad=49407)
    assert text == prompt.text
    given = [rows for rows in given if len(rows["l"][0]) == 77]
    assert given[0] == {"l": [expected.ids.tolist()]}
    plain = clip_tokens.encode(prompt.plain)[:75]
    assert given[1] == {"l": [[49406, *plain, 49407, *[49407] * (75 - len(plain))]]}


@pytest.mark.parametrize("positive", [PROMPT, LONG])
def test_published_rows(encode, consistentid, narrow_clip, crowd, positive):
    """By rank: the first region goes into the first marked word, whatever it is; the negative takes empty pictures."""
    identities, clip = crowd(), narrow_clip()
    encoded = encode(identities=identities, positive=positive)
    prompt = assemble(positive, NAMES, flavour="sd15")
    rows = list(mark(prompt.text, clip_tokens.encode, pad=49407).positions)
    assert len(rows) == 5

    [text_only, _], [merged, _] = encoded.positive
    [[negative, _]] = encoded.negative
    marked = literal(clip, prompt.text.replace(MARKER, ""), ends=False)[0]
    vectors = [region.vector for region in identities.people[0].regions.regions]
    torch.testing.assert_close(text_only, literal(clip, prompt.plain)[0])
    torch.testing.assert_close(merged, by_hand(consistentid(), marked, rows, vectors))
    plain = literal(clip, NEGATIVE)[0]
    torch.testing.assert_close(negative, by_hand(consistentid(), plain, rows, [identities.null_region] * 5))
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
    expected = mark(text, clip_tokens.encode, pad=49407)
    leaked = [49406, *clip_tokens.encode(text), 49407]
    assert text.count(MARKER) == 5
    assert len(leaked) > 2 + len(clip_tokens.encode(text.replace(MARKER, ""))) + 20
    assert given[0]["l"] == [expected.ids.tolist()]
    assert given[0]["g"] == [(leaked + [0] * 77)[:77]]
    [plain] = given[1]["g"]
    assert plain[: plain.index(49407)] == [49406, *clip_tokens.encode(PROMPT)]


@pytest.mark.parametrize(
    ("positive", "cut"), [("", False), (PROMPT, False), ("many more words, " * 9, True), (LONG, True)]
)
def test_published_sdxl_rows_and_pooled_vectors(encode, consistentid, narrow_clip, crowd, positive, cut):
    """Both halves of a marked row are overwritten; the pooled vector is at the first row where the end was cut off."""
    identities, clip = crowd(), narrow_clip("sdxl")
    encoded = encode("sdxl", identities, clip=clip, positive=positive)
    expected = mark(encoded.text, clip_tokens.encode, pad=49407)
    ids_g = [49406, *clip_tokens.encode(encoded.text), 49407]
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
    vectors = [region.vector for region in identities.people[0].regions.regions][: len(rows)]
    wanted = by_hand(consistentid("sdxl", kind="sd15"), torch.cat(halves, dim=-1), rows, vectors)

    [text_only, plain_options], [merged, options] = encoded.positive
    torch.testing.assert_close(merged, wanted, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(options["pooled_output"], pooled, atol=1e-5, rtol=1e-5)
    plain, plain_pooled = literal(clip, positive)  # the user's prompt alone
    torch.testing.assert_close(text_only, plain)
    torch.testing.assert_close(plain_options["pooled_output"], plain_pooled)
    [[negative, negative_options]] = encoded.negative
    against, against_pooled = literal(clip, NEGATIVE)
    nobody = [identities.null_region] * len(rows)
    torch.testing.assert_close(negative, by_hand(consistentid("sdxl", kind="sd15"), against, rows, nobody))
    torch.testing.assert_close(negative_options["pooled_output"], against_pooled)


@pytest.mark.parametrize("corrected", [False, True])
def test_sdxl_is_told_the_size(encode, corrected):
    size = {"width": 832, "height": 1216, "crop_w": 0, "crop_h": 0, "target_width": 832, "target_height": 1216}
    sdxl, sd15 = encode("sdxl", corrected=corrected), encode("sd15", corrected=corrected)
    for _, options in sdxl.positive + sdxl.negative:
        assert {key: options.get(key) for key in size} == size
    assert all("width" not in options for _, options in sd15.positive + sd15.negative)


@pytest.mark.parametrize("regions", [(), ("Nose",), ("Right_Eye", "Lower_Lip")])
@pytest.mark.parametrize("name", ["sd15", "sdxl", "inpaint"])
def test_published_with_few_regions(encode, crowd, name, regions):
    encoded = encode(name, crowd(regions=regions))
    assert encoded.text.count(MARKER) == len(regions)
    assert all(tensor.isfinite().all() for tensor, _ in encoded.positive + encoded.negative)
    if not regions and name != "sdxl":
        (text_only, _), (merged, _) = encoded.positive
        torch.testing.assert_close(text_only, merged)


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


def test_control_nets_of_the_inpaint_flavour_see_id_tokens(encode, crowd):
    """81 rows of the conditional side for both sides, following the phase."""
    identities = crowd()
    encoded = encode("inpaint", identities)
    tokens = identities.people[0].tokens
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
    from likeness.host.consistentid.adapter import apply

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
    identities = crowd()
    encoded = encode("inpaint", identities, step=0)
    controlled = [
        [[tensor, {**options, "control": control, "control_apply_to_uncond": False}] for tensor, options in entries]
        for entries in (encoded.positive, encoded.negative)
    ]
    patched, _ = apply(model, consistentid("inpaint"), identities, lora_strength=1.0)
    latent = sample(patched, size=(8, 8), positive=controlled[0], negative=controlled[1])
    assert latent.isfinite().all()
    texts = [options["cross_attn_controlnet"] for _, options in encoded.positive]
    assert len(seen) == 2
    for context, text in zip(seen, texts, strict=True):
        assert context.shape == (2, 81, 24)
        torch.testing.assert_close(context, text.expand(2, -1, -1))


# --- corrected ---------------------------------------------------------------------------------------------------------


def changed_rows(encoded):
    (text_only, _), (merged, _) = encoded.positive
    return (text_only != merged).any(dim=-1)[0].nonzero().flatten().tolist()


def ids_at(clip, text, rows):
    flat = [entry[0] for row in clip.tokenize(text)["l"] for entry in row]
    return [flat[row] for row in rows]


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize(
    "positive", [PROMPT, "", LONG, "word " * 66, "(unbalanced", "closed :) now", '"quoted"\n\nlines 😀']
)
def test_only_the_marked_words_change(encode, narrow_clip, consistentid, crowd, name, positive):
    """Every region in its own word, in ComfyUI's chunks; the text itself is what ComfyUI makes of it."""
    clip, identities = narrow_clip(name), crowd()
    encoded = encode(name, identities, corrected=True, positive=positive)
    text = encoded.text.replace(f" {MARKER}", "")
    [[plain, options]] = clip.encode_from_tokens_scheduled(clip.tokenize(text))
    (text_only, _), (merged, merged_options) = encoded.positive
    assert torch.equal(text_only, plain)
    assert torch.equal(merged_options["pooled_output"], options["pooled_output"])
    rows = changed_rows(encoded)
    words = ("face", "nose", "eyes", "ears", "mouth")  # as the sentence goes
    assert ids_at(clip, text, rows) == [clip_tokens.encode(word)[0] for word in words]
    by_feature = identities.people[0].regions.by_feature()
    wanted = by_hand(
        consistentid(name, corrected=True, kind="sd15"), plain, rows, [by_feature[word].vector for word in words]
    )
    torch.testing.assert_close(merged, wanted)
    [[negative, _]] = encoded.negative
    assert torch.equal(negative, clip.encode_from_tokens_scheduled(clip.tokenize(NEGATIVE))[0][0])


def test_prompt_weights_scale_the_words(encode, narrow_clip):
    """Weights are ComfyUI's: rows of a weighted word differ from those of the bare one."""
    weighted, bare = (
        encode(corrected=True, positive=f"a {word} forest").positive[0][0][0] for word in ("(dark:1.3)", "dark")
    )
    torch.testing.assert_close(weighted[:2], bare[:2], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(weighted[2], bare[2], atol=1e-2)


def test_embeddings_in_the_prompt(encode, narrow_clip, tmp_path):
    from safetensors.torch import save_file

    save_file(
        {"emb_params": torch.randn(6, 24, generator=torch.Generator().manual_seed(0))}, tmp_path / "style.safetensors"
    )
    clip = narrow_clip(embeddings=tmp_path)
    rows = changed_rows(encode(clip=clip, corrected=True, positive="a man, embedding:style"))
    plain = changed_rows(encode(clip=clip, corrected=True, positive="a man,"))
    assert rows == [row + 6 for row in plain]


CAPTIONS = {
    "brackets": "The (tall) man [has] a {small} face \\ and (big:1.5) ears.",
    "quotes": "The \"Boss\" has a 'stern' face, “curly” ears.",
    "newlines": "A face.\n\n\tTwo ears.\r\n",
    "emoji": "A face 😀, ears 👂🏽.",
    "words": "He is tall. " * 160 + "His face is long and his ears are red.",
    "embedding": "A face like embedding:nobody with ears.",
    "end": "A face <|endoftext|> and ears.",
}


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize("caption", CAPTIONS)
def test_captions_of_any_kind(encode, narrow_clip, crowd, caption, name):
    identities = crowd(caption=CAPTIONS[caption], regions=("Face", "Left_Ear"))
    clip = narrow_clip(name)
    encoded = encode(name, identities, corrected=True)
    rows = changed_rows(encoded)
    face, ears = (clip_tokens.encode(word)[0] for word in ("face", "ears"))
    assert ids_at(clip, encoded.text.replace(f" {MARKER}", ""), rows) == [face, ears]
    assert encoded.text.count(MARKER) == 2


@pytest.mark.parametrize("caption", CAPTIONS)
@pytest.mark.parametrize("name", ["sd15", "sdxl", "inpaint"])
def test_published_captions_of_any_kind(encode, crowd, caption, name):
    encoded = encode(name, crowd(caption=CAPTIONS[caption]))
    assert all(tensor.shape[1:] == (77, 24) for tensor, _ in encoded.positive + encoded.negative)
    assert all(tensor.isfinite().all() for tensor, _ in encoded.positive + encoded.negative)
    if caption == "words":  # longer than 330 characters: the prompt alone
        assert encoded.text == PROMPT


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize("positive", ["two men", "word " * 60, LONG])
def test_rows_of_several_people_belong_to_their_captions(encode, narrow_clip, crowd, name, positive):
    clip, identities = narrow_clip(name), crowd(3)
    people = tuple(
        replace(person, caption=caption)
        for person, caption in zip(
            identities.people, ("His nose is (long).", "Red ears, green eyes", "No part"), strict=True
        )
    )
    encoded = encode(name, replace(identities, people=people), corrected=True, positive=positive)
    text = encoded.text.replace(f" {MARKER}", "")
    owners = [options["likeness.owners"] for _, options in encoded.positive]
    assert owners[0] == owners[1]
    assert len(owners[0]) == encoded.positive[0][0].shape[1]

    def owned(person):
        return ids_at(clip, text, [row for row, owner in enumerate(owners[0]) if owner == person])

    assert owned(0) == clip_tokens.encode("His nose is (long).")
    assert owned(1) == clip_tokens.encode("Red ears, green eyes")
    assert owned(2) == []
    assert len(changed_rows(encoded)) == 3
    assert all("likeness.owners" not in options for _, options in encoded.negative)


def test_one_person_owns_nothing(encode):
    assert all("likeness.owners" not in options for _, options in encode(corrected=True).positive)


def test_region_strength(encode, crowd):
    """0 leaves the row, 1 is the fused one, between and beyond lies on the line through both."""
    zero, half, one, two = (
        encode(identities=crowd(region_strength=strength), corrected=True).positive[1][0]
        for strength in (0.0, 0.5, 1.0, 2.0)
    )
    text_only = encode(corrected=True).positive[0][0]
    torch.testing.assert_close(zero, text_only, atol=0, rtol=0)
    torch.testing.assert_close(half, (zero + one) / 2, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(two, 2 * one - zero, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(zero, one, atol=1e-2)


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
    import comfy.hooks
    from comfy_extras.nodes_hooks import SetClipHooks

    clip = narrow_clip("sdxl" if name == "sdxl" else "sd15")
    weights = clip.patcher.model.state_dict()
    key = next(key for key in weights if key.endswith("layers.0.mlp.fc1.weight"))
    group = comfy.hooks.create_hook_model_as_lora(None, {key: 2 * weights[key]}, 1.0, 1.0)
    frames = comfy.hooks.HookKeyframeGroup()
    for strength, percent in ((1.0, 0.0), (0.2, 0.5)):
        frames.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=percent))
    group.set_keyframes_on_hooks(frames)
    [clip] = SetClipHooks().apply_hooks(clip, True, False, group)
    encoded = encode(name, clip=clip, corrected=corrected)
    assert len(encoded.positive) == 4
    assert [options["clip_start_percent"] for _, options in encoded.positive] == [0.0, 0.5] * 2
    first, second = (tensor for tensor, _ in encoded.positive[2:])
    assert not torch.allclose(first, second, atol=1e-3)
    latent = sample(tiny_model(), size=(8, 8), steps=1, positive=encoded.positive, negative=encoded.negative)
    assert latent.isfinite().all()

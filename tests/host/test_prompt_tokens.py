"""Ids and rows in ComfyUI's text encoders."""

from types import SimpleNamespace

import pytest
import torch
from likeness.models.clip import text_ids

pytestmark = pytest.mark.comfy

TEXTS = [
    "",
    "a man, in a forest",
    "((((ugly)))) (word:1.3) [brackets] \\(escaped\\)",
    "embedding:easynegative, <lora:thing:1> don't stop-motion",
    "línea\n\tzweite Zeile \"quoted\" 'single' 12,345",
    "smile 😀👍🏽 naïve ﬁne 東京",
    "one face <|facial|>, two ears <|facial|>.",
]


def ids_of(chunks):
    return [entry[0] for row in chunks for entry in row]


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("text", TEXTS)
def test_literal_ids_know_no_prompt_syntax(narrow_clip, kind, text):
    from likeness.host.prompt_tokens import literal_ids, tokenizers

    for tokenizer in tokenizers(narrow_clip(kind)).values():
        assert literal_ids(tokenizer, text) == text_ids(text)


def test_the_parts_of_a_text_encoder(narrow_clip):
    from likeness.host.prompt_tokens import tokenizers
    from likeness.models.errors import IncompatibleBaseModelError

    assert list(tokenizers(narrow_clip("sd15"))) == ["l"]
    assert list(tokenizers(narrow_clip("sdxl"))) == ["l", "g"]
    flux = SimpleNamespace(tokenize=lambda text: {"l": [], "t5xxl": []})
    with pytest.raises(IncompatibleBaseModelError, match=r"encoders l, t5xxl; connect the CLIP of an SD1\.5"):
        tokenizers(flux)


@pytest.mark.parametrize("count", [0, 5, 74, 75, 76, 77, 200])
def test_a_chunk_is_77_ids_long(narrow_clip, count):
    from likeness.host.prompt_tokens import chunk, tokenizers

    ids = list(range(1000, 1000 + count))
    for name, pad in (("l", 49407), ("g", 0)):
        tokenizer = tokenizers(narrow_clip("sdxl"))[name]
        kept, cut = chunk(tokenizer, ids), chunk(tokenizer, ids, keep_end=False)
        assert len(kept) == len(cut) == 77
        assert kept == [49406, *ids[:75], 49407, *[pad] * max(0, 75 - count)]
        assert cut == ([49406, *ids, 49407] + [pad] * 77)[:77]


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
def test_one_chunk_equals_comfyui_s_own_encoding(narrow_clip, kind):
    from likeness.host.prompt_tokens import chunk, encode_chunks, literal_ids, tokenizers

    clip, text = narrow_clip(kind), "a man in a forest"
    rows = {name: chunk(part, literal_ids(part, text)) for name, part in tokenizers(clip).items()}
    [[tensor, options]] = encode_chunks(clip, rows)
    [[expected, expected_options]] = clip.encode_from_tokens_scheduled(clip.tokenize(text))
    assert tensor.shape == (1, 77, 24)
    assert torch.equal(tensor, expected)
    assert torch.equal(options["pooled_output"], expected_options["pooled_output"])


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize("count", [10, 75, 76, 90])
def test_the_pooled_vector_is_read_where_transformers_reads_it(narrow_clip, kind, count):
    """At the largest id: the end token, or the begin token where the end was cut off."""
    from likeness.host.prompt_tokens import chunk, encode_chunks, tokenizers

    clip = narrow_clip(kind)
    rows = {name: chunk(part, [320] * count, keep_end=False) for name, part in tokenizers(clip).items()}
    name = "g" if kind == "sdxl" else "l"
    ids = torch.tensor([rows[name]])
    transformer = getattr(clip.cond_stage_model, f"clip_{name}").transformer
    with torch.no_grad():
        hidden = transformer.text_model(ids)[0][0, ids[0].argmax()]
        expected = transformer.text_projection(hidden) if kind == "sdxl" else hidden
    assert (ids[0].argmax() == 0) == (count > 75)
    [[tensor, options]] = encode_chunks(clip, rows)
    assert tensor.shape[1] == 77
    torch.testing.assert_close(options["pooled_output"][0], expected, atol=1e-5, rtol=1e-5)


def found(clip, text, words):
    """For every word the id that stands in its row, in the first encoder's ids."""
    from likeness.host.prompt_tokens import rows_of_tokens

    rows = rows_of_tokens(clip, text, [text.rindex(word) + len(word) for word in words])
    flat = ids_of(clip.tokenize(text)["l"])
    return rows, [flat[row] for row in rows]


@pytest.mark.parametrize("kind", ["sd15", "sdxl"])
@pytest.mark.parametrize(
    "before",
    [
        "",
        "a man, ",
        "(a (bearded:1.3) man:0.8), ",
        "(unbalanced, a man, ",
        "unbalanced) :( , ",
        "\\(escaped\\) [man], ",
        'smile 😀 "quoted",\n\nnew line ',
        "<|endoftext|> in the middle ",
        "! ! ! ",  # id 0, which also fills SDXL's second encoder
        "word " * 73,
        "(heavy:1.2) " * 40,
        "word " * 200,
    ],
)
def test_rows_of_words_behind_any_prompt(narrow_clip, kind, before):
    clip = narrow_clip(kind)
    text = before + "his face and ears, Supercalifragilistic eyes."
    words = ["face", "ears", "Supercalifragilistic", "eyes"]
    rows, ids = found(clip, text, words)
    assert ids == [text_ids(word)[-1] for word in words]
    assert rows == sorted(rows)


def test_a_place_before_any_token(narrow_clip):
    from likeness.host.prompt_tokens import rows_of_spans, rows_of_tokens

    clip = narrow_clip()
    assert rows_of_tokens(clip, "  face", [0, 1]) == [0, 0]
    assert rows_of_spans(clip, "  face", [(0, 1), (0, 6)]) == [[], [1]]


def test_rows_of_a_span_leave_out_ends_and_padding_of_chunks(narrow_clip):
    from likeness.host.prompt_tokens import rows_of_spans

    clip, text = narrow_clip("sdxl"), "word " * 70 + "his face and ears and eyes and nose"
    begin = text.index("his")
    [rows] = rows_of_spans(clip, text, [(begin, len(text))])
    flat = ids_of(clip.tokenize(text)["l"])
    assert [flat[row] for row in rows] == text_ids(text[begin:])
    assert rows[0] == 71
    assert rows[-1] > 78


@pytest.fixture
def embeddings(tmp_path):
    from safetensors.torch import save_file

    torch.manual_seed(0)
    save_file({"emb_params": torch.randn(3, 24)}, tmp_path / "three.safetensors")
    save_file({"emb_params": torch.randn(2, 17)}, tmp_path / "foreign.safetensors")
    both = {"clip_l": torch.randn(2, 8), "clip_g": torch.randn(2, 16)}
    save_file(both, tmp_path / "both.safetensors")
    save_file({"clip_l": torch.randn(2, 8)}, tmp_path / "half.safetensors")
    return tmp_path


def row_moves_with(clip, text, word, row):
    """Whether a row is the first that changes when the word does; encoders are causal."""
    other = text[: text.rindex(word)] + "tree" + text[text.rindex(word) + len(word) :]
    one, two = (clip.encode_from_tokens_scheduled(clip.tokenize(what))[0][0][0] for what in (text, other))
    return int((one != two).any(dim=1).nonzero()[0]) == row


@pytest.mark.parametrize(
    ("kind", "name"),
    [("sd15", "three"), ("sd15", "foreign"), ("sd15", "missing"), ("sdxl", "both"), ("sdxl", "missing")],
)
def test_rows_behind_an_embedding(narrow_clip, embeddings, kind, name):
    """An embedding of another width is dropped by the encoder, not by the tokenizer."""
    from likeness.host.prompt_tokens import rows_of_tokens

    clip = narrow_clip(kind, embeddings=embeddings)
    text = f"a man, embedding:{name} , his face and ears"
    [row] = rows_of_tokens(clip, text, [text.index("face") + 4])
    assert row_moves_with(clip, text, "face", row)


def test_an_embedding_for_one_encoder_only_is_refused(narrow_clip, embeddings):
    from likeness.host.prompt_tokens import rows_of_tokens
    from likeness.models.errors import LikenessError

    clip = narrow_clip("sdxl", embeddings=embeddings)
    text = "a man, embedding:half , his face"
    with pytest.raises(LikenessError, match=r"split this prompt differently.* take that embedding out"):
        rows_of_tokens(clip, text, [len(text)])

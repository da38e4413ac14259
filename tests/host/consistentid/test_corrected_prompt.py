"""The corrected prompt as CONDITIONING: ComfyUI's syntax, every region in its own word, several people."""

import pytest
import torch
from likeness.models.clip import text_ids
from likeness.models.consistentid.features import FeatureChoice
from likeness.models.consistentid.marked_text import MARKER, NOUNS
from likeness.models.errors import InvalidSettingError
from likeness.tests.host.consistentid.prompts import CAPTIONS, LONG, NEGATIVE, PROMPT, by_hand, changed_rows, ids_at

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize(
    "positive", [PROMPT, "", LONG, "word " * 66, "(unbalanced", "closed :) now", '"quoted"\n\nlines 😀']
)
def test_only_the_marked_words_change(encode, narrow_clip, consistentid, name, positive):
    """Every region in its own word, in ComfyUI's chunks; the text itself is what ComfyUI makes of it."""
    clip = narrow_clip(name)
    encoded = encode(name, corrected=True, positive=positive)
    text = encoded.text.replace(f" {MARKER}", "")
    [[plain, options]] = clip.encode_from_tokens_scheduled(clip.tokenize(text))
    (text_only, _), (merged, merged_options) = encoded.positive
    assert torch.equal(text_only, plain)
    assert torch.equal(merged_options["pooled_output"], options["pooled_output"])
    rows = changed_rows(encoded)
    words = ("face", "nose", "eyes", "ears", "mouth")  # as the sentence goes
    assert ids_at(clip, text, rows) == [text_ids(word)[0] for word in words]
    by_feature = encoded.people[0].regions.by_feature()
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


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize("caption", CAPTIONS)
def test_captions_of_any_kind(encode, narrow_clip, crowd, caption, name):
    clip, people = narrow_clip(name), crowd(regions=("Face", "Left_Ear"))
    encoded = encode(name, people, FeatureChoice(person=1, caption=CAPTIONS[caption]), corrected=True)
    rows = changed_rows(encoded)
    face, ears = (text_ids(word)[0] for word in ("face", "ears"))
    assert ids_at(clip, encoded.text.replace(f" {MARKER}", ""), rows) == [face, ears]
    assert encoded.text.count(MARKER) == 2


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
@pytest.mark.parametrize("positive", ["two men", "word " * 60, LONG])
def test_rows_of_several_people_belong_to_their_captions(encode, narrow_clip, crowd, name, positive):
    clip = narrow_clip(name)
    captions = ("His nose is (long).", "Red ears, green eyes", "No part")
    choices = [FeatureChoice(person=place + 1, caption=caption) for place, caption in enumerate(captions)]
    encoded = encode(name, crowd(3), *choices, corrected=True, positive=positive)
    text = encoded.text.replace(f" {MARKER}", "")
    owners = [options["likeness.owners"] for _, options in encoded.positive]
    assert owners[0] == owners[1]
    assert len(owners[0]) == encoded.positive[0][0].shape[1]

    def owned(person):
        return ids_at(clip, text, [row for row, owner in enumerate(owners[0]) if owner == person])

    assert owned(0) == text_ids("His nose is (long).")
    assert owned(1) == text_ids("Red ears, green eyes")
    assert owned(2) == []
    assert len(changed_rows(encoded)) == 3
    assert all("likeness.owners" not in options for _, options in encoded.negative)


def test_one_person_owns_nothing(encode):
    assert all("likeness.owners" not in options for _, options in encode(corrected=True).positive)


def test_region_strength(encode):
    """0 leaves the row, 1 is the fused one, between and beyond lies on the line through both."""

    def run(strength):
        choice = FeatureChoice(person=1, strengths=dict.fromkeys(NOUNS, strength))
        return encode("sd15", None, choice, corrected=True).positive[1][0]

    zero, half, one, two = map(run, (0.0, 0.5, 1.0, 2.0))
    text_only = encode(corrected=True).positive[0][0]
    torch.testing.assert_close(zero, text_only, atol=0, rtol=0)
    torch.testing.assert_close(half, (zero + one) / 2, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(two, 2 * one - zero, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(zero, one, atol=1e-2)


@pytest.mark.parametrize("count", [1, 2])
def test_every_row_of_a_caption_names_its_person(encode, narrow_clip, crowd, count):
    captions = ("His nose is (long).", "Red ears, green eyes")[:count]
    choices = [FeatureChoice(person=place + 1, caption=caption) for place, caption in enumerate(captions)]
    encoded = encode("sdxl", crowd(count), *choices, corrected=True, positive="in " + LONG)
    text = encoded.text.replace(f" {MARKER}", "")
    for _, options in encoded.positive:
        named = options["likeness.named rows"]
        for place, caption in enumerate(captions):
            rows = [row for owner, row in named if owner == place]
            assert ids_at(narrow_clip("sdxl"), text, rows) == text_ids(caption)
    assert all("likeness.named rows" not in options for _, options in encoded.negative)


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_markers_name_words_too_and_are_taken_out(encode, narrow_clip, crowd, name):
    """By number or name, in ComfyUI's syntax; what is encoded is the text without markers."""
    marked = encode(name, crowd(2), corrected=True, positive="a (man @id1:1.2) and [a tall woman] @person 2")
    plain = encode(name, crowd(2), corrected=True, positive="a (man:1.2) and a tall woman")
    assert marked.text == plain.text
    for (tensor, options), (expected, known) in zip(marked.positive, plain.positive, strict=True):
        assert torch.equal(tensor, expected)
        words = [pair for pair in options["likeness.named rows"] if pair not in known["likeness.named rows"]]
        assert words == [(0, 2), (1, 4), (1, 5), (1, 6)]


def test_a_marker_for_nobody_is_refused(encode, crowd):
    with pytest.raises(InvalidSettingError, match="names @id3, but the chain of people has 2 people"):
        encode(people=crowd(2), corrected=True, positive="a man @id3")


def test_text_without_markers_may_hold_an_embedding_for_one_encoder(encode, narrow_clip, crowd, tmp_path):
    """Nothing asks which rows words are where no word is marked and no caption is written."""
    from safetensors.torch import save_file

    save_file({"clip_l": torch.zeros(2, 8)}, tmp_path / "half.safetensors")
    clip = narrow_clip("sdxl", embeddings=tmp_path)
    encoded = encode("sdxl", crowd(0), clip=clip, corrected=True, positive="a man, embedding:half")
    assert encoded.positive[0][1]["likeness.named rows"] == ()

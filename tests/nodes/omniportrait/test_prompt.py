"""Encode OmniPortrait Prompt."""

import pytest
import torch
from likeness.tests.models.omniportrait.small_adapter import small_pivot, write_adapter
from likeness.tests.models.omniportrait.small_people import chain, person

pytestmark = pytest.mark.comfy


def test_it_gives_conditioning_and_the_text_without_markers(folders, run, narrow_clip):
    from likeness.host.omniportrait.adapter import load_omniportrait
    from likeness.nodes.omniportrait.prompt import EncodeOmniPortraitPrompt

    adapter = load_omniportrait(write_adapter(folders / "a.safetensors", pivot=small_pivot(24)))
    given = {
        "clip": narrow_clip(),
        "omniportrait": adapter,
        "people": chain(person("one"), person("two", seed=1), person("off", strength=0.0)),
        "text": "a (man @id2:1.2), a woman @id1, a boy @id3",
    }
    [[fused, known]], text = run(EncodeOmniPortraitPrompt, **given)
    [[plain, noted]], same = run(EncodeOmniPortraitPrompt, **given, strength=0.0)
    assert text == same == "a (man:1.2), a woman, a boy"
    assert known["likeness.named rows"] == noted["likeness.named rows"] == ((1, 2), (0, 5))
    assert (fused != plain).any(-1)[0].nonzero().flatten().tolist() == [2, 5]
    [[kept, _]] = given["clip"].encode_from_tokens_scheduled(given["clip"].tokenize(text))
    assert torch.equal(kept, plain)

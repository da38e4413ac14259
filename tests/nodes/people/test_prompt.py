"""Encode People Prompt."""

import pytest
import torch
from likeness.tests.models.omniportrait.small_people import chain, person

pytestmark = pytest.mark.comfy


def test_it_gives_conditioning_that_names_rows_and_the_text_without_markers(narrow_clip):
    from likeness.nodes.people.prompt import EncodePeoplePrompt

    clip, people = narrow_clip("sdxl"), chain(person("Ann"), person("Ben", seed=1), person("off", strength=0.0))
    [[tensor, known]], text = EncodePeoplePrompt.execute(
        clip=clip, people=people, text="a (man @Ben:1.2), [a tall woman] @id1, a boy @id3"
    ).result
    assert text == "a (man:1.2), a tall woman, a boy"
    assert known["likeness.named rows"] == ((1, 2), (0, 4), (0, 5), (0, 6))
    assert torch.equal(tensor, clip.encode_from_tokens_scheduled(clip.tokenize(text))[0][0])

"""Sections of a protocol know what contradicts itself."""

from __future__ import annotations

import pytest
from likeness.evaluation.protocol.sections import PicturesConfig, PromptsConfig


def test_prompts_come_from_the_file_without_empty_lines_and_comments(tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("# a list\na {1}\n\n  the {1} \n", encoding="utf-8")
    prompts = PromptsConfig(file=file)
    assert prompts.all() == ("a {1}", "the {1}")
    assert list(prompts.faults()) == []


def test_a_file_without_a_prompt_is_told(tmp_path):
    file = tmp_path / "prompts.txt"
    file.write_text("# nothing\n", encoding="utf-8")
    [fault] = PromptsConfig(file=file).faults()
    assert fault == f"[prompts] file has no line with a prompt in it: {file}; write one prompt a line."
    [fault] = PromptsConfig(file=file, texts=("a",)).faults()
    assert "both texts and file" in fault


@pytest.mark.parametrize("seeds", [(), (1, 1)])
def test_seeds_are_some_and_each_once(seeds):
    [fault] = PicturesConfig(seeds=seeds).faults()
    assert "give at least one seed, each once" in fault

"""Two hundred queued prompts on one server: it grows no larger, and draws the same pictures at the end as at the beginning."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

pytestmark = [pytest.mark.comfy, pytest.mark.long]

FOLDER = Path(__file__).resolve().parents[1] / "workflows" / "api"
WORKFLOWS = (  # in turn, so that ComfyUI keeps nothing of one until it comes again
    "1 Try without download - two people",
    "3 Try without download - ConsistentID",
    "4 Try without download - guidance",
    "6 Try without download - IP-Adapter",
)
PROMPTS, STEPS, PICTURES = 200, 4, 1
WARM = 60  # prompts after which all that is kept has been made
MOST_GROWTH = 100 << 20  # bytes resident from there to the end
MOST_HANDLES, MOST_THREADS = 4, 4  # more than after WARM


@dataclass(frozen=True, slots=True)
class Size:
    """What a process holds."""

    memory: int
    handles: int
    threads: int

    @classmethod
    def of(cls, process: psutil.Process) -> Size:
        """Now."""
        handles = process.num_handles() if os.name == "nt" else process.num_fds()
        return cls(process.memory_info().rss, handles, process.num_threads())


def prompt_of(name):
    """A workflow as it is shipped, with fewer steps and pictures."""
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    for node in found.values():
        for key, value in (("steps", STEPS), ("batch_size", PICTURES)):
            if isinstance(node["inputs"].get(key), int):
                node["inputs"][key] = value
    return found


def pictures_of(server, prompt, entry):
    """What a run has saved."""
    saved = [number for number, node in prompt.items() if node["class_type"] == "SaveImage"]
    return [np.asarray(Image.open(file)) for number in saved for file in server.output_files(entry, number)]


def is_drawn_anew(prompt, entry):
    """Whether a run has sampled, and ComfyUI did not hand out what it kept of an earlier one."""
    kept = {node for kind, said in entry["status"]["messages"] if kind == "execution_cached" for node in said["nodes"]}
    sampling = {number for number, node in prompt.items() if node["class_type"] == "KSampler"}
    return bool(sampling) and not sampling & kept


def test_two_hundred_prompts_leave_nothing_behind(miniature_server, record_testsuite_property):
    prompts = [prompt_of(WORKFLOWS[number % len(WORKFLOWS)]) for number in range(PROMPTS)]
    process = psutil.Process(miniature_server.process_id)
    waiting = [miniature_server.queue(prompt) for prompt in prompts]
    first: dict[int, list[np.ndarray]] = {}
    sizes = []
    for number, (prompt, name) in enumerate(zip(prompts, waiting, strict=True)):
        entry = miniature_server.wait(name, 3600)
        assert is_drawn_anew(prompt, entry), f"prompt {number}"
        drawn = pictures_of(miniature_server, prompt, entry)
        assert drawn
        for one, other in zip(drawn, first.setdefault(number % len(WORKFLOWS), drawn), strict=True):
            assert np.array_equal(one, other), f"prompt {number} of {WORKFLOWS[number % len(WORKFLOWS)]}"
        sizes.append(Size.of(process))
    for place in (0, WARM, PROMPTS - 1):
        record_testsuite_property(f"after prompt {place + 1}", str(sizes[place]))
    warm, last = sizes[WARM], sizes[-1]
    assert last.memory - warm.memory < MOST_GROWTH, f"{warm.memory:,} to {last.memory:,}"
    assert last.handles <= warm.handles + MOST_HANDLES, f"{warm.handles} to {last.handles}"
    assert last.threads <= warm.threads + MOST_THREADS, f"{warm.threads} to {last.threads}"

"""ConsistentID on the host: regions of the face count from the merge step on, and the ID tokens from the beginning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.encoders import PlainParser
from likeness.evaluation.hosts.diffusers.consistentid.method import load_method
from likeness.evaluation.hosts.diffusers.method import Asked, Lent
from likeness.evaluation.hosts.diffusers.photos import Album
from likeness.evaluation.protocol.people import PersonFolder
from likeness.tests.evaluation.hosts.diffusers.small_models import KIT, Drawn, write_protocol
from likeness.tests.evaluation.small_kit import Squares
from likeness.tests.models.face.painted_faces import colour_parser, face_labels, painted
from PIL import Image

ASKED = Asked(prompt="a man", negative="", steps=4)


@pytest.fixture
def method(tmp_path, models):
    """The method of small files, with a parser that sees painted faces."""
    config = Drawn(write_protocol(tmp_path, models, "consistentid", mode="corrected")).protocol.drawing.config
    cpu = torch.device("cpu")
    base = load_base(config.checkpoint)
    made = load_method(config, Lent(base=base, networks=KIT.networks, device=cpu, dtype=torch.float32))
    return replace(made, encoders=replace(made.encoders, parser=PlainParser(colour_parser())), merge_step=None)


def people(folder, labels):
    path = folder / "face.png"
    Image.fromarray(painted(labels)).save(path)
    return Album(Squares(), 1).people((PersonFolder("ada", "woman", (path,)),))


def test_regions_are_read_after_three_fifths_of_the_steps(tmp_path, method):
    whole = method.apply(people(tmp_path, face_labels()), ASKED)
    texts = [whole.text(step).tokens for step in range(ASKED.steps)]
    assert [torch.equal(text, texts[-1]) for text in texts] == [False, False, True, True]  # corrected: from step 2 on


def test_a_face_without_a_nose_puts_none_into_words(tmp_path, method):
    whole, lacking = (
        method.apply(people(tmp_path, face_labels(without=without)), ASKED).text(3).tokens
        for without in ((), ("nose",))
    )
    assert not torch.equal(whole, lacking)


def test_the_merge_step_counts(tmp_path, models):
    early, late = (
        Drawn(write_protocol(tmp_path, models, "consistentid", mode="published", merge_step=step))() for step in (-1, 5)
    )
    assert np.abs(early.astype(int) - late).max() > 2

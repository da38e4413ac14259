"""Methods are found by their wings, and all that is wrong with a section is said at once."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import torch
from likeness.evaluation.hosts.diffusers.config import PeopleConfig
from likeness.evaluation.hosts.diffusers.method import Applied, MethodKind
from likeness.evaluation.hosts.diffusers.methods import METHODS
from likeness.evaluation.protocol.file import read_protocol
from likeness.models.config.rules import Number
from likeness.models.errors import ConfigError
from likeness.models.methods import METHODS as ALL
from likeness.tests.evaluation.hosts.diffusers.small_models import KIT, Drawn, write_protocol


def faults_of(folder, models, method, **keys):
    with pytest.raises(ConfigError) as found:
        read_protocol(write_protocol(folder, models, method, **keys), KIT)
    return str(found.value).split("\n")[1:]


def test_the_words_are_names_of_methods():
    assert METHODS.keys() <= set(ALL)
    assert {"uniportrait", "ip_adapter"} <= METHODS.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowAwayConfig(PeopleConfig):
    brightness: Annotated[float, Number(0), "of nothing"] = 1.0


@dataclass(frozen=True)
class ThrowAway:
    """Adds a number to what every attention layer gives, one for each letter of everybody's names."""

    brightness: float

    def apply(self, people, asked):
        letters = sum(len(person.name) for person in people)

        @dataclass(frozen=True, eq=False)
        class Residual:
            factor: float

            def wants(self, site):
                return True

            def __call__(self, site, call):
                return torch.full_like(call.base, self.factor)

        return Applied(residuals=(Residual(self.brightness * letters),))


def test_a_further_method_is_one_more_wing(tmp_path, models, monkeypatch):
    kind = MethodKind(section=ThrowAwayConfig, make=lambda config, lent: ThrowAway(config.brightness))
    monkeypatch.setitem(METHODS, "throw_away", kind)
    pictures = [
        Drawn(write_protocol(tmp_path, models, method, **keys))()
        for method, keys in (("none", {}), ("throw_away", {"brightness": 0}), ("throw_away", {"brightness": 1}))
    ]
    assert np.array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])
    [said] = faults_of(tmp_path, models, "throw_away", brightness=-1)
    assert said.startswith("[drawing] brightness is -1; choose a number from 0 up")


@pytest.mark.parametrize("method", METHODS)
def test_nothing_outside_its_folder_names_a_method(method):
    room = Path(importlib.import_module("likeness.evaluation.hosts.diffusers").__file__).parent
    named = [
        file.name
        for file in room.rglob("*.py")
        if method not in file.relative_to(room).parts and method in file.read_text(encoding="utf-8").lower()
    ]
    assert named == []


def test_missing_files_are_named_with_their_folder_all_at_once(tmp_path, models):
    said = faults_of(
        tmp_path,
        models,
        "uniportrait",
        checkpoint="checkpoints/none.safetensors",
        adapter="up/a.bin",
        backbone=None,
        strength=3,
    )
    assert said == [
        "[drawing] backbone is missing; choose a file that lies below the folder of [models].",
        '[drawing] checkpoint is "checkpoints/none.safetensors"; the file "none.safetensors" is not in '
        f"{models / 'checkpoints'}; choose a file that lies below the folder of [models].",
        f'[drawing] adapter is "up/a.bin"; the file "a.bin" is not in {models / "up"}; choose a file that lies below the folder '
        "of [models].",
        "[drawing] strength is 3; choose a number from 0 to 2.",
    ]


def test_an_unknown_method_says_which_there_are(tmp_path, models):
    [said] = faults_of(tmp_path, models, "unportrait")[-1:]
    assert said.startswith('[drawing] method is "unportrait"; choose one of "none", "uniportrait"')


def test_a_key_of_another_method_is_told(tmp_path, models):
    [said] = faults_of(tmp_path, models, "none", backbone="backbone.bin")
    assert said.startswith('[drawing] has "backbone", which is not known')


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ({"detector": "none"}, '[drawing] detector is "none"; choose one of '),
        ({"recogniser": "heavy"}, "[drawing] recogniser_weights is missing; heavy needs its file, such as heavy.onnx."),
        (
            {"device": "cuda:99"},
            '[drawing] device is "cuda:99", which this machine does not have; choose "auto" or "cpu".',
        ),
        (
            {"device": "abacus"},
            '[drawing] device is "abacus", which this machine does not have; choose "auto" or "cpu".',
        ),
        ({"together": 2}, "[drawing] draws 1 people, but together is 2; make them the same."),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path, models, keys, fault):
    [said] = faults_of(tmp_path, models, "ip_adapter", **keys)
    assert said.startswith(fault)


def test_two_people_need_uniportraits_router(tmp_path, models):
    [said] = faults_of(tmp_path, models, "uniportrait", together=2, router=None)
    assert said == "[drawing] draws 1 people, but together is 2; make them the same."


def test_reading_a_protocol_brings_no_diffusers(tmp_path, models):
    path = write_protocol(tmp_path, models, "ip_adapter")
    code = (
        "import json, sys\n"
        "from likeness.evaluation.built_in import KIT\nfrom likeness.evaluation.protocol.file import read_protocol\n"
        "from likeness.tests.evaluation.small_kit import KIT as SQUARES\n"
        f"read_protocol({str(path)!r}, KIT.extended(SQUARES))\n"
        "print(json.dumps([name for name in ('diffusers', 'transformers') if name in sys.modules]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == []

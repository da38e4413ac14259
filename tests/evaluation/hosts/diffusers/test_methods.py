"""Methods are found by their wings, and all that is wrong with a section is said at once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from likeness.evaluation.hosts.diffusers.methods import METHODS
from likeness.evaluation.protocol.file import read_protocol
from likeness.models.errors import ConfigError
from likeness.models.methods import METHODS as ALL
from likeness.tests.evaluation.hosts.diffusers.small_models import KIT, write_protocol


def faults_of(folder, models, method, **keys):
    with pytest.raises(ConfigError) as found:
        read_protocol(write_protocol(folder, models, method, **keys), KIT)
    return str(found.value).split("\n")[1:]


def test_the_words_are_names_of_methods():
    assert METHODS.keys() <= set(ALL)
    assert {"uniportrait", "ip_adapter"} <= METHODS.keys()


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

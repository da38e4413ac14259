"""Protocols are read with all faults at once, each with its message."""

from __future__ import annotations

import pytest
from likeness.evaluation.protocol.file import read_protocol
from likeness.models.errors import ConfigError
from likeness.tests.evaluation.small_kit import FACES, KIT, protocol_of, write


def faults_of(folder, changes=None, *, more=""):
    with pytest.raises(ConfigError) as found:
        protocol_of(folder, changes, more=more)
    return str(found.value).split("\n")[1:]


def test_a_protocol_is_what_its_file_says(tmp_path):
    more = '[[metric]]\nkind = "brightness"\nlabel = "light"\n[[paper]]\nname = "P"\nsource = "t"\nvalues = {light = 0.5}\n'
    protocol = protocol_of(tmp_path, more=more)
    assert [(person.name, person.noun) for person in protocol.people] == [
        ("ada", "woman"),
        ("ben", "man"),
        ("cleo", "person"),
    ]
    assert protocol.prompts == ("a {1} on the beach", "a {1}")
    assert (protocol.together, protocol.pictures.seeds, protocol.pictures.steps) == (1, (0, 1), 20)
    assert {label: chosen.word for label, chosen in protocol.metrics.items()} == {
        "face_similarity": "face_similarity",
        "light": "brightness",
    }
    assert protocol.about.output == tmp_path / "run"
    assert protocol.papers[0].values == {"light": 0.5}


def test_all_faults_of_all_sections_are_told_at_once(tmp_path):
    changes = {
        "protocol": 'name = "x"\noutputs = "y"\n',
        "people": 'folder = "nowhere"\n',
        "people.nouns": None,
        "prompts": "",
        "pictures": "width = 100\nseeds = [1, 1]\n",
        "drawing": 'host = "pinter"\n',
        "[metric]": 'kind = "face_similarity"\nrecogniser = "eyes"\ndetector = "squares"\n',
        "methods": "",
    }
    said = faults_of(tmp_path, changes)
    assert said == [
        'The file has "methods", which is not known; write "models" or remove it.',
        '[protocol] has "outputs", which is not known; write "output" or remove it.',
        "[protocol] output is missing; choose a path.",
        f'[people] folder is "nowhere"; there is no such folder: {tmp_path / "nowhere"}; choose the path of a folder that '
        "exists.",
        "[prompts] has neither texts nor file; give the list of prompts in one of them.",
        "[pictures] width is 100; choose a whole number divisible by 8 from 64 to 8192.",
        '[drawing] host is "pinter"; choose one of "painter".',
        '[[metric]] 1 recogniser is "eyes"; choose one of "colours", "heavy".',
    ]


def test_a_missing_weight_is_named_with_its_folder(tmp_path):
    (tmp_path / "models").mkdir()
    said = faults_of(
        tmp_path, {"models": 'folder = "models"\n', "[metric]": 'kind = "weighed"\nweights = "clip/ViT-L.pt"\n'}
    )
    assert said == [
        f'[[metric]] 1 weights is "clip/ViT-L.pt"; the file "ViT-L.pt" is not in {tmp_path / "models" / "clip"}; choose a '
        "file that lies below the folder of [models]."
    ]


def test_a_network_whose_file_must_be_named_says_so(tmp_path):
    said = faults_of(tmp_path, {"[metric]": f'kind = "face_similarity"\n{FACES.replace("colours", "heavy")}'})
    assert said == ["[[metric]] 1 weights is missing; heavy needs its file, such as heavy.onnx."]


def test_a_network_that_brings_its_weights_takes_no_file(tmp_path):
    faces = FACES.replace("squares", "carried") + 'detector_weights = "p.toml"\n'
    said = faults_of(tmp_path, {"[metric]": f'kind = "face_similarity"\n{faces}'})
    assert said == ['[[metric]] 1 detector_weights is "p.toml", but carried brings its own; remove detector_weights.']


@pytest.mark.parametrize(
    ("changes", "more", "fault"),
    [
        ({"people": 'folder = "people"\ntogether = 4\n', "people.nouns": None}, "", "has 3 people, but together is 4"),
        ({}, '[[metric]]\nkind = "face_similarity"\n' + FACES, 'called "face_similarity", as another one is'),
        (
            {"prompts": 'texts = ["{2}"]\n'},
            "",
            '[prompts] has "{2}", but together is 1; places of nouns go from {1} to {1}.',
        ),
        ({"[metric]": None}, "", "[[metric]] is missing; name at least one metric"),
        (
            {"[metric]": None, "metric": 'kind = "brightness"\n'},
            "",
            "[metric] is a table; write each of them below a line",
        ),
        (
            {
                "people": 'folder = "people"\ntogether = 2\n',
                "people.nouns": None,
                "[metric]": 'kind = "weighed"\nweights = "p.toml"\n',
            },
            "",
            "weighed knows 1 person a picture, but together is 2; leave it out.",
        ),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path, changes, more, fault):
    [said] = faults_of(tmp_path, changes, more=more)
    assert fault in said


def test_a_base_holds_where_the_file_is_silent(tmp_path):
    write(tmp_path, name="below.toml")
    path = tmp_path / "above.toml"
    path.write_text('base = "below.toml"\n[pictures]\nsteps = 3\n[people]\nnoun = "robot"\n', encoding="utf-8")
    protocol = read_protocol(path, KIT)
    assert (protocol.pictures.steps, protocol.pictures.seeds) == (3, (0, 1))
    assert [person.noun for person in protocol.people] == ["woman", "man", "robot"]
    assert list(protocol.metrics) == ["face_similarity"]


def test_a_list_of_metrics_takes_the_place_of_the_base(tmp_path):
    write(tmp_path, name="below.toml")
    path = tmp_path / "above.toml"
    path.write_text('base = "below.toml"\n[[metric]]\nkind = "brightness"\n', encoding="utf-8")
    assert list(read_protocol(path, KIT).metrics) == ["brightness"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('base = "none"', 'has base = "none", but there is no such protocol; choose consistentid, facestudio'),
        ("base = 3", "has base = 3; name a protocol: consistentid"),
        ('base = "p.toml"', "goes round in a circle"),
    ],
)
def test_a_base_that_is_none_is_told(tmp_path, line, said):
    path = tmp_path / "p.toml"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        read_protocol(path, KIT)

"""What a file says of itself."""

import json

import pytest
from likeness.models.errors import InvalidSettingError, UnknownCheckpointError
from likeness.models.facestudio.description import METADATA_KEY, Description


def test_metadata_come_back_as_they_were():
    for said in (
        Description(),
        Description(encoder="paper3", sha256=("a", "b", "c"), activation="gelu", std=(0.5, 0.5, 0.5)),
    ):
        assert Description.from_metadata(said.metadata(), "a file") == said


@pytest.mark.parametrize(
    "said",
    [
        None,
        "no JSON",
        "[]",
        json.dumps({"encoder": "other", "colour": 1}),
        json.dumps({"encoder": "ViT"}),
        json.dumps({"activation": "relu"}),
        json.dumps({"mean": [0, 0]}),
        json.dumps({"std": [0, 1, 1]}),
        json.dumps({"face_width": "wide"}),
    ],
)
def test_metadata_that_do_not_fit_are_refused(said):
    with pytest.raises(UnknownCheckpointError, match="export it again"):
        Description.from_metadata({} if said is None else {METADATA_KEY: said}, "a file")


@pytest.mark.parametrize(
    "fields", [{"encoder": "x"}, {"activation": "x"}, {"mean": (1, 2)}, {"std": (0, 1, 1)}, {"face_width": 0}]
)
def test_values_of_another_kind_are_refused(fields):
    with pytest.raises(InvalidSettingError):
        Description(**fields)


def test_a_space_is_called_by_its_models():
    assert str(Description().space_of(768)) == "ViT-L/14 (768)"
    assert str(Description(encoder="paper3").space_of(1792)) == "ViT-L/14, RN101 and ViT-B/32 (1792)"
    assert str(Description(encoder="other", space="miniature").space_of(64)) == "miniature (64)"
    assert str(Description(encoder="other").space_of(9)) == "9 wide"

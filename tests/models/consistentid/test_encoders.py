from dataclasses import replace

import pytest
import torch
from likeness.models.consistentid.encoders import ConsistentIDEncoders
from likeness.models.errors import MissingModelFileError
from likeness.tests.models.consistentid.small_encoders import face, looking, picture

NOTHING = ConsistentIDEncoders()


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda encoders: encoders.tokens(torch.zeros(1, 3, 224, 224)), "CLIP vision model .* connect clip_vision"),
        (lambda encoders: encoders.required_parser, "face parser .* models/face_parsing, connect face_parser"),
        (lambda encoders: encoders.vector(face(), picture()), r'w600k_r50\.onnx .* choose the file in "recogniser"'),
    ],
)
def test_what_is_missing_says_where_it_belongs(ask, said):
    with pytest.raises(MissingModelFileError, match=said):
        ask(NOTHING)


def test_one_that_is_there_needs_no_other():
    looks = looking(12, 10)
    alone = replace(looks.encoders, clip=None, parser=None)
    assert torch.equal(alone.vector(face(), picture()), looks.recogniser.vectors([face()], [picture()]))

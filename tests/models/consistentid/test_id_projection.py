"""What it computes is tested in tests/models/adapters/test_id_projection.py."""

import torch
from likeness.models.consistentid.id_projection import IDProjection
from likeness.tests.models.consistentid.conftest import CLIP, FACE, HEAD, TOKENS, WIDTH


def test_the_files_projection_makes_tokens_of_face_and_photo(projection_weights):
    module = IDProjection.from_state_dict(projection_weights, dim_head=HEAD)

    tokens = module(id_vector=torch.ones(2, FACE), clip_tokens=torch.ones(2, 7, CLIP), shortcut=False, s_scale=1.0)

    assert tokens.shape == (2, TOKENS, WIDTH)
    assert tokens.std() > 0.1

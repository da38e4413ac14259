import pytest
import torch
from likeness.models.adapters.id_projection import FacesProjection, IDProjection
from likeness.models.adapters.resampler import ResamplerSizes
from likeness.models.errors import ShapeError, UnknownCheckpointError

from_weights = IDProjection.from_state_dict
SIZES = ResamplerSizes(features=12, dim=16, inner=16, dim_head=8, hidden=64, depth=2, output=16)


@pytest.fixture
def projection_weights():
    torch.manual_seed(1)
    return dict(IDProjection(10, 20, 4, SIZES).state_dict())


@pytest.fixture
def faces():
    torch.manual_seed(2)
    return FacesProjection(10, 20, 4, 16).eval().requires_grad_(False)


@pytest.fixture
def module(projection_weights):
    return from_weights(projection_weights, dim_head=8)


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(5)
    return torch.randn(2, 10, generator=generator), torch.randn(2, 7, 12, generator=generator)


def test_sizes_come_from_the_weights(module, inputs):
    assert (module.num_tokens, module.width) == (4, 16)
    assert module(*inputs, shortcut=False, s_scale=1.0).shape == (2, 4, 16)


def test_scale_counts_with_the_shortcut_only(module, inputs):
    alone = module(*inputs, shortcut=False, s_scale=1.0)
    shortcut = [module(*inputs, shortcut=True, s_scale=scale) for scale in (0.0, 0.5)]

    assert torch.equal(alone, module(*inputs, shortcut=False, s_scale=0.5))
    torch.testing.assert_close(shortcut[1] - shortcut[0], 0.5 * alone)
    assert alone.abs().max() > 0.1


def test_rows_do_not_mix(module, inputs):
    both = module(*inputs, shortcut=True, s_scale=1.0)
    one = module(inputs[0][1:], inputs[1][1:], shortcut=True, s_scale=1.0)

    torch.testing.assert_close(both[1:], one)


def test_other_widths_are_refused(module, inputs):
    face, photo = inputs

    with pytest.raises(ShapeError, match="id_vector"):
        module(face[:, 1:], photo, shortcut=True, s_scale=1.0)
    with pytest.raises(ShapeError, match="picture features"):
        module(face, photo[..., 1:], shortcut=True, s_scale=1.0)


def test_faults_are_named(projection_weights):
    lost = projection_weights.pop("perceiver_resampler.layers.1.0.to_q.weight")
    projection_weights["stranger"] = lost

    with pytest.raises(
        UnknownCheckpointError, match=r"missing \(perceiver_resampler\.layers\.1.*unexpected \(stranger\)"
    ):
        from_weights(projection_weights, dim_head=8)


def test_a_head_width_that_does_not_divide_is_refused(projection_weights):
    with pytest.raises(UnknownCheckpointError, match="heads of 5"):
        from_weights(projection_weights, dim_head=5)


def test_widths_that_contradict_each_other_are_refused(projection_weights):
    projection_weights["proj.2.weight"] = projection_weights["proj.2.weight"][:-1]

    with pytest.raises(UnknownCheckpointError, match="63 values"):
        from_weights(projection_weights, dim_head=8)


def test_several_faces_give_the_tokens_of_each_behind_one_another(faces):
    vectors = torch.randn(2, 3, 10, generator=torch.Generator().manual_seed(6))

    joined = faces(vectors)

    assert joined.shape == (2, 12, 16)
    for face in range(3):
        torch.testing.assert_close(joined[:, 4 * face : 4 * face + 4], faces(vectors[:, face]))
    assert not torch.allclose(joined[:, :4], joined[:, 4:8], atol=1e-3)


def test_nobody_is_the_projection_of_zeros(faces):
    assert torch.equal(faces.null(), faces(torch.zeros(1, 10)))
    assert faces.null().abs().max() > 0.1


def test_a_face_projection_comes_back_from_its_weights(faces):
    weights = faces.state_dict()
    again = FacesProjection.from_state_dict({key: tensor.half() for key, tensor in weights.items()})

    assert (again.num_tokens, again.width, again.vector_width) == (4, 16, 10)
    assert {tensor.dtype for tensor in again.state_dict().values()} == {torch.float32}
    for key, tensor in again.state_dict().items():
        torch.testing.assert_close(tensor, weights[key], atol=1e-3, rtol=1e-3)


def test_faulty_face_projections_and_vectors_are_refused(faces):
    weights = faces.state_dict()
    with pytest.raises(UnknownCheckpointError, match="63 values"):
        FacesProjection.from_state_dict({**weights, "proj.2.weight": weights["proj.2.weight"][:-1]})
    with pytest.raises(UnknownCheckpointError, match=r"unexpected \(latents\)"):
        FacesProjection.from_state_dict({**weights, "latents": torch.zeros(1)})
    with pytest.raises(ShapeError, match="faces"):
        faces(torch.zeros(2, 11))
    with pytest.raises(ShapeError, match="faces"):
        faces(torch.zeros(1, 2, 3, 10))

"""pyiqa's metrics are made of the user's files alone, and whatever else they ask for is named with its folder."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from likeness.evaluation.metrics.metric import Shown
from likeness.evaluation.metrics.quality import PYIQA, PyIqaConfig, load_pyiqa
from likeness.models.errors import (
    CorruptModelFileError,
    InvalidSettingError,
    MissingModelFileError,
    MissingPackageError,
)
from likeness.tests.evaluation.metrics.shown import noise, shown

needs_pyiqa = pytest.mark.skipif(find_spec("pyiqa") is None, reason="needs pyiqa")
NIQE, MUSIQ, TOPIQ = "niqe_modelparameters.mat", "musiq_koniq_ckpt-e95806b9.pth", "cfanet_nr_koniq_res50-9a73138b.pth"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Files of three metrics under their published names, with random weights."""
    import scipy.io
    from pyiqa.archs import musiq_arch
    from pyiqa.archs.topiq_arch import CFANet

    folder = tmp_path_factory.mktemp("pyiqa")
    normal = {"mu_prisparam": np.random.default_rng(0).normal(size=(1, 36)), "cov_prisparam": np.eye(36)}
    scipy.io.savemat(folder / NIQE, normal)
    torch.manual_seed(0)
    torch.save(musiq_arch.MUSIQ(pretrained=False).state_dict(), folder / MUSIQ)
    topiq = CFANet(model_name="cfanet_nr_koniq_res50", use_ref=False, pretrained=False, backbone_pretrain=False)
    torch.save({"params": topiq.state_dict()}, folder / TOPIQ)
    return folder


def load(name, *paths):
    return load_pyiqa(PyIqaConfig(metric=name, weights=paths))


@needs_pyiqa
@pytest.mark.parametrize(
    ("name", "file", "better"), [("niqe", NIQE, "lower"), ("musiq", MUSIQ, "higher"), ("topiq_nr", TOPIQ, "higher")]
)
def test_a_metric_of_the_user_s_file(files, name, file, better):
    metric = load(name, files / file)
    assert PYIQA.better_of(metric) == better
    said = [metric.measure(Shown(noise(seed, 224, 256), "", ()))["value"] for seed in (0, 0, 1)]
    assert said[0] == said[1] != said[2]
    assert metric.key != load("piqe").key


@needs_pyiqa
def test_a_picture_that_is_too_small_is_one_sentence(files):
    with pytest.raises(InvalidSettingError, match=r'"niqe" cannot look at a picture of 64×48 pixels'):
        load("niqe", files / NIQE).measure(shown((1,)))


@needs_pyiqa
def test_musiq_is_what_its_network_says(files):
    from pyiqa.archs import musiq_arch

    network = musiq_arch.MUSIQ(pretrained=False).eval()
    network.load_state_dict(torch.load(files / MUSIQ))
    with torch.no_grad():
        expected = float(network(torch.from_numpy(noise(0)).permute(2, 0, 1)[None] / 255))
    assert load("musiq", files / MUSIQ).measure(shown((1,)))["value"] == pytest.approx(expected, abs=1e-4)


@needs_pyiqa
@pytest.mark.parametrize(
    ("name", "file", "asks"), [("musiq", NIQE, MUSIQ), ("niqe", MUSIQ, NIQE), ("unique", NIQE, "resnet34-b627a593.pth")]
)
def test_what_is_not_named_is_told_with_its_folder_and_not_fetched(files, name, file, asks):
    with pytest.raises(MissingModelFileError) as found:
        load(name, files / file)
    assert str(found.value) == (
        f'pyiqa\'s "{name}" asks for {asks}, which weights does not name, or names in another version; put it into {files} and '
        "name it there."
    )


@needs_pyiqa
def test_a_hub_is_not_asked(files):
    with pytest.raises(CorruptModelFileError, match=r'pyiqa cannot make "hyperiqa" of no file'):
        load("hyperiqa")


@needs_pyiqa
def test_another_file_under_that_name_is_one_sentence(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / MUSIQ)
    with pytest.raises(CorruptModelFileError, match=f'pyiqa cannot make "musiq" of {MUSIQ}'):
        load("musiq", tmp_path / MUSIQ)


class Stranger:
    """What only code in a pickle could make."""


@needs_pyiqa
def test_code_in_a_file_is_not_run(tmp_path):
    torch.save({"a": Stranger()}, tmp_path / MUSIQ)
    with pytest.raises(CorruptModelFileError, match=r"[Ww]eights.only"):
        load("musiq", tmp_path / MUSIQ)


@needs_pyiqa
@pytest.mark.parametrize("name", ["psnr", "fid", "musik"])
def test_a_metric_that_needs_more_than_a_picture_is_refused(name):
    with pytest.raises(InvalidSettingError, match=f'pyiqa has no metric "{name}" that needs one picture alone'):
        load(name)


@pytest.mark.skipif(find_spec("pyiqa") is not None, reason="has pyiqa")
def test_without_pyiqa_it_is_said_how_to_get_it():
    with pytest.raises(MissingPackageError, match=r'"niqe" needs the package pyiqa.*--no-deps'):
        load("niqe")

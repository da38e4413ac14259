"""Errors name the pack and not its folder, cross processes, and checks let through exactly what they allow."""

from __future__ import annotations

import copy
import importlib.util
import multiprocessing
import pickle
import sys
from pathlib import Path

import pytest
import torch
from likeness.models import errors
from likeness.models.errors import (
    BadImageError,
    InvalidSettingError,
    LikenessError,
    MissingModelFileError,
    MissingPackageError,
    NoFaceFoundError,
    ShapeError,
    first_line,
    require_range,
    require_shape,
)
from torch.utils.data import DataLoader, Dataset

KINDS = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]


class OneBadPicture(Dataset):
    """A data set whose only picture shows no face."""

    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise NoFaceFoundError(f"Picture {index} shows no face.")


@pytest.mark.parametrize("kind", KINDS)
def test_comfyui_shows_the_packs_name_before_the_class(kind):
    assert f"{kind.__module__}.{kind.__qualname__}" == f"likeness.{kind.__name__}"


def test_the_pack_is_named_where_it_was_imported_from_a_path(tmp_path, monkeypatch):
    """ComfyUI imports a pack under the path of its folder, in which a dot stands as _x_."""
    name = f"{tmp_path}/ComfyUI-Likeness.models.errors"
    spec = importlib.util.spec_from_file_location(name, errors.__file__)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    assert module.NoFaceFoundError is not NoFaceFoundError
    assert module.NoFaceFoundError.home == name
    assert module.NoFaceFoundError.__module__ == "likeness"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_and_its_class_survive_pickling(kind, protocol):
    assert pickle.loads(pickle.dumps(kind, protocol)) is kind
    copied = pickle.loads(pickle.dumps(kind("what happened, what to do"), protocol))
    assert type(copied) is kind
    assert str(copied) == "what happened, what to do"


def test_pickling_keeps_what_the_python_error_below_knows():
    copied = pickle.loads(pickle.dumps(MissingPackageError("insightface is missing", name="insightface")))
    assert (copied.name, str(copied)) == ("insightface", "insightface is missing")
    missing = pickle.loads(pickle.dumps(MissingModelFileError(2, "no such file", "a.bin")))
    assert (missing.errno, missing.filename) == (2, "a.bin")


def test_a_copied_error_keeps_class_and_message():
    assert type(copy.deepcopy(BadImageError("empty"))) is BadImageError


def test_an_error_of_a_worker_process_arrives_as_itself():
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("needs a system that forks: another start imports this file by a name it does not have")
    loader = DataLoader(OneBadPicture(), batch_size=None, num_workers=1, multiprocessing_context="fork")
    with pytest.raises(NoFaceFoundError, match=r"Picture 0 shows no face\."):
        next(iter(loader))


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [(BadImageError, ValueError), (MissingModelFileError, FileNotFoundError), (MissingPackageError, ImportError)],
)
def test_an_error_is_caught_as_ours_and_as_pythons(kind, builtin):
    for caught in (LikenessError, builtin):
        with pytest.raises(caught):
            raise kind("text")


@pytest.mark.parametrize("value", [-0.01, 2.01, float("nan")])
def test_a_setting_outside_its_range_is_refused_with_both_ends(value):
    with pytest.raises(InvalidSettingError, match=rf"strength is {value}; choose a number from 0 to 2\."):
        require_range("strength", value, 2)


@pytest.mark.parametrize("value", [0, 1.5, 2])
def test_a_setting_within_its_range_passes(value):
    assert require_range("strength", value, 2) is None


@pytest.mark.parametrize("shape", [(2, 4), (2, 3, 1), (3,)])
def test_a_tensor_of_another_shape_is_refused_with_both_shapes(shape):
    with pytest.raises(ShapeError) as caught:
        require_shape("tokens", torch.zeros(shape), ["B", 3])
    assert str(caught.value) == f"tokens has shape {shape}; expected (B, 3)."


def test_a_letter_stands_for_any_size():
    assert require_shape("tokens", torch.zeros(7, 3), ["B", 3]) is None


def test_the_file_itself_stays_where_it_is():
    """Only the classes are renamed: Python still finds their file."""
    assert Path(errors.__file__).name == "errors.py"
    assert require_shape.__module__ == errors.__name__


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("one\ntwo"), "one"),
        (ValueError("\n  one \n"), "one"),
        (KeyError(), "KeyError"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_the_first_line_of_an_error_is_what_it_says(error, said):
    assert first_line(error) == said

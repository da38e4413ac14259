"""Quality of a picture by pyiqa's metrics without a reference. Their weights are files here; nothing is fetched."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Annotated, Any, NoReturn
from unittest.mock import patch
from urllib.parse import urlparse

import numpy as np
import torch

from ...models.config.keys import Default
from ...models.config.values import listed
from ...models.errors import (
    CorruptModelFileError,
    InvalidSettingError,
    LikenessError,
    MissingModelFileError,
    first_line,
)
from ...models.packages import import_package
from ...models.weights.fingerprint import of_file
from ..protocol.sections import MetricConfig
from ..protocol.weights import WeightsFile
from .metric import VALUE, MetricKind, Shown

OF_SETS = ("fid", "inception_score")  # in the names of metrics that look at whole folders
FOLDERS = ("pyiqa", "clip", "checkpoints")  # of torch's folder: where pyiqa, CLIP and torchvision keep what they fetch
TOPIQ = "CFANet"  # pyiqa's class, whose published files hold the backbone too
EXAMPLES = ("musiq", "topiq_nr", "niqe")
SAFE = {"TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}  # pyiqa would run the code in a pickle


@dataclass(frozen=True, slots=True, kw_only=True)
class PyIqaConfig(MetricConfig):
    """Which of pyiqa's metrics looks."""

    metric: Annotated[str, 'pyiqa\'s name of it, such as "musiq", "topiq_nr", "niqe" or "clipiqa"']
    weights: Annotated[
        tuple[WeightsFile, ...], "the files that it asks for, each named as pyiqa publishes it", Default("none")
    ] = ()


@dataclass(frozen=True, eq=False, slots=True)
class PyIqa:
    """A metric of pyiqa; a `Metric`.

    Attributes:
        network: pyiqa's.
        name: of the metric with its weights.
        better: "higher" or "lower" values.
        folder: where the network finds its files for as long as it lives.
    """

    network: Any
    name: str
    better: str
    folder: TemporaryDirectory[str]

    @property
    def key(self) -> str:
        """Names metric and weights."""
        return f"pyiqa {self.name}"

    @torch.no_grad()
    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The metric's number, in its own unit; some look at places drawn at random, here the same for every picture.

        Raises:
            InvalidSettingError: if it cannot look at such a picture.
        """
        pixels = torch.from_numpy(np.ascontiguousarray(shown.picture.transpose(2, 0, 1)))[None].float() / 255
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                return {VALUE: float(self.network(pixels).reshape(()))}
            except Exception as error:  # of anything in pyiqa
                height, width = shown.picture.shape[:2]
                raise InvalidSettingError(
                    f'pyiqa\'s "{self.network.metric_name}" cannot look at a picture of {width}×{height} pixels '
                    f"({first_line(error)}); draw larger ones, or choose another metric."
                ) from error


def load_pyiqa(config: PyIqaConfig) -> PyIqa:
    """Make a metric with the user's files in place of everything that it would fetch.

    Raises:
        InvalidSettingError: if pyiqa has no such metric of single pictures.
        MissingModelFileError: if the metric asks for a file that is not named; says which and where to put it.
        CorruptModelFileError: if a file is something else.
        MissingPackageError: if pyiqa, or what a metric of it needs, is not there.
    """
    purpose = f'The metric pyiqa "{config.metric}"'
    otherwise = "with --no-deps (it asks for a second OpenCV), or leave pyiqa out"
    pyiqa: Any = import_package("pyiqa", "create_metric", "list_models", purpose=purpose, otherwise=otherwise)
    known = [name for name in pyiqa.list_models("NR") if not any(word in name for word in OF_SETS)]
    if config.metric not in known:
        raise InvalidSettingError(
            f'pyiqa has no metric "{config.metric}" that needs one picture alone; choose another, such as '
            f"{listed(get_close_matches(config.metric, known) or list(EXAMPLES))}."
        )
    folder = TemporaryDirectory(prefix="likeness-pyiqa-")
    with _offline(config, Path(folder.name)):
        try:
            network = pyiqa.create_metric(config.metric, device=torch.device("cpu"), **_options(config.metric))
        except LikenessError:
            raise
        except ImportError as error:
            import_package(error.name or "pyiqa", purpose=purpose, otherwise="or choose another metric")
            raise
        except Exception as error:
            named = ", ".join(path.name for path in config.weights) or "no file"
            raise CorruptModelFileError(
                f'pyiqa cannot make "{config.metric}" of {named} ({first_line(error)}); name its own files in weights, or choose '
                "another metric."
            ) from error
    name = " ".join((config.metric, *(of_file(path) for path in config.weights)))
    return PyIqa(network, name, "lower" if network.lower_better else "higher", folder)


def _options(metric: str) -> dict[str, Any]:
    """What keeps a metric from reading a trained part that its own file holds as well."""
    configs: Any = import_package("pyiqa.default_model_configs", "DEFAULT_CONFIGS", purpose="pyiqa")
    return {"backbone_pretrain": False} if configs.DEFAULT_CONFIGS[metric]["metric_opts"]["type"] == TOPIQ else {}


@contextmanager
def _offline(config: PyIqaConfig, home: Path) -> Generator[None]:
    """While it lasts, torch's folder of fetched files is one that holds the user's files, and nothing reaches a network."""

    def refuse(asked: Any, *_: Any, **__: Any) -> NoReturn:
        name = PurePosixPath(urlparse(getattr(asked, "full_url", asked)).path).name
        folder = config.weights[0].parent if config.weights else "a folder below that of [models]"
        raise MissingModelFileError(
            f'pyiqa\'s "{config.metric}" asks for {name}, which weights does not name, or names in another version; put it into '
            f"{folder} and name it there."
        )

    for folder in FOLDERS:
        (home / "hub" / folder).mkdir(parents=True)
        for path in config.weights:
            _lend(path, home / "hub" / folder / path.name)
    with ExitStack() as stack:
        stack.enter_context(patch.dict(os.environ, {**SAFE, "TORCH_HOME": str(home)}))
        stack.enter_context(patch("pyiqa.utils.download_util.DEFAULT_CACHE_DIR", str(home / "hub" / FOLDERS[0])))
        stack.enter_context(patch("huggingface_hub.constants.HF_HUB_OFFLINE", True))
        for place in ("urllib.request.urlopen", "torch.hub.urlopen"):
            stack.enter_context(patch(place, refuse))
        stack.enter_context(redirect_stdout(sys.stderr))
        yield


def _lend(path: Path, place: Path) -> None:
    """Show a file at another place."""
    try:
        place.symlink_to(path)
    except OSError:  # Windows lets few users link
        shutil.copyfile(path, place)


PYIQA = MetricKind(section=PyIqaConfig, make=lambda config, _: load_pyiqa(config), better=lambda metric: metric.better)

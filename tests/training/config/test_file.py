"""Configuration files are read with all faults at once, each with its message."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from typing import Annotated, ClassVar

import pytest
from likeness.models.config.types import Folder
from likeness.models.errors import ConfigError, LikenessError
from likeness.tests.training.small_config import (
    FACEID,
    FACESTUDIO,
    PIVOT,
    PIVOT_KEYS,
    PRIOR,
    STAGE1,
    STAGE2,
    STAGE2_KEYS,
    config_of,
    faults_of,
    write,
)
from likeness.training.config.file import read_config
from likeness.training.uniportrait.config import FaceBaseConfig, StageOneConfig

METHODS = ", ".join(f'"{name}"' for name in (STAGE1, STAGE2, PIVOT, FACEID, FACESTUDIO, PRIOR))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomyBaseConfig(FaceBaseConfig):
    backbone: Annotated[Folder, "a folder, where others have a file"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomyConfig(StageOneConfig):
    name: ClassVar[str] = "roomy"
    base: RoomyBaseConfig


def test_what_the_file_says_wins(tmp_path):
    changes = {"run.steps": "7", "data.people": "[1, 3]", "optimizer.betas": "[0.8, 0.9]", "ema.decay": "0.5"}
    config = config_of(write(tmp_path, changes))
    assert (config.steps, config.people, config.optimizer.betas, config.ema.decay) == (7, (1, 3), (0.8, 0.9), 0.5)


@pytest.mark.parametrize(("changes", "name"), [({}, STAGE1), (STAGE2_KEYS, STAGE2), (PIVOT_KEYS, PIVOT)])
def test_the_name_of_the_method_chooses_the_class(tmp_path, changes, name):
    assert config_of(write(tmp_path, changes)).name == name


def test_paths_start_at_the_folder_of_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = config_of(write(tmp_path, {"data.cache": '"features"'}))
    assert config.base.checkpoint == tmp_path / "base.safetensors"
    assert config.data.manifest == tmp_path / "pictures" / "manifest.jsonl"
    assert config.run.output == tmp_path / "runs" / "first"
    assert config.data.cache == tmp_path / "features"
    assert config.run.resume == "auto"


def test_a_configuration_cannot_be_changed(tmp_path):
    config = config_of(write(tmp_path))
    with pytest.raises(FrozenInstanceError):
        config.run.seed = 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimizer.learning_rate": "-1"}, "[optimizer] learning_rate is -1; choose a number above 0."),
        ({"optimizer.learning_rate": "nan"}, "[optimizer] learning_rate is nan; choose a number above 0."),
        ({"run.steps": '"many"'}, '[run] steps is "many"; choose a whole number from 1 up.'),
        ({"run.seed": "true"}, "[run] seed is true; choose a whole number from 0 to 4294967295."),
        ({"run.output": None}, "[run] output is missing; choose a path."),
        ({"method.name": '"pulid"'}, f'[method] name is "pulid"; choose one of {METHODS}.'),
        ({"method.name": None}, f"[method] name is missing; choose one of {METHODS}."),
        ({"method.rnak": "4"}, '[method] has "rnak", which is not known; write "rank" or remove it.'),
        ({"ema.xyz": "4"}, '[ema] has "xyz", which is not known; choose among decay, or remove it.'),
        (
            {"optimiser.learning_rate": "1"},
            'The file has "optimiser", which is not known; write "optimizer" or remove it.',
        ),
        ({"base.backbone": None}, "[base] backbone is missing; choose the path of a file that exists."),
        ({"method.eta": "1"}, f'[method] eta is 1, but only {PIVOT} uses it and name is "{STAGE1}"; remove it.'),
        ({"method.tau": "0.5"}, f'[method] tau is 0.5, but only {STAGE2} uses it and name is "{STAGE1}"; remove it.'),
        (
            {**PIVOT_KEYS, "method.rank": "4"},
            f'[method] rank is 4, but only {STAGE1}, {STAGE2}, {FACEID} and {FACESTUDIO} use it and name is "{PIVOT}"; remove it.',
        ),
        (
            {**PIVOT_KEYS, "base.backbone": '"face.bin"'},
            f'[base] backbone is "face.bin", but only {STAGE1} and {STAGE2} use it and name is "{PIVOT}"; remove it.',
        ),
        ({"data.shards": '["a.tar"]'}, "[data] manifest and shards are both given; give one of them."),
    ],
)
def test_a_fault_has_its_message(tmp_path, changes, expected):
    assert faults_of(write(tmp_path, changes)) == [expected]


def test_a_file_that_is_not_there_is_named_in_full(tmp_path):
    assert faults_of(write(tmp_path, {"base.vae": '"no.safetensors"'})) == [
        f'[base] vae is "no.safetensors"; there is no such file: {tmp_path / "no.safetensors"}; '
        "choose the path of a file that exists."
    ]


def test_a_section_that_is_no_section(tmp_path):
    path = write(tmp_path)
    path.write_text("ema = 3\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert faults_of(path) == ["[ema] is 3; write it as a section, with its keys below the line [ema]."]


def test_all_faults_come_at_once(tmp_path):
    changes = {
        "run.steps": "-1", "run.sede": "1", "base.checkpoint": '"nowhere"', "optimizer.learning_rate": "0",
        "method.tau": "2.0", "data.manifest": None, "wrong.key": "1",
    }  # fmt: skip
    found = faults_of(write(tmp_path, changes))
    assert len(found) == 7
    for part in ("steps", "sede", "nowhere", "learning_rate", "tau", "manifest and shards", '"wrong"'):
        assert sum(part in line for line in found) == 1, part


def test_one_fault_is_not_called_several(tmp_path):
    with pytest.raises(ConfigError, match=r'^"run.toml" has 1 fault; mend and start again:\n'):
        config_of(write(tmp_path, {"run.keep": "0"}))


def test_an_empty_file_names_every_required_key(tmp_path):
    path = tmp_path / "empty.toml"
    path.touch()
    wanted = ["run] output", "base] checkpoint", "base] clip_vision", "base] backbone", "method] name"]
    found = faults_of(path)
    assert [line.split(" is missing")[0] for line in found[:5]] == [f"[{name}" for name in wanted]
    assert found[5:] == ["[data] manifest and shards are both missing; give one of them."]


def test_a_method_decides_by_itself_what_its_keys_may_hold(tmp_path):
    path = write(tmp_path, {"method.name": '"roomy"', "base.backbone": '"pictures"'})
    assert read_config(path, [StageOneConfig, RoomyConfig]).base.backbone == tmp_path / "pictures"


@pytest.mark.parametrize("content", [b"[run\noutput = 1", b"[run]\nseed = 1\nseed = 2", b"\xff\xfe"])
def test_what_is_no_toml_says_so(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not a TOML file"):
        config_of(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        config_of(tmp_path / "none.toml")
    assert issubclass(ConfigError, LikenessError)

"""Configuration files: paths, defaults, and every fault with its message, all at once."""

from __future__ import annotations

import glob
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from likeness.models.errors import ConfigError, LikenessError
from likeness.training.config.rules import Location, Number
from likeness.training.config.run import PIVOT, SECTIONS, STAGE1, STAGE2, TrainingConfig, key_table, read_config

ROOT = Path(__file__).resolve().parents[3]
SMALLEST = {
    "run": {"output": '"runs/first"'},
    "base": {"checkpoint": '"base.safetensors"', "clip_vision": '"clip.safetensors"', "backbone": '"face.bin"'},
    "method": {"name": f'"{STAGE1}"'},
    "data": {"manifest": '"pictures/manifest.jsonl"'},
}


@pytest.fixture
def write(tmp_path):
    """A function: changes to the smallest configuration as {"section.key": TOML or None to drop it} -> its path."""
    (tmp_path / "pictures").mkdir()
    for name in ("base.safetensors", "clip.safetensors", "face.bin", "pictures/manifest.jsonl", "start.safetensors"):
        (tmp_path / name).touch()

    def make(**changes: str | None) -> Path:
        tables = {section: dict(keys) for section, keys in SMALLEST.items()}
        for place, value in changes.items():
            section, _, name = place.partition(".")
            tables.setdefault(section, {})[name] = value
        lines = [
            f"[{section}]\n" + "".join(f"{name} = {value}\n" for name, value in keys.items() if value is not None)
            for section, keys in tables.items()
        ]
        path = tmp_path / "run.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return path

    return make


def faults(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    return str(caught.value).splitlines()[1:]


def test_the_smallest_file_gets_the_papers_numbers(write):
    config = read_config(write())
    assert (config.steps, config.people) == (300_000, (1, 1))
    method, optimizer = config.method, config.optimizer
    assert (method.rank, method.drop_token, method.drop_path, method.swap_identity) == (None, 0.33, 0.33, 0.1)
    assert (method.drop_face, method.route_weight, method.tau) == (0.05, 0.1, 1.0)
    assert (config.learning_rate, optimizer.warmup_steps, config.ema.decay) == (1e-5, 500, 0)


def test_stage_two_has_its_own_numbers(write):
    config = read_config(write(**{"method.name": f'"{STAGE2}"', "method.init_from": '"start.safetensors"'}))
    assert (config.steps, config.people) == (150_000, (2, 4))


PIVOT_KEYS = {
    "method.name": f'"{PIVOT}"',
    "method.pivot": '"start.safetensors"',
    "method.pivot_activation": '"gelu"',
    "method.pivot_mean": "[0.5, 0.5, 0.5]",
    "method.pivot_std": "[0.5, 0.5, 0.5]",
    "base.clip_vision": None,
    "base.backbone": None,
}


def test_the_pivot_has_its_own_numbers(write):
    config = read_config(write(**PIVOT_KEYS))
    assert (config.steps, config.people, config.learning_rate) == (80_000, (1, 1), 2e-5)
    assert (config.method.visual, config.method.eta, config.method.drop) == ("full", 2e-3, 0.1)
    assert config.method.pivot_mean == (0.5, 0.5, 0.5)


UNTOLD = {"method.pivot_activation": None, "method.pivot_mean": None, "method.pivot_std": None}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"method.pivot": None, "method.pivot_mean": None},
            [
                "[method] pivot is missing; without init_from, give the weights that the image encoder begins with.",
                "[method] pivot_mean is missing; without init_from, give what those weights were trained with; no tensor tells "
                "it.",
            ],
        ),
        (
            {"method.init_from": '"start.safetensors"', **UNTOLD, "method.pivot_std": "[1, 1, 1]"},
            ["[method] pivot_std is given, but the adapter in init_from says it; remove it."],
        ),
        (
            {"method.rank": "4", "base.backbone": '"face.bin"', "export.published_layout": "true"},
            [
                f'[base] backbone is "face.bin", but only {STAGE1} and {STAGE2} use it and name is "{PIVOT}"; remove it.',
                f'[method] rank is 4, but only {STAGE1} and {STAGE2} use it and name is "{PIVOT}"; remove it.',
                f'[export] published_layout is true, but only {STAGE1} and {STAGE2} use it and name is "{PIVOT}"; remove it.',
            ],
        ),
        (
            {"samples.prompts": '["a man", "a cat"]'},
            [
                '[samples] prompts[1] is "a cat": No word of the prompt is known to mean a person; write @id1 behind the one '
                'that does, as in "a wizard @id1".'
            ],
        ),
        ({"method.pivot_std": "[0.5, 0, 1]"}, ["[method] pivot_std is [0.5, 0, 1]; choose a list of 3 entries, each a number "
                                               "above 0."]),
    ],
)  # fmt: skip
def test_a_fault_in_a_pivots_configuration_has_its_message(write, changes, expected):
    assert faults(write(**{**PIVOT_KEYS, **changes})) == expected


def test_a_pivot_may_go_on_without_the_first_weights(write):
    config = read_config(
        write(**{**PIVOT_KEYS, **UNTOLD, "method.pivot": None, "method.init_from": '"start.safetensors"'})
    )
    assert config.method.pivot is None


def test_what_the_file_says_wins(write):
    config = read_config(
        write(**{"run.steps": "7", "data.people": "[1, 3]", "optimizer.betas": "[0.8, 0.9]", "ema.decay": "0.5"})
    )
    assert (config.steps, config.people, config.optimizer.betas, config.ema.decay) == (7, (1, 3), (0.8, 0.9), 0.5)


def test_paths_start_at_the_folder_of_the_file(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    config = read_config(write(**{"data.cache": '"features"'}))
    assert config.base.checkpoint == tmp_path / "base.safetensors"
    assert config.data.manifest == tmp_path / "pictures" / "manifest.jsonl"
    assert config.run.output == tmp_path / "runs" / "first"
    assert config.data.cache == tmp_path / "features"
    assert config.run.resume == "auto"


def test_shards_start_at_the_folder_of_the_file_whatever_it_is_called(write, tmp_path):
    config = read_config(write(**{"data.manifest": None, "data.shards": '["a-{0..1}.tar", "/b/*.tar"]'}))
    assert config.data.shards == (f"{glob.escape(str(tmp_path))}/a-{{0..1}}.tar", "/b/*.tar")


def test_an_absolute_path_stays(write, tmp_path):
    other = tmp_path / "pictures" / "vae.safetensors"
    other.touch()
    assert read_config(write(**{"base.vae": f"'{other}'"})).base.vae == other


def test_a_whole_number_is_good_where_fractions_are(write):
    rate = read_config(write(**{"optimizer.learning_rate": "1"})).optimizer.learning_rate
    assert (rate, type(rate)) == (1.0, float)


def test_a_configuration_cannot_be_changed(write):
    config = read_config(write())
    with pytest.raises(FrozenInstanceError):
        config.run.seed = 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"optimizer.learning_rate": "-1"}, "[optimizer] learning_rate is -1; choose a number above 0."),
        ({"optimizer.learning_rate": "nan"}, "[optimizer] learning_rate is nan; choose a number above 0."),
        ({"run.steps": "0"}, "[run] steps is 0; choose a whole number from 1 up."),
        ({"run.steps": "1.5"}, "[run] steps is 1.5; choose a whole number from 1 up."),
        ({"run.steps": '"many"'}, '[run] steps is "many"; choose a whole number from 1 up.'),
        ({"run.seed": "true"}, "[run] seed is true; choose a whole number from 0 to 4294967295."),
        ({"run.output": None}, "[run] output is missing; choose a path."),
        ({"run.output": '" "'}, '[run] output is " "; choose a path.'),
        ({"method.drop_token": "1.2"}, "[method] drop_token is 1.2; choose a number from 0 to 1."),
        ({"method.drop_path": "1"}, "[method] drop_path is 1; choose a number from 0 and below 1."),
        ({"method.name": '"pulid"'}, f'[method] name is "pulid"; choose one of "{STAGE1}", "{STAGE2}", "{PIVOT}".'),
        ({"method.rnak": "4"}, '[method] has "rnak", which is not known; write "rank" or remove it.'),
        ({"ema.xyz": "4"}, '[ema] has "xyz", which is not known; choose among decay, or remove it.'),
        (
            {"optimiser.learning_rate": "1"},
            'The file has "optimiser", which is not known; write "optimizer" or remove it.',
        ),
        ({"data.size": "500"}, "[data] size is 500; choose a whole number divisible by 64 from 64 to 4096."),
        (
            {"data.people": "[3, 2]"},
            "[data] people is [3, 2]; choose a list of 2 entries, each a whole number from 1 to 16, the smaller first.",
        ),
        (
            {"optimizer.betas": "[0.9]"},
            "[optimizer] betas is [0.9]; choose a list of 2 entries, each a number from 0 and below 1.",
        ),
        ({"logging.tensorboard": "1"}, "[logging] tensorboard is 1; choose true or false."),
        ({"precision.mixed": '"fp8"'}, '[precision] mixed is "fp8"; choose one of "no", "fp16", "bf16".'),
        ({"base.backbone": None}, "[base] backbone is missing; choose the path of a file that exists."),
        ({"method.eta": "1"}, f'[method] eta is 1, but only {PIVOT} uses it and name is "{STAGE1}"; remove it.'),
        ({"method.tau": "0.5"}, f'[method] tau is 0.5, but only {STAGE2} uses it and name is "{STAGE1}"; remove it.'),
        (
            {"method.name": f'"{STAGE2}"'},
            "[method] init_from is missing; stage II freezes what stage I trained: name its export.",
        ),
        (
            {"method.init_router": '"start.safetensors"'},
            f'[method] init_router is "start.safetensors", but only {STAGE2} uses it and name is "{STAGE1}"; remove it.',
        ),
        ({"export.name": '"a/b"'}, '[export] name is "a/b"; choose a file name without a folder.'),
        ({"export.name": '".."'}, '[export] name is ".."; choose a file name without a folder.'),
        ({"data.manifest": None}, "[data] manifest and shards are both missing; give one of them."),
        ({"data.shards": '["a.tar"]'}, "[data] manifest and shards are both given; give one of them."),
        (
            {"samples.every": "5", "samples.prompts": '["a"]'},
            "[samples] references is empty, but every is 5; give at least one or set every to 0.",
        ),
    ],
)
def test_a_fault_has_its_message(write, changes, expected):
    assert faults(write(**changes)) == [expected]


def test_a_file_that_is_not_there_is_named_in_full(write, tmp_path):
    [fault] = faults(write(**{"base.vae": '"no.safetensors"'}))
    assert fault == (
        f'[base] vae is "no.safetensors"; there is no such file: {tmp_path / "no.safetensors"}; '
        "choose the path of a file that exists."
    )


def test_a_section_that_is_no_section(write):
    path = write()
    path.write_text("ema = 3\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert faults(path) == ["[ema] is 3; write it as a section, with its keys below the line [ema]."]


def test_all_faults_come_at_once(write):
    found = faults(
        write(
            **{
                "run.steps": "-1",
                "run.sede": "1",
                "base.checkpoint": '"nowhere"',
                "optimizer.learning_rate": "0",
                "method.tau": "2.0",
                "data.manifest": None,
                "wrong.key": "1",
            }
        )
    )
    assert len(found) == 7
    for part in ("steps", "sede", "nowhere", "learning_rate", "tau", "manifest and shards", '"wrong"'):
        assert sum(part in line for line in found) == 1, part


def test_an_empty_file_names_every_required_key(tmp_path):
    path = tmp_path / "empty.toml"
    path.touch()
    wanted = ["run] output", "base] checkpoint", "base] clip_vision", "base] backbone", "method] name"]
    found = faults(path)
    assert [line for line in found if "is missing" in line and any(f"[{name} " in line for name in wanted)] == found[:5]
    assert found[5:] == ["[data] manifest and shards are both missing; give one of them."]


@pytest.mark.parametrize("content", [b"[run\noutput = 1", b"[run]\nseed = 1\nseed = 2", b"\xff\xfe"])
def test_what_is_no_toml_says_so(tmp_path, content):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="is not a TOML file"):
        read_config(path)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.toml")
    assert issubclass(ConfigError, LikenessError)


@given(value=st.one_of(st.integers(), st.floats(), st.booleans(), st.text(max_size=3)))
def test_a_number_is_taken_exactly_where_it_lies_in_the_range(value):
    rule = Number(0, 1, below=True)
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1
    try:
        assert rule.read(value, Path()) == value
        assert good
    except ValueError:
        assert not good


@given(text=st.text(alphabet="ab./-", min_size=1, max_size=8).filter(str.strip))
def test_a_location_is_always_absolute(text):
    assert Path(Location("").read(text, Path("/somewhere"))).is_absolute()


def test_every_section_is_an_attribute_of_the_configuration():
    assert {entry.name for entry in fields(TrainingConfig)} == set(SECTIONS)


def test_the_manual_shows_the_table_of_the_code():
    manual = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert key_table() in manual


def test_the_table_tells_required_from_default():
    lines = key_table().splitlines()
    assert "| `[method] rank` | a whole number from 1 up | 128, or what `init_from` has | rank of the LoRA |" in lines
    [checkpoint] = [line for line in lines if "[base] checkpoint" in line]
    assert "| required |" in checkpoint
    [betas] = [line for line in lines if "betas" in line]
    assert "`[0.9, 0.999]`" in betas

"""The manual shows the table of all keys, with what each method's paper says."""

from __future__ import annotations

from pathlib import Path

import pytest
from likeness.training.config.manual import key_table
from likeness.training.methods import CONFIGS

MANUAL = (Path(__file__).resolve().parents[3] / "docs" / "training.md").read_text(encoding="utf-8")


def row(place: str, configs=CONFIGS) -> list[str]:
    """Cells of a key's row, without its name."""
    [found] = [line for line in key_table(configs).splitlines() if line.startswith(f"| `{place}` |")]
    return [cell.strip() for cell in found.split(" | ")[1:]]


def test_the_manual_shows_the_table_of_the_code():
    assert key_table(CONFIGS) in MANUAL


@pytest.mark.parametrize(
    ("place", "default"),
    [
        ("[base] checkpoint", "required"),
        ("[base] vae", "–"),
        (
            "[method] rank",
            "128 without `init_from` in stage I, in stage II and for FaceID, 64 without `init_from` for FaceStudio",
        ),
        ("[optimizer] betas", "`[0.9, 0.999]`"),
        ("[run] resume", '`"auto"`'),
        ("[logging] tensorboard", "`true`"),
        ("[method] tau", "`1`"),
    ],
)
def test_the_table_tells_required_from_default(place, default):
    assert row(place)[1] == default


def test_numbers_of_the_papers_stand_with_the_methods_that_they_hold_for():
    assert (
        row("[run] steps")[1]
        == "`300000` in stage I, `150000` in stage II, `80000` for the pivot, `1000000` for FaceID, `50000` for FaceStudio, `100000` for its prior"
    )
    assert row("[data] people")[1] == (
        "`[1, 1]` in stage I, for the pivot and for FaceID, `[2, 4]` in stage II, `[0, 1]` for FaceStudio, `[0, 16]` for its prior"
    )
    assert row("[data] people", CONFIGS[1:2])[1] == "`[2, 4]` in stage II"


def test_defaults_that_differ_stand_with_their_methods_and_those_that_do_not_alone():
    assert row("[method] drop_face")[1] == "`0.05` in stage I, in stage II and for FaceID, `0.1` for FaceStudio"
    assert row("[method] drop_face", CONFIGS[:2])[1] == "`0.05`"
    assert row("[method] init_from")[1].startswith("– in stage I")
    assert "required in stage II" in row("[method] init_from")[1]


def test_the_table_of_one_method_has_its_keys_alone():
    stage1, _, pivot, *_ = (key_table([config]) for config in CONFIGS)
    assert "drop_token" in stage1
    assert "drop_token" not in pivot
    assert row("[method] name", CONFIGS[:1])[0] == 'one of "uniportrait-stage1"'

"""docs/evaluation.md: its example is a protocol, and every protocol, key and metric is in its tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from likeness.evaluation.built_in import KIT
from likeness.evaluation.hosts.comfyui import ComfyUIConfig
from likeness.evaluation.protocol.file import SECTIONS, SHIPPED, read_protocol
from likeness.evaluation.protocol.sections import MetricConfig, PaperConfig
from likeness.models.config.keys import keys_of
from likeness.models.errors import ConfigError
from likeness.tests.evaluation.small_kit import write_people

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def row(name):
    """The row of a table that begins with a name."""
    [found] = [line for line in MANUAL.splitlines() if re.match(rf"\| [^|]*`{re.escape(name)}`", line)]
    return found


def test_the_example_lacks_nothing_but_weights(tmp_path):
    [text] = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    write_people(tmp_path / "people", ["ada", "ben"])
    titles = {"Positive": "text", "Sampler": "seed", "Photo": "image", "Save Image": "images"}
    nodes = {
        str(number): {"class_type": "X", "inputs": {name: ""}, "_meta": {"title": title}}
        for number, (title, name) in enumerate(titles.items())
    }
    (tmp_path / "workflow.json").write_text(json.dumps(nodes), encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    (tmp_path / "models").mkdir()
    with pytest.raises(ConfigError) as found:
        read_protocol(tmp_path / "mine.toml", KIT)
    faults = str(found.value).split("\n")[1:]
    assert faults
    assert all(re.search(rf'the file "[^"]+" is not in {tmp_path / "models"}/', fault) for fault in faults)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.stem)
def test_every_protocol_is_listed(path):
    assert row(path.stem)


@pytest.mark.parametrize(
    ("section", "kind"),
    [
        *((f"[{name}]", kind) for name, kind in SECTIONS.items()),
        ("[drawing]", ComfyUIConfig),
        ("[[metric]]", MetricConfig),
        ("[[paper]]", PaperConfig),
    ],
)
def test_every_key_is_listed(section, kind):
    told = row(section)
    assert [key.name for key in keys_of(kind) if f"`{key.name}`" not in told] == []


@pytest.mark.parametrize("name", KIT.metrics)
def test_every_metric_is_listed_with_its_keys(name):
    told = row(name)
    assert [
        key.name for key in keys_of(KIT.metrics[name].section) if f"`{key.name}`" not in told and key.name != "label"
    ] == []
    assert ("↓" in told.split("|")[1]) == (KIT.metrics[name].better == "lower")


def test_every_network_is_listed():
    for words in (KIT.networks.recognisers, KIT.networks.detectors):
        assert all(f"`{word}`" in MANUAL for word in words)

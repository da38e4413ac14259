"""docs/evaluation.md: its example is a protocol, and every protocol, key and metric is in its tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from likeness.evaluation.built_in import KIT
from likeness.evaluation.hosts.comfyui import ComfyUIConfig
from likeness.evaluation.hosts.diffusers.config import PeopleConfig
from likeness.evaluation.hosts.diffusers.methods import METHODS
from likeness.evaluation.protocol.file import SECTIONS, SHIPPED, read_protocol
from likeness.evaluation.protocol.sections import MetricConfig, PaperConfig
from likeness.models.config.keys import keys_of
from likeness.models.errors import ConfigError
from likeness.tests.evaluation.small_kit import write_people

NAMES = {"uniportrait": "UniPortrait's", "ip_adapter": "IP-Adapter's", "consistentid": "ConsistentID's"}
MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def row(name):
    """The row of a table that begins with a name."""
    [found] = [line for line in MANUAL.splitlines() if re.match(rf"\| [^|]*`{re.escape(name)}`", line)]
    return found


@pytest.mark.parametrize("host", ["comfyui", "diffusers"])
def test_the_examples_lack_nothing_but_weights(tmp_path, host):
    text, without_comfyui = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    if host == "diffusers":
        text = text[: text.index("[drawing]")] + without_comfyui
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
    assert len([fault for fault in faults if fault.startswith("[drawing]")]) == (5 if host == "diffusers" else 0)
    assert any(fault.startswith("[[metric]]") for fault in faults)
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


@pytest.mark.parametrize("method", METHODS)
def test_every_key_of_a_method_on_diffusers_is_listed(method):
    [told] = [
        line for line in MANUAL.splitlines() if re.match(r"\| \w+-?\w*'s `adapter`", line) and NAMES[method] in line
    ]
    common = {key.name for key in keys_of(PeopleConfig)}
    own = [key.name for key in keys_of(METHODS[method].section) if key.name not in common]
    assert [name for name in own if f"`{name}`" not in told] == []
    assert f"`{method}`" in MANUAL
    listed = MANUAL[MANUAL.index("### Drawing on diffusers") :]
    assert [name for name in common if f"`{name}`" not in listed] == []


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

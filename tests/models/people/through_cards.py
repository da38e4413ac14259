"""Ways to look at a person that tests take through a card, with networks that can be switched off."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from likeness.models.people.card import read_card, write
from likeness.models.people.carried import gather


@dataclass
class Method:
    """A way to look at a person, with networks that can be switched off."""

    look: Any
    networks: list[Any] = field(default_factory=list)


def switch_off(method, monkeypatch):
    for network in method.networks:
        for name in ("tokens", "maps", "vectors", "labels", "latents", "find"):
            if hasattr(network, name):
                monkeypatch.setattr(network, name, lambda *_: pytest.fail("a network was asked"))


def through_a_card(one, looks, tmp_path, keeps="nothing"):
    encodings = gather(one, looks, keeps_photos=keeps == "photos")
    write(tmp_path / "card", one, encodings, keeps=keeps)
    return read_card(tmp_path / "card").person


def assert_same(found, expected):
    assert len(found) == len(expected)
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))

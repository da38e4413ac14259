import base64
import json
from types import SimpleNamespace

import pytest
import torch
from likeness.models.errors import MissingRecordingError
from likeness.models.records.archive import RunArchive, RunRecord
from likeness.models.records.placements import PlacementMaps

pytestmark = pytest.mark.comfy

LATENT = {"samples": torch.randn(2, 4, 8, 12, generator=torch.Generator().manual_seed(0))}


class SampledModel:
    """A MODEL that remembers one run."""

    def __init__(self, *shares, equal_choices=None):
        first = torch.tensor(shares)[:, None, None].expand(-1, 4, 6)  # SDXL's finest layers see half of the latent
        self.archive = RunArchive()
        maps = PlacementMaps(("Ann", "Ben"), torch.stack([first, 1 - first], dim=1), equal_choices=equal_choices)
        self.archive.file(LATENT["samples"], RunRecord(placements=maps))

    def get_attachment(self, key):
        return {"likeness.records": self.archive}.get(key)


def show(model, monkeypatch, **inputs):
    from likeness.nodes.placement import routing_map

    monkeypatch.setattr(
        routing_map.ui,
        "PreviewImage",
        lambda image, cls: SimpleNamespace(as_dict=lambda: {"shown": image, "images": [image]}),
    )
    with torch.inference_mode():
        return routing_map.ShowRoutingMap.execute(model, **inputs)


def test_it_gives_masks_as_large_as_the_picture_a_picture_each_and_rounded_shares(monkeypatch):
    shown = show(SampledModel(1 / 3, 0.9), monkeypatch, latent=LATENT)
    masks, picture, shares, equal_choices = shown.result
    assert masks.shape == (4, 64, 96)
    assert masks.mean((1, 2)).tolist() == pytest.approx([1 / 3, 2 / 3, 0.9, 0.1])
    assert picture.shape[0] == 2
    assert picture.shape[2] == 96
    assert json.loads(shares) == [{"Ann": 0.333, "Ben": 0.667}, {"Ann": 0.9, "Ben": 0.1}]
    assert equal_choices == 1
    assert torch.equal(shown.ui["shown"], picture)


def test_a_finished_picture_is_drawn_over_in_its_own_size(monkeypatch):
    images = [torch.full((2, 128, 192, 3), grey) for grey in (0.1, 0.9)]
    dark, light = (show(SampledModel(1.0, 1.0), monkeypatch, latent=LATENT, image=each).result[1] for each in images)
    assert dark.shape[2] == 192
    assert (light[:, 4, 4] - dark[:, 4, 4]).min() > 0.2


def test_it_says_how_much_a_router_chose_as_before(monkeypatch):
    assert show(SampledModel(1.0, 1.0, equal_choices=0.25), monkeypatch, latent=LATENT).result[3] == 0.25


def test_another_latent_is_refused_with_what_to_do(monkeypatch):
    with pytest.raises(MissingRecordingError, match="before Show Routing Map was in the graph"):
        show(SampledModel(1.0, 1.0), monkeypatch, latent={"samples": LATENT["samples"] + 1})


def test_the_page_is_sent_every_picture_with_its_parts_and_what_lies_below(monkeypatch):
    alone = show(SampledModel(1 / 3, 0.9), monkeypatch, latent=LATENT).ui
    assert "likeness_pictures" not in alone
    image = torch.rand(2, 64, 96, 3, generator=torch.Generator().manual_seed(1))
    over = show(SampledModel(1 / 3, 0.9), monkeypatch, latent=LATENT, image=image).ui
    assert torch.equal(over["likeness_pictures"][0], image)
    first, second = over["likeness_routing"]
    assert [person["name"] for person in first["people"]] == ["Ann", "Ben"]
    assert (first["grid"], first["steps"], first["layers"]) == ([4, 6], [], [])
    winners = [{value >> 6 for value in base64.b64decode(each["data"])} for each in (first, second)]
    assert winners == [{2}, {1}]

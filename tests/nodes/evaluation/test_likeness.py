"""Score Likeness and Keep Best as they are executed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from likeness.models.errors import NoFaceFoundError
from likeness.models.miniature.files import PORTRAITS
from PIL import Image

pytestmark = pytest.mark.comfy
DRAWN = "drawn faces (miniature)"


@pytest.fixture(scope="module")
def portraits():
    return (
        torch.stack([torch.from_numpy(np.array(Image.open(path).convert("RGB"))) for path in PORTRAITS]).float() / 255
    )


@pytest.fixture
def people(execute, portraits):
    from likeness.nodes.people.add import AddPerson

    return execute(AddPerson, photo=portraits[:1], detector=DRAWN, name="Ann").result[0]


@pytest.fixture
def scored(execute, people, portraits):
    from likeness.nodes.evaluation.likeness import ScoreLikeness

    images = torch.cat([portraits[1:], portraits[:1], portraits[:1].flip(2)])
    latent = {"samples": torch.arange(3.0).view(3, 1, 1, 1)}
    return images, execute(ScoreLikeness, people=people, image=images, detector=DRAWN, latent=latent)


def test_the_best_picture_comes_first_with_its_latent(scored, shown):
    images, output = scored
    _, ordered, latent, preview, said, score = output.result
    assert torch.equal(ordered[0], images[1])
    assert latent["samples"].flatten().tolist() == [1, 2, 0]
    assert score > 0.99
    assert len(preview) == shown(output) == 3
    said = json.loads(said)
    assert said["best_first"] == [2, 3, 1]
    assert said["recognisers"][0]["calibration"].startswith("the miniature's drawn world")
    assert said["pictures"][1]["people"][0]["likeness"]["miniature"]["percentage"] > 99
    assert said["pictures"][0]["missing"] == ["Ann"]


def test_a_second_opinion_is_reported(execute, people, portraits):
    from likeness.nodes.evaluation.likeness import ScoreLikeness

    output = execute(ScoreLikeness, people=people, image=portraits, detector=DRAWN, second_recogniser=DRAWN)
    assert len(json.loads(output.result[4])["recognisers"]) == 2


def test_a_parser_without_dino_is_refused(execute, people, portraits):
    from likeness.models.errors import InvalidSettingError
    from likeness.nodes.evaluation.likeness import ScoreLikeness

    with pytest.raises(InvalidSettingError, match="no DINO is connected"):
        execute(ScoreLikeness, people=people, image=portraits, detector=DRAWN, face_parser=object())


def test_dino_is_asked_of_every_picture(execute, people, portraits):
    from likeness.host.memory import manage
    from likeness.host.similarity import LoadedDINO
    from likeness.models.similarity.dino import DINO
    from likeness.nodes.evaluation.likeness import ScoreLikeness
    from likeness.tests.models.small_dino import HEAD, weights

    encoder = DINO.from_state_dict(weights(), dim_head=HEAD)
    dino = LoadedDINO(encoder, manage(encoder))
    output = execute(ScoreLikeness, people=people, image=portraits, detector=DRAWN, dino=dino)
    found = [picture["people"][0]["dino"] for picture in json.loads(output.result[4])["pictures"]]
    assert found[0] == pytest.approx(1)
    assert found[1] < 1


def test_the_best_are_kept_with_their_places(execute, scored):
    from likeness.nodes.evaluation.likeness import KeepBest

    images, output = scored
    image, latent, indices, kept = execute(KeepBest, scores=output.result[0], count=2).result
    assert torch.equal(image, images[[1, 2]])
    assert (latent["samples"].flatten().tolist(), indices, kept) == ([1, 2], "1, 2", 2)


def test_all_that_are_alike_enough_are_kept(execute, scored):
    from likeness.nodes.evaluation.likeness import KeepBest

    images, output = scored
    keep = {"scores": output.result[0], "keep": "above score"}
    image, _, indices, kept = execute(KeepBest, **keep, min_score=0.99).result
    assert torch.equal(image, images[[1]])
    assert (indices, kept) == ("1", 1)
    assert execute(KeepBest, **keep, min_score=0.0).result[3] == 3


def test_none_that_is_alike_enough_is_told(execute, people, portraits):
    from likeness.nodes.evaluation.likeness import KeepBest, ScoreLikeness

    scores = execute(ScoreLikeness, people=people, image=portraits[1:], detector=DRAWN).result[0]
    with pytest.raises(NoFaceFoundError, match=r"No picture of 1 reaches a score of 0.30: the best has 0.00; lower"):
        execute(KeepBest, scores=scores, keep="above score")
    assert execute(KeepBest, scores=scores).result[3] == 1

from types import SimpleNamespace

import pytest
import torch
from likeness.models.people.person import People

pytestmark = pytest.mark.comfy


@pytest.fixture
def apply(tiny_model, consistentid, monkeypatch):
    from likeness.nodes.consistentid.apply import ApplyConsistentID

    monkeypatch.setattr(ApplyConsistentID, "hidden", SimpleNamespace(prompt=None, unique_id="1", extra_pnginfo=None))

    def run(people, *, strength=1.0, lora_strength=1.0, **given):
        return ApplyConsistentID.execute(
            model=tiny_model(),
            consistentid=consistentid(corrected=True),
            people=people,
            strength=strength,
            lora_strength=lora_strength,
            **given,
        )

    return run


def test_the_preview_shows_who_is_in(apply, crowd):
    output = apply(crowd(2, masks=[torch.ones(8, 8), torch.ones(8, 8)]))
    model, applied, preview = output.result
    assert applied
    assert len(model.patches) == 128
    assert preview.shape[2] == 512
    assert preview.shape[1] > apply(crowd()).result[2].shape[1], "a line per person"


def test_nobody_passes_the_model_through(apply):
    model, applied, _ = apply(People()).result
    assert not applied
    assert model.patches == {}


def test_a_placement_says_where_people_are(apply, crowd):
    from likeness.host.placement import LoadedPlacement
    from likeness.models.errors import InvalidSettingError

    with pytest.raises(InvalidSettingError, match="there is none; connect uniportrait to Place People"):
        apply(crowd(2), placement=LoadedPlacement("router"))

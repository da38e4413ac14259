from __future__ import annotations

from likeness.models.omniportrait.guided_person import GuidedPerson
from likeness.models.placement.windows import SigmaWindow


def test_somebody_has_their_strength_inside_their_window_alone():
    ann = GuidedPerson(name="Ann", strength=0.4, window=SigmaWindow(5.0, 1.0))
    assert [ann.strength_at(sigma) for sigma in (6.0, 5.0, 1.0, 0.5)] == [0, 0.4, 0.4, 0]
    assert GuidedPerson(name="Ben").strength_at(1e9) == 1

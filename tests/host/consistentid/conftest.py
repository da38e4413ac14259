"""ConsistentID's prompt on small encoders."""

import pytest
from likeness.tests.host.consistentid.prompts import NEGATIVE, PROMPT


@pytest.fixture
def encode(consistentid, narrow_clip, crowd):
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.sampling.delayed_conditioning import MergePoint
    from likeness.models.consistentid.features import FacialFeatures

    def run(
        name="sd15",
        people=None,
        *choices,
        clip=None,
        corrected=False,
        step=1,
        positive=PROMPT,
        negative=NEGATIVE,
    ):
        return encode_prompt(
            consistentid(name, corrected=corrected, kind="sd15"),
            clip or narrow_clip("sdxl" if name == "sdxl" else "sd15"),
            crowd() if people is None else people,
            FacialFeatures(choices),
            positive=positive,
            negative=negative,
            merge=MergePoint(step=step),
            size=(832, 1216),
        )

    return run

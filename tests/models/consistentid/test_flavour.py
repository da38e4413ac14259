import pytest
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.flavour import find_flavour
from likeness.models.consistentid.pipelines import INPAINT, SD15, SDXL
from likeness.models.consistentid.published import Published
from likeness.models.errors import InvalidSettingError


@pytest.mark.parametrize(
    ("name", "pipeline"), [("sd15", SD15), ("sdxl", SDXL), ("inpaint", INPAINT), ("base", INPAINT)]
)
def test_names_are_published_pipelines(name, pipeline):
    assert find_flavour(name) == Published(pipeline)


def test_a_flavour_stays_itself():
    own = Corrected(SDXL)

    assert find_flavour(own) is own


def test_an_unknown_name_is_told_with_the_known_ones():
    with pytest.raises(InvalidSettingError, match=r'"flux".*"sd15", "sdxl", "inpaint", "base"'):
        find_flavour("flux")

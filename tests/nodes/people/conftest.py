"""The tiny text encoders of the host's tests, and model folders of a test's own."""

from likeness.tests.host.conftest import narrow_clip as narrow_clip
from likeness.tests.host.model_folders import folders as folders
from likeness.tests.host.model_folders import identities as identities

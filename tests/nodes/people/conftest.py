"""The tiny text encoders of the host's tests."""

from likeness.tests.host.conftest import narrow_clip as narrow_clip

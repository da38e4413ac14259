"""One thread for networks as small as these."""

from likeness.tests.one_thread import one_thread as one_thread

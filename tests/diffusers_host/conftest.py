"""Tiny diffusers UNets, and one thread for networks as small as these."""

from likeness.tests.one_thread import one_thread as one_thread
from likeness.tests.small_unets import inputs as inputs
from likeness.tests.small_unets import sd15 as sd15
from likeness.tests.small_unets import sdxl as sdxl
from likeness.tests.small_unets import unet as unet

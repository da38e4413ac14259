"""The name under which programs outside the pack know `attach`; see `likeness.diffusers_host.attention`."""

from ..diffusers_host.attention import attach as attach

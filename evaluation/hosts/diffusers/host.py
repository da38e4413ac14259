"""The host's word in the kit. diffusers itself is imported where a protocol draws with it."""

from __future__ import annotations

from ....models.packages import import_package
from ...metrics.networks import Networks
from ..host import Drawer, Host
from .config import DiffusersConfig
from .methods import people_of, section_of


def _make(config: DiffusersConfig, networks: Networks) -> Drawer:
    for package, name in (("diffusers", "DDIMScheduler"), ("transformers", "CLIPTextModel")):
        import_package(package, name, purpose="Drawing on diffusers", otherwise="or draw in ComfyUI")
    from .drawer import DiffusersDrawer

    return DiffusersDrawer(config, networks)


DIFFUSERS = Host(section=DiffusersConfig, make=_make, people=people_of, section_of=section_of, is_below_models=True)

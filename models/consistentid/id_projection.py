"""ConsistentID's ID tokens (arXiv:2404.16771, section 3.1): the network is the one of IP-Adapter FaceID Plus."""

from ..adapters.id_projection import IDProjection

__all__ = ["IDProjection"]

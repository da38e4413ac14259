"""Features that were read of references, so that nothing is read again while neither reference nor model changes."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import RLock
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from ..people.encodings import Encodings
from .guided_person import ReferencePicture

MOST_BYTES = 64 * 2**20
WAYS, NETWORKS = 4, 4  # ways in which a network was read, and networks, that are remembered


class FeatureStore:
    """The features of faces in references, on the CPU, least recently used out first.

    A way of reading holds the adapters and patches that change the network. So only the last few are kept, and none longer
    than the network lives.

    Args:
        most_bytes: of all features together.
        ways: of reading one network.
        networks: that ways are remembered of.
    """

    def __init__(self, most_bytes: int = MOST_BYTES, ways: int = WAYS, networks: int = NETWORKS) -> None:
        self._features = Encodings(most_bytes)
        self._most = ways, networks
        self._ways: WeakKeyDictionary[object, OrderedDict[Hashable, int]] = WeakKeyDictionary()
        self._numbers = itertools.count(1)
        self._lock = RLock()

    def remember(self, network: object, way: Hashable, picture: ReferencePicture, read: Callable[[], Tensor]) -> Tensor:
        """The features of a picture's face, (R, C) float32 on the CPU, read at the first request.

        Args:
            network: that they are read from.
            way: names what else decides them: prompt, block, noise, and whatever changes the network.
            picture: what is read; one with equal values counts as the same.
            read: gives them; called in the caller's own mode, without gradients.
        """
        is_inference = torch.is_inference_mode_enabled()

        def read_as_now() -> tuple[Tensor]:
            with torch.inference_mode(is_inference), torch.no_grad():
                return (read(),)

        key = (self._number(network, way), picture.content)
        [features] = self._features.remember(key, read_as_now)
        return features

    def _number(self, network: object, way: Hashable) -> int:
        """A number that stands for a way of reading a network, as long as both are remembered."""
        most_ways, most_networks = self._most
        with self._lock:
            ways = self._ways.pop(network, None) or OrderedDict[Hashable, int]()
            self._ways[network] = ways  # the last again
            ways[way] = ways.pop(way, None) or next(self._numbers)
            while len(ways) > most_ways:
                ways.popitem(last=False)
            while len(self._ways) > most_networks:
                del self._ways[next(iter(self._ways))]
            return ways[way]


FEATURES = FeatureStore()  # of everything that is guided in this process

"""The store of encodings: its keys, its bound, its order, and that nothing in it is tied to a graph or a thread."""

import threading
import time

import numpy as np
import pytest
import torch
from likeness.models.people.encodings import EncodingKey, Encodings, pixels_hash


def tensors(count=4):
    return (torch.zeros(count),)  # 4 bytes each


def test_a_value_is_encoded_once():
    store, asked = Encodings(), []
    first = store.remember("a", lambda: asked.append(1) or tensors())
    assert store.remember("a", lambda: asked.append(2) or tensors()) is first
    assert asked == [1]


def test_the_least_recently_used_goes_first():
    store = Encodings(most_bytes=32)
    for key in "ab":
        store.remember(key, tensors)
    store.remember("a", tensors)  # used again
    store.remember("c", tensors)
    asked = []
    for key in "abc":
        store.remember(key, lambda key=key: asked.append(key) or tensors())
        if asked:
            break
    assert asked == ["b"]
    assert store.bytes <= 32


def test_a_value_larger_than_the_bound_is_handed_on_and_not_kept():
    store = Encodings(most_bytes=32)
    store.remember("small", tensors)
    assert store.remember("large", lambda: tensors(9))[0].shape == (9,)
    assert (len(store), store.bytes) == (1, 16)


def test_a_store_that_is_cleared_is_empty():
    store = Encodings()
    store.remember("a", lambda: tensors(8))
    assert (len(store), store.bytes) == (1, 32)
    store.clear()
    assert (len(store), store.bytes) == (0, 0)


def test_what_is_kept_is_a_copy_without_graph_or_inference_mode():
    store, weight = Encodings(), torch.ones(3, requires_grad=True)
    with torch.inference_mode():
        given = torch.ones(3)
        [inferred] = store.remember("inferred", lambda: (given,))
    [graphed] = store.remember("graphed", lambda: (weight * 2,))
    assert not inferred.is_inference()
    assert not graphed.requires_grad
    with torch.inference_mode():
        given.add_(1)
    assert inferred.tolist() == [1, 1, 1]
    inferred.clone().requires_grad_(True).sum().backward()  # a graph may be built on it


def test_an_encoder_of_inference_weights_may_be_asked_while_gradients_are_on():
    with torch.inference_mode():
        weight = torch.full((3,), 2.0)  # as ComfyUI loads a VAE
    pixels = torch.ones(3, requires_grad=True)
    with torch.enable_grad():
        [encoded] = Encodings().remember("pixels", lambda: (pixels * weight,))
    assert encoded.tolist() == [2, 2, 2]
    assert not encoded.requires_grad


def test_threads_that_ask_for_the_same_wait_for_one_of_them():
    store, asked, found = Encodings(), [], []

    def encode():
        asked.append(threading.get_ident())
        time.sleep(0.05)
        return tensors()

    threads = [threading.Thread(target=lambda: found.append(store.remember("a", encode))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert all(value is found[0] for value in found)


def test_one_value_may_be_made_of_another():
    store = Encodings()
    [outer] = store.remember("outer", lambda: (store.remember("inner", tensors)[0] + 1,))
    assert outer.tolist() == [1] * 4
    assert len(store) == 2


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((2, 3, 3), np.uint8) + 1,
        np.zeros((3, 2, 3), np.uint8),
        np.zeros((2, 3, 3), np.int8),
    ],
)
def test_pixels_of_another_value_shape_or_type_have_another_hash(other):
    assert pixels_hash(np.zeros((2, 3, 3), np.uint8)) != pixels_hash(other)


def test_the_hash_does_not_depend_on_where_pixels_lie():
    array = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    assert pixels_hash(array) == pixels_hash(torch.from_numpy(array))
    assert pixels_hash(array.transpose(1, 0, 2)) == pixels_hash(np.ascontiguousarray(array.transpose(1, 0, 2)))


def test_a_key_tells_encoder_pixels_and_output_apart():
    keys = {EncodingKey("a", "b", "c"), EncodingKey("a", "c", "b"), EncodingKey("ab", "", "c")}
    assert len(keys) == 3

"""The weights that come with the package are as good as they are said to be, and not damaged."""

import re

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import datasets
from tinytorch.datasets import weights

ORIGINS = (weights.FOLDER / "ORIGINS.md").read_text()
NAMES = ("xor", "mlp_digits", "mlp_mnist", "cnn_mnist")

# Written by the safetensors library, version 0.8.0.
WRITTEN = (
    b'\xc0\x01\x00\x00\x00\x00\x00\x00{"__metadata__":{"by":"safetensors"},"count":{"dtype":"I64",'
    b'"shape":[],"data_offsets":[0,8]},"bias":{"dtype":"F64","shape":[2],"data_offsets":[8,24]},'
    b'"weight":{"dtype":"F32","shape":[2,2],"data_offsets":[24,40]},"none":{"dtype":"I32","shape":'
    b'[0,3],"data_offsets":[40,40]},"half":{"dtype":"F16","shape":[1],"data_offsets":[40,42]},'
    b'"bytes":{"dtype":"U8","shape":[3],"data_offsets":[42,45]},"on":{"dtype":"BOOL","shape":[3],'
    b'"data_offsets":[45,48]}}   \x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xf0?\x00'
    b"\x00\x00\x00\x00\x00\x00@\x00\x00\xc0?\x00\x00\x00\xc0\x00\x00\x00\x00\x00\x00@@\x008\x01\x02"
    b"\xff\x01\x00\x01"
)
STATE = {
    "weight": tt.tensor([[1.5, -2.0], [0.0, 3.0]]),
    "bias": tt.tensor([1.0, 2.0], dtype=tt.float64),
    "on": tt.tensor([True, False, True]),
    "count": tt.tensor(7),
    "half": tt.tensor([0.5], dtype=tt.float16),
    "bytes": tt.tensor([1, 2, 255], dtype=tt.uint8),
    "none": tt.zeros(0, 3, dtype=tt.int32),
}


def test_the_safetensors_library_writes_the_same_bytes(tmp_path):
    path = tmp_path / "ours.safetensors"
    tt.save_safetensors(STATE, path, metadata={"by": "safetensors"})
    assert path.read_bytes() == WRITTEN


def test_what_the_safetensors_library_writes_is_read(tmp_path):
    path = tmp_path / "theirs.safetensors"
    path.write_bytes(WRITTEN)
    loaded = tt.load_safetensors(path)
    assert list(loaded) == ["count", "bias", "weight", "none", "half", "bytes", "on"]
    for name, tensor in STATE.items():
        assert (loaded[name].dtype, loaded[name].shape) == (tensor.dtype, tensor.shape)
        assert loaded[name].tolist() == tensor.tolist()


def rights(name):
    """Return how many of how many examples kept for testing a network gets right."""
    model = tt.load_pretrained(name)
    if name == "xor":
        images, labels = tt.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]]), tt.tensor([0, 1, 1, 0])
    elif name == "mlp_digits":
        images, labels = (one[::5] for one in datasets.load_digits())
        images = images.to(tt.float32) / 16
    else:
        images, labels = (one[::5] for one in datasets.load_mnist())
        images = images.to(tt.float32).unsqueeze(1) / 255
    return (model(images).argmax(1) == labels).sum().item(), len(labels)


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_network_gets_right_what_the_origins_say(name):
    said = re.search(rf"`{name}\.safetensors`.*\| ([\d,]+) of ([\d,]+)", ORIGINS)
    right, count = (int(number.replace(",", "")) for number in said.groups())
    assert rights(name) == (right, count)
    assert right / count >= {"mlp_mnist": 0.95}.get(name, 0.97)


@pytest.mark.parametrize("name", NAMES)
def test_the_origins_name_the_digest_that_is_verified(name):
    assert f"`{weights._SHA256[name]}`" in ORIGINS
    assert weights.weights_path(name).stat().st_size < 250_000


def test_the_cnn_sees_a_shifted_digit_and_the_mlp_does_not():
    images, labels = (one[::5].numpy() for one in datasets.load_mnist())
    shifted = tt.from_numpy(np.roll(images, 4, axis=2)[:, None].astype(np.float32) / 255)
    share = {
        name: (tt.load_pretrained(name)(shifted).argmax(1).numpy() == labels).mean()
        for name in ("mlp_mnist", "cnn_mnist")
    }
    assert share["mlp_mnist"] < 0.5 < 0.95 < share["cnn_mnist"]


@pytest.mark.parametrize(("content", "named"), [(b"no weights", "damaged"), (None, "missing")])
def test_damaged_or_missing_weights_are_named_with_the_way_out(
    monkeypatch, tmp_path, content, named
):
    if content is not None:
        (tmp_path / "xor.safetensors").write_bytes(content)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    with pytest.raises((ValueError, FileNotFoundError), match=f"xor.* is {named}.*reinstall"):
        tt.load_pretrained("xor")


def test_unknown_weights_are_met_with_the_names_there_are():
    with pytest.raises(ValueError, match="there are xor, mlp_digits"):
        weights.weights_path("none")

"""The data sets that come with the package load, and a damaged file is named."""

import hashlib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import datasets

_SPEC = spec_from_file_location(
    "make_datasets", Path(__file__).parents[1] / "data" / "make_datasets.py"
)
make_datasets = module_from_spec(_SPEC)
_SPEC.loader.exec_module(make_datasets)


def test_the_digits_are_images_of_ink_with_a_label_each():
    images, labels = datasets.load_digits()
    assert (images.shape, images.dtype) == ((1797, 8, 8), tt.uint8)
    assert (labels.shape, labels.dtype) == ((1797,), tt.uint8)
    assert (images.amin().item(), images.amax().item()) == (0, 16)
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels.numpy()).tolist() == counts


def test_a_zero_is_a_ring_of_ink():
    images, labels = datasets.load_digits()
    zero = images[labels == 0].to(tt.float32).mean(0)
    assert zero[3:5, 3:5].mean() < 1 < 8 < zero[3:5, 2].mean()


def test_the_mnist_sample_has_500_images_of_each_digit():
    images, labels = datasets.load_mnist()
    assert (images.shape, images.dtype) == ((5000, 28, 28), tt.uint8)
    assert (labels.shape, labels.dtype) == ((5000,), tt.uint8)
    assert (images.amin().item(), images.amax().item()) == (0, 255)
    assert np.bincount(labels.numpy()).tolist() == [500] * 10


def test_a_digit_of_mnist_is_nearest_to_the_mean_of_its_kind():
    images, labels = (loaded.numpy() for loaded in datasets.load_mnist())
    rows = images.reshape(len(images), -1).astype(np.float64)
    means = np.stack([rows[labels == digit].mean(0) for digit in range(10)])
    nearest = (rows @ means.T - (means**2).sum(1) / 2).argmax(1)
    assert (nearest == labels).mean() > 0.75


def test_the_script_that_made_the_mnist_sample_makes_the_same_bytes():
    images, labels = (loaded.numpy() for loaded in datasets.load_mnist())
    assert make_datasets.pack(images, labels) == datasets._MNIST.read_bytes()


def test_the_script_refuses_a_file_that_is_not_the_published_one():
    with pytest.raises(ValueError, match="another file"):
        make_datasets.read_mnist(b"0,0,0")


def test_the_origins_name_every_file_and_its_digest():
    origins = (datasets._DIGITS.parent / "ORIGINS.md").read_text()
    for path in datasets._DIGITS.parent.glob("*.npz"):
        assert f"`{path.name}`" in origins
        assert hashlib.sha256(path.read_bytes()).hexdigest() in origins


@pytest.mark.parametrize(
    ("constant", "load"), [("_DIGITS", datasets.load_digits), ("_MNIST", datasets.load_mnist)]
)
@pytest.mark.parametrize(("content", "named"), [(b"not an archive", "damaged"), (None, "missing")])
def test_a_damaged_or_missing_file_is_named_with_the_way_out(
    monkeypatch, tmp_path, constant, load, content, named
):
    path = tmp_path / "set.npz"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(datasets, constant, path)
    with pytest.raises((ValueError, FileNotFoundError), match=f"set.npz is {named}.*reinstall"):
        load()

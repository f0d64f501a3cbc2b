"""The data sets that come with the package load, and a damaged file is named."""

import gzip
import hashlib
import sys
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
sys.modules[_SPEC.name] = make_datasets  # where its dataclass looks itself up
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


EVERY_SET = pytest.mark.parametrize(
    ("load", "path"),
    [(datasets.load_digits, datasets._DIGITS), (datasets.load_mnist, datasets._MNIST)],
)


@EVERY_SET
def test_the_script_reads_a_published_table_as_images_and_labels(load, path):
    images, labels = (loaded.numpy()[:50] for loaded in load())
    table = np.column_stack([images.reshape(50, -1), labels]).tolist()
    published = gzip.compress("\n".join(",".join(map(str, row)) for row in table).encode())
    (side,) = (made.side for made in make_datasets.PRODUCTS.values() if made.name == path.name)
    read = make_datasets.read_images(published, side)
    np.testing.assert_array_equal(read[0], images)
    np.testing.assert_array_equal(read[1], labels)
    assert (read[0].dtype, read[1].dtype) == (np.uint8, np.uint8)


@EVERY_SET
def test_the_script_packs_the_same_bytes_as_in_the_package(load, path):
    images, labels = (loaded.numpy() for loaded in load())
    assert make_datasets.pack(images, labels) == path.read_bytes()


def test_the_script_knows_a_published_file_by_its_digest_and_refuses_any_other(monkeypatch):
    digest = hashlib.sha256(b"published").hexdigest()
    monkeypatch.setattr(make_datasets, "PRODUCTS", {digest: make_datasets.Product("set.npz", 8)})
    assert make_datasets.product_of(b"published").name == "set.npz"
    with pytest.raises(ValueError, match="another file"):
        make_datasets.product_of(b"0,0,0")


def test_the_origins_name_each_published_file_by_the_digest_that_the_script_expects():
    origins = (datasets._DIGITS.parent / "ORIGINS.md").read_text()
    for digest, product in make_datasets.PRODUCTS.items():
        assert any(f"`{product.name}`" in row and digest in row for row in origins.splitlines())


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

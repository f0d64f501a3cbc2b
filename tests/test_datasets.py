"""The data sets that come with the package load, and a damaged file is named."""

import numpy as np
import pytest

import tinytorch as tt
from tinytorch import datasets


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


@pytest.mark.parametrize(("content", "named"), [(b"not an archive", "damaged"), (None, "missing")])
def test_a_damaged_or_missing_file_is_named_with_the_way_out(monkeypatch, tmp_path, content, named):
    path = tmp_path / "digits.npz"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(datasets, "_DIGITS", path)
    with pytest.raises((ValueError, FileNotFoundError), match=f"digits.npz is {named}.*reinstall"):
        datasets.load_digits()

"""Train the networks that come with the package, in plain NumPy: ``python data/make_weights.py``.

Writes tinytorch/datasets/weights/*.safetensors and prints each file's SHA-256 and accuracy, as
tinytorch/datasets/weights/ORIGINS.md has them. Every fifth example is for testing and never seen in
training. Everything is computed in float64, and what the layers pass on is rounded to a grid far
coarser than the last bits, so that another machine, which adds in another order, arrives at the
same bytes. It did with what OpenBLAS computes for processors with SSE3, with AVX2 and with AVX-512.
That is no proof: where a sum lies just between two places of the grid, a machine may go another
way, and then the bytes differ, and perhaps a digit or two of those that are right. The seconds
depend on the machine.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tinytorch.datasets import load_digits, load_mnist
from tinytorch.networks import save_safetensors
from tinytorch.tensors import from_numpy

FOLDER = Path(__file__).resolve().parents[1] / "tinytorch" / "datasets" / "weights"
PASSED_ON = 2.0**-16  # what layers pass on is rounded to multiples of this
LEARNED = 2.0**-20  # and weights, after each step
SHIPPED = 2.0**-12  # and at the end
Array = np.ndarray


def rounded(x: Array, grid: float) -> Array:
    """Return the numbers rounded to multiples of a grid."""
    return np.round(x / grid) * grid


class Dense:
    """y = x W^T + b."""

    def __init__(self, inputs: int, outputs: int, generator: np.random.Generator) -> None:
        scale = np.sqrt(2 / inputs)  # He et al. 2015
        weight = scale * generator.standard_normal((outputs, inputs))
        self.parameters = {"weight": weight, "bias": np.zeros(outputs)}
        self.gradients: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return the outputs, and keep the inputs for the way back."""
        self.x = x
        return rounded(x @ self.parameters["weight"].T + self.parameters["bias"], PASSED_ON)

    def collect(self, gradient: Array) -> None:
        """Compute the gradients of the parameters."""
        self.gradients = {"weight": gradient.T @ self.x, "bias": gradient.sum(0)}

    def backward(self, gradient: Array) -> Array:
        """Return the gradient of the inputs."""
        return gradient @ self.parameters["weight"]


class Conv:
    """A 3x3 convolution with a margin of one zero, which keeps height and width."""

    def __init__(self, inputs: int, outputs: int, generator: np.random.Generator) -> None:
        scale = np.sqrt(2 / (9 * inputs))
        weight = scale * generator.standard_normal((outputs, inputs, 3, 3))
        self.parameters = {"weight": weight, "bias": np.zeros(outputs)}
        self.gradients: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return the outputs, and keep the inputs, as columns, for the way back."""
        self.columns = as_columns(x)
        rows = self.parameters["weight"].reshape(len(self.parameters["weight"]), -1)
        outputs = rounded(rows @ self.columns + self.parameters["bias"][:, None], PASSED_ON)
        return outputs.reshape(len(x), len(rows), *x.shape[2:])

    def collect(self, gradient: Array) -> None:
        """Compute the gradients of the parameters."""
        flat = gradient.reshape(*gradient.shape[:2], -1)
        products = (flat @ self.columns.transpose(0, 2, 1)).sum(0)
        weight = products.reshape(self.parameters["weight"].shape)
        self.gradients = {"weight": weight, "bias": flat.sum((0, 2))}

    def backward(self, gradient: Array) -> Array:
        """Return the gradient of the inputs: a convolution with the weights turned round."""
        weight = self.parameters["weight"]
        turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3).reshape(weight.shape[1], -1)
        inputs = turned @ as_columns(gradient)
        return inputs.reshape(len(gradient), -1, *gradient.shape[2:])


class MaxPool:
    """The largest of each square."""

    parameters: dict[str, Array] = {}  # noqa: RUF012 - it has none

    def __init__(self, size: int) -> None:
        self.size = size

    def forward(self, x: Array) -> Array:
        """Return the maxima, and keep where they were."""
        size, (batch, channels, height, width) = self.size, x.shape
        squares = x.reshape(batch, channels, height // size, size, width // size, size)
        largest = squares.max((3, 5), keepdims=True)
        self.is_largest = squares == largest
        return largest[:, :, :, 0, :, 0]

    def backward(self, gradient: Array) -> Array:
        """Return the gradient, each at the place of its maximum."""
        spread = self.is_largest * gradient[:, :, :, None, :, None]
        batch, channels, rows, size, columns, _ = spread.shape
        return spread.reshape(batch, channels, rows * size, columns * size)


class ReLU:
    """What is above zero."""

    parameters: dict[str, Array] = {}  # noqa: RUF012 - it has none

    def forward(self, x: Array) -> Array:
        """Return the positive part."""
        self.is_positive = x > 0
        return x * self.is_positive

    def backward(self, gradient: Array) -> Array:
        """Return the gradient where the input was positive."""
        return gradient * self.is_positive


class Flatten:
    """One row for each example."""

    parameters: dict[str, Array] = {}  # noqa: RUF012 - it has none

    def forward(self, x: Array) -> Array:
        """Return the rows."""
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, gradient: Array) -> Array:
        """Return the gradient in the shape of the inputs."""
        return gradient.reshape(self.shape)


Layer = Dense | Conv | MaxPool | ReLU | Flatten


def as_columns(x: Array) -> Array:
    """Return the 3x3 neighbourhoods: (n, c, h, w) -> (n, c * 9, h * w)."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 1, 4, 5, 2, 3).reshape(len(x), 9 * x.shape[1], -1)


def forward(layers: list[Layer], x: Array) -> Array:
    """Return what the layers make of x, one after another."""
    for layer in layers:
        x = layer.forward(x)
    return x


def learn(layers: list[Layer], x: Array, labels: Array) -> None:
    """Compute the gradients of the cross-entropy of one batch."""
    scores = forward(layers, x)
    scores -= scores.max(1, keepdims=True)
    gradient = np.exp(scores)
    gradient /= gradient.sum(1, keepdims=True)
    gradient[np.arange(len(x)), labels] -= 1
    gradient = rounded(gradient, LEARNED) / len(x)
    for layer in reversed(layers):
        if isinstance(layer, Dense | Conv):
            layer.collect(gradient)
        if layer is not layers[0]:  # nothing comes before it
            gradient = layer.backward(gradient)


class Adam:
    """Kingma & Ba 2015, Algorithm 1, with the decay of Loshchilov & Hutter 2019."""

    def __init__(self, layers: list[Layer], decay: float) -> None:
        self.layers = [layer for layer in layers if layer.parameters]
        self.decay = decay
        self.step = 0
        self.means = [{n: np.zeros_like(p) for n, p in x.parameters.items()} for x in self.layers]
        self.squares = [{n: np.zeros_like(p) for n, p in x.parameters.items()} for x in self.layers]

    def update(self, rate: float) -> None:
        """Move every parameter one step against its gradient."""
        self.step += 1
        for layer, means, squares in zip(self.layers, self.means, self.squares, strict=True):
            for name, gradient in layer.gradients.items():
                means[name] += 0.1 * (gradient - means[name])
                squares[name] += 0.001 * (gradient**2 - squares[name])
                mean = means[name] / (1 - 0.9**self.step)
                square = squares[name] / (1 - 0.999**self.step)
                parameter = layer.parameters[name]
                change = mean / (np.sqrt(square) + 1e-8) + self.decay * parameter
                parameter[...] = rounded(parameter - rate * change, LEARNED)


def batches(count: int, size: int, generator: np.random.Generator) -> Iterator[Array]:
    """Yield the numbers below count in random order, so many at a time."""
    order = generator.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]


def turned_and_scaled(images: Array, generator: np.random.Generator) -> Array:
    """Return the images (n, 1, 28, 28), each turned and scaled a little, and never shifted."""
    angle = generator.uniform(-0.25, 0.25, (len(images), 1, 1))  # in radians: about 14 degrees
    wide, high = generator.uniform(0.85, 1.15, (2, len(images), 1, 1))
    middle = (images.shape[-1] - 1) / 2
    y, x = np.indices(images.shape[2:]) - middle
    from_y = np.clip(middle + (np.cos(angle) * y - np.sin(angle) * x) * high, 0, 26.999)
    from_x = np.clip(middle + (np.sin(angle) * y + np.cos(angle) * x) * wide, 0, 26.999)
    top, left = from_y.astype(int), from_x.astype(int)
    down, right = from_y - top, from_x - left
    image = np.arange(len(images))[:, None, None]
    pixels = images[:, 0]
    upper = pixels[image, top, left] * (1 - right) + pixels[image, top, left + 1] * right
    lower = pixels[image, top + 1, left] * (1 - right) + pixels[image, top + 1, left + 1] * right
    return (upper * (1 - down) + lower * down)[:, None]


def unchanged(images: Array, generator: np.random.Generator) -> Array:
    """Return the images as they are."""
    return images


class Recipe(NamedTuple):
    """What is trained on what, and how."""

    layers: list[Layer]
    images: Array
    labels: Array
    epochs: int
    batch: int
    rate: float
    decay: float
    vary: Callable[[Array, np.random.Generator], Array] = unchanged


def train(recipe: Recipe, generator: np.random.Generator) -> None:
    """Train the layers in place; the rate falls to zero along half a cosine."""
    x, labels = recipe.images, recipe.labels
    optimizer = Adam(recipe.layers, recipe.decay)
    per_epoch = -(-len(x) // recipe.batch)
    for _ in range(recipe.epochs):
        for chosen in batches(len(x), recipe.batch, generator):
            learn(recipe.layers, recipe.vary(x[chosen], generator), labels[chosen])
            done = optimizer.step / (recipe.epochs * per_epoch)
            optimizer.update(recipe.rate * 0.5 * (1 + np.cos(np.pi * done)))


def xor() -> Recipe:
    """Return how to learn whether exactly one of two bits is set."""
    bits = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    generator = np.random.default_rng(0)
    layers = [Flatten(), Dense(2, 4, generator), ReLU(), Dense(4, 2, generator)]
    return Recipe(layers, bits, np.array([0, 1, 1, 0]), epochs=500, batch=4, rate=0.05, decay=0)


def mlp_digits() -> Recipe:
    """Return how to learn the digits of 8x8 pixels."""
    images, labels = (tensor.numpy() for tensor in load_digits())
    generator = np.random.default_rng(0)
    layers = [Flatten(), Dense(64, 64, generator), ReLU(), Dense(64, 10, generator)]
    return Recipe(layers, images / 16, labels, epochs=40, batch=32, rate=0.003, decay=0.01)


def mnist() -> tuple[Array, Array]:
    """Return the sample of MNIST: (5000, 1, 28, 28) of ink from 0 to 1, and the labels."""
    images, labels = (tensor.numpy() for tensor in load_mnist())
    return images[:, None] / 255, labels


def mlp_mnist() -> Recipe:
    """Return how to learn the sample of MNIST without convolutions."""
    generator = np.random.default_rng(0)
    layers = [Flatten(), Dense(784, 64, generator), ReLU(), Dense(64, 10, generator)]
    return Recipe(layers, *mnist(), 25, 32, 0.002, 0.02, turned_and_scaled)


def cnn_mnist() -> Recipe:
    """Return how to learn the sample of MNIST with convolutions."""
    generator = np.random.default_rng(0)
    layers: list[Layer] = []
    for inputs, outputs, window in ((1, 12, 2), (12, 24, 2), (24, 64, 7)):
        layers += [Conv(inputs, outputs, generator), ReLU(), MaxPool(window)]
    layers += [Flatten(), Dense(64, 10, generator)]
    return Recipe(layers, *mnist(), 20, 32, 0.004, 0.01, turned_and_scaled)


RECIPES = {"xor": xor, "mlp_digits": mlp_digits, "mlp_mnist": mlp_mnist, "cnn_mnist": cnn_mnist}


def split(name: str, count: int) -> tuple[Array, Array]:
    """Return which examples are for training and which for testing; XOR has only four."""
    everything = np.arange(count)
    is_test = everything % 5 == 0
    return (
        (everything, everything) if name == "xor" else (everything[~is_test], everything[is_test])
    )


def make(name: str) -> None:
    """Train one network, write its weights, and print what is to be known of them."""
    started = time.perf_counter()
    recipe = RECIPES[name]()
    training, testing = split(name, len(recipe.labels))
    chosen = recipe._replace(images=recipe.images[training], labels=recipe.labels[training])
    train(chosen, np.random.default_rng(1))
    state = {}
    for place, layer in enumerate(recipe.layers):
        for kind, parameter in layer.parameters.items():
            parameter[...] = rounded(parameter, SHIPPED)
            state[f"{place}.{kind}"] = from_numpy(parameter.astype(np.float32))
    path = FOLDER / f"{name}.safetensors"
    save_safetensors(state, path)
    guesses = forward(recipe.layers, recipe.images[testing]).argmax(1)
    right = int((guesses == recipe.labels[testing]).sum())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    seconds = time.perf_counter() - started
    print(f"{name}: {right} of {len(testing)} right, {digest}, {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    for each in RECIPES:
        make(each)

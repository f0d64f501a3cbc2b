"""Cases for training: losses, their gradients, optimizers over several steps, and schedules."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Any

from tests.peers.case import Case

FLOATS = ("float32", "float64")


def gradients(lib: ModuleType, model: Any, loss: Any, inputs: Any, targets: Any) -> Any:
    """Return the loss and all gradients of a model in one line."""
    if not hasattr(lib, "nn"):
        value, found = lib.backpropagate(model, loss, inputs, targets)
    else:
        value = loss(model(inputs), targets)
        value.backward()
        found = [parameter.grad for parameter in model.parameters()]
    return lib.cat([value.reshape(1), *(one.flatten() for one in found)])


def slope(lib: ModuleType, loss: Any, prediction: Any, targets: Any) -> Any:
    """Return the gradient of a prediction."""
    if not hasattr(lib, "nn"):
        return lib.training.loss_gradient(loss, prediction, targets)
    prediction = prediction.clone().requires_grad_()
    loss(prediction, targets).backward()
    return prediction.grad


def stepped(lib: ModuleType, name: str, start: Any, *moves: Any, **options: Any) -> Any:
    """Return a parameter after an optimizer's steps along these gradients."""
    parameter = start.clone()
    if not hasattr(lib, "nn"):
        optimizer = getattr(lib, name)([parameter], **options)
        for gradient in moves:
            optimizer.step([gradient])
        return parameter
    parameter = lib.nn.Parameter(parameter)
    optimizer = getattr(lib.optim, name)([parameter], **options)
    for gradient in moves:
        parameter.grad = gradient.clone()
        optimizer.step()
    return parameter


def stepped_together(lib: ModuleType, name: str, *starts: Any, **options: Any) -> Any:
    """Return parameters after steps of one optimizer along where they began, in one line."""
    parameters = [start.clone() for start in starts]
    if not hasattr(lib, "nn"):
        optimizer = getattr(lib, name)(parameters, **options)
        for _ in range(3):
            optimizer.step([*starts[:-1], None])
        return lib.cat([one.flatten() for one in parameters])
    parameters = [lib.nn.Parameter(one) for one in parameters]
    optimizer = getattr(lib.optim, name)(parameters, **options)
    for parameter, start in zip(parameters[:-1], starts, strict=False):
        parameter.grad = start.clone()
    for _ in range(3):
        optimizer.step()
    return lib.cat([one.flatten() for one in parameters])


def clipped(lib: ModuleType, name: str, limit: float, *moves: Any) -> Any:
    """Return gradients after clipping, in one line."""
    if not hasattr(lib, "nn"):
        found = list(moves)
        getattr(lib, name)(found, limit)
        return lib.cat([one.flatten() for one in found])
    parameters = [lib.nn.Parameter(lib.zeros_like(one)) for one in moves]
    for parameter, gradient in zip(parameters, moves, strict=True):
        parameter.grad = gradient.clone()
    getattr(lib.nn.utils, name)(parameters, limit)
    return lib.cat([one.grad.flatten() for one in parameters])


def rates(lib: ModuleType, count: int, *schedules: tuple[Any, ...], milestones: Any = None) -> Any:
    """Return the learning rates of the first steps; each schedule is a name, lr and numbers."""
    if not hasattr(lib, "nn"):
        made = [getattr(lib, name)(lr, *numbers) for name, lr, *numbers in schedules]
        schedule = made[0] if milestones is None else lib.SequentialLR(made, milestones)
        return [round(float(schedule(step)), 12) for step in range(count)]
    kinds = lib.optim.lr_scheduler
    optimizer = lib.optim.SGD([lib.nn.Parameter(lib.zeros(1))], lr=schedules[0][1])
    made = [getattr(kinds, name)(optimizer, *numbers) for name, _, *numbers in schedules]
    schedule = made[0] if milestones is None else kinds.SequentialLR(optimizer, made, milestones)
    found = []
    for _ in range(count):
        found.append(round(float(optimizer.param_groups[0]["lr"]), 12))
        optimizer.step()
        schedule.step()
    return found


HELPERS = {
    "clipped": clipped,
    "gradients": gradients,
    "partial": functools.partial,
    "rates": rates,
    "slope": slope,
    "stepped": stepped,
    "stepped_together": stepped_together,
}

REDUCTIONS = ("", "reduction='sum'", "reduction='none'")
PAIRED = ("mse_loss", "huber_loss", "binary_cross_entropy_with_logits")


def losses() -> Iterator[Case]:
    """Yield every loss over shapes, layouts, dtypes, options, and what is refused."""
    for name, reduction, dtype in product(PAIRED, REDUCTIONS, FLOATS):
        target = "b / 8 + 0.5" if name.startswith("binary") else "b"
        line = f"nn(lib).{name}(a, {target}, {reduction})"
        for shape in ("[]", "[5]", "[2,3]", "[3,4]T", "[3,4]S", "[0]", "[2,0]"):
            yield Case("losses", line, {"a": f"{dtype}{shape}", "b": f"{dtype}{shape}"})
        large = f"nn(lib).{name}(a * 400, {target}, {reduction})"
        yield Case("losses", large, {"a": f"{dtype}[7]", "b": f"{dtype}[7]"})
        odd = f"nn(lib).{name}(a, a * 0 + 1, {reduction})"
        yield Case("losses", odd, {"a": f"{dtype}[8]*"})
    for delta, dtype in product(("0.5", "3.0", "0", "-1"), FLOATS):
        line = f"nn(lib).huber_loss(a, a * 0, delta={delta})"
        yield Case("losses", line, {"a": f"{dtype}[9]"})
    for name, (a, b) in product(PAIRED, (("3,1", "3"), ("2", "3"), ("", "1"))):
        inputs = {"a": f"float32[{a}]", "b": f"float32[{b}]"}
        yield Case("losses", f"nn(lib).{name}(a, b)", inputs)
    yield Case("losses", "nn(lib).mse_loss(a, a, reduction='average')", {"a": "float32[2]"})
    for dtype, layout in product(FLOATS, ("[]", "[0]", "[9]", "[3,4]T", "[8]*")):
        yield Case("losses", "nn(lib).softplus(a)", {"a": f"{dtype}{layout}"})
        yield Case("losses", "nn(lib).softplus(a * -20)", {"a": f"{dtype}{layout}"})


def surprises() -> Iterator[Case]:
    """Yield cross entropies over shapes, options, and what is refused."""
    line = "nn(lib).cross_entropy(a, b % {}, {})"
    shapes = (("5,4", "5"), ("4", ""), ("0,4", "0"), ("2,4,3", "2,3"), ("2,4,3,2", "2,3,2"),
              ("3,1", "3"))  # fmt: skip
    for (a, b), dtype in product(shapes, FLOATS):
        classes = a.split(",")[min(1, a.count(","))]
        for reduction, smoothing in product(REDUCTIONS, ("", "label_smoothing=0.1")):
            options = ", ".join(filter(None, (reduction, smoothing)))
            inputs = {"a": f"{dtype}[{a}]", "b": f"int64[{b}]"}
            yield Case("losses", line.format(classes, options), inputs)
    for layout, factor in product(("[4,5]T", "[5,4]S"), ("", " * 400")):
        inputs = {"a": f"float32{layout}", "b": "int64[5]"}
        rows = "a.T" if layout.endswith("T") else "a"
        yield Case("losses", f"nn(lib).cross_entropy({rows}{factor}, b % 4)", inputs)
    for a, b, kind in (("5,4", "4", "int64"), ("5,4", "5,1", "int64"), ("", "", "int64"),
                       ("2,4,3", "2,4", "int64"), ("5,4", "5", "float32")):  # fmt: skip
        inputs = {"a": f"float32[{a}]", "b": f"{kind}[{b}]"}
        yield Case("losses", "nn(lib).cross_entropy(a, b * 0)", inputs)
    for smoothing in ("1.0", "1.5", "-0.5"):
        inputs = {"a": "float32[5,4]", "b": "int64[5]"}
        yield Case("losses", line.format(4, f"label_smoothing={smoothing}"), inputs)
    for dtype, factor in product(FLOATS, ("1e30", "-1e30", "1e-30")):
        inputs = {"a": f"{dtype}[5,4]", "b": "int64[5]"}
        yield Case("losses", f"nn(lib).cross_entropy(a * {factor}, b % 4)", inputs)
    for wrong in ("4", "-1"):
        inputs = {"a": "float32[5,4]", "b": "int64[5]"}
        yield Case("losses", f"nn(lib).cross_entropy(a, b * 0 + {wrong})", inputs)


CHAINS = (
    "nn(lib).Linear(3, 2)",
    "nn(lib).Flatten(), nn(lib).Linear(3, 4), nn(lib).ReLU(), nn(lib).Linear(4, 2, bias=False)",
    "nn(lib).Linear(3, 4), nn(lib).LeakyReLU(0.25), nn(lib).Identity(), nn(lib).Linear(4, 2)",
    "nn(lib).Linear(3, 3), nn(lib).Tanh(), nn(lib).Dropout(0.0), nn(lib).Linear(3, 2)",
    "nn(lib).Linear(3, 3), nn(lib).Sigmoid(), nn(lib).Sequential(nn(lib).Linear(3, 2))",
)


def derivatives() -> Iterator[Case]:
    """Yield the gradients of losses, and those of chains of layers."""
    for name, options, dtype in product(PAIRED, ("", ", reduction='sum'"), FLOATS):
        loss = f"partial(nn(lib).{name}{options})"
        for shape in ("[]", "[5]", "[2,3]", "[3,4]T"):
            inputs = {"a": f"{dtype}{shape}", "b": f"{dtype}{shape}"}
            yield Case("derivatives", f"slope(lib, {loss}, a, b / 4)", inputs)
    for options, (a, b, classes), dtype in product(
        ("", ", label_smoothing=0.2", ", reduction='sum'"),
        (("5,4", "5", 4), ("4", "", 4), ("2,4,3", "2,3", 4), ("2,3,2,2", "2,2,2", 3)),
        FLOATS,
    ):
        loss = f"partial(nn(lib).cross_entropy{options})"
        inputs = {"a": f"{dtype}[{a}]", "b": f"int64[{b}]"}
        yield Case("derivatives", f"slope(lib, {loss}, a, b % {classes})", inputs)
    for chain, dtype in product(CHAINS, FLOATS):
        model = f"filled(lib, nn(lib).Sequential({chain}), a.dtype)"
        inputs = {"a": f"{dtype}[4,3]", "b": f"{dtype}[4,2]"}
        line = f"small(gradients(lib, {model}, nn(lib).mse_loss, whole(a), b))"
        yield Case("derivatives", line, inputs)
        line = f"small(gradients(lib, {model}, nn(lib).cross_entropy, whole(a), b % 2))"
        yield Case("derivatives", line, {**inputs, "b": "int64[4]"})


OPTIMIZERS = (
    "'SGD', {}, lr=0.1",
    "'SGD', {}, lr=0.1, weight_decay=0.5",
    "'SGD', {}, lr=0.1, momentum=0.9",
    "'SGD', {}, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1",
    "'RMSprop', {}",
    "'RMSprop', {}, lr=0.1, alpha=0.5, eps=0.1, weight_decay=0.5",
    "'RMSprop', {}, lr=0.01, momentum=0.9",
    "'Adam', {}",
    "'Adam', {}, lr=0.1, betas=(0.5, 0.9), eps=0.1",
    "'Adam', {}, lr=0.01, weight_decay=0.5",
    "'AdamW', {}",
    "'AdamW', {}, lr=0.1, betas=(0.8, 0.99), weight_decay=0.5",
)


def steps() -> Iterator[Case]:
    """Yield optimizers after one step and after four, and settings that are refused."""
    for settings, dtype in product(OPTIMIZERS, FLOATS):
        for moves, shapes in (("a, b", ("[]", "[5]", "[0,2]")),
                              ("a, b, b * 2, b - 1, b * 0", ("[3,4]", "[3,4]T"))):  # fmt: skip
            for shape in shapes:
                inputs = {"a": f"{dtype}{shape}", "b": f"{dtype}{shape.rstrip('T')}"}
                yield Case("optimizers", f"stepped(lib, {settings.format(moves)})", inputs)
    for settings, dtype in product(OPTIMIZERS, FLOATS):
        inputs = {"a": f"{dtype}[3,4]T", "b": f"{dtype}[5]"}
        line = f"stepped_together(lib, {settings.format('a, b, a[0], b * 2')})"
        yield Case("optimizers", line, inputs)
    for settings in ("'SGD', a, b, lr=-1.0", "'SGD', a, b, lr=0.1, momentum=-1.0",
                     "'SGD', a, b, lr=0.1, nesterov=True", "'SGD', a, b, lr=0.1, weight_decay=-1.0",
                     "'Adam', a, b, betas=(0.9, 1.0)", "'Adam', a, b, betas=(-1.0, 0.9)",
                     "'Adam', a, b, eps=-1.0", "'RMSprop', a, b, alpha=-1.0",
                     "'AdamW', a, b, weight_decay=-1.0"):  # fmt: skip
        inputs = {"a": "float32[2]", "b": "float32[2]"}
        yield Case("optimizers", f"stepped(lib, {settings})", inputs)
    for b in ("float32[3]", "float32[1]"):
        yield Case("optimizers", "stepped(lib, 'SGD', a, b, lr=1.0)", {"a": "float32[2]", "b": b})


def limits() -> Iterator[Case]:
    """Yield clipping, by length and by size."""
    for limit, dtype in product(("1.0", "3.0", "100.0"), FLOATS):
        inputs = {"a": f"{dtype}[3,4]", "b": f"{dtype}[5]T"}
        for name in ("clip_grad_norm_", "clip_grad_value_"):
            yield Case("clipping", f"clipped(lib, '{name}', {limit}, a, b)", inputs)
            yield Case("clipping", f"clipped(lib, '{name}', {limit}, a * 0, b * 0)", inputs)


def schedules() -> Iterator[Case]:
    """Yield the learning rates of schedules."""
    for one in ("('StepLR', 0.1, 3)", "('StepLR', 0.5, 4, 0.5)", "('StepLR', 0.5, 1, 0.9)",
                "('LinearLR', 0.3)", "('LinearLR', 0.1, 0.25, 1.0, 4)",
                "('LinearLR', 1.0, 1.0, 0.0, 6)", "('CosineAnnealingLR', 0.1, 11)",
                "('CosineAnnealingLR', 1.0, 12, 0.25)"):  # fmt: skip
        yield Case("schedules", f"rates(lib, 12, {one})", {})
    both = "('LinearLR', 0.1, 0.25, 1.0, 4), ('CosineAnnealingLR', 0.1, 8)"
    yield Case("schedules", f"rates(lib, 12, {both}, milestones=[4])", {})
    three = "('LinearLR', 0.1, 0.5, 1.0, 3), ('StepLR', 0.1, 2, 0.5), ('StepLR', 0.1, 1, 0.1)"
    yield Case("schedules", f"rates(lib, 12, {three}, milestones=[3, 8])", {})


def training() -> Iterator[Case]:
    """Yield all cases of training."""
    for source in (losses, surprises, derivatives, steps, limits, schedules):
        yield from source()

"""The engine room of the course: steps, checks, engagement."""

from tinytorch.course.carried import carry_over, library_wheel
from tinytorch.course.completion import check_module, provenance
from tinytorch.course.engagement import analyze, challenge, predict, reflect
from tinytorch.course.exercise import build
from tinytorch.course.expectation import CheckFailure, expect, expect_error
from tinytorch.course.misconceptions import mistake

__all__ = [
    "CheckFailure",
    "analyze",
    "build",
    "carry_over",
    "challenge",
    "check_module",
    "expect",
    "expect_error",
    "library_wheel",
    "mistake",
    "predict",
    "provenance",
    "reflect",
]

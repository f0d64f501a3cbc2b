"""The engine room of the course: steps, checks, engagement."""

from tinytorch.course.build import build
from tinytorch.course.expectation import CheckFailure, expect, expect_error
from tinytorch.course.misconceptions import mistake

__all__ = [
    "CheckFailure",
    "build",
    "expect",
    "expect_error",
    "mistake",
]

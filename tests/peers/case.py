"""A case: one line of Python that both libraries understand, and the inputs it runs on."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """One line to run, by both libraries, on inputs described as ``dtype[sizes]layout``."""

    group: str
    line: str
    inputs: dict[str, str]

    @property
    def name(self) -> str:
        """The case in one line: the key of its frozen result."""
        return " ".join([self.line, "|", *(f"{n}={spec}" for n, spec in self.inputs.items())])

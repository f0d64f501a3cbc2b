"""Show results as HTML in a notebook and as plain text in a terminal."""

from __future__ import annotations

from typing import Any


def show(result: Any) -> None:
    """Show the result to the learner."""
    print(result.step.id, result.state)
    for check in result.checks:
        print(" ", check.kind, check.title, check.outcome)
        for name in ("got", "expected", "because", "misconception", "printed"):
            if value := getattr(check, name):
                print("   ", name, ":", value)

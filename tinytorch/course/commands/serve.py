"""`tinytorch serve`: the book with live cells, on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

CHECKOUT = Path(__file__).resolve().parents[3]
ANYTHING = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=ANYTHING)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def serve(options: tuple[str, ...]) -> None:
    """Build the book and serve it with live cells."""
    script = CHECKOUT / "book" / "_publish" / "serve.py"
    if not script.is_file():
        from tinytorch.course.catalog import load_course

        raise click.ClickException(
            f"the book is not part of the installed package; read it at {load_course().site} or "
            "run this in a checkout of the course"
        )
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", "book._publish.serve", *options])

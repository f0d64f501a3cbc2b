"""What the command line can do; each command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

CHECKOUT = Path(__file__).resolve().parents[2]
ANYTHING = {"ignore_unknown_options": True, "help_option_names": []}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tinytorch")
def tinytorch() -> None:
    """Learn ML systems by building a small deep-learning framework."""


@tinytorch.command(context_settings=ANYTHING)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def serve(options: tuple[str, ...]) -> None:
    """Build the book and serve it, with live cells, on this machine."""
    script = CHECKOUT / "book" / "_publish" / "serve.py"
    if not script.is_file():
        raise click.ClickException(
            "the book is not part of the installed package; run this in a checkout of the course"
        )
    os.chdir(CHECKOUT)
    os.execv(sys.executable, [sys.executable, "-m", "book._publish.serve", *options])


@tinytorch.group()
def author() -> None:
    """Commands for those who write the course."""


@author.command()
@click.option("--check", is_flag=True, help="Change nothing; fail where a chapter has drifted.")
def sync(check: bool) -> None:
    """Rewrite the chapters' exercise cells from the reference."""
    from tinytorch.course import stubs

    problems = stubs.sync(check=check)
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)

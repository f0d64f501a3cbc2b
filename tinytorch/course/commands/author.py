"""`tinytorch author`: what those who write the course need."""

from __future__ import annotations

import sys

import click


@click.group()
def author() -> None:
    """Commands for those who write the course."""


@author.command()
@click.option("--check", is_flag=True, help="Change nothing; fail where a chapter has drifted.")
def sync(check: bool) -> None:
    """Rewrite the chapters' exercise cells from the reference.

    The digests of the checks are renewed as well, so that a learner's copy can be told from ours.
    """
    from tinytorch.course import checks, stubs

    problems = stubs.sync(check=check)
    if not check:
        checks.write_digests()
    for problem in problems:
        click.echo(problem, err=True)
    sys.exit(1 if problems else 0)

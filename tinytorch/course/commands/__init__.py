"""The command `tinytorch`: one file for each thing that it can do.

A command imports what it needs when it runs, so that the command itself answers at once.
"""

from __future__ import annotations

import click

from tinytorch.course.commands.author import author
from tinytorch.course.commands.check import check
from tinytorch.course.commands.doctor import doctor
from tinytorch.course.commands.hint import hint
from tinytorch.course.commands.next import next_module
from tinytorch.course.commands.progress import progress
from tinytorch.course.commands.refusal import Refusing
from tinytorch.course.commands.report import report
from tinytorch.course.commands.reset import reset
from tinytorch.course.commands.serve import serve
from tinytorch.course.commands.start import start


@click.group(cls=Refusing, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tinytorch")
def tinytorch() -> None:
    """Learn ML systems by building a small deep-learning framework.

    Begin with "tinytorch start" in an empty folder.
    """


COMMANDS = (
    doctor,
    start,
    check,
    hint,
    progress,
    next_module,
    reset,
    report,
    serve,
    author,
)
for command in COMMANDS:
    tinytorch.add_command(command)

"""How a command says no: one sentence, and never a traceback."""

from __future__ import annotations

import errno

import click

from tinytorch.course.catalog import CourseError


class Refused(click.ClickException):
    """What was asked for makes no sense here; the sentence says what does."""

    exit_code = 2

    def __init__(self, sentence: str) -> None:
        super().__init__(" ".join(sentence.split()))


class NotYet(Refused):
    """What was asked for makes sense, but something has to be mended first."""

    exit_code = 1


class Refusing(click.Group):
    """A group whose commands end in a sentence where the course or the system refuses."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; put what it raises into a sentence."""
        try:
            return super().invoke(ctx)
        except CourseError as error:
            raise Refused(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader has gone: click ends quietly
                raise
            where = f": {error.filename}" if error.filename else ""
            raise NotYet(f"{error.strerror or error}{where}") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which a learner meets them."""
        return list(self.commands)

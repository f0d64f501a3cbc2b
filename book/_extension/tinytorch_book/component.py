"""A component: a directive that turns a row of the course table into Markdown.

The page parses that Markdown in place; the downloadable notebook carries the same text.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tinytorch.course.catalog import COURSE_FILE, CourseError

Writer = Callable[[str], str]


class Component(SphinxDirective):
    """Write one thing about one argument: a stem, a step, a pattern or an object."""

    optional_arguments = 1
    final_argument_whitespace = True
    write: Writer
    reads: Callable[[str], Iterable[Path]]

    def run(self) -> list[nodes.Node]:
        argument = " ".join(self.arguments)
        try:
            text = type(self).write(argument)
            read = [COURSE_FILE, *type(self).reads(argument)]
        except CourseError as error:
            raise self.error(f"{self.name}: {error}") from error
        for path in read:
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(text)


writers: dict[str, Writer] = {}


def add_component(
    app: Sphinx, name: str, write: Writer, reads: Callable[[str], Iterable[Path]] = lambda _: ()
) -> None:
    """Register a directive: its text is `write(argument)`, its files are `reads(argument)`."""
    writers[name] = write
    how = {"write": staticmethod(write), "reads": staticmethod(reads)}
    app.add_directive(name, type(name, (Component,), how))

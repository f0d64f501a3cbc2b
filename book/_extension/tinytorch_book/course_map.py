"""The map of the course: its parts and modules, the published ones linked."""

from sphinx.application import Sphinx

from tinytorch.course.catalog import Module, load_course

from .component import add_component
from .repository import chapter_link


def entry(module: Module) -> str:
    planned = "" if module.published else ' <span class="tt-planned">planned</span>'
    return f"""\
<div class="tt-map-module" data-pattern="{module.pattern}">

<span class="tt-map-number">{module.number}</span> **{chapter_link(module)}** \
<span class="tt-badge" data-pattern="{module.pattern}">{module.pattern}</span>{planned}

{module.insight}.

</div>
"""


def course_map(_: str) -> str:
    blocks = []
    for part in load_course().parts:
        entries = "\n".join(entry(row) for row in load_course().modules if row.part == part.name)
        blocks.append(
            f'<div class="tt-map-part">\n\n**{part.name}.** {part.summary}\n\n'
            f'<div class="tt-map-row">\n\n{entries}\n</div>\n</div>\n'
        )
    return '<div class="tt-map">\n\n' + "\n".join(blocks) + "\n</div>\n"


def setup_course_map(app: Sphinx) -> None:
    add_component(app, "course-map", course_map)

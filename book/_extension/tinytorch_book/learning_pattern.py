"""The learning pattern of a module, in the form of the principles' template."""

from sphinx.application import Sphinx

from tinytorch.course.catalog import load_course

from .component import add_component


def learning_pattern(stem: str) -> str:
    course = load_course()
    module = course.module(stem)
    pattern = course.pattern(module.pattern)
    activities = "\n".join(f"- {activity}" for activity in module.activities)
    return f"""\
<div class="tt-pattern" data-pattern="{pattern.name}">

**Learning pattern: Build → Use → {pattern.name}**

**Pattern choice**: {pattern.name}. {pattern.focus}

**Rationale**: {module.rationale}

**Key activities**:

{activities}

</div>
"""


def setup_learning_pattern(app: Sphinx) -> None:
    add_component(app, "learning-pattern", learning_pattern)

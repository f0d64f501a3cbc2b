"""How a learner knows that the engagement of a pattern has worked."""

from sphinx.application import Sphinx

from tinytorch.course.catalog import load_course

from .component import add_component


def success_indicators(name: str) -> str:
    pattern = load_course().pattern(name)
    indicators = "\n".join(f"- {indicator}" for indicator in pattern.indicators)
    return f"""\
<div class="tt-success" data-pattern="{pattern.name}">

{indicators}

</div>
"""


def setup_success_indicators(app: Sphinx) -> None:
    add_component(app, "success-indicators", success_indicators)

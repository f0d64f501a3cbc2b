"""The Sphinx extension of the course: one file per component, each with its own `setup_x`."""

from sphinx.application import Sphinx

from .course_map import setup_course_map
from .formulas import setup_formulas
from .learning_pattern import setup_learning_pattern
from .linked_names import setup_linked_names
from .live import setup_live
from .module_checks import setup_module_checks
from .module_overview import setup_module_overview
from .notebooks import setup_notebooks
from .repository import setup_repository
from .site_map import setup_site_map
from .source import setup_source
from .step_hints import setup_step_hints
from .step_solution import setup_step_solution
from .style import setup_style
from .success_indicators import setup_success_indicators


def setup(app: Sphinx) -> dict[str, object]:
    setup_repository(app)
    setup_style(app)
    setup_formulas(app)
    setup_live(app)
    setup_notebooks(app)
    setup_site_map(app)
    setup_linked_names(app)
    setup_learning_pattern(app)
    setup_module_overview(app)
    setup_step_hints(app)
    setup_step_solution(app)
    setup_source(app)
    setup_module_checks(app)
    setup_success_indicators(app)
    setup_course_map(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}

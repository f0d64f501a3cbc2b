"""Check a whole module, and say whose code each step runs."""

from __future__ import annotations

from tinytorch.course import catalog, checks, install, present, report


def check_module(stem: str) -> None:
    """Run every package check, then every module check, on whatever is installed."""
    present.show(report.show_module(module_result(stem)))


def module_result(stem: str) -> report.ModuleResult:
    """Return what every check of the module finds now."""
    course = catalog.load_course()
    module = course.module(stem)
    if not module.published:
        raise catalog.CourseError(f"module {stem!r} has no chapter yet")
    codes = {step.id: install.provenance_of(step.target) for step in module.steps}
    found = checks.run_checks(
        checks.check_files(stem),
        provenance=lambda step: codes.get(step, "reference"),
    )
    return report.ModuleResult(
        module=module,
        checks=found,
        provenance=codes,
        unlocked=tuple(later for later in course.modules if stem in later.requires),
    )


def provenance() -> None:
    """Show whose code each step of the course runs now."""
    course = catalog.load_course()
    codes = {step.id: install.provenance_of(step.target) for step in course.steps}
    present.show(report.show_provenance(course, codes))

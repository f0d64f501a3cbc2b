"""The pytest plugin that turns a check's outcome into a sentence for the learner."""

from __future__ import annotations

import functools
import io
import sys
import types
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tinytorch.course import catalog, install
from tinytorch.course.checks import WHOLE, CheckResult, Kind
from tinytorch.course.limits import BoundedText, OutOfTime, capturing, time_limit
from tinytorch.course.misconceptions import Mistake
from tinytorch.course.verdicts import learner_line, symptom, verdict

UNUSED = """
    cacheprovider debugging doctest faulthandler junitxml legacypath logging pastebin setuponly
    setupplan stepwise subtests terminal threadexception unittest unraisableexception warnings
"""  # plugins that no check needs; each takes time to import


class FreshModule(pytest.Module):
    """A test file that is read and executed anew in every run, whatever Python has cached of it."""

    def _getobj(self) -> types.ModuleType:
        name = f"tinytorch_checks.{self.path.parent.name}.{self.path.stem}"
        module = types.ModuleType(name)
        module.__file__ = str(self.path)
        sys.modules[name] = module
        exec(compile(self.path.read_bytes(), self.path, "exec", dont_inherit=True), vars(module))
        return module


def run(checker: Checker) -> None:
    """Run pytest over the checker's files."""
    inifile = Path(__file__).with_name("checks.ini")
    options = ["-c", str(inifile), "--capture=sys", "--assert=plain", "--noconftest"]
    options += ["--continue-on-collection-errors"]
    unused = [word for name in UNUSED.split() for word in ("-p", f"no:{name}")]
    output = io.StringIO()
    try:
        with capturing(output):
            code = pytest.main([*options, *unused, *checker.paths], plugins=[checker])
    finally:
        for name in [name for name in sys.modules if name.startswith("tinytorch_checks.")]:
            del sys.modules[name]
    if checker.interrupted:
        raise KeyboardInterrupt(checker.interrupted)
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        raise catalog.CourseError(f"the checks could not be run:\n{output.getvalue()}")


class Checker:
    """Selects the checks of a step, runs them, and keeps what they found."""

    def __init__(
        self,
        files: dict[Kind, Path],
        *,
        step: str | None,
        provenance: Callable[[str], install.Provenance],
        mistakes: Callable[[], Sequence[Mistake]],
        announce: Callable[[CheckResult], None],
    ) -> None:
        self.kinds = {path.resolve(): kind for kind, path in files.items()}
        self.step = step
        self.provenance = provenance
        self.mistakes = functools.cache(mistakes)
        self.announce = announce
        self.interrupted = ""
        self.remarks: list[str] = []
        self._found: dict[str, CheckResult] = {}
        self._printed: dict[str, str] = {}
        self._stopped = False

    @property
    def paths(self) -> list[str]:
        """The files to collect."""
        return [str(path) for path in self.kinds if path.is_file()]

    def results(self) -> tuple[CheckResult, ...]:
        """Return everything found; where nothing was, a failure that says so."""
        found = list(self._found.values())
        missing = [kind for kind in self.kinds.values() if kind not in {r.kind for r in found}]
        if self.step == WHOLE and not self.remarks:
            return tuple(found)  # a module may have none of these
        return (*found, *(self._nothing(kind) for kind in missing))

    # What pytest asks, in the order in which it asks.

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Look at nothing but the files asked for."""
        wanted = collection_path in self.kinds or collection_path.is_dir()
        return None if wanted else True

    def pytest_pycollect_makemodule(self, module_path: Path, parent: Any) -> pytest.Module:
        """Execute the test file anew."""
        return FreshModule.from_parent(parent, path=module_path)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember why a file could not be collected."""
        if report.failed:
            self.remarks.append(str(report.longrepr))

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the checks of the step, package checks first."""
        wanted = [item for item in items if self.step in (None, *(_steps(item) or [WHOLE]))]
        items[:] = sorted(wanted, key=lambda item: self._kind(item) == "module")
        for item in items:
            self._found[item.nodeid] = self._result(item, outcome="waiting")

    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Announce a check that begins, and pass over one that has to wait."""
        if self._must_wait(item):
            return True
        self.announce(self._found[item.nodeid])
        return None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run the check in limited time, keeping what it prints."""
        printed = BoundedText()
        try:
            with capturing(printed), time_limit():
                return (yield)
        except pytest.exit.Exception as left:  # or pytest would leave without a report
            raise SystemExit(str(left)) from None
        finally:
            self._printed[item.nodeid] = printed.getvalue()

    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> pytest.TestReport:
        """Keep the outcome in the learner's terms; pytest needs only a word."""
        error = call.excinfo.value if call.excinfo else None
        if error is not None:
            self._found[item.nodeid] = self._failed(item, error, call.duration)
        elif call.when == "call":
            self._found[item.nodeid] = self._result(item, outcome="passed", seconds=call.duration)
        if call.when == "teardown":
            self.announce(self._found[item.nodeid])
        return pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords={},
            outcome="passed" if error is None else "failed",
            longrepr=None,
            when=call.when,  # type: ignore[arg-type]
            duration=call.duration,
            start=call.start,
            stop=call.stop,
        )

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Tell the learner's interrupt, and where it came, from pytest's own ways to stop."""
        if excinfo.type is KeyboardInterrupt:
            self.interrupted = f"The checks were stopped.{learner_line(excinfo.value)}"

    # How the answers are put together.

    def _kind(self, item: pytest.Item) -> Kind:
        return self.kinds[item.path]

    def _must_wait(self, item: pytest.Item) -> bool:
        waiting = self._found[item.nodeid]
        if self._stopped or waiting.kind == "package":
            return self._stopped
        of_step = [found for found in self._found.values() if found.step == waiting.step]
        return any(found.outcome != "passed" for found in of_step if found.kind == "package")

    def _result(self, item: pytest.Item, **found: Any) -> CheckResult:
        step = next(iter(_steps(item)), WHOLE) if self.step is None else self.step
        return CheckResult(
            step=step,
            name=getattr(item, "originalname", item.name),
            title=_title(item.name),
            kind=self._kind(item),
            provenance=self.provenance(step),
            **found,
        )

    def _failed(self, item: pytest.Item, error: BaseException, seconds: float) -> CheckResult:
        self._stopped = isinstance(error, OutOfTime)
        got, expected, because = verdict(error)
        return self._result(
            item,
            outcome="failed",
            got=got,
            expected=expected,
            because=because,
            misconception=self._recognise(item, error),
            printed=self._printed.get(item.nodeid, ""),
            seconds=seconds,
        )

    def _recognise(self, item: pytest.Item, error: BaseException) -> str:
        """Return the sentence of the mistake that fails this check in the same way."""
        name = getattr(item, "originalname", item.name)
        for mistake in self.mistakes():
            if mistake.caught_by == name and mistake.step in _steps(item):
                target = catalog.load_course().step(mistake.step).target
                with install.installed(target, mistake.answer):
                    if symptom(_outcome(item)) == symptom(error):
                        return mistake.says
        return ""

    def _nothing(self, kind: Kind) -> CheckResult:
        subject = f"step {self.step!r}" if self.step else "this module"
        remarks = " ".join(" ".join(self.remarks).split())
        return CheckResult(
            step=self.step or "",
            name="",
            title=f"there is a {kind} check for {subject}",
            kind=kind,
            outcome="failed",
            provenance=self.provenance(self.step or ""),
            got="no check",
            expected="at least one check",
            because=f"Nothing was checked, so nothing is shown to work. {remarks}".strip(),
        )


def _steps(item: pytest.Item) -> tuple[str, ...]:
    return tuple(marker.args[0] for marker in item.iter_markers("step"))


def _title(name: str) -> str:
    return name.removeprefix("test_").replace("_", " ")


def _outcome(item: pytest.Item) -> BaseException | None:
    """Return what the check raises, run once more on what is installed now."""
    try:
        with capturing(BoundedText()), time_limit():
            item.runtest()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the mistake may raise anything
        return error
    return None

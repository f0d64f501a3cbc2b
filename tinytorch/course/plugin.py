"""The pytest plugin that turns a check's outcome into a sentence for the learner."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import linecache
import signal
import sys
import threading
import types
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tinytorch.course import catalog, install
from tinytorch.course.checks import TIME_LIMIT, CheckResult, Kind
from tinytorch.course.expectation import CheckFailure, safe_repr
from tinytorch.course.misconceptions import Mistake

PRINTED = 1000  # characters of a learner's printing that are kept
UNUSED = """
    cacheprovider debugging doctest faulthandler junitxml legacypath logging pastebin setuponly
    setupplan stepwise subtests terminal threadexception unittest unraisableexception warnings
"""  # plugins that no check needs; each takes time to import


class OutOfTime(BaseException):
    """A check took longer than it may; not an Exception, so that no learner's code catches it."""


class FreshModule(pytest.Module):
    """A test file that is executed anew in every run."""

    def _getobj(self) -> types.ModuleType:
        name = f"tinytorch_checks.{self.path.parent.name}.{self.path.stem}"
        spec = importlib.util.spec_from_file_location(name, self.path)
        if spec is None or spec.loader is None:
            raise self.CollectError(f"cannot read {self.path}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module


def run(checker: Checker) -> None:
    """Run pytest over the checker's files."""
    inifile = Path(__file__).with_name("checks.ini")
    options = ["-c", str(inifile), "--capture=sys", "--assert=plain", "--noconftest"]
    unused = [word for name in UNUSED.split() for word in ("-p", f"no:{name}")]
    output = io.StringIO()
    try:
        with _capturing(output):
            code = pytest.main([*options, *unused, *checker.paths], plugins=[checker])
    finally:
        for name in [name for name in sys.modules if name.startswith("tinytorch_checks.")]:
            del sys.modules[name]
    if code == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    checker.remarks.append(output.getvalue())


class Checker:
    """Selects the checks of a step, runs them, and keeps what they found."""

    def __init__(
        self,
        files: dict[Kind, Path],
        *,
        step: str | None,
        provenance: Callable[[str], install.Provenance],
        mistakes: Callable[[], Sequence[Mistake]],
        in_order: bool,
    ) -> None:
        self.kinds = {path.resolve(): kind for kind, path in files.items()}
        self.step = step
        self.provenance = provenance
        self.mistakes = mistakes
        self.in_order = in_order
        self.remarks: list[str] = []
        self._found: dict[str, CheckResult] = {}
        self._printed: dict[str, str] = {}
        self._stopped = False

    @property
    def paths(self) -> list[str]:
        """The files to collect."""
        return [str(path) for path in self.kinds if path.is_file()]

    def results(self) -> tuple[CheckResult, ...]:
        """Everything found; at least one result, so that nothing cannot look like a pass."""
        found = list(self._found.values())
        missing = [kind for kind in self.kinds.values() if kind not in {r.kind for r in found}]
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
        wanted = [item for item in items if self.step in (None, *_steps(item))]
        items[:] = sorted(wanted, key=lambda item: self._kind(item) == "module")
        for item in items:
            self._found[item.nodeid] = self._result(item, outcome="waiting")

    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        """Pass over a check that has to wait."""
        return True if self._must_wait(item) else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Run the check in limited time, keeping what it prints."""
        printed = _BoundedText()
        try:
            with _capturing(printed), time_limit(TIME_LIMIT):
                return (yield)
        finally:
            self._printed[item.nodeid] = printed.getvalue()

    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> pytest.TestReport:
        """Keep the outcome in the learner's terms; pytest needs no more than a word."""
        error = call.excinfo.value if call.excinfo else None
        if error is not None:
            self._found[item.nodeid] = self._failed(item, error, call.duration)
        elif call.when == "call":
            self._found[item.nodeid] = self._result(item, outcome="passed", seconds=call.duration)
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

    # How the answers are put together.

    def _kind(self, item: pytest.Item) -> Kind:
        return self.kinds[item.path]

    def _must_wait(self, item: pytest.Item) -> bool:
        if self._stopped:
            return True
        if not self.in_order or self._kind(item) == "package":
            return False
        return any(r.outcome != "passed" for r in self._found.values() if r.kind == "package")

    def _result(self, item: pytest.Item, **found: Any) -> CheckResult:
        step = next(iter(_steps(item)), "") if self.step is None else self.step
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
        got, expected, because = _verdict(error)
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
        """The sentence of the catalogued mistake that fails this check in the same way."""
        name = getattr(item, "originalname", item.name)
        for mistake in self.mistakes():
            if mistake.caught_by == name and mistake.step in _steps(item):
                target = catalog.load_course().step(mistake.step).target
                with install.installed(target, mistake.answer):
                    if _symptom(_outcome(item)) == _symptom(error):
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
    """What the check raises, run once more on what is installed now."""
    try:
        with _capturing(_BoundedText()), time_limit(TIME_LIMIT):
            item.runtest()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - the mistake may raise anything
        return error
    return None


def _symptom(error: BaseException | None) -> tuple[str, ...]:
    if isinstance(error, CheckFailure):
        return (error.symptom, error.expected)
    return (type(error).__name__,)


def _verdict(error: BaseException) -> tuple[str, str, str]:
    """What came, what was expected, and why it matters."""
    if isinstance(error, CheckFailure):
        return error.got, error.expected, error.because
    line = learner_line(error)
    if isinstance(error, OutOfTime):
        advice = "Look for a loop that never ends"
        return f"no answer within {TIME_LIMIT:g} s", "an answer", f"{advice}{line}."
    got = f"{type(error).__name__}: {safe_repr_of_error(error)}"
    if line:
        return got, "no error", f"Your code raised it{line}."
    return got, "no error", _where_outside(error)


def safe_repr_of_error(error: BaseException) -> str:
    """The message of an error, whatever its `__str__` does."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the error class may be the learner's
        return safe_repr(error)


def learner_line(error: BaseException) -> str:
    """Where the learner's own code was when it happened: ` in line 3: ...`, or nothing."""
    files = install.learner_files()
    for filename, number in reversed(_places(error)):
        if filename in files:
            source = linecache.getline(filename, number).strip()
            quoted = f": `{source}`" if source and "`" not in source else ""
            return f" in line {number}{quoted}"
    return ""


def _where_outside(error: BaseException) -> str:
    """What to look at when no line of the learner's was running."""
    if isinstance(error, TypeError) and "argument" in str(error):
        return "The call did not fit; compare your parameters with those of the exercise."
    filename, number = _places(error)[-1]
    where = f"line {number} of {Path(filename).name}"
    return f"It was raised in {where}, by code that used what yours returned."


def _places(error: BaseException) -> list[tuple[str, int]]:
    places = []
    trace = error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return places


class _BoundedText(io.TextIOBase):
    """Keeps the first characters written to it and drops the flood."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = PRINTED

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)
        return len(text)

    def getvalue(self) -> str:
        return "".join(self._parts) + (" ..." if self._room < 0 else "")


@contextlib.contextmanager
def _capturing(stream: io.TextIOBase) -> Iterator[None]:
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        yield


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTime when the block takes longer, where signals can interrupt it."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    if not on_main_thread or not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: types.FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, stop)
    remaining, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, remaining, interval)
        signal.signal(signal.SIGALRM, before)

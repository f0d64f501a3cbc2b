"""Whatever a learner's files do, the result is red, one clear sentence, and no process is left."""

import contextlib
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from tests.course.processes import has_ended, wait_for
from tinytorch.course import catalog, checks, source, supervisor, workspace

MODULE = catalog.load_course().module("setup")
SILENCE = 3.0  # seconds, where something hangs; elsewhere as many as a learner has
COMPUTING = r"no answer within (0\.6 s of computing|2\.4 s$)"  # the latter if others compute, too
FORMAT_BYTES = "setup.format_bytes"

RIGHT = """
    if count < 0:
        raise ValueError(f"no size is below zero: {count}")
    if count < 1024:
        return "1 byte" if count == 1 else f"{count} bytes"
    power = 1
    while power < 6 and round(count / 1024**power, 1) >= 1024:
        power += 1
    return f"{count / 1024**power:.1f} {['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'][power - 1]}"
"""

SWALLOWS_EVERYTHING = """
        while True:
            try:
                while True:
                    pass
            except:
                pass
        """


class Learner:
    """A person with a workspace in which the module `setup` was started."""

    def __init__(self, folder: Path) -> None:
        self.workspace = workspace.create(folder)
        self.workspace.start("setup")
        self.file = self.workspace.code / "setup.py"

    def solves_everything(self):
        self.file.write_text(source.package_files("setup")["setup.py"])

    def writes(self, body, name="format_bytes", parameters="count"):
        """Answer a step with this body."""
        text = f"def {name}({parameters}):\n{textwrap.indent(textwrap.dedent(body), '    ')}"
        self.file.write_text(source.replace_function(self.file.read_text(), name, text))

    def adds(self, text):
        """Write at the end of the file, outside of every function."""
        self.file.write_text(f"{self.file.read_text()}\n{textwrap.dedent(text)}\n")

    def checks(self, *steps, whole=False, **options):
        steps = steps or [FORMAT_BYTES]
        return supervisor.examine(self.workspace, "setup", steps=steps, whole=whole, **options)


@pytest.fixture
def learner(tmp_path, monkeypatch):
    """A learner, who finds after each test that nothing runs any more."""
    started = set()

    class Noted(supervisor.Spare):
        def __init__(self):
            super().__init__()
            started.add(self._process.pid)

    monkeypatch.setattr(supervisor, "Spare", Noted)
    yield Learner(tmp_path / "ws")
    wait_for(lambda: not any(group(process) in started for process in psutil.process_iter()))


@pytest.fixture
def in_a_hurry(monkeypatch):
    """The same, but for little time: something will hang."""
    monkeypatch.setattr(supervisor, "SILENCE", SILENCE)


def computed_by_children():
    """Seconds of processor time that children which have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def group(process):
    """The number of the group of a process that runs."""
    with contextlib.suppress(psutil.Error, ProcessLookupError):
        if process.status() != psutil.STATUS_ZOMBIE:
            return os.getpgid(process.pid)
    return None


def is_one_sentence(text):
    return "\n" not in text and "Traceback" not in text and len(text) < 400


def failure(examination):
    """The check that failed first."""
    assert not examination.is_green
    assert examination.problem == ""
    (step,) = examination.steps
    assert step.state == "failed"
    found = next(check for check in step.checks if check.outcome == "failed")
    assert is_one_sentence(found.got)
    assert is_one_sentence(found.because)
    return found


def problem(examination):
    """Why nothing could be checked."""
    assert not examination.is_green
    assert examination.steps == examination.whole == ()
    assert is_one_sentence(examination.problem)
    assert examination.result.state == "failed"
    assert set(examination.result.provenance.values()) == {"reference"}
    return examination.problem


# What goes well.


def test_a_module_that_is_solved_is_green_on_the_learners_code(learner):
    learner.solves_everything()
    seen = []
    found = supervisor.examine(learner.workspace, "setup", on_step=seen.append)
    assert found.is_green
    assert seen == list(found.steps)
    assert [result.step for result in found.steps] == list(MODULE.steps)
    assert {result.ran for result in found.steps} == {"yours"}
    assert found.first_to_mend is None
    assert found.result.state == "passed"
    assert found.whole


def test_a_module_that_was_only_started_is_unbuilt_and_never_green(learner):
    found = learner.checks(*(step.id for step in MODULE.steps), whole=True)
    assert {result.state for result in found.steps} == {"unbuilt"}
    assert not found.is_green
    assert found.first_to_mend.step == MODULE.steps[0]


def test_what_was_not_checked_is_never_complete(learner):
    learner.solves_everything()
    found = learner.checks()
    assert found.steps[0].state == "passed"
    assert not found.is_green
    assert found.result.state == "unbuilt"
    all_but_the_whole = learner.checks(*(step.id for step in MODULE.steps))
    assert {result.state for result in all_but_the_whole.steps} == {"passed"}
    assert not all_but_the_whole.is_green


def test_a_mistake_is_told_as_on_the_page(learner):
    learner.writes(RIGHT.replace("1024", "1000"))
    found = failure(learner.checks())
    assert found.provenance == "yours"
    assert found.expected
    assert found.misconception


def test_an_error_is_shown_with_the_line_of_the_learners_file(learner):
    learner.writes("return {}[count]")
    line = learner.file.read_text().splitlines().index("    return {}[count]") + 1
    found = failure(learner.checks())
    assert found.got.startswith("KeyError")
    assert f"line {line} of tinytorch/setup.py: `return {{}}[count]`" in found.because


def test_a_green_step_stays_in_place_and_a_red_one_is_taken_out(learner):
    learner.writes(RIGHT)
    learner.writes("return None", "parse_version", "text")
    learner.writes("return parse_version(version) is not None", "satisfies", "version, requirement")
    found = learner.checks(FORMAT_BYTES, "setup.parse_version", "setup.satisfies")
    states = [(result.state, result.in_place) for result in found.steps]
    assert states == [("passed", "yours"), ("failed", "reference"), ("failed", "reference")]
    uses_the_reference = found.steps[2].checks[0]
    assert uses_the_reference.provenance == "yours"
    assert "NoneType" not in uses_the_reference.got


def test_a_trusted_step_is_used_without_being_checked(learner):
    learner.writes("raise RuntimeError('mine')", "parse_version", "text")
    learner.writes("return parse_version(version)", "satisfies", "version, requirement")
    alone = failure(learner.checks("setup.satisfies"))
    trusting = failure(learner.checks("setup.satisfies", trusted=["setup.parse_version"]))
    assert "mine" not in alone.got
    assert trusting.got == "RuntimeError: mine"


def test_a_spare_answers_at_once_and_only_one_request(learner):
    learner.writes(RIGHT)
    already = computed_by_children()
    spare = supervisor.Spare()
    select.select([spare._process.stdout], [], [], 60)  # it has loaded what it needs, and says so
    loading = sum(psutil.Process(spare._process.pid).cpu_times()[:2])
    assert learner.checks(spare=spare).steps[0].state == "passed"
    answering = computed_by_children() - already - loading
    assert answering < 0.6 * loading


def test_a_spare_that_has_died_is_replaced(learner):
    learner.writes(RIGHT)
    spare = supervisor.Spare()
    os.kill(spare._process.pid, signal.SIGKILL)
    assert learner.checks(spare=spare).steps[0].state == "passed"


def test_a_python_without_what_checks_need_is_a_problem(learner, monkeypatch):
    monkeypatch.setattr(supervisor, "START", "import missing_module_of_nobody # {}")
    assert "tinytorch doctor" in problem(learner.checks())


def test_a_spare_can_be_closed_twice(learner):
    spare = supervisor.Spare()
    spare.close()
    spare.close()


# Files that cannot be used.


def test_an_empty_file_is_named(learner):
    learner.file.write_text("")
    found = problem(learner.checks())
    assert found.startswith(
        "tinytorch/setup.py is empty; bring it back with: tinytorch reset setup"
    )


def test_a_file_of_white_space_is_empty(learner):
    learner.file.write_text("\n \n")
    assert "is empty" in problem(learner.checks())


def test_a_deleted_file_is_named(learner):
    learner.file.unlink()
    assert "tinytorch/setup.py is missing" in problem(learner.checks())


def test_an_emptied_module_folder_is_named(learner):
    learner.workspace.start("tensors")
    for path in (learner.workspace.code / "tensors").iterdir():
        path.unlink()
    found = problem(supervisor.examine(learner.workspace, "tensors"))
    assert "tinytorch/tensors/__init__.py is missing" in found


def test_a_deleted_module_folder_is_named(learner):
    learner.workspace.start("tensors")
    shutil.rmtree(learner.workspace.code / "tensors")
    found = problem(supervisor.examine(learner.workspace, "tensors"))
    assert "tinytorch/tensors/__init__.py is missing" in found


def test_a_broken_file_of_an_earlier_module_is_named(learner):
    learner.workspace.start("tensors")
    learner.adds("def broken(:")
    found = problem(supervisor.examine(learner.workspace, "tensors"))
    assert found.startswith("tinytorch/setup.py, line ")


def test_a_module_that_was_not_started_is_named(learner):
    found = problem(supervisor.examine(learner.workspace, "tensors"))
    assert "tinytorch start tensors" in found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def broken(:", "is not valid Python: invalid syntax"),
        ("if True:\npass", "is not valid Python: expected an indented block"),
        ("x = (1,", "is not valid Python: '(' was never closed"),
        ("x = 'half", "is not valid Python: unterminated string literal"),
        ("\0", "is not valid Python: source code string cannot contain null bytes"),
        (f"x = {'(' * 500}{')' * 500}", "is not valid Python: too many nested parentheses"),
        ("return 3", "is not valid Python: 'return' outside function"),
        ("import missing_module_of_nobody", "No module named 'missing_module_of_nobody'"),
        ("from math import nothing", "cannot import name 'nothing' from 'math'"),
        ("from tinytorch.setup import nothing", "cannot import name 'nothing'"),
        ("1 / 0", "`1 / 0`, could not be loaded: ZeroDivisionError: division by zero"),
        ("raise ValueError('a\\nb ' * 999)", "could not be loaded: ValueError: a b a b"),
        ("raise KeyboardInterrupt", "could not be loaded: KeyboardInterrupt"),
        ("raise BaseException('all')", "could not be loaded: BaseException: all"),
        ("def f(): f()\nf()", "could not be loaded: RecursionError"),
        ("import sys; sys.exit('bye')", "leaves Python while the file is loaded"),
        ("raise SystemExit(0)", "leaves Python while the file is loaded"),
        ("exit()", "leaves Python while the file is loaded"),
        ("input('Your name? ')", "could not be loaded: EOFError"),
        ("import sys; del sys.modules['tinytorch.setup']", "could not be loaded: KeyError"),
        ("import os; os._exit(0)", "came to nothing: the end of Python (exit code 0)"),
        ("import os; os.abort()", "came to nothing: the end of Python (SIGABRT)"),
        ("import sys; sys.modules.clear()", ""),
        ("del format_bytes", "format_bytes"),
        ("class broken(metaclass=3): pass", "could not be loaded: TypeError"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_one_sentence(learner, text, says):
    learner.adds(text)
    assert says in problem(learner.checks())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("while True: pass", r"`while True: pass`, gave no answer within (0\.6 s of|2\.4 s)"),
        ("import time; time.sleep(60)", r"gave no answer within 2\.4 s"),
        ("sum(range(10**12))", "came to nothing: no answer within 3 s"),
    ],
)
def test_a_file_that_does_not_finish_loading_is_one_sentence(learner, in_a_hurry, text, says):
    learner.adds(text)
    assert re.search(says, problem(learner.checks()))


def test_a_loop_at_import_that_swallows_everything_is_ended(learner, in_a_hurry):
    learner.adds(SWALLOWS_EVERYTHING)
    assert "Loading tinytorch/setup" in problem(learner.checks())


def test_a_function_that_is_gone_is_named(learner):
    learner.file.write_text(learner.file.read_text().replace("def format_bytes", "def size_of"))
    found = problem(learner.checks())
    assert "tinytorch/setup.py no longer defines `format_bytes`" in found


def test_a_file_in_another_encoding_is_named(learner):
    learner.file.write_bytes(b"# caf\xe9\n" + learner.file.read_bytes())
    assert "not UTF-8" in problem(learner.checks())


def test_a_file_named_like_a_module_of_python_disturbs_nothing(learner):
    for name in ("json.py", "pytest.py", "numpy.py", "random.py", "conftest.py"):
        (learner.workspace.root / name).write_text("raise RuntimeError('the wrong file')")
        (learner.workspace.code / name).write_text("raise RuntimeError('the wrong file')")
    learner.writes(RIGHT)
    assert learner.checks().steps[0].state == "passed"


# Functions that misbehave.


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("return input()", "a question at the keyboard"),
        ("import sys; return sys.stdin.read()", "a question at the keyboard"),
        ("return format_bytes(count)", "RecursionError"),
        ("import os; os._exit(0)", "the end of Python (exit code 0)"),
        ("import os; os._exit(3)", "the end of Python (exit code 3)"),
        ("import ctypes; return ctypes.string_at(0)", "the end of Python (SIGSEGV)"),
        ("import sys; sys.modules.clear()", ""),
        ("import sys; del sys.modules['tinytorch.setup']; return ''", "''"),
        ("from pytest import skip; skip('later')", "Skipped: later"),
        ("import pytest; pytest.exit('enough')", "enough"),
        ("import os; os.closerange(3, 256)", ""),
        ('import os; [os.write(n, b\'{"event": "end"\') for n in range(9)]', ""),
    ],
)
def test_a_function_that_misbehaves_is_red_and_named(learner, body, says):
    learner.writes(body)
    found = failure(learner.checks())
    assert says in found.got
    assert found.title


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("while True: pass", COMPUTING),
        ("import time; time.sleep(60)", r"no answer within 2\.4 s"),
        ("return sum(range(10**12))", "no answer within 3 s"),
    ],
)
def test_a_function_that_does_not_return_is_red_and_named(learner, in_a_hurry, body, says):
    learner.writes(body)
    found = failure(learner.checks())
    assert re.match(says, found.got)
    assert found.title


@pytest.mark.parametrize("value", ["None", "re", "np.broadcast_shapes", "Machine", "parse_version"])
def test_what_stands_in_the_place_of_a_function_is_checked_as_it_is(learner, value):
    learner.solves_everything()
    learner.adds(f"format_bytes = {value}")
    found = learner.checks(FORMAT_BYTES, "setup.parse_version", "setup.satisfies")
    assert [result.state for result in found.steps] == ["failed", "passed", "passed"]
    assert {check.provenance for check in found.steps[0].checks} == {"yours"}


def test_a_stub_in_other_words_is_not_built_and_the_reference_stands_in(learner):
    learner.writes("if True:\n    raise NotImplementedError('later')", "parse_version", "text")
    learner.writes("return parse_version(version) is None", "satisfies", "version, requirement")
    first, second = learner.checks("setup.parse_version", "setup.satisfies").steps
    assert (first.state, second.state) == ("unbuilt", "failed")
    assert "NotImplementedError" not in {check.got for check in second.checks}


def test_an_answer_may_be_decorated(learner):
    learner.writes(RIGHT)
    text = learner.file.read_text()
    learner.file.write_text(text.replace("def format_bytes", "@functools.cache\ndef format_bytes"))
    (found,) = learner.checks().steps
    assert (found.state, found.in_place) == ("passed", "yours")


def test_a_function_under_a_second_name_is_replaced_there_too(learner):
    learner.writes(RIGHT)
    learner.adds("sizes = {'bytes': format_bytes}\nsize_of = format_bytes")
    learner.writes("return sizes['bytes'](3) + size_of(5)", "parse_version", "text")
    found = learner.checks("setup.parse_version")
    assert "bytes" not in failure(found).got.replace("3 bytes5 bytes", "")


def test_a_loop_that_swallows_everything_is_ended_and_the_other_steps_are_checked(
    learner, in_a_hurry
):
    learner.solves_everything()
    learner.writes(
        SWALLOWS_EVERYTHING,
        "parse_version",
        "text",
    )
    found = learner.checks(FORMAT_BYTES, "setup.parse_version", "setup.fingerprint", whole=True)
    assert [result.state for result in found.steps] == ["passed", "failed", "passed"]
    hung = found.steps[1].checks[-1]
    assert hung.got == "no answer within 3 s"
    assert "bare `except:`" in hung.because
    assert hung.title == "versions compare by number and not by letter"
    assert not found.is_green


FLOOD = """
import os, sys
print("x" * 1_000_000)
print("x" * 1_000_000, file=sys.__stdout__)
print("x" * 1_000_000, file=sys.__stderr__)
os.write(1, b"x" * 1_000_000)
os.system("yes | head -c 1000000")
"""


def test_a_flood_of_printing_reaches_nobody(learner, capfd):
    learner.adds(FLOOD)
    learner.writes(FLOOD + textwrap.dedent(RIGHT))
    (found,) = learner.checks().steps
    assert [check.got for check in found.checks if check.outcome != "passed"] == []
    assert capfd.readouterr() == ("", "")


def test_a_right_answer_that_takes_modules_away_does_not_pass(learner):
    take = "import sys\nsys.modules.pop('tinytorch.setup', None)\n"
    learner.writes(take + textwrap.dedent(RIGHT))
    found = failure(learner.checks())
    assert found.got == "no tinytorch.setup in sys.modules"


def test_a_thread_that_is_left_running_keeps_nobody(learner):
    start = "import threading, time\nthreading.Thread(target=time.sleep, args=[600]).start()\n"
    learner.writes(start + textwrap.dedent(RIGHT))
    started = time.perf_counter()
    assert learner.checks().steps[0].state == "passed"
    assert time.perf_counter() - started < 60


def test_a_process_that_is_left_running_is_ended_as_well(learner, tmp_path):
    note = tmp_path / "number"
    command = "import subprocess; number = subprocess.Popen(['sleep', '600']).pid\n"
    learner.writes(
        f"{command}open({str(note)!r}, 'w').write(str(number))\n{textwrap.dedent(RIGHT)}"
    )
    learner.checks()
    assert note.read_text()
    wait_for(lambda: has_ended(int(note.read_text())))


def test_a_fork_does_not_speak_for_the_examiner(learner, in_a_hurry):
    learner.writes("import os\nif os.getpid() == os.getsid(0):\n    os.fork()\nreturn None")
    assert failure(learner.checks()).got == "None"


# Checks that are not ours.


@pytest.fixture
def other_checks(tmp_path, monkeypatch):
    """A copy of the checks, to be changed."""
    for name in ("package", "modules", "mutants"):
        shutil.copytree(checks.tests_root() / name, tmp_path / "tests" / name)
    monkeypatch.setattr(checks, "tests_root", lambda: tmp_path / "tests")
    return tmp_path / "tests"


def test_a_changed_file_of_checks_proves_nothing(learner, other_checks):
    learner.solves_everything()
    path = other_checks / "package" / "test_setup.py"
    path.write_text(path.read_text().replace("1.5 KiB", "1.6 KiB"))
    found = problem(learner.checks())
    assert found.startswith(f"{path} is not as it came with the course")


def test_a_missing_file_of_checks_proves_nothing(learner, other_checks):
    learner.solves_everything()
    (other_checks / "modules" / "test_setup.py").unlink()
    assert "test_setup.py is not as it came with the course" in problem(learner.checks())


# What an examiner says.


class Script:
    """Stands for an examiner that says these events, and then falls silent or ends."""

    def __init__(self, *events, falls_silent=False):
        self.events, self.falls_silent = events, falls_silent

    def ask(self, request, on_wait):
        yield from self.events
        if self.falls_silent:
            raise supervisor.Silent

    def ending(self):
        return "exit code 7"

    def close(self):
        pass


def check(title, outcome):
    return {
        "step": "",
        "name": "test_it",
        "title": title,
        "kind": "module",
        "outcome": outcome,
        "provenance": "yours",
    }


BEGINNING = [
    {"event": "ready"},
    {"event": "loading", "stem": "setup"},
    {"event": "begin", "step": checks.WHOLE},
    {"event": "check", "result": check("it holds", "passed")},
    {"event": "check", "result": check("it ends", "waiting")},
]


@pytest.mark.parametrize(
    ("falls_silent", "got"),
    [(True, "no answer within 3 s"), (False, "the end of Python (exit code 7)")],
)
def test_an_early_end_in_the_checks_of_the_whole_module_is_red(
    learner, in_a_hurry, falls_silent, got
):
    script = Script(*BEGINNING, falls_silent=falls_silent)
    found = learner.checks(spare=script)
    assert [(one.title, one.outcome, one.got) for one in found.whole] == [
        ("it holds", "passed", ""),
        ("it ends", "failed", got),
    ]
    assert not found.is_green


def test_an_examiner_that_only_says_that_all_is_well_is_not_believed(learner):
    found = learner.checks(spare=Script({"event": "end"}))
    assert not found.is_green
    assert found.result.state == "unbuilt"


@pytest.mark.parametrize("line", [b"", b"flood", b"3", b"[]", b'{"x": 1}', b"\xff", b"[" * 99_999])
def test_what_others_write_on_the_line_of_the_examiner_is_passed_over(line):
    assert supervisor._event(line) is None


# The person who waits.


def test_an_interrupt_ends_the_examiner(learner):
    learner.writes(RIGHT)

    def interrupt(result):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learner.checks(on_step=interrupt)


WAITING = """
from pathlib import Path
from tinytorch.course import supervisor, workspace
print("ready", flush=True)
supervisor.examine(workspace.Workspace(Path({!r})), "setup")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_examiner_outlives_its_supervisor(learner, tmp_path, number):
    note = tmp_path / "checking"
    learner.adds(f"open({str(note)!r}, 'w').close()\nimport time; time.sleep(60)")
    code = WAITING.format(str(learner.workspace.root))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as command:
        command.stdout.readline()
        (examiner,) = wait_for(psutil.Process(command.pid).children)
        wait_for(note.exists)
        command.send_signal(number)
    wait_for(lambda: has_ended(examiner.pid), seconds=10)  # as the file would not by itself

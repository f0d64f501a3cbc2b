"""A course in miniature: one module of the library, its checks and its mistakes."""

import ast
import html.parser
import sys
import textwrap
import types
from pathlib import Path

import pytest

from tinytorch.course import catalog, checks, install, source, stubs

TABLE = """
[course]
title = "Toys"
subtitle = "A course in miniature"
version = "1"
repository = "https://example.org/toys"

[[pattern]]
name = "Reflect"
focus = "Design"
indicators = ["Can say why"]

[[part]]
name = "Toys"
summary = "Small things"

[[module]]
stem = "toys"
number = "00"
title = "Toys"
part = "Toys"
pattern = "Reflect"
insight = "Small is clear"
rationale = "Because"
activities = ["Why?"]
objectives = ["Double"]
minutes = 5
requires = []
unlocks = "Games: what toys are for."
frameworks = { pytorch = ["torch.toys"], tensorflow = ["tf.toys"] }
published = true

[[module.step]]
name = "double"
title = "Double a number"
task = "Return twice the number."
hints = ["Twice is two times.", "Multiply by 2."]

[[module.step]]
name = "spin"
target = "toys.Top.spin"
title = "Spin the top"
task = "Return the angle after some turns."
hints = ["A turn is 360 degrees.", "Multiply."]

[[module]]
stem = "games"
number = "01"
title = "Games"
part = "Toys"
pattern = "Reflect"
insight = "Rules make games"
rationale = "Because"
activities = ["Why?"]
objectives = ["Play"]
minutes = 5
requires = ["toys"]
unlocks = "Life."
frameworks = { pytorch = [], tensorflow = [] }
published = false
"""

PACKAGE_CHECKS = """
import pytest
import tinytorch as tt
from tinytorch.course import expect, expect_error


@pytest.mark.step("toys.double")
def test_two_doubled_is_four():
    expect(tt.toys.double(2), 4, because="twice two is four")


@pytest.mark.step("toys.double")
def test_one_half_doubled_is_one():
    expect(tt.toys.double(0.5), 1.0, because="halves double too")


@pytest.mark.step("toys.spin")
def test_one_turn_is_360_degrees():
    expect(tt.toys.Top.spin(1), 360, because="a circle has 360 degrees")


def test_a_top_spins_twice_as_far_in_twice_the_turns():
    expect(tt.toys.double(tt.toys.Top.spin(1)), tt.toys.Top.spin(2), because="it is linear")
"""

MODULE_CHECKS = """
import pytest
import tinytorch as tt
from tinytorch.course import expect, expect_error


@pytest.mark.step("toys.double")
def test_text_is_refused():
    expect_error(lambda: tt.toys.double("2"), TypeError, "'2'", because="text is no number")


@pytest.mark.step("toys.spin")
def test_no_turn_is_no_angle():
    expect(tt.toys.Top.spin(0), 0, because="nothing has moved")
"""

MISTAKES = """
from tinytorch.course import mistake


@mistake("toys.double", caught_by="test_one_half_doubled_is_one", says="You **squared** it.")
def double_as_square(number):
    return number**2


@mistake("toys.double", caught_by="test_two_doubled_is_four", says="You added two.")
def double_as_sum(number):
    return number + 3


@mistake("toys.spin", caught_by="test_one_turn_is_360_degrees", says="These are radians.")
def spin_in_radians(turns):
    return turns * 6.283
"""

SOURCE = '''
"""Toys."""


def double(number):
    """Return twice the number."""
    if not isinstance(number, (int, float)):
        raise TypeError(f"cannot double {number!r}")
    return 2 * number


def real_double(number):
    """Return the real part of twice the number."""
    return double(number).real


class Top:
    """A spinning top."""

    turned = double

    @staticmethod
    def spin(turns):
        """Return the angle after some turns."""
        return 360 * turns


kernels = {"double": double, "more": {"double": double}}
'''


class Toys:
    """The pieces of the course in miniature, to bend as a test needs it."""

    def __init__(self, folder: Path, library: types.ModuleType) -> None:
        self.folder = folder
        self.library = library
        self.write("package", PACKAGE_CHECKS)
        self.write("modules", MODULE_CHECKS)
        (folder / "mutants").mkdir()
        self.mistakes = folder / "mutants" / "toys.py"
        self.mistakes.write_text(MISTAKES)
        table = folder / "course.toml"
        table.write_text(TABLE)
        self.course = catalog.read_course(table)
        self.double = self.course.step("toys.double")
        self.spin = self.course.step("toys.spin")

    def write(self, kind: str, source: str) -> None:
        """Replace the test file of one kind."""
        path = self.folder / kind / "test_toys.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """The course in miniature, in the place of the real one."""
    package = sys.modules["tinytorch"]
    library = types.ModuleType("tinytorch.toys")
    exec(compile(SOURCE, "toys.py", "exec"), vars(library))
    monkeypatch.setitem(sys.modules, "tinytorch.toys", library)
    monkeypatch.setattr(package, "toys", library, raising=False)
    found = Toys(tmp_path, library)
    monkeypatch.setattr(catalog, "load_course", lambda: found.course)
    monkeypatch.setattr(checks, "tests_root", lambda: tmp_path)
    monkeypatch.setattr(install, "_references", {})
    monkeypatch.setattr(source, "_package_files", lambda stem: {f"{stem}.py": SOURCE})
    return found


@pytest.fixture
def untouched():
    """The real course, with every step put back afterwards."""
    yield
    install.reset()


VOID = {"input"}


class Outline(html.parser.HTMLParser):
    """Checks that every element is closed, and collects text and attributes."""

    def __init__(self, source):
        super().__init__()
        self.open, self.text, self.attributes = [], "", []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, name, attributes):
        """Open an element."""
        self.attributes.append((name, dict(attributes)))
        if name not in VOID:
            self.open.append(name)

    def handle_endtag(self, name):
        """Close the element that was opened last."""
        assert self.open.pop() == name

    def handle_data(self, text):
        """Collect text outside of style sheets."""
        if self.open[-1:] != ["style"]:
            self.text += text

    def first(self, element):
        """The attributes of the first such element."""
        return next(attributes for name, attributes in self.attributes if name == element)


@pytest.fixture
def outline():
    """Read HTML, failing where it is not well formed."""
    return Outline


def solution(step):
    """The exercise cell with the body of the reference."""
    code = install.code_of(install.reference(step.target))
    text = Path(code.co_filename).read_text(encoding="utf-8")
    function = next(
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
        and code.co_firstlineno in (node.lineno, *(one.lineno for one in node.decorator_list))
    )
    first, last = function.body[1].lineno, function.body[-1].end_lineno
    body = textwrap.dedent("\n".join(text.splitlines()[first - 1 : last]))
    head, _, _ = stubs.stub(step).rpartition("    raise NotImplementedError(")
    return head + textwrap.indent(body, "    ")


@pytest.fixture(scope="session")
def solved():
    """Write the exercise cell of a step with the body of the reference."""
    return solution

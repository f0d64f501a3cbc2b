"""The library as text: functions are found, blanked and put back to the letter."""

import copy
import importlib.util
import sys

import pytest

from tinytorch.course import catalog, exercise, install, source, syntax
from tinytorch.course.catalog import CourseError
from tinytorch.tensors import door

COURSE = catalog.load_course()

each_module = pytest.mark.parametrize("module", COURSE.published, ids=lambda module: module.stem)
each_step = pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)

FILE = '''\
"""A file."""

import math

# how far
# it turns
@staticmethod
def turn(angle):
    """Turn."""
    return angle

    # done


class Top:
    """A top."""

    height = 3

    # A comment of the class

    @property
    # between
    def angle(self):
        """Return it.

        In degrees.
        """
        text = """
  not
moved
"""
        return text

    def spin(self): return 1


if math:
    def turn(angle):
        return -angle
else:
    x = 1
'''


@each_step
def test_a_step_is_found_where_its_reference_stands(step):
    place = source.locate(step)
    code = install.code_of(install.reference(step.target))
    function = source.find_function(source.package_files(step.stem)[place.path], place.qualname)
    assert code.co_filename.endswith(f"tinytorch/{place.path}")
    assert code.co_firstlineno in (function.lineno, *(d.lineno for d in function.decorator_list))
    assert code.co_filename == sys.modules[place.module].__file__


def test_a_step_that_is_no_function_of_the_library_is_named():
    step = catalog.Step(stem="setup", name="x", title="X", task="X", target="setup.MISSING")
    with pytest.raises(CourseError, match=r"'setup\.x': setup\.MISSING is no function"):
        source.locate(step)
    with pytest.raises(CourseError, match="no module 'nothing'"):
        source.package_files("nothing")


@each_module
def test_a_blanked_module_differs_from_the_reference_in_bodies_alone(module):
    reference, blank = source.package_files(module.stem), source.blanked_files(*both(module))
    for step in module.steps:
        place = source.locate(step)
        function = source.find_function(blank[place.path], place.qualname)
        assert source.is_blank(function)
        assert not source.is_blank(source.find_function(reference[place.path], place.qualname))
        text = source.function_text(reference[place.path], place.qualname)
        blank[place.path] = source.replace_function(blank[place.path], place.qualname, text)
    assert blank == reference


@each_module
def test_a_blanked_module_can_be_imported_and_every_step_is_a_stub(module, tmp_path, monkeypatch):
    for path, text in source.blanked_files(*both(module)).items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    library = import_in_place_of(f"tinytorch.{module.stem}", tmp_path, monkeypatch)
    for step in module.steps:
        target = library
        for name in step.target.split(".")[1:]:
            target = getattr(target, name)
        assert exercise.is_stub(target), step.id
        assert install.code_of(target).co_filename.startswith(str(tmp_path))


def both(module):
    """The arguments for a whole module."""
    return module.stem, module.steps


def import_in_place_of(name, folder, monkeypatch):
    """Import a module of the library from another folder, for the length of a test."""
    for table in ("_kernels", "_kernel_sets", "_shape_rules"):  # where its kernels go
        monkeypatch.setattr(door, table, copy.deepcopy(getattr(door, table)))
    for loaded in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    package = folder / name.partition(".")[2]
    path = package / "__init__.py" if package.is_dir() else package.with_suffix(".py")
    inside = [str(package)] if package.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=inside)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    try:
        spec.loader.exec_module(module)
    finally:
        for loaded in [one for one in sys.modules if one.startswith(f"{name}.")]:
            monkeypatch.delitem(sys.modules, loaded)
    return module


def test_the_last_function_of_a_name_is_the_one():
    assert source.function_text(FILE, "turn") == "def turn(angle):\n    return -angle"
    assert source.find_function(FILE, "Top.spin").name == "spin"
    assert source.find_function(FILE, "Top.wind") is None
    assert source.find_function(FILE, "Bottom.spin") is None
    assert source.find_function(FILE, "x") is None


def test_a_function_comes_with_its_comments_and_decorators():
    only = FILE.partition("\n\nif math")[0]
    assert source.function_text(only, "turn").split("\n") == [
        "# how far",
        "# it turns",
        "@staticmethod",
        "def turn(angle):",
        '    """Turn."""',
        "    return angle",
        "",
        "    # done",
    ]


def test_a_method_moves_to_the_margin_and_back_and_its_strings_stay():
    text = source.function_text(FILE, "Top.angle")
    assert text.startswith("@property\n# between\ndef angle(self):\n")
    assert "\n    In degrees.\n" in text
    assert '"""\n  not\nmoved\n"""\n    return text' in text
    assert source.replace_function(FILE, "Top.angle", text) == FILE


def test_a_method_is_blanked_inside_of_its_class(toys):
    text = (
        "class Top:\n    @staticmethod\n    def spin(turns):\n        'Spin.'\n        return 1\n"
    )
    function = source.find_function(text, "Top.spin")
    head, _, body = source._with_blank_body(text, function, toys.spin).partition("'Spin.'\n")
    assert head + "'Spin.'\n" == text.partition("        return")[0]
    assert body == f'        raise NotImplementedError("{toys.spin.task}")\n'


@pytest.mark.parametrize(
    ("body", "blank"),
    [
        ('"""Doc."""', True),
        ("pass", True),
        ("...", True),
        ("raise NotImplementedError", True),
        ('"""Doc."""\n    raise NotImplementedError("later")', True),
        ('"""Doc."""\n    pass\n    raise NotImplementedError("later")', True),
        ("return None", False),
        ('raise ValueError("NotImplementedError")', False),
        ('print()\n    raise NotImplementedError("later")', False),
        ("if x:\n        raise NotImplementedError", False),
        ('"""Doc."""\n    "not a docstring"', False),
    ],
)
def test_blank_is_what_holds_nothing_to_check(body, blank):
    assert source.is_blank(source.find_function(f"def f(x):\n    {body}\n", "f")) is blank


def test_a_function_that_was_deleted_is_put_back_where_it_belongs():
    place = source.Place("tensors/shapes.py", "view_strides")
    reference = source.package_files("tensors")["tensors/shapes.py"]
    text = source.function_text(reference, "view_strides")
    without = reference.replace(f"{text}\n\n\n", "")
    assert source.find_function(without, "view_strides") is None
    assert source.put_function(without, place, text) == reference
    assert source.put_function("", place, text) == f"{text}\n"


def test_what_is_gone_with_its_class_cannot_be_put_back():
    with pytest.raises(ValueError, match=r"tinytorch/a\.py has no class Top any more; bring it b"):
        source.put_function("x = 1", source.Place("a.py", "Top.spin"), "def spin(): pass")
    with pytest.raises(ValueError, match="there is no f to replace"):
        source.replace_function("x = 1", "f", "def f(): pass")


@pytest.mark.parametrize(
    ("task", "text", "sentence"),
    [
        ('Say "so".', "def f():\n    'Doc.'", "the task must be one line without quotes"),
        ("One\ntwo", "def f():\n    'Doc.'", "the task must be one line without quotes"),
        ("Say so.", "def f():\n    pass", "has no docstring to specify it"),
    ],
)
def test_a_step_that_cannot_be_blanked_is_named(task, text, sentence):
    step = catalog.Step(stem="a", name="f", title="F", task=task, target="a.f")
    with pytest.raises(CourseError, match=f"^step 'a.f': .*{sentence}$"):
        source._with_blank_body(text, source.find_function(text, "f"), step)


@pytest.mark.parametrize(
    "text", ["def f(:", "\x00", "(" * 400 + ")" * 400, "x = 1\n  y = 2", "\ud800 ="]
)
def test_every_text_that_is_no_python_is_told_in_one_sentence(text):
    with pytest.raises(CourseError, match=r"^my\.py is not valid Python \(line \d+: .+\)$"):
        syntax.require_python(text, "my.py")


def test_names_used_are_those_that_a_module_must_give():
    text = (
        "@decorate\ndef f(a: Kind, *rest, b=start) -> Out:\n    global shared\n"
        "    def inner(): return a + outside\n    return [one for one in f(b)] + len(shared)\n"
    )
    used = {"decorate", "Kind", "start", "Out", "shared", "outside", "f", "len"}
    assert syntax.names_used(text) == used
    assert syntax.names_used("class A(Base):\n    x = given\n    def m(self): return A, x\n") == {
        "Base",
        "given",
        "A",
        "x",
    }


def test_a_name_is_replaced_in_code_and_nowhere_else():
    text = 'def old(x):\n    "old"  # old\n    return x.old + old(f"{old} {x}") + "old" + older\n'
    assert syntax.renamed(text, "old", "new") == (
        'def new(x):\n    "old"  # old\n    return x.old + new(f"{new} {x}") + "old" + older\n'
    )

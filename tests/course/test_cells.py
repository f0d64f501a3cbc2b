"""A step travels from a file to a page's cell and back, and loses nothing on the way."""

import random

import pytest

from tinytorch.course import catalog, cells, source, stubs
from tinytorch.course.catalog import CourseError

COURSE = catalog.load_course()
SHAPES = "tensors/shapes.py"

each_step = pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)


def blank(stem):
    """The files of a module as they are when it is started."""
    return source.blanked_files(stem, COURSE.module(stem).steps)


@pytest.fixture
def shape():
    """The first step of chapter 1, and what its file is when it is started."""
    return COURSE.step("tensors.infer_shape"), blank("tensors")


@each_step
def test_the_published_cell_is_the_cell_of_the_blank_with_the_imports_of_the_reference(step):
    head, _, _ = stubs.stub(step).partition("@build")
    assert cells.cell(step, source.package_files(step.stem)).startswith(head)


@each_step
def test_the_solution_of_a_step_travels_to_a_file_and_back(step, solved):
    page = solved(step)
    file = cells.with_cell(blank(step.stem), step, page)
    place, reference = source.locate(step), source.package_files(step.stem)
    text = source.function_text(reference[place.path], place.qualname)
    assert file == blank(step.stem) | {
        place.path: source.replace_function(file[place.path], place.qualname, text)
    }
    assert cells.cell(step, file) == page


@pytest.mark.parametrize("module", COURSE.published, ids=lambda module: module.stem)
def test_the_solutions_of_all_steps_make_the_reference(module, solved):
    files = blank(module.stem)
    for step in random.Random(1).sample(module.steps, len(module.steps)):
        files = cells.with_cell(files, step, solved(step))
    assert files == source.package_files(module.stem)


DECORATION = """\
# An idea of my own.
%load_ext autoreload
import functools, math
import numpy as np
from collections import Counter as Count
from tinytorch.course import build, expect

DEPTH = 40  # more than enough

def unused():
    return "a trial"


# It looks twice.
def _look_{name}(value):
    return value if DEPTH else math.inf, np.nan, Count


# This one is checked.
@functools.lru_cache(maxsize=_look_{name}(None)[0])
"""


@each_step
def test_a_cell_with_helpers_and_comments_travels_without_loss(step, solved):
    """From the page to a file, to a page and to a file again, nothing changes any more."""
    head, _, function = solved(step).partition("@build")
    page = f"{head}{DECORATION.format(name=step.name)}@build{function}\n    # so much for it\n"
    page += f"\n\nprint(unused(), {step.name})\n{step.name}?\n"
    first = cells.with_cell(blank(step.stem), step, page)
    place = source.locate(step)
    text, indent = first[place.path], "    " * place.qualname.count(".")  # methods stand in a class
    for kept in (
        f"{indent}# An idea of my own.\n{indent}# This one is checked.\n"
        f"{indent}@functools.lru_cache(maxsize=_look_",
        "# It looks twice.\ndef _look_",
        "DEPTH = 40  # more than enough\n",
        "from collections import Counter as Count\n",
        "    # so much for it\n",
    ):
        assert kept in text
    for left in ("def unused", "\nprint(", "import build", "%load_ext", "@build"):
        assert left not in text
    second = cells.cell(step, first)
    compile(second, "<page>", "exec")
    assert cells.with_cell(blank(step.stem), step, second) == first
    assert cells.with_cell(first, step, second) == first
    assert cells.with_cell(first, step, page) == first
    assert cells.cell(step, cells.with_cell(first, step, second)) == second


def test_random_mixtures_of_cells_are_stable_after_one_journey(solved):
    """Steps share helpers, import the same, and come in any order."""
    pieces = [
        "import math\n",
        "import math as m\n",
        "from functools import reduce\n",
        "# a thought\n",
        "LIMIT = 3\n",
        "def _same(a, b):\n    return a == b\n\n",
        "def _twice(a):\n    return _same(a, a), LIMIT\n\n",
        "class Box:\n    size = LIMIT\n\n",
        "x = [1, 2]\nprint(x)\n",
    ]
    uses = ["math.pi", "m.pi", "reduce", "LIMIT", "_same(1, 1)", "_twice(1)", "Box.size", "np.pi"]
    for seed in range(30):
        draw = random.Random(seed)
        steps = draw.sample(COURSE.module("tensors").steps, 4)
        first = blank("tensors")
        around = "".join(pieces)
        for step in steps:
            head, build, function = solved(step).partition("@build")
            used = "".join(f"    {use}\n" for use in draw.sample(uses, 3))
            body, _, end = function.rpartition('"""\n')
            page = head + "".join(draw.sample(pieces, 5)) + build + f'{body}"""\n{used}{end}'
            first = cells.with_cell(first, step, page, around=[around])
        pages = [cells.cell(step, first) for step in steps]
        second = blank("tensors")
        for step, page in zip(steps, pages, strict=True):
            compile(page, "<page>", "exec")
            second = cells.with_cell(second, step, page)
            first = cells.with_cell(first, step, page)
        third = [cells.cell(step, second) for step in steps]
        assert third == [cells.cell(step, first) for step in steps] == pages, seed


def test_a_function_of_another_name_gets_the_one_of_the_step(shape):
    step, files = shape
    cell = (
        '@build("tensors.infer_shape")\ndef mine(data):\n'
        '    """Not mine."""\n    return (len(data), *mine(data[0])) if data else f"{mine}"\n'
    )
    text = source.function_text(cells.with_cell(files, step, cell)[SHAPES], "infer_shape")
    assert text == (
        'def infer_shape(data):\n    """Not mine."""\n'
        '    return (len(data), *infer_shape(data[0])) if data else f"{infer_shape}"'
    )


def test_a_helper_that_has_the_name_of_the_step_gets_another(shape):
    step, files = shape
    cell = (
        "def infer_shape(x):\n    return x\n\n"
        '@build("tensors.infer_shape")\ndef mine(data):\n    return infer_shape(data), mine(1)\n'
    )
    text = cells.with_cell(files, step, cell)[SHAPES]
    assert "def _infer_shape_of_mine(x):\n    return x\n\n\ndef infer_shape(data):" in text
    assert "return _infer_shape_of_mine(data), infer_shape(1)" in text


def test_lines_that_only_a_notebook_reads_are_left_out_and_prose_is_kept(shape):
    step, files = shape
    cell = (
        '%%time\n!ls\n?len\ndef infer_shape(x):\n    """Why?\n\n    Is it so?\n    """\n'
        "    return x % 2\ninfer_shape??\n%timeit infer_shape(1)\nawait nothing\n"
    )
    text = source.function_text(cells.with_cell(files, step, cell)[SHAPES], "infer_shape")
    assert text == 'def infer_shape(x):\n    """Why?\n\n    Is it so?\n    """\n    return x % 2'


def test_what_a_function_counts_outside_of_itself_comes_along(shape):
    step, files = shape
    cell = "CALLS = 0\ndef infer_shape(x):\n    global CALLS\n    CALLS += 1\n    return x"
    assert "\n\nCALLS = 0\n\n\ndef infer_shape" in cells.with_cell(files, step, cell)[SHAPES]


def test_a_private_name_of_another_file_is_imported_from_there(shape):
    _, files = shape
    step = COURSE.step("tensors.result_type")
    text = cells.with_cell(files, step, "def result_type(*d):\n    return _runs, _kernels")
    assert "    from tinytorch.tensors.shapes import _runs\n" in text["tensors/dtypes.py"]
    assert "    from tinytorch.tensors.door import _kernels\n" in text["tensors/dtypes.py"]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("", r'its cell has no function below @build\("tensors\.infer_shape"\)'),
        ("x = 1", r"its cell has no function below"),
        ("def f(:\n  pass", r"its cell is not valid Python \(line 1: "),
        ("@build('tensors.infer_shape')\ndef f(a, a):\n    pass", r"its cell is not valid Python"),
        ("@build('tensors.infer_shape')\nclass A:\n    pass", r"no function below"),
    ],
)
def test_a_cell_that_holds_no_answer_is_told(shape, cell, sentence):
    step, files = shape
    with pytest.raises(ValueError, match=sentence):
        cells.with_cell(files, step, cell)


def test_a_file_that_is_no_python_is_told_by_its_name(shape):
    step, files = shape
    files[SHAPES] = "def f(:\n"
    cell = "def infer_shape(x):\n    return x"
    with pytest.raises(CourseError, match=r"tinytorch/tensors/shapes\.py is not valid Python"):
        cells.with_cell(files, step, cell)
    with pytest.raises(ValueError, match=r"tinytorch/setup\.py has no format_bytes"):
        cells.cell(COURSE.step("setup.format_bytes"), {"setup.py": ""})


def test_names_come_from_other_cells_of_the_page_and_from_the_library(shape):
    step, files = shape
    around = [
        "import math, json\ndef twice(n):\n    return 2 * n * SCALE",
        "def broken(:",
        "SCALE = 3",
        "@build('tensors.listen')\ndef listen(x):\n    pass",
    ]
    cell = (
        "def infer_shape(x):\n    return twice(x), json, np, tt, result_type, listen, "
        "format_bytes, nowhere, print"
    )
    text = cells.with_cell(files, step, cell, around=around)[SHAPES]
    assert "\n\n\nSCALE = 3\n\n\ndef twice(n):\n    return 2 * n * SCALE\n\n\ndef infer" in text
    for line in ("import json", "import numpy as np", "import tinytorch as tt"):
        assert f"\n{line}\n" in text
    assert "\nfrom tinytorch.setup import format_bytes\n" in text
    assert "\n    from tinytorch.tensors import listen\n" in text
    assert "\n    from tinytorch.tensors import result_type\n" in text
    assert "nowhere" in text


def test_an_import_that_would_go_in_circles_goes_into_the_function(shape):
    _, files = shape
    step = COURSE.step("tensors.result_type")
    cell = (
        "from tinytorch.tensors import Tensor\nfrom tinytorch.tensors.dtypes import CATEGORY\n"
        "def _of(x):\n    return isinstance(x, Tensor)\n"
        'def result_type(*dtypes):\n    """Say it."""\n    return _of(dtypes), CATEGORY, Tensor\n'
    )
    text = cells.with_cell(files, step, cell)["tensors/dtypes.py"]
    line = "    from tinytorch.tensors import Tensor\n"
    assert f'def result_type(*dtypes):\n    """Say it."""\n{line}    return _of' in text
    assert f"def _of(x):\n{line}    return" in text
    assert text.count("import Tensor") == 2
    assert "import CATEGORY" not in text


def test_a_constant_has_its_import_above_it(shape):
    _, files = shape
    step = COURSE.step("tensors.result_type")
    cell = "from tinytorch.tensors import Tensor as T\nA = T\ndef result_type(*d):\n    return A\n"
    text = cells.with_cell(files, step, cell)["tensors/dtypes.py"]
    assert "\n\n\nfrom tinytorch.tensors import Tensor as T\nA = T\n\n\ndef result" in text


def test_what_is_defined_by_a_condition_comes_along_whole(shape):
    step, files = shape
    block = "try:\n    import fast\nexcept OSError:\n\n    def fast():\n        pass"
    cell = f"{block}\n\ndef infer_shape(x):\n    return fast"
    assert f"\n\n{block}\n\n\ndef infer_shape" in cells.with_cell(files, step, cell)[SHAPES]


def test_a_helper_never_takes_the_place_of_given_code_that_others_use(shape):
    _, files = shape
    step = COURSE.step("tensors.matmul_shape")
    cell = (
        "def flat_sizes(x):\n    return 1\ndef contiguous_strides(x):\n    return 2\n"
        "def _runs(x):\n    return 3\n"
        "def matmul_shape(a, b):\n    return flat_sizes(a), contiguous_strides(b), _runs(a)\n"
    )
    after = cells.with_cell(files, step, cell)
    for name in ("flat_sizes", "contiguous_strides", "_runs"):
        given = source.function_text(files[SHAPES], name)
        assert source.function_text(after[SHAPES], name) == given
    text = source.function_text(after[SHAPES], "matmul_shape")
    assert "_matmul_shape_flat_sizes(a), _matmul_shape_contiguous_strides(b), _matmul" in text
    assert cells.with_cell(files, step, cells.cell(step, after)) == after


def test_given_code_that_the_learner_changed_for_a_step_travels_with_it(shape):
    _, files = shape
    step = COURSE.step("tensors.view_strides")
    changed = "def _runs(shape, strides):\n    return [(1, 1)]"
    files[SHAPES] = source.replace_function(files[SHAPES], "_runs", changed)
    text = "def view_strides(shape, strides, new_shape):\n    return _runs(shape, strides)"
    files[SHAPES] = source.replace_function(files[SHAPES], "view_strides", text)
    page = cells.cell(step, files)
    assert changed in page
    assert cells.with_cell(blank("tensors"), step, page)[SHAPES].count(changed) == 1


def test_a_definition_in_a_file_of_the_learners_own_travels_with_the_step(shape):
    step, files = shape
    files["tensors/mine.py"] = (
        "from math import prod\nA = 1\ndef help_me(x):\n    return prod(x, A)"
    )
    files[SHAPES] += "\n\ndef later():\n    pass\n"
    text = (
        "from .mine import help_me\nfrom tinytorch.tensors.dtypes import fit\n\n\n"
        "def infer_shape(x):\n    return help_me(x), fit, later\n"
    )
    files[SHAPES] = source.replace_function(files[SHAPES], "infer_shape", text)
    page = cells.cell(step, files)
    assert page == (
        "from math import prod\nfrom tinytorch.tensors.dtypes import fit\n\nA = 1\n\n"
        "def help_me(x):\n    return prod(x, A)\n\ndef later():\n    pass\n\n"
        '@build("tensors.infer_shape")\ndef infer_shape(x):\n    return help_me(x), fit, later'
    )


def test_the_way_a_class_holds_a_function_stays_with_the_class(toys, monkeypatch):
    text = source.PACKAGE.joinpath("course").name  # the course in miniature is in no file
    reference = {"toys.py": TOP.format(body="return 360 * turns")}
    monkeypatch.setattr(source, "package_files", lambda stem: reference)
    source.locate.cache_clear()
    page = cells.cell(toys.spin, reference)
    assert text not in page
    assert page == '@build("toys.spin")\ndef spin(turns):\n    """Spin."""\n    return 360 * turns'
    assert cells.with_cell({"toys.py": TOP.format(body="pass")}, toys.spin, page) == reference
    source.locate.cache_clear()


TOP = '''\
class Top:
    """A top."""

    @staticmethod
    def spin(turns):
        """Spin."""
        {body}
'''

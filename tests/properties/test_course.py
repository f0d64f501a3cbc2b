"""What learners write travels between page and machine, whatever it is."""

import ast
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from tinytorch.course import catalog, cells, source, syntax, work

COURSE = catalog.load_course()
STEP = COURSE.step("tensors.view_strides")
PLACE = source.locate(STEP)
BLANK = source.blanked_files("tensors", COURSE.module("tensors").steps)
NAMES = ["one", "two", "_three", "prod", "np", "Shape", "_runs", "four_4", "größe", "math"]

thorough = settings(deadline=None, derandomize=True, max_examples=100)

names = st.sampled_from(NAMES)
words = st.text(st.sampled_from(string.ascii_letters + " äß∂🙂#%!?'{}\f"), max_size=12)


@st.composite
def expressions(draw):
    """Small expressions, with strings of every kind."""
    first, second, text = draw(names), draw(names), draw(words)
    return draw(
        st.sampled_from(
            [
                f"{first} + {second}",
                f"{first}({second})",
                f"[{first} for {first} in {second}]",
                f"lambda {first}: {first} + {second}",
                repr(text),
                f'f"{{{first}}} of {{{second}!r:>4}}"',
                f'"""{text.replace(chr(39), "")}\n  {first}\n\tx\n"""',
                f"({first},\n{second})  # {text.strip()}".replace("\f", ""),
            ]
        )
    )


@st.composite
def bodies(draw, margin="    "):
    """The lines of a body, indented."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        value = draw(expressions())
        kind = draw(st.integers(0, 4))
        if kind == 0:
            lines += [f"{margin}# {draw(names)}", ""]
        elif kind == 1:
            lines += [f"{margin}if {value}:", draw(bodies(margin + "    "))]
        elif kind == 2:
            lines += [f"{margin}def {draw(names)}():", f"{margin}    return {value}"]
        else:
            lines += [f"{margin}{draw(names)} = {value}"]
    return "\n".join([*lines, f"{margin}return {draw(expressions())}"])


@st.composite
def definitions(draw):
    """What may stand in a cell beside the answer."""
    name, value = draw(names), draw(expressions())
    return draw(
        st.sampled_from(
            [
                f"{name} = {value}",
                f"{name}: {draw(names)} = 1",
                f"# {name}\n",
                f"print({value})",
                f"import math as {name}",
                f"from tinytorch.tensors import prod, Tensor as {name}",
                f"def {name}({draw(names)}):\n{draw(bodies())}",
                f"class {name}:\n    x = 1\n\n    def y(self):\n{draw(bodies('        '))}",
                f"if 1:\n    {name} = 1\nelse:\n    {name} = 2",
            ]
        )
    )


@st.composite
def page_cells(draw):
    """A cell of an exercise."""
    before, after = (
        draw(st.lists(definitions(), max_size=4)),
        draw(st.lists(definitions(), max_size=2)),
    )
    doc = draw(st.sampled_from(['    """Mine.\n\n      Deep.\n    """\n', "    'x'\n", ""]))
    answer = f"def {STEP.name}({draw(names)}, a, b=1):\n{doc}{draw(bodies())}"
    return "\n".join([*before, f'@build("{STEP.id}")\n{answer}', *after])


def is_python(text):
    """Whether Python would compile the text."""
    try:
        compile(text, "<cell>", "exec")
    except SyntaxError:
        return False
    return True


@thorough
@given(page_cells())
def test_a_cell_that_has_travelled_once_changes_no_more(cell):
    if not is_python(cell):  # a name used before it is declared, and the like
        return
    first = cells.with_cell(BLANK, STEP, cell)
    assert is_python(first[PLACE.path])
    page = cells.cell(STEP, first)
    assert is_python(page)
    assert cells.with_cell(first, STEP, page) == first
    second = cells.with_cell(BLANK, STEP, page)
    assert cells.cell(STEP, second) == page
    assert given_code(second) == given_code(first)


def given_code(files):
    """The functions that came with the file, as they are now."""
    text = files[PLACE.path]
    known = [node.name for node in ast.parse(BLANK[PLACE.path]).body if hasattr(node, "name")]
    return [source.function_text(text, name) for name in known]


@thorough
@given(bodies("        "))
def test_a_method_comes_back_from_the_margin_as_it_was(body):
    text = f"class A:\n    # it\n    @property\n    def f(self):\n{body}\n\n    x = 1\n"
    if is_python(text):
        moved = source.function_text(text, "A.f")
        assert ast.dump(ast.parse(moved).body[0]) == ast.dump(syntax.find_function(text, "A.f"))
        there = source.replace_function(text, "A.f", moved)
        assert ast.dump(ast.parse(there)) == ast.dump(ast.parse(text))
        assert source.function_text(there, "A.f") == moved


letters = st.sampled_from(string.ascii_letters + "_./:-09")
keys = st.text(letters, min_size=1, max_size=20).filter(lambda key: key not in work.UNSAFE)
texts = st.text(max_size=30)
records = st.dictionaries(keys, texts, max_size=2)
pages = st.fixed_dictionaries(
    {
        section: st.dictionaries(keys, records if section in work.RECORDS else texts, max_size=2)
        for section in work.SECTIONS
    }
)


@thorough
@given(st.dictionaries(keys, pages, max_size=3))
def test_work_is_read_as_it_was_written(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("work") / "work.json"
    work.save(work.Work(found), path)
    kept = {name: page for name, page in found.items() if any(page.values())}
    assert work.read(path) == work.Work(kept)

"""Exercise cells are the reference with its body blanked, and chapters never drift from them."""

import ast

import pytest

from tinytorch.course import catalog, source, stubs

COURSE = catalog.load_course()

CHAPTER = """\
# Tensors

```{code-cell} ipython3
:tags: [exercise]

@build("tensors.infer_shape")
def infer_shape(old):
    pass
```

```{code-cell} ipython3
print("left alone")
```

```python
@build("tensors.infer_shape")
```
"""


@pytest.fixture
def book(tmp_path):
    """A folder of chapters, and a course whose one step stands in for a real one."""
    step = catalog.Step(
        stem="tensors",
        name="infer_shape",
        title="Shape",
        task="Find the shape.",
        target="tensors.infer_shape",
    )
    fields = {**vars(COURSE.module("tensors")), "steps": (step,)}
    table = {**vars(COURSE), "modules": (catalog.Module(**fields),)}
    return catalog.Course(**table), tmp_path


def sync(book, chapter, **options):
    """Sync a chapter; return what is not in order, and the chapter afterwards."""
    course, folder = book
    path = folder / "01_tensors.md"
    path.write_text(chapter)
    problems = stubs.sync(course=course, folder=folder, **options)
    return problems, path.read_text()


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)
def test_a_stub_says_what_the_reference_says(step):
    tree = ast.parse(stubs.stub(step))
    function = tree.body[-1]
    place = source.locate(step)
    reference = source.find_function(source.package_files(step.stem)[place.path], place.qualname)
    assert ast.unparse(function.args) == ast.unparse(reference.args)
    assert ast.get_docstring(function) == ast.get_docstring(reference)
    assert ast.unparse(function.body[1:]) == f"raise NotImplementedError({step.task!r})"
    assert max(map(len, stubs.stub(step).splitlines())) <= 100


def test_a_drifted_cell_is_named_and_left_as_it_is_by_a_check(book):
    problems, after = sync(book, CHAPTER, check=True)
    assert problems == ["01_tensors.md: tensors.infer_shape has drifted"]
    assert after == CHAPTER


def test_a_drifted_cell_is_rewritten_and_all_else_is_kept(book):
    problems, after = sync(book, CHAPTER, check=False)
    assert problems == []
    cell = stubs.stub(book[0].steps[0])
    assert f"```{{code-cell}} ipython3\n:tags: [exercise]\n\n{cell}\n```\n" in after
    assert after.startswith("# Tensors\n")
    assert after.endswith(CHAPTER[CHAPTER.index("```{code-cell} ipython3\nprint") :])
    assert sync(book, after, check=True) == ([], after)


def test_options_in_yaml_are_kept(book):
    chapter = CHAPTER.replace(":tags: [exercise]\n", "---\ntags: [exercise]\n---\n", 1)
    _, after = sync(book, chapter, check=False)
    assert "---\ntags: [exercise]\n---\n" in after
    assert 'raise NotImplementedError("Find the shape.")' in after


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('@build("tensors.infer_shape")', "", "no exercise cell for tensors.infer_shape"),
        ("tensors.infer_shape", "tensors.nothing", "tensors.nothing is no step"),
        ('print("left alone")', '@build("tensors.infer_shape")', "has 2 exercise cells"),
    ],
)
def test_what_cannot_be_mended_is_named(book, old, new, problem):
    problems, _ = sync(book, CHAPTER.replace(old, new), check=True)
    assert any(problem in found for found in problems)


def test_a_missing_chapter_is_a_missing_cell(book):
    course, folder = book
    problems = stubs.sync(check=True, course=course, folder=folder)
    assert problems == ["01_tensors.md: no exercise cell for tensors.infer_shape"]


def test_a_task_that_does_not_fit_on_a_line_is_wrapped(book):
    step = catalog.Step(
        stem="tensors",
        name="infer_shape",
        title="Shape",
        task="Find the shape, " * 10 + "and stop.",
        target="tensors.infer_shape",
    )
    function = ast.parse(stubs.stub(step)).body[-1]
    assert function.body[-1].exc.args[0].value == step.task


def test_the_chapters_of_the_course_have_not_drifted():
    assert stubs.sync(check=True) == []


def test_the_command_refuses_what_it_does_not_know(capsys):
    assert stubs.main(["--chekc"]) == 2
    assert "--chekc" in capsys.readouterr().err

"""The table of the course: what it holds, and what it refuses."""

import pytest

from tinytorch.course import catalog

COURSE = catalog.load_course()

PATTERNS = {
    "Reflect": ["setup", "tensors", "layers", "data"],
    "Analyze": ["networks", "training", "autograd", "profiling", "benchmarking"],
    "Optimize": ["mlops", "kernels", "compression", "distributed", "production"],
}


def test_the_course_has_fourteen_modules_in_the_order_of_the_library():
    stems = [module.stem for module in COURSE.modules]
    assert stems == [stem for group in PATTERNS.values() for stem in group]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_module_follows_the_pattern_chosen_for_it(pattern):
    found = [module.stem for module in COURSE.modules if module.pattern == pattern]
    assert found == PATTERNS[pattern]
    assert len(COURSE.pattern(pattern).indicators) == 4


def test_the_parts_follow_the_progression():
    names = [part.name for part in COURSE.parts]
    assert names == ["Tensors", "Layers", "Networks", "Training", "Production"]
    places = [names.index(module.part) for module in COURSE.modules]
    assert places == sorted(places)


def test_numbered_modules_count_from_zero_to_eleven():
    numbers = [module.number for module in COURSE.modules if module.number]
    assert numbers == [f"{number:02}" for number in range(12)]
    assert COURSE.module("tensors").chapter == "01_tensors"
    assert COURSE.module("networks").chapter == "networks"


@pytest.mark.parametrize("module", COURSE.modules, ids=lambda module: module.stem)
def test_every_module_says_what_its_page_shows(module):
    assert len(module.activities) >= 3
    assert len(module.objectives) >= 3
    assert module.minutes >= 30
    assert set(module.frameworks) == {"pytorch", "tensorflow"}
    assert all(module.frameworks.values())
    assert module.insight
    assert module.rationale
    assert module.unlocks.endswith(".")


@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.id)
def test_every_step_has_two_to_four_hints_and_each_opens_more(step):
    assert 2 <= len(step.hints) <= 4
    assert len(set(step.hints)) == len(step.hints)
    assert all(hint.strip() for hint in step.hints)


def test_the_published_modules_have_the_steps_that_were_promised():
    assert len(COURSE.module("setup").steps) >= 6
    assert len(COURSE.module("tensors").steps) >= 10
    assert len(COURSE.module("layers").steps) >= 10
    assert len(COURSE.module("data").steps) >= 8
    assert len(COURSE.module("networks").steps) >= 8
    published = ["setup", "tensors", "layers", "data", "networks", "training", "autograd"]
    assert [module.stem for module in COURSE.published] == published


def test_a_step_knows_its_names():
    step = COURSE.step("tensors.contiguous_strides")
    assert step.anchor == "tensors-contiguous-strides"
    assert step.target == step.id
    assert COURSE.step("layers.kaiming_uniform_").anchor == "layers-kaiming-uniform"


def test_a_module_knows_its_page_and_a_step_its_place_on_the_site():
    tensors = COURSE.module("tensors")
    assert tensors.page == "modules/01_tensors"
    assert COURSE.site == "https://tinytorch.github.io/tinytorch/"
    assert COURSE.address(tensors) == f"{COURSE.site}modules/01_tensors.html"
    anchor = COURSE.step("tensors.apply").anchor
    assert COURSE.address(tensors, anchor).endswith("/01_tensors.html#tensors-apply")


def test_a_repository_says_where_its_pages_are():
    assert catalog.site_of("https://github.com/someone/copy/") == "https://someone.github.io/copy/"


def test_a_module_or_a_step_is_found_by_its_name_and_a_step_by_its_last_word():
    assert COURSE.named("tensors") is COURSE.module("tensors")
    assert COURSE.named("tensors.apply") is COURSE.step("tensors.apply")
    assert COURSE.named("apply") is COURSE.step("tensors.apply")
    with pytest.raises(catalog.CourseError, match=r"no module or step .* mean 'tensors.apply'"):
        COURSE.named("tensor.aply")


@pytest.mark.parametrize(
    ("stem", "needed"),
    [("setup", []), ("tensors", ["setup"]), ("networks", ["setup", "tensors"])],
)
def test_prerequisites_are_the_published_modules_below(stem, needed):
    found = [module.stem for module in COURSE.prerequisites(stem)]
    assert found[: len(needed)] == needed
    assert all(COURSE.module(name).published for name in found)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tensors.contigous_strides", "did you mean 'tensors.contiguous_strides'"),
        ("nothing at all", "there are: setup.format_bytes"),
    ],
)
def test_an_unknown_step_is_met_with_a_way_out(name, message):
    with pytest.raises(catalog.CourseError, match=message):
        COURSE.step(name)


BROKEN = [
    ("[course]", "[curse]", r"unknown table \[curse\]"),
    ("[course]", "[course", "is not valid TOML"),
    ('title = "Toys"\nsub', "sub", "course: 'title' is missing"),
    ("minutes = 5\nrequires = []", "requires = []", "module 'toys': 'minutes' is missing"),
    ("minutes = 5", 'minutes = "5"', "module 'toys': minutes must be a int, got str"),
    ("published = true", "published = 1", "module 'toys': published must be a bool, got int"),
    ('insight = "Small', 'insigt = 1\ninsight = "Small', "unknown key 'insigt'"),
    ('part = "Toys"', 'part = "Joys"', "there is no part 'Joys'"),
    ('pattern = "Reflect"', 'pattern = "Reject"', "no pattern is called 'Reject'.*'Reflect'"),
    ('requires = ["toys"]', 'requires = ["games"]', "requires 'games', which does not come before"),
    ('stem = "games"', 'stem = "toys"', "two modules are called 'toys'"),
    ('name = "spin"', 'name = "double"', "two steps are called 'toys.double'"),
    ('name = "spin"', 'name = "spin it"', "its name must be a Python name"),
    ('target = "toys.Top.spin"', 'target = "os.remove"', "its target must lie in its module"),
    ('task = "Return twice the number."', 'task = " "', "title and task must say something"),
    ("published = false", "published = true", "module 'games': is published but has no steps"),
]


@pytest.mark.parametrize(("old", "new", "message"), BROKEN)
def test_a_broken_table_is_refused_with_a_reason(toys, tmp_path, old, new, message):
    path = tmp_path / "broken.toml"
    text = (tmp_path / "course.toml").read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(catalog.CourseError, match=message):
        catalog.read_course(path)

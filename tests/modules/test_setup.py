"""Setup in depth: edges, whole tables and oracles that share no code with the answer."""

import json
import os
import random
from dataclasses import FrozenInstanceError, replace
from importlib import metadata

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

# In ascending order, as PEP 440 has it.
ASCENDING = """
1.9 1.10 2.dev3 2.0a1 2.0b2 2.0rc1 2.0rc1.post2 2.0rc10 2 2.0.post1.dev2 2.0.0.post1 2.0.1
2.0.10 2.1rc1 2.1 2.2 2.2.post3 2.3 2.3.1.dev1 2.3.1 2.3.9 2.4 2.30 3.0a1 3.0 3.9 3.11
3.14.0rc1 3.14 10.0
"""
VERSIONS = ASCENDING.split()

# Which of VERSIONS meet a requirement, as the `packaging` library answers with pre-releases
# admitted (tests/properties asks it again).
ADMITTED = {
    "==2": "........x.....................",
    "==2.0.0": "........x.....................",
    "==2.*": "..xxxxxxxxxxxxxxxxxxxxx.......",
    "==2.0.*": "..xxxxxxxxxxx.................",
    "==2.3.*": ".................xxxx.........",
    "==3.1.*": "..............................",
    "!=2.0": "xxxxxxxx.xxxxxxxxxxxxxxxxxxxxx",
    "!=2.0.*": "xx...........xxxxxxxxxxxxxxxxx",
    "!=2.*": "xx.....................xxxxxxx",
    "!=2.0rc1": "xxxxx.xxxxxxxxxxxxxxxxxxxxxxxx",
    ">=2.0": "........xxxxxxxxxxxxxxxxxxxxxx",
    ">=2.0rc2": ".......xxxxxxxxxxxxxxxxxxxxxxx",
    ">2.0": "...........xxxxxxxxxxxxxxxxxxx",
    ">2.0rc1": ".......xxxxxxxxxxxxxxxxxxxxxxx",
    ">2.2": ".................xxxxxxxxxxxxx",
    ">2.2.post2": "................xxxxxxxxxxxxxx",
    ">2.0.0.post1": "...........xxxxxxxxxxxxxxxxxxx",
    "<2.0": "xx............................",
    "<2.0.post1": "xxxxxxxxx.....................",
    "<2.0rc1": "xxxxx.........................",
    "<=2.0": "xxxxxxxxx.....................",
    "<=2.2": "xxxxxxxxxxxxxxxx..............",
    "<2.1": "xxxxxxxxxxxxx.................",
    "<3.14": "xxxxxxxxxxxxxxxxxxxxxxxxxxx...",
    "<3.0": "xxxxxxxxxxxxxxxxxxxxxxx.......",
    "<10": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxx.",
    "~=2.0": "........xxxxxxxxxxxxxxx.......",
    "~=2.0.0": "........xxxxx.................",
    "~=2.3.1": "...................xx.........",
    "~=2.2.post3": "................xxxxxxx.......",
    "~=2.0rc1": ".....xxxxxxxxxxxxxxxxxx.......",
    "~=1.9": "xx............................",
    "~=3.9.0": ".........................x....",
    ">=2.0,<2.3": "........xxxxxxxxx.............",
    ">=3.9,<3.14": ".........................xx...",
    ">=2.0,!=2.3.1,<3": "........xxxxxxxxxxx.xxx.......",
    ">2,<2.1,!=2.0.10": "...........x..................",
    "~=2.3,!=2.3.*": ".....................xx.......",
    ">=3,<2": "..............................",
    ">=2.0.dev0,<2.0": "..............................",
}


@pytest.fixture
def chance():
    """Leave every random generator as it was found."""
    python, numpy = random.getstate(), np.random.get_state()
    ours = tt.setup.default_generator().bit_generator
    state = ours.state
    yield
    random.setstate(python)
    np.random.set_state(numpy)
    ours.state = state


@pytest.fixture
def no_packages(monkeypatch):
    monkeypatch.setattr(metadata, "distributions", list)


@pytest.mark.step("setup.format_bytes")
def test_rounding_never_writes_1024_of_a_unit():
    expect(
        {
            count: tt.setup.format_bytes(count)
            for count in (1_048_524, 1_048_525, 1024**2 - 1, 1024**3 - 1, 1024**6 - 1)
        },
        {
            1_048_524: "1023.9 KiB",
            1_048_525: "1.0 MiB",
            1024**2 - 1: "1.0 MiB",
            1024**3 - 1: "1.0 GiB",
            1024**6 - 1: "1.0 EiB",
        },
        because="1023.95 KiB and more would round to 1024.0 KiB, which is written 1.0 MiB",
    )


@pytest.mark.step("setup.format_bytes")
def test_the_largest_unit_takes_all_that_is_left():
    expect(
        [tt.setup.format_bytes(count) for count in (1024**7, 5000 * 1024**6)],
        ["1024.0 EiB", "5000.0 EiB"],
        because="there is no unit after EiB here, so the number grows instead",
    )


@pytest.mark.step("setup.format_bytes")
def test_what_is_written_is_right_to_one_decimal():
    units = {"KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}
    chance = random.Random(0)
    for _ in range(300):
        count = int(1024 ** chance.uniform(1, 4.9))
        number, unit = tt.setup.format_bytes(count).split()
        expect(
            float(number) * units[unit] / count,
            1.0,
            because=f"{count} bytes, read back from '{number} {unit}', are {count} again",
            within=0.051 * units[unit] / count,
        )
        expect(
            1 <= float(number) < 1024,
            True,
            because=f"'{number} {unit}' is not in the largest unit that fits",
        )


@pytest.mark.step("setup.parse_version")
def test_all_stages_sort_as_in_pep_440():
    shuffled = random.Random(0).sample(VERSIONS, len(VERSIONS))
    expect(
        sorted(shuffled, key=tt.setup.parse_version),
        VERSIONS,
        because="this is the order of PEP 440, from the oldest to the newest",
    )


@pytest.mark.step("setup.parse_version")
def test_stages_pile_up_from_left_to_right():
    expect(
        {
            text: tt.setup.parse_version(text)
            for text in (
                "1.2a3.post4.dev5",
                "1.2b10",
                "1.2rc0",
                "1.0.post6",
                "0.0.dev0",
                "1.2.dev7",
            )
        },
        {
            "1.2a3.post4.dev5": ((1, 2), (-3, 3), (1, 4), (-4, 5), (0, 0)),
            "1.2b10": ((1, 2), (-2, 10), (0, 0)),
            "1.2rc0": ((1, 2), (-1, 0), (0, 0)),
            "1.0.post6": ((1,), (1, 6), (0, 0)),
            "0.0.dev0": ((), (-4, 0), (0, 0)),
            "1.2.dev7": ((1, 2), (-4, 7), (0, 0)),
        },
        because="each stage adds the pair (rank, number) where it stands; (0, 0) comes last",
    )


@pytest.mark.step("setup.parse_version")
def test_the_tenth_candidate_comes_after_the_ninth():
    expect(
        sorted(["2.0rc10", "2.0rc9", "2.0rc1"], key=tt.setup.parse_version),
        ["2.0rc1", "2.0rc9", "2.0rc10"],
        because="the number of a stage is a number too",
    )


@pytest.mark.step("setup.parse_version")
def test_only_the_canonical_spelling_is_read():
    spellings = ("v1.0", " 1.0", "1.0RC1", "1.0rc", "1.0.rc1", "1.", ".1", "1.0dev1", "1!2.0")
    for text in (*spellings, "1.0.dev1a1", "1.0post1", "1.0rc1b1", "1.0.1.x", "1-1", "1,0"):
        expect_error(
            lambda text=text: tt.setup.parse_version(text),
            ValueError,
            repr(text),
            because="numbers, then a, b or rc, then .post, then .dev, and nothing else",
        )


@pytest.mark.step("setup.satisfies")
def test_requirements_admit_what_pip_admits():
    for requirement, admitted in ADMITTED.items():
        expect(
            [version for version in VERSIONS if tt.setup.satisfies(version, requirement)],
            [version for version, sign in zip(VERSIONS, admitted, strict=True) if sign == "x"],
            because=f"these are the versions that packaging, and so pip, admits for {requirement}",
        )


@pytest.mark.step("setup.satisfies")
def test_spaces_and_a_comma_too_many_do_no_harm():
    expect(
        [
            tt.setup.satisfies("3.12", requirement)
            for requirement in (" >= 3.11 , < 3.14 ", ">=3.11,<3.14,", ",>=3.13", "  ")
        ],
        [True, True, False, True],
        because="spaces around a clause and empty clauses say nothing",
    )


@pytest.mark.step("setup.satisfies")
def test_a_local_label_counts_on_neither_side():
    expect(
        [
            tt.setup.satisfies("2.6.0+cpu", requirement)
            for requirement in ("==2.6.0", "<=2.6", ">2.6", "==2.6.*", "~=2.6.0", "==2.6.0+cu124")
        ],
        [True, True, False, True, True, True],
        because="2.6.0+cpu is 2.6.0, built for the CPU",
    )


@pytest.mark.step("setup.satisfies")
def test_an_unreadable_clause_is_refused():
    clauses = {"=>3.11": "=>3.11", "3.11": "3.11", ">=3.*": ">=3.*", ">=3.11,new": "new"}
    for requirement, mention in {**clauses, "~=2": "~=", "~=2rc1": "~=", ">=": ">="}.items():
        expect_error(
            lambda requirement=requirement: tt.setup.satisfies("3.12", requirement),
            ValueError,
            mention,
            because=f"{requirement!r} has no agreed meaning, so nothing can be checked against it",
        )


@pytest.mark.step("setup.inspect_machine")
def test_memory_is_none_where_the_question_is_unknown(no_packages, monkeypatch):
    for error in (ValueError("unrecognized configuration name"), OSError("not supported")):

        def sysconf(name, error=error):
            raise error

        monkeypatch.setattr(os, "sysconf", sysconf, raising=False)
        expect(
            tt.setup.inspect_machine().memory,
            None,
            because=f"some systems answer os.sysconf with {type(error).__name__}",
        )


@pytest.mark.step("setup.inspect_machine")
def test_all_cores_count_where_none_are_withheld(no_packages, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    expect(
        tt.setup.inspect_machine().cores,
        6,
        because="macOS and Windows have no os.sched_getaffinity; os.cpu_count() must do",
    )


@pytest.mark.step("setup.inspect_machine")
def test_a_browser_is_recognised_by_its_platform(no_packages, monkeypatch):
    seen = {}
    for name in ("emscripten", "darwin", "linux"):
        with monkeypatch.context() as patch:
            patch.setattr("sys.platform", name)
            seen[name] = tt.setup.inspect_machine().in_browser
    expect(
        seen,
        {"emscripten": True, "darwin": False, "linux": False},
        because="Python in a web page is compiled by Emscripten, and sys.platform says so",
    )


@pytest.mark.step("setup.check_requirements")
def test_what_cannot_be_read_is_refused_even_if_nothing_is_installed():
    wrong = {
        ">=2": ">=2",
        "numpy 2.0": "2.0",
        "torch=>2": "=>2",
        "rich; extra": "; extra",
        "": "''",
    }
    for requirement, mention in wrong.items():
        expect_error(
            lambda requirement=requirement: tt.setup.check_requirements([requirement], {}),
            ValueError,
            mention,
            because="a typing mistake in a requirement must not pass for a missing package",
        )


@pytest.mark.step("setup.check_requirements")
def test_one_string_is_not_a_list_of_requirements():
    expect_error(
        lambda: tt.setup.check_requirements("numpy>=2.0", {}),
        TypeError,
        "numpy>=2.0",
        because="a string is read letter by letter: n, u, m, p, y",
    )


@pytest.mark.step("setup.check_requirements")
def test_what_is_found_is_shown_as_it_is_and_what_is_needed_as_written():
    problems = tt.setup.check_requirements(
        iter(["  Scikit.Learn   >= 1.5, <2 ", "aiohttp"]), {"scikit-learn": "1.5rc1"}
    )
    expect(
        [(problem.name, problem.needed, problem.found, problem.remedy) for problem in problems],
        [
            (
                "scikit-learn",
                ">= 1.5, <2",
                "1.5rc1",
                'Run: python -m pip install "scikit-learn>= 1.5, <2"',
            ),
            ("aiohttp", "", None, 'Run: python -m pip install "aiohttp"'),
        ],
        because="names are normalised; the rest is what was written, without spaces around it",
    )


@pytest.mark.step("setup.check_requirements")
def test_an_empty_list_of_packages_is_not_this_machine():
    expect(
        [problem.found for problem in tt.setup.check_requirements(["numpy>=999"], {})],
        [None],
        because="installed={} says that nothing is installed; only None means this machine",
    )


@pytest.mark.step("setup.manual_seed")
def test_each_generator_starts_where_its_own_seed_puts_it(chance):
    for seed in (0, 1, 2**32 - 1):
        tt.setup.manual_seed(seed)
        got = (random.random(), np.random.rand(), tt.setup.default_generator().random())
        expect(
            got,
            (
                random.Random(seed).random(),
                np.random.RandomState(seed).rand(),
                float(np.random.default_rng(seed).random()),
            ),
            because=f"seed {seed} gives what random, np.random and default_rng give for it",
        )


@pytest.mark.step("setup.manual_seed")
def test_the_whole_stream_repeats_and_not_only_its_beginning(chance):
    generator = tt.setup.manual_seed(3)
    first = generator.random(1000), generator.integers(0, 9, 7), generator.permutation(10)
    generator = tt.setup.manual_seed(3)
    second = generator.random(1000), generator.integers(0, 9, 7), generator.permutation(10)
    for got, expected in zip(second, first, strict=True):
        expect(got, expected, because="numbers, integers and permutations come out again")


@pytest.mark.step("setup.manual_seed")
def test_a_numpy_integer_is_a_seed_and_a_fraction_is_not(chance):
    tt.setup.manual_seed(np.int64(5))
    expect(
        random.random(),
        random.Random(5).random(),
        because="np.int64(5) is the number 5, although random.seed would refuse it",
    )
    for seed in (1.5, "7", None):
        expect_error(
            lambda seed=seed: tt.setup.manual_seed(seed),
            TypeError,
            because=f"{seed!r} is no whole number; random would take it, NumPy would not",
        )


@pytest.mark.step("setup.manual_seed")
def test_a_refused_seed_changes_nothing(chance):
    for seed in (-1, 2**32, 2**40, 1.5):
        tt.setup.manual_seed(11)
        expect_error(
            lambda seed=seed: tt.setup.manual_seed(seed),
            (ValueError, TypeError)[seed == 1.5],
            because="this seed cannot be given to all three",
        )
        expect(
            (random.random(), np.random.rand(), tt.setup.default_generator().random()),
            (
                random.Random(11).random(),
                np.random.RandomState(11).rand(),
                float(np.random.default_rng(11).random()),
            ),
            because="check the seed first; half-seeded generators are worse than an error",
        )


@pytest.mark.step("setup.fingerprint")
def test_known_environments_have_known_fingerprints():
    environment = {
        "python": "3.12.7",
        "packages": {"pytest": "8.3.4", "numpy": "2.0.2"},
        "cores": 4,
    }
    expect(
        {
            text: tt.setup.fingerprint(value)
            for text, value in (
                ("nested", environment),
                ("accent", {"owner": "Zo\u00eb"}),
                ("empty", {}),
                ("unknown", None),
                ("list", [1, 2]),
            )
        },
        {
            "nested": "26d322ac0cc10d24b8f7396560b9e3b8ff8406eb76d1b55fe7307d3c20218463",
            "accent": "cbb2d7caff8c11e4717365e2158debb81e7988cfd789582151f49a2e8c9c3747",
            "empty": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "unknown": "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b",
            "list": "49a64717d5d4cb19952e6eac2946415cf6879adacf9908e7d872332d32c6e684",
        },
        because="sha256sum gives these for the canonical JSON in UTF-8: sorted, without spaces",
    )


@pytest.mark.step("setup.fingerprint")
def test_a_number_a_text_and_a_truth_are_three_things():
    expect(
        len({tt.setup.fingerprint({"cores": value}) for value in (1, "1", True, 1.0)}),
        4,
        because='JSON writes 1, "1", true and 1.0, and they mean four things',
    )


@pytest.mark.step("setup.fingerprint")
def test_what_equals_nothing_is_refused():
    for value in (float("nan"), float("inf"), float("-inf")):
        expect_error(
            lambda value=value: tt.setup.fingerprint({"loss": value}),
            ValueError,
            because=f"JSON has no {value}; other readers of the record would stumble over it",
        )


@pytest.mark.step("setup.fingerprint")
def test_no_order_of_building_shows():
    chance = random.Random(0)
    names = [f"package-{number}" for number in range(30)]
    fingerprints = set()
    for _ in range(20):
        chance.shuffle(names)
        packages = {name: {"version": name[8:], "hash": len(name)} for name in names}
        fingerprints.add(tt.setup.fingerprint([packages, {"packages": packages}]))
    expect(
        len(fingerprints),
        1,
        because="the same thirty packages, in twenty orders, are one environment",
    )


@pytest.mark.step("setup.compare_environments")
def test_levels_nest_as_deep_as_they_like():
    differences = tt.setup.compare_environments(
        {"z": 1, "a": {"c": {"d": [1, 2], "e": 0}, "b": True}},
        {"a": {"c": {"d": [1, 3], "e": 0}, "b": False}, "z": 2},
    )
    expect(
        [(found.name, found.ours, found.theirs) for found in differences],
        [("a.b", True, False), ("a.c.d", [1, 2], [1, 3]), ("z", 1, 2)],
        because="mappings are entered at every level; lists are compared whole",
    )


@pytest.mark.step("setup.compare_environments")
def test_a_mapping_against_something_else_is_one_difference():
    differences = tt.setup.compare_environments(
        {"packages": {"numpy": "2.0.2"}, "tools": {}, "word": tt.setup.MISSING},
        {"packages": "unknown"},
    )
    expect(
        [(found.name, found.ours, found.theirs) for found in differences],
        [
            ("packages", {"numpy": "2.0.2"}, "unknown"),
            ("tools", {}, tt.setup.MISSING),
            ("word", tt.setup.MISSING, tt.setup.MISSING),
        ],
        because="only mappings that both sides have are entered, and what one side lacks, differs",
    )


@pytest.mark.step("setup.compare_environments")
def test_values_differ_if_their_fingerprints_do():
    differences = tt.setup.compare_environments(
        {"cores": 1, "packages": {}, "seed": 7, "tags": ["a"]},
        {"cores": True, "packages": {}, "seed": 7.0, "tags": ["a"]},
    )
    expect(
        [found.name for found in differences],
        ["cores", "seed"],
        because="in Python 1 == True == 1.0, but a record with another type is another record",
    )


@pytest.mark.step("setup.compare_environments")
def test_no_difference_means_equal_fingerprints():
    chance = random.Random(0)
    for _ in range(100):
        ours, theirs = (
            {name: chance.choice([0, None, {"x": chance.choice([1, 2])}]) for name in "abc"}
            for _ in range(2)
        )
        differences = tt.setup.compare_environments(ours, theirs)
        expect(
            differences == [],
            json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True),
            because=f"{ours} and {theirs} are written as JSON to see whether they are equal",
        )
        turned = tt.setup.compare_environments(theirs, ours)
        expect(
            [(found.name, found.theirs, found.ours) for found in turned],
            [(found.name, found.ours, found.theirs) for found in differences],
            because="seen from the other side, ours and theirs change places",
        )


def test_the_default_generator_is_one_object(chance):
    expect(
        tt.setup.default_generator() is tt.setup.default_generator(),
        True,
        because="whoever asks for the default generator shares it",
    )


def test_installed_packages_are_normalised_and_sorted():
    names = list(tt.setup.installed_packages())
    expect(names, sorted(names), because="the list is in alphabetical order")
    expect(
        [name for name in names if name != tt.setup.normalize_name(name)],
        [],
        because="every name is lower case with single dashes",
    )


def test_a_machine_describes_itself_in_words():
    known = tt.setup.Machine(
        python="3.12.7",
        implementation="CPython",
        system="Linux",
        processor="x86_64",
        cores=4,
        memory=8 * 1024**3,
        in_virtual_environment=True,
        in_browser=False,
        packages={"numpy": "2.0.2"},
    )
    words = [line[13:] for line in str(known).splitlines()]
    expect(
        words,
        ["3.12.7 (CPython)", "Linux on x86_64", "4", "8.0 GiB", "virtual", "1"],
        because=f"these belong in\n{known}",
    )
    bare = replace(known, cores=None, memory=None, in_virtual_environment=False, in_browser=True)
    expect(
        [line[13:] for line in str(bare).splitlines()],
        ["3.12.7 (CPython)", "a browser", "unknown", "unknown", "not virtual", "1"],
        because=f"what is not known is said to be unknown in\n{bare}",
    )


def test_problems_and_differences_speak_in_sentences():
    expect(
        [
            str(tt.setup.Problem("numpy", ">=2", "1.26.4", "Update it.")),
            str(tt.setup.Problem("rich", "", None, "Install it.")),
            str(tt.setup.Difference("cores", 2, tt.setup.MISSING)),
        ],
        [
            "numpy: needs >=2, found 1.26.4. Update it.",
            "rich: needs any version, found nothing. Install it.",
            "cores: ours 2, theirs (missing)",
        ],
        because="name, rule, what was found, and the way out",
    )


def test_what_was_found_cannot_be_changed_afterwards():
    for found, field in (
        (tt.setup.inspect_machine(), "memory"),
        (tt.setup.Problem("numpy", ">=2", None, ""), "found"),
        (tt.setup.Difference("cores", 2, 4), "ours"),
    ):
        expect_error(
            lambda found=found, field=field: setattr(found, field, 1),
            FrozenInstanceError,
            field,
            because="a record that can be edited is no record",
        )

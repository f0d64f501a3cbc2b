"""The student's experience of setup: every step does what its chapter promises."""

import os
import platform
import random
import sys
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest

import tinytorch as tt
from tinytorch.course import expect, expect_error

GENERATORS = ("random", "np.random", "default_generator")


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
def two_packages(monkeypatch):
    """Let this Python have two packages, so that looking them up takes no time."""
    found = [("NumPy", "2.0.2"), ("jupyter_book", "1.0.4")]
    packages = [SimpleNamespace(metadata={"Name": name}, version=v) for name, v in found]
    monkeypatch.setattr(metadata, "distributions", lambda: packages)


@pytest.mark.step("setup.format_bytes")
def test_half_a_kib_more_than_one_is_written_1_5():
    expect(
        tt.setup.format_bytes(1536),
        "1.5 KiB",
        because="1536 = 1.5 x 1024; divide, keep one decimal, and name the unit KiB",
    )


@pytest.mark.step("setup.format_bytes")
def test_each_unit_is_1024_of_the_one_before():
    expect(
        [tt.setup.format_bytes(1024**power) for power in range(1, 7)],
        ["1.0 KiB", "1.0 MiB", "1.0 GiB", "1.0 TiB", "1.0 PiB", "1.0 EiB"],
        because="memory is counted in powers of 1024, and each power has its own unit",
    )


@pytest.mark.step("setup.format_bytes")
def test_fewer_than_1024_stay_in_bytes():
    expect(
        [tt.setup.format_bytes(count) for count in (0, 1, 2, 1023)],
        ["0 bytes", "1 byte", "2 bytes", "1023 bytes"],
        because="a whole number of bytes needs no decimal, and one byte is singular",
    )


@pytest.mark.step("setup.format_bytes")
def test_a_negative_size_is_refused():
    for count in (-5, -1):
        expect_error(
            lambda count=count: tt.setup.format_bytes(count),
            ValueError,
            str(count),
            because="no memory has a size below zero; the message shows the number it was given",
        )


@pytest.mark.step("setup.parse_version")
def test_versions_compare_by_number_and_not_by_letter():
    expect(
        sorted(["3.11", "3.9", "10.1", "3.10", "3.2"], key=tt.setup.parse_version),
        ["3.2", "3.9", "3.10", "3.11", "10.1"],
        because="9 is less than 11, although the text '9' comes after '1'",
    )


@pytest.mark.step("setup.parse_version")
def test_a_release_is_a_tuple_of_its_numbers_then_the_final_mark():
    expect(
        tt.setup.parse_version("3.11.9"),
        ((3, 11, 9), (0, 0)),
        because="first the numbers of the release, then (0, 0), the rank of a final release",
    )


@pytest.mark.step("setup.parse_version")
def test_zeros_at_the_end_do_not_count():
    expect(
        [tt.setup.parse_version(text) for text in ("2", "2.0.0", "2.0.1", "20.10")],
        [((2,), (0, 0)), ((2,), (0, 0)), ((2, 0, 1), (0, 0)), ((20, 10), (0, 0))],
        because="2, 2.0 and 2.0.0 are one release; drop numbers that are zero, at the end only",
    )


@pytest.mark.step("setup.parse_version")
def test_a_pre_release_comes_before_its_release():
    expect(
        sorted(
            ["3.14", "3.14.post1", "3.14rc1", "3.14b4", "3.14.dev2", "3.14a7"],
            key=tt.setup.parse_version,
        ),
        ["3.14.dev2", "3.14a7", "3.14b4", "3.14rc1", "3.14", "3.14.post1"],
        because="a release lives through dev, a, b and rc to final, and may get a post later",
    )


@pytest.mark.step("setup.parse_version")
def test_a_local_label_does_not_count():
    expect(
        tt.setup.parse_version("2.6.0+cpu"),
        ((2, 6), (0, 0)),
        because="what follows the + says who built it; the version is what stands before",
    )


@pytest.mark.step("setup.parse_version")
def test_text_that_is_no_version_is_refused():
    for text in ("latest", "1..2", "", "2.0-final"):
        expect_error(
            lambda text=text: tt.setup.parse_version(text),
            ValueError,
            repr(text),
            because="a version that cannot be read must not be guessed; show the text in quotes",
        )


@pytest.mark.step("setup.satisfies")
def test_every_clause_must_hold():
    versions = ("3.8.19", "3.9", "3.10.2", "3.11", "3.13.9", "3.14")
    expect(
        {
            requirement: [tt.setup.satisfies(version, requirement) for version in versions]
            for requirement in (">=3.9", ">=3.11,<3.14")
        },
        {
            ">=3.9": [False, True, True, True, True, True],
            ">=3.11,<3.14": [False, False, False, True, True, False],
        },
        because=f"asked for {', '.join(versions)}; a comma means and, and 10 is more than 9",
    )


@pytest.mark.step("setup.satisfies")
def test_each_sign_compares_as_it_looks():
    signs = ("==", "!=", "<=", ">=", "<", ">")
    expect(
        {
            sign: [tt.setup.satisfies(version, sign + "2.0") for version in ("1.9", "2", "2.1")]
            for sign in signs
        },
        {
            "==": [False, True, False],
            "!=": [True, False, True],
            "<=": [True, True, False],
            ">=": [False, True, True],
            "<": [True, False, False],
            ">": [False, False, True],
        },
        because="the version stands on the left of the sign, and 2 is the same version as 2.0",
    )


@pytest.mark.step("setup.satisfies")
def test_a_star_means_the_whole_family():
    versions = ("2.2", "2.3", "2.3.9", "2.30", "2.4")
    expect(
        {
            sign: [tt.setup.satisfies(version, sign + "2.3.*") for version in versions]
            for sign in ("==", "!=")
        },
        {"==": [False, True, True, False, False], "!=": [True, False, False, True, True]},
        because="2.3.* holds 2.3 and all that begins with the numbers 2 and 3; 2.30 does not",
    )


@pytest.mark.step("setup.satisfies")
def test_a_compatible_release_may_grow_in_its_last_number_only():
    versions = ("2.3.0", "2.3.1", "2.3.9", "2.4", "3.0")
    expect(
        {
            requirement: [tt.setup.satisfies(version, requirement) for version in versions]
            for requirement in ("~=2.3.1", "~=2.3")
        },
        {
            "~=2.3.1": [False, True, True, False, False],
            "~=2.3": [True, True, True, True, False],
        },
        because="~=2.3.1 means >=2.3.1 and ==2.3.*; ~=2.3 means >=2.3 and ==2.*",
    )


@pytest.mark.step("setup.satisfies")
def test_a_release_candidate_is_not_below_its_release():
    expect(
        [tt.setup.satisfies(version, "<3.14") for version in ("3.13.9", "3.14rc1", "3.14")],
        [True, False, False],
        because="who asks for less than 3.14 does not want 3.14, nor a preview of it",
    )


@pytest.mark.step("setup.satisfies")
def test_no_clause_is_no_condition():
    expect(
        tt.setup.satisfies("1.0", ""),
        True,
        because="a requirement that says nothing is met by every version",
    )


@pytest.mark.step("setup.inspect_machine")
def test_it_names_this_python(two_packages, monkeypatch):
    monkeypatch.setattr(platform, "processor", lambda: "")  # as on many systems
    machine = tt.setup.inspect_machine()
    expect(
        (machine.python, machine.implementation, machine.system, machine.processor),
        (
            platform.python_version(),
            platform.python_implementation(),
            platform.system(),
            platform.machine(),
        ),
        because="platform knows the Python, its maker, the system and the kind of processor",
    )


@pytest.mark.step("setup.inspect_machine")
def test_a_virtual_environment_is_where_the_prefix_has_moved(two_packages, monkeypatch):
    seen = []
    for parts in (["/project", "/.venv"], ["/venv"], ["/u", "sr"]):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "prefix", "".join(parts))
            patch.setattr(sys, "base_prefix", "/usr")
            patch.setenv("VIRTUAL_ENV", "/another")
            seen.append(tt.setup.inspect_machine().in_virtual_environment)
    expect(
        seen,
        [True, True, False],
        because="inside a virtual environment sys.prefix differs from sys.base_prefix",
    )


@pytest.mark.step("setup.inspect_machine")
def test_memory_is_the_page_size_times_the_number_of_pages(two_packages, monkeypatch):
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PAGESIZE": 4096, "SC_PHYS_PAGES": 1000, "SC_AVPHYS_PAGES": 9}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__, raising=False)
    expect(
        tt.setup.inspect_machine().memory,
        4_096_000,
        because="1000 pages of 4096 bytes are 4096000 bytes, counted in bytes",
    )


@pytest.mark.step("setup.inspect_machine")
def test_memory_is_none_where_the_system_does_not_tell(two_packages, monkeypatch):
    monkeypatch.delattr(os, "sysconf", raising=False)
    expect(
        tt.setup.inspect_machine().memory,
        None,
        because="Windows has no os.sysconf; an unknown size is None, not zero and not an error",
    )


@pytest.mark.step("setup.inspect_machine")
def test_only_cores_this_process_may_use_are_counted(two_packages, monkeypatch):
    cores = {0: {0, 2, 5}}  # process 0 is how a process calls itself
    monkeypatch.setattr(os, "sched_getaffinity", lambda me: cores.get(me, {1}), raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    expect(
        tt.setup.inspect_machine().cores,
        3,
        because="a process that may run on 3 of 64 cores has 3",
    )


@pytest.mark.step("setup.inspect_machine")
def test_every_installed_package_is_listed(two_packages):
    expect(
        tt.setup.inspect_machine().packages,
        {"jupyter-book": "1.0.4", "numpy": "2.0.2"},
        because="installed_packages() lists each package by its normalised name",
    )


@pytest.mark.step("setup.check_requirements")
def test_a_machine_that_meets_everything_has_no_problems():
    expect(
        tt.setup.check_requirements(
            ["numpy>=2.0", "python>=3.11,<3.14", "pytest"],
            {"numpy": "2.0.2", "pytest": "8.3.4", "python": "3.12.7"},
        ),
        [],
        because="every requirement is met, so the list of problems is empty",
    )


@pytest.mark.step("setup.check_requirements")
def test_all_problems_are_reported_in_the_order_of_the_requirements():
    problems = tt.setup.check_requirements(
        ["torch>=2.1", "numpy>=2.0", "rich", "pytest>=8"],
        {"numpy": "1.26.4", "pytest": "8.3.4"},
    )
    expect(
        [(problem.name, problem.needed, problem.found) for problem in problems],
        [("torch", ">=2.1", None), ("numpy", ">=2.0", "1.26.4"), ("rich", "", None)],
        because="three of the four are not met: one is too old and two are missing (None)",
    )


@pytest.mark.step("setup.check_requirements")
def test_all_spellings_of_a_name_are_one_package():
    expect(
        tt.setup.check_requirements(["Jupyter_Book>=1.0"], {"jupyter-book": "1.0.4"}),
        [],
        because="Jupyter_Book, jupyter.book and jupyter-book are one name, once normalised",
    )


@pytest.mark.step("setup.check_requirements")
def test_a_remedy_is_a_command_that_can_be_pasted():
    (problem,) = tt.setup.check_requirements(["torch>=2.1,<3"], {})
    expect(
        problem.remedy,
        'Run: python -m pip install "torch>=2.1,<3"',
        because="in a shell > redirects output, so the requirement must be quoted, whole",
    )


@pytest.mark.step("setup.check_requirements")
def test_another_python_is_not_a_matter_for_pip():
    (problem,) = tt.setup.check_requirements(["python>=3.11"], {"python": "3.9.18"})
    expect(
        (problem.name, problem.found, problem.remedy),
        ("python", "3.9.18", "Install Python >=3.11 and make a new virtual environment with it."),
        because="pip runs inside a Python and cannot replace it",
    )


@pytest.mark.step("setup.check_requirements")
def test_without_a_list_this_machine_is_checked(two_packages):
    problems = tt.setup.check_requirements(["numpy>=2.0", "python>=99"])
    expect(
        [(problem.name, problem.found) for problem in problems],
        [("python", platform.python_version())],
        because="inspect_machine knows the packages and, by another field, the Python",
    )


@pytest.mark.step("setup.manual_seed")
def test_the_same_seed_gives_the_same_numbers(chance):
    runs = []
    for _ in range(2):
        tt.setup.manual_seed(7)
        runs.append((random.random(), np.random.rand(), tt.setup.default_generator().random()))
    expect(
        {name: first == second for name, first, second in zip(GENERATORS, *runs, strict=True)},
        {"random": True, "np.random": True, "default_generator": True},
        because="after the same seed, each of the three generators repeats itself",
    )


@pytest.mark.step("setup.manual_seed")
def test_another_seed_gives_other_numbers(chance):
    runs = []
    for seed in (7, 8):
        tt.setup.manual_seed(seed)
        runs.append((random.random(), np.random.rand(), tt.setup.default_generator().random()))
    expect(
        {name: first == second for name, first, second in zip(GENERATORS, *runs, strict=True)},
        {"random": False, "np.random": False, "default_generator": False},
        because="seeds 7 and 8 were asked for, so no generator may give the same number twice",
    )


@pytest.mark.step("setup.manual_seed")
def test_the_default_generator_comes_back(chance):
    generator = tt.setup.manual_seed(7)
    expect(
        type(generator).__name__ if generator is not tt.setup.default_generator() else "the one",
        "the one",
        because="there is one default generator; manual_seed returns it, seeded",
    )


@pytest.mark.step("setup.manual_seed")
def test_code_that_holds_the_generator_is_seeded_too(chance):
    held = tt.setup.default_generator()
    tt.setup.manual_seed(7)
    expect(
        held.random(),
        float(np.random.default_rng(7).random()),
        because="a sampler made earlier keeps the generator, so it must be seeded in place",
    )


@pytest.mark.step("setup.manual_seed")
def test_a_seed_out_of_range_is_refused(chance):
    for seed in (-1, 2**32):
        expect_error(
            lambda seed=seed: tt.setup.manual_seed(seed),
            ValueError,
            str(seed),
            "2**32",
            because="np.random takes whole numbers from 0 to 2**32 - 1; say so for all three",
        )


@pytest.mark.step("setup.fingerprint")
def test_a_fingerprint_is_text_of_64_hexadecimal_digits():
    found = tt.setup.fingerprint({})
    kind = type(found).__name__
    if isinstance(found, str) and set(found) <= set("0123456789abcdef"):
        kind = f"{len(found)} hexadecimal digits"
    expect(
        kind,
        "64 hexadecimal digits",
        because="SHA-256 gives 256 bits, and one hexadecimal digit writes 4 of them",
    )


@pytest.mark.step("setup.fingerprint")
def test_a_fingerprint_is_the_sha_256_of_canonical_json():
    expect(
        tt.setup.fingerprint({"python": "3.11.9"}),
        "4b05c80e17cc4bf164b093716bb103a2fd02c52870fffb016567145c1bd9414f",
        because='it is the SHA-256 of {"python":"3.11.9"}, without a space, in hexadecimal',
    )


@pytest.mark.step("setup.fingerprint")
def test_the_order_of_entries_does_not_count():
    first = {"python": "3.12.7", "packages": {"pytest": "8.3.4", "numpy": "2.0.2"}}
    second = {"packages": {"numpy": "2.0.2", "pytest": "8.3.4"}, "python": "3.12.7"}
    expect(
        tt.setup.fingerprint(first) == tt.setup.fingerprint(second),
        True,
        because="both name the same environment; sort the keys at every level",
    )


@pytest.mark.step("setup.fingerprint")
def test_any_change_changes_it():
    environments = [
        {"packages": {"numpy": "2.0.2"}, "python": "3.12.7"},
        {"packages": {"numpy": "2.0.3"}, "python": "3.12.7"},
        {"packages": {"numpy": "2.0.2"}, "python": "3.12.8"},
        {"packages": {"numpy": None}, "python": "3.12.7"},
        {"packages": {}, "python": "3.12.7"},
    ]
    expect(
        len({tt.setup.fingerprint(environment) for environment in environments}),
        5,
        because="five different environments have five different fingerprints",
    )


@pytest.mark.step("setup.fingerprint")
def test_what_has_no_order_is_refused():
    expect_error(
        lambda: tt.setup.fingerprint({"packages": {"numpy", "pytest"}}),
        TypeError,
        because="a set has another order in every process, so JSON and we refuse it",
    )


@pytest.mark.step("setup.compare_environments")
def test_equal_environments_have_no_differences():
    expect(
        tt.setup.compare_environments(
            {"python": "3.12.7", "packages": {"numpy": "2.0.2"}},
            {"packages": {"numpy": "2.0.2"}, "python": "3.12.7"},
        ),
        [],
        because="the same entries with the same values, in whatever order, do not differ",
    )


@pytest.mark.step("setup.compare_environments")
def test_both_directions_are_compared():
    differences = tt.setup.compare_environments(
        {"cores": 2, "python": "3.12.7"}, {"python": "3.11.9", "memory": 1024}
    )
    expect(
        [(found.name, found.ours, found.theirs) for found in differences],
        [
            ("cores", 2, tt.setup.MISSING),
            ("memory", tt.setup.MISSING, 1024),
            ("python", "3.12.7", "3.11.9"),
        ],
        because="an entry that only one side has, either side, is a difference; sorted by name",
    )


@pytest.mark.step("setup.compare_environments")
def test_inner_entries_are_named_by_their_path():
    differences = tt.setup.compare_environments(
        {"packages": {"numpy": "2.0.2", "pytest": "8.3.4", "rich": "13.9"}},
        {"packages": {"numpy": "2.4.6", "pytest": "8.3.4"}},
    )
    expect(
        [(found.name, found.ours, found.theirs) for found in differences],
        [("packages.numpy", "2.0.2", "2.4.6"), ("packages.rich", "13.9", tt.setup.MISSING)],
        because="go into mappings that both sides have, and join the names with a dot",
    )


@pytest.mark.step("setup.compare_environments")
def test_unknown_is_not_the_same_as_missing():
    differences = tt.setup.compare_environments({"memory": None, "python": "3.12.7"}, {})
    expect(
        [(found.name, found.ours, found.theirs) for found in differences],
        [("memory", None, tt.setup.MISSING), ("python", "3.12.7", tt.setup.MISSING)],
        because="one side says that it does not know (None), the other says nothing",
    )


def test_an_inspected_machine_compares_with_a_record_of_itself():
    machine = tt.setup.inspect_machine()
    ours = {"python": machine.python, "packages": machine.packages}
    record = {"python": machine.python, "packages": {**machine.packages, "numpy": "0.1"}}
    (found,) = tt.setup.compare_environments(ours, record)
    expect(
        (found.name, found.ours, found.theirs),
        ("packages.numpy", np.__version__, "0.1"),
        because="one package of the record was changed, and NumPy says which version it is",
    )
    expect(
        tt.setup.fingerprint(ours) == tt.setup.fingerprint(record),
        False,
        because="environments that differ have different fingerprints",
    )


def test_this_machine_can_run_the_course():
    expect(
        tt.setup.check_requirements(["python>=3.11", "numpy>=2.0", "pytest"]),
        [],
        because="the checks of the course need Python 3.11, NumPy 2 and pytest",
    )

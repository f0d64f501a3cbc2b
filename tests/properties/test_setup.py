"""Setup against oracles and laws, on inputs that nobody chose."""

import ast
import json
import random
import re
import runpy
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import tinytorch as tt

ROOT = Path(__file__).parents[2]
CHAPTER = (ROOT / "book" / "modules" / "00_setup.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

numbers = st.integers(0, 12)
releases = st.lists(numbers, min_size=1, max_size=4).map(lambda r: ".".join(map(str, r)))


@st.composite
def versions(draw):
    """Every version that parse_version reads, without a local label."""
    text = draw(releases)
    if draw(st.booleans()):
        text += draw(st.sampled_from(["a", "b", "rc"])) + str(draw(numbers))
    for stage in (".post", ".dev"):
        if draw(st.integers(0, 3)) == 0:
            text += stage + str(draw(numbers))
    return text


@st.composite
def clauses(draw):
    """Every clause that pip reads, without local labels and ===."""
    sign = draw(st.sampled_from(["==", "!=", "<=", ">=", "<", ">", "~=", "==*", "!=*"]))
    if sign.endswith("*"):
        return f"{sign[:2]}{draw(releases)}.*"
    bound = draw(versions())
    assume(sign != "~=" or len(Version(bound).release) > 1)
    return sign + bound


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, width=16).filter(lambda value: abs(value) != float("inf"))
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
environments = st.dictionaries(st.text(max_size=2), json_values, max_size=4)


def test_the_frozen_table_is_what_packaging_says():
    checks = runpy.run_path(str(ROOT / "tests" / "modules" / "test_setup.py"))
    ordered = checks["VERSIONS"]
    assert sorted(ordered, key=Version) == ordered
    for requirement, admitted in checks["ADMITTED"].items():
        asked = SpecifierSet(requirement)
        found = "".join(".x"[asked.contains(text, prereleases=True)] for text in ordered)
        assert found == admitted, requirement


def test_the_record_in_the_chapter_has_the_versions_of_the_lock():
    record = ast.literal_eval(re.search(r"(?ms)^RECORD = (\{.*?^\})", CHAPTER)[1])
    for name, version in record["packages"].items():
        pins = re.findall(rf"(?m)^{name}==(\S+)(?: ; python_full_version (.*))? \\$", LOCK)
        wanted = [
            pin for pin, marker in pins if tt.setup.satisfies("3.11", marker.replace("'", ""))
        ]
        assert wanted == [version]
    assert tt.setup.satisfies(record["python"], "==3.11.*")


def test_the_lock_in_the_chapter_is_an_excerpt_of_the_lock():
    excerpt = re.search(r'(?ms)^LOCK = r"""\n(.*?)^"""', CHAPTER)[1].splitlines()
    assert len(excerpt) == 7
    lines = [line.removesuffix(" \\") for line in LOCK.splitlines()]
    assert [line for line in excerpt if line.removesuffix(" \\") not in lines] == []


@given(versions(), versions())
def test_versions_are_ordered_as_packaging_orders_them(first, second):
    ours = tt.setup.parse_version(first), tt.setup.parse_version(second)
    theirs = Version(first), Version(second)
    assert (ours[0] < ours[1]) == (theirs[0] < theirs[1])
    assert (ours[0] == ours[1]) == (theirs[0] == theirs[1])


def is_stricter_here(version, clause):
    """Whether this is a dev release of the pre-release that it must be below."""
    if not clause.startswith("<") or clause.startswith("<=") or ".dev" not in version:
        return False
    bound = Version(clause[1:])
    return bound.is_prerelease and Version(version.partition(".dev")[0]) == bound


@given(versions(), st.lists(clauses(), max_size=3), st.sampled_from(["", "+cpu", "+cu124"]))
def test_requirements_admit_what_packaging_admits(version, requirement, label):
    assume(not any(is_stricter_here(version, clause) for clause in requirement))
    joined = ",".join(requirement)
    expected = SpecifierSet(joined).contains(version + label, prereleases=True)
    assert tt.setup.satisfies(version + label, joined) == expected


@given(st.text(max_size=8))
def test_any_text_is_a_version_or_refused(text):
    try:
        parsed = tt.setup.parse_version(text)
    except ValueError as error:
        parsed = str(error)
    if isinstance(parsed, str):
        assert repr(text) in parsed
    else:
        assert parsed[-1] == (0, 0)
        assert tt.setup.satisfies(text, f"=={text.partition('+')[0]}")


@given(st.integers(0, 2**70))
def test_sizes_are_written_to_one_decimal(count):
    number, unit = tt.setup.format_bytes(count).split()
    powers = {"byte": 0, "bytes": 0, "KiB": 1, "MiB": 2, "GiB": 3, "TiB": 4, "PiB": 5, "EiB": 6}
    size = count / 1024 ** powers[unit]
    assert abs(float(number) - size) <= 0.05 * (1 + 1e-9)
    assert float(number) < 1024 or unit == "EiB"
    assert float(number) >= 1 or count == 0


@given(environments, st.randoms())
def test_a_fingerprint_survives_a_journey_through_a_file(environment, chance):
    entries = list(environment.items())
    chance.shuffle(entries)
    travelled = json.loads(json.dumps(dict(entries), indent=2))
    assert tt.setup.fingerprint(travelled) == tt.setup.fingerprint(environment)


@given(environments, environments)
def test_there_are_differences_exactly_if_fingerprints_differ(ours, theirs):
    differences = tt.setup.compare_environments(ours, theirs)
    same = tt.setup.fingerprint(ours) == tt.setup.fingerprint(theirs)
    assert (differences == []) == same
    turned = [(d.name, d.theirs, d.ours) for d in tt.setup.compare_environments(theirs, ours)]
    assert turned == [(d.name, d.ours, d.theirs) for d in differences]


@given(environments)
def test_an_environment_equals_itself(environment):
    assert tt.setup.compare_environments(environment, dict(reversed(environment.items()))) == []


@given(st.integers(0, 2**32 - 1), st.integers(0, 50))
def test_a_seed_forgets_what_was_drawn_before(seed, drawn):
    generator = tt.setup.manual_seed(seed)
    expected = generator.random(5).tolist(), random.random()
    generator.random(drawn)
    again = tt.setup.manual_seed(seed)
    assert (again.random(5).tolist(), random.random()) == expected


@given(st.dictionaries(st.sampled_from(["a-b", "c", "d"]), versions(), max_size=3), clauses())
def test_a_problem_is_a_requirement_that_is_not_satisfied(installed, clause):
    wanted = [f"{name}{clause}" for name in ("A_b", "C", "d")]
    found = {problem.name for problem in tt.setup.check_requirements(wanted, installed)}
    for name in ("a-b", "c", "d"):
        met = name in installed and tt.setup.satisfies(installed[name], clause)
        assert (name in found) != met

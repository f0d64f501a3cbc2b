"""Mistakes that learners make in setup, each with the check that catches it."""

import hashlib
import json
import operator
import os
import platform
import random
import re
import sys
from dataclasses import replace

import numpy as np

import tinytorch as tt
from tinytorch.course import mistake

UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")

# Say how much memory that is.


def scaled(count, step=1024, units=UNITS, digits=1):
    if count < 0:
        raise ValueError(f"cannot format {count} bytes: a size is zero or more")
    if count < step:
        return f"{count} byte" if count == 1 else f"{count} bytes"
    power = 1
    while round(count / step**power, 1) >= step and power < len(units):
        power += 1
    return f"{count / step**power:.{digits}f} {units[power - 1]}"


@mistake(
    "setup.format_bytes",
    caught_by="test_each_unit_is_1024_of_the_one_before",
    says="You divided by 1000. Disks and networks are sold in units of 1000 (kB, MB); memory is "
    "counted in KiB and MiB, which are powers of 1024. Divide by 1024.",
)
def format_bytes_by_thousands(count):
    return scaled(count, step=1000)


@mistake(
    "setup.format_bytes",
    caught_by="test_half_a_kib_more_than_one_is_written_1_5",
    says="The number is right and the unit is not: KB is read by many as 1000 bytes. 1024 bytes "
    "have a name of their own, KiB. Put the i in.",
)
def format_bytes_as_kb(count):
    return scaled(count, units=("KB", "MB", "GB", "TB", "PB", "EB"))


@mistake(
    "setup.format_bytes",
    caught_by="test_half_a_kib_more_than_one_is_written_1_5",
    says="You divided with // and lost the half: 1536 // 1024 is 1. Divide with / and write the "
    "result with one decimal, f'{size:.1f}'.",
)
def format_bytes_with_floor_division(count):
    if count < 1024:
        return scaled(count)
    power = 1
    while count // 1024 ** (power + 1) and power < len(UNITS):
        power += 1
    return f"{float(count // 1024**power)} {UNITS[power - 1]}"


@mistake(
    "setup.format_bytes",
    caught_by="test_fewer_than_1024_stay_in_bytes",
    says="One byte is singular. Give the count 1 its own word.",
)
def format_bytes_with_one_plural(count):
    return f"{count} bytes" if 0 <= count < 1024 else scaled(count)


@mistake(
    "setup.format_bytes",
    caught_by="test_fewer_than_1024_stay_in_bytes",
    says="You wrote bytes with a decimal. Nobody has half a byte: return the plain count before "
    "you begin to divide.",
)
def format_bytes_with_decimal_bytes(count):
    if 0 <= count < 1024:
        return f"{float(count)} byte" if count == 1 else f"{float(count)} bytes"
    return scaled(count)


@mistake(
    "setup.format_bytes",
    caught_by="test_each_unit_is_1024_of_the_one_before",
    says="Your loop goes on while the size is more than 1024, so exactly 1024 stays behind. 1024 "
    "KiB are 1 MiB already: compare with >=.",
)
def format_bytes_that_keeps_1024(count):
    if count < 1024:
        return scaled(count)
    size, units = count / 1024, list(UNITS)
    while round(size, 1) > 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.1f} {units[0]}"


@mistake(
    "setup.format_bytes",
    caught_by="test_rounding_never_writes_1024_of_a_unit",
    says="You chose the unit before rounding. 1023.96 KiB is below 1024, but printed with one "
    "decimal it becomes 1024.0 KiB. Round first, then compare: round(size, 1) >= 1024.",
)
def format_bytes_that_rounds_late(count):
    if count < 1024:
        return scaled(count)
    size, units = count / 1024, list(UNITS)
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.1f} {units[0]}"


# Read a version.


def spelled(text):
    """The release and the stages of a version, as text; None if it is none."""
    pattern = r"([0-9]+(?:\.[0-9]+)*)((?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?)"
    found = re.fullmatch(pattern, text.partition("+")[0])
    if found is None:
        raise ValueError(f"cannot read version {text!r}: write it like 3.11, 2.0.2 or 3.14.0rc1")
    return found[1].split("."), re.findall(r"([a-z]+)([0-9]+)", found[2])


def without_last_zeros(numbers):
    kept = list(numbers)
    while kept and int(kept[-1]) == 0:
        kept.pop()
    return tuple(kept)


def ranked(stages, ranks=tt.setup.STAGES, final=(0, 0)):
    return (*((ranks[name], int(number)) for name, number in stages), final)


@mistake(
    "setup.parse_version",
    caught_by="test_versions_compare_by_number_and_not_by_letter",
    says="You split the version but left the parts as text, and '11' sorts before '9' as 'aa' "
    "sorts before 'b'. Turn each part into a number with int().",
)
def parse_version_as_text(text):
    numbers, stages = spelled(text)
    return (without_last_zeros(numbers), *ranked(stages))


@mistake(
    "setup.parse_version",
    caught_by="test_a_release_is_a_tuple_of_its_numbers_then_the_final_mark",
    says="You read the version as a decimal number. It is not one: as a number, 3.10 would be "
    "3.1, and 3.11.9 has no meaning. Split at the dots and convert each part.",
)
def parse_version_as_decimal(text):
    numbers, stages = spelled(text)
    return (float(".".join(numbers[:2])), *ranked(stages))


@mistake(
    "setup.parse_version",
    caught_by="test_a_release_is_a_tuple_of_its_numbers_then_the_final_mark",
    says="You returned only the numbers. Without the pair (0, 0) at the end, a release and its "
    "release candidate cannot be put in order. End every version with (STAGES['final'], 0).",
)
def parse_version_without_final_mark(text):
    numbers, stages = spelled(text)
    return (without_last_zeros(map(int, numbers)), *ranked(stages)[:-1])


@mistake(
    "setup.parse_version",
    caught_by="test_zeros_at_the_end_do_not_count",
    says="You kept the zeros at the end, so 2 and 2.0.0 became different versions, and a package "
    "with version 2 fails ==2.0. Drop trailing zeros from the release.",
)
def parse_version_with_all_zeros(text):
    numbers, stages = spelled(text)
    return (tuple(map(int, numbers)), *ranked(stages))


@mistake(
    "setup.parse_version",
    caught_by="test_zeros_at_the_end_do_not_count",
    says="You stripped the character '0' from the text, which turns 20.10 into 20.1. Split first, "
    "then drop parts that are the number 0.",
)
def parse_version_that_strips_characters(text):
    numbers, stages = spelled(text)
    stripped = ".".join(numbers).rstrip(".0") or "0"
    return (tuple(map(int, stripped.split("."))), *ranked(stages))


@mistake(
    "setup.parse_version",
    caught_by="test_zeros_at_the_end_do_not_count",
    says="You dropped every zero. In 2.0.1 the zero holds a place: without it the version would "
    "be 2.1. Drop zeros from the end only.",
)
def parse_version_without_any_zero(text):
    numbers, stages = spelled(text)
    return (tuple(int(number) for number in numbers if int(number)), *ranked(stages))


@mistake(
    "setup.parse_version",
    caught_by="test_a_pre_release_comes_before_its_release",
    says="Your pre-releases come after the release, as longer texts do. A rank below 0 for dev, a, "
    "b and rc puts them in front: look the rank up in STAGES.",
)
def parse_version_with_late_pre_releases(text):
    numbers, stages = spelled(text)
    ranks = {name: abs(rank) for name, rank in tt.setup.STAGES.items()}
    return (without_last_zeros(map(int, numbers)), *ranked(stages, ranks, final=(0, 0)))


@mistake(
    "setup.parse_version",
    caught_by="test_a_pre_release_comes_before_its_release",
    says="You dropped what follows the numbers, so 3.14rc1, 3.14 and 3.14.post1 became the same "
    "version. Keep each stage as a pair (rank, number).",
)
def parse_version_without_stages(text):
    numbers, _ = spelled(text)
    return (without_last_zeros(map(int, numbers)), (0, 0))


@mistake(
    "setup.parse_version",
    caught_by="test_the_tenth_candidate_comes_after_the_ninth",
    says="You left the number of the stage as text, so rc10 came before rc9. It is a number like "
    "the others: int().",
)
def parse_version_with_text_stages(text):
    numbers, stages = spelled(text)
    pairs = ((tt.setup.STAGES[name], number) for name, number in stages)
    return (without_last_zeros(map(int, numbers)), *pairs, (0, 0))


@mistake(
    "setup.parse_version",
    caught_by="test_text_that_is_no_version_is_refused",
    says="You collected the numbers wherever they stood, so text that is no version gave an answer "
    "too. Match the whole text (re.fullmatch) and raise ValueError if it does not fit.",
)
def parse_version_that_takes_anything(text):
    numbers = re.findall(r"[0-9]+", re.split("[a-z+]", text)[0])
    stages = re.findall(r"(dev|a|b|rc|post)([0-9]+)", text.partition("+")[0])
    return (without_last_zeros(map(int, numbers)), *ranked(stages))


# Check a version against a requirement.


def parts(requirement):
    """Each clause's sign, text and bound, and the numbers of the text."""
    for sign, text in tt.setup.read_clauses(requirement):
        numbers = [int(part) for part in re.findall("[0-9]+", re.split("[a-z+]", text)[0])]
        if sign == "~=" and len(numbers) < 2:
            raise ValueError(f"cannot use ~= with {text}: it needs two numbers, like ~=2.0")
        yield sign, text, tt.setup.parse_version(text.removesuffix(".*")), numbers


def in_family(candidate, numbers):
    return (*candidate[0], *(0 for _ in numbers))[: len(numbers)] == tuple(numbers)


def holds(candidate, sign, text, bound, numbers):
    if sign == "~=":
        return candidate >= bound and in_family(candidate, numbers[:-1])
    if text.endswith(".*"):
        return in_family(candidate, numbers) == (sign == "==")
    met = tt.setup.COMPARISONS[sign](candidate, bound)
    return met and not (sign in "<>" and candidate[: len(bound) - 1] == bound[:-1])


@mistake(
    "setup.satisfies",
    caught_by="test_every_clause_must_hold",
    says="You compared the versions as text, and as text '3.9' is more than '3.11'. Compare what "
    "parse_version returns.",
)
def satisfies_as_text(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        holds(candidate, sign, text, *rest)
        if sign == "~=" or text.endswith(".*")
        else tt.setup.COMPARISONS[sign](version, text)
        for sign, text, *rest in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_every_clause_must_hold",
    says="You accepted a version that meets one clause of several. A comma means and: every clause "
    "must hold, so use all, not any.",
)
def satisfies_any_clause(version, requirement):
    candidate = tt.setup.parse_version(version)
    return not requirement or any(holds(candidate, *part) for part in parts(requirement))


@mistake(
    "setup.satisfies",
    caught_by="test_every_clause_must_hold",
    says="You looked at the first clause only; a return inside the loop ends it. Return False at "
    "the first clause that fails, and True after the loop.",
)
def satisfies_first_clause(version, requirement):
    candidate = tt.setup.parse_version(version)
    for part in parts(requirement):
        return holds(candidate, *part)
    return True


@mistake(
    "setup.satisfies",
    caught_by="test_each_sign_compares_as_it_looks",
    says="You compared in the wrong direction: the version stands on the left of the sign and the "
    "bound on the right. >=2.0 asks whether version >= 2.0.",
)
def satisfies_the_other_way(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        holds(candidate, sign, text, bound, numbers)
        if sign == "~=" or text.endswith(".*")
        else tt.setup.COMPARISONS[sign](bound, candidate)
        for sign, text, bound, numbers in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_a_star_means_the_whole_family",
    says="You compared the beginning of the text, and '2.30' does begin with '2.3'. Compare the "
    "numbers: (2, 30) does not begin with (2, 3).",
)
def satisfies_with_text_families(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        version.startswith(text[:-2]) == (sign == "==")
        if text.endswith(".*")
        else holds(candidate, sign, text, *rest)
        for sign, text, *rest in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_a_star_means_the_whole_family",
    says="You dropped the star, so ==2.3.* became ==2.3 and 2.3.9 fell out. The star stands for "
    "whatever follows: compare the first numbers only.",
)
def satisfies_without_star(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        holds(candidate, sign, text.removesuffix(".*"), *rest)
        for sign, text, *rest in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_a_compatible_release_may_grow_in_its_last_number_only",
    says="You read ~= as 'about' and took it for >=. It has an upper end too: ~=2.3.1 means "
    ">=2.3.1 and ==2.3.*, so 2.4 is out.",
)
def satisfies_compatible_upwards(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        candidate >= bound if sign == "~=" else holds(candidate, sign, text, bound, numbers)
        for sign, text, bound, numbers in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_a_compatible_release_may_grow_in_its_last_number_only",
    says="You checked the family of ~= and forgot its lower end: ~=2.3.1 does not admit 2.3.0. "
    "Both conditions must hold.",
)
def satisfies_compatible_family_only(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        in_family(candidate, numbers[:-1])
        if sign == "~="
        else holds(candidate, sign, text, bound, numbers)
        for sign, text, bound, numbers in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_a_compatible_release_may_grow_in_its_last_number_only",
    says="You kept all numbers of the bound as the family. In ~=2.3 the last number may grow: drop "
    "it, and the family is 2.*.",
)
def satisfies_compatible_with_its_own_family(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        candidate >= bound and in_family(candidate, numbers)
        if sign == "~="
        else holds(candidate, sign, text, bound, numbers)
        for sign, text, bound, numbers in parts(requirement)
    )


@mistake(
    "setup.satisfies",
    caught_by="test_a_release_candidate_is_not_below_its_release",
    says="3.14rc1 comes before 3.14, so the plain comparison lets it in. But who writes <3.14 "
    "wants to stay below 3.14 altogether: for < and >, refuse what begins like the bound.",
)
def satisfies_with_plain_comparison(version, requirement):
    candidate = tt.setup.parse_version(version)
    return all(
        tt.setup.COMPARISONS[sign](candidate, bound)
        if sign in ("<", ">")
        else holds(candidate, sign, text, bound, numbers)
        for sign, text, bound, numbers in parts(requirement)
    )


# Inspect the machine.


def inspected(**changes):
    """An honest inspection, with these fields changed."""
    affinity = getattr(os, "sched_getaffinity", None)
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        memory = None
    honest = tt.setup.Machine(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        system=platform.system(),
        processor=platform.machine(),
        cores=len(affinity(0)) if affinity else os.cpu_count(),
        memory=memory,
        in_virtual_environment=sys.prefix != sys.base_prefix,
        in_browser=sys.platform == "emscripten",
        packages=tt.setup.installed_packages(),
    )
    return replace(honest, **changes)


@mistake(
    "setup.inspect_machine",
    caught_by="test_it_names_this_python",
    says="sys.version is a whole sentence with the compiler in it, and no version can be read from "
    "it. platform.python_version() gives the version alone.",
)
def inspect_machine_with_sys_version():
    return inspected(python=sys.version)


@mistake(
    "setup.inspect_machine",
    caught_by="test_it_names_this_python",
    says="You filled processor from platform.processor(), which is empty on many systems. "
    "platform.machine() always knows the kind of processor.",
)
def inspect_machine_with_platform_processor():
    return inspected(processor="")


@mistake(
    "setup.inspect_machine",
    caught_by="test_a_virtual_environment_is_where_the_prefix_has_moved",
    says="You asked the variable VIRTUAL_ENV. A shell sets it on activation, so it is missing when "
    "the environment's Python is started by its path, and wrong when another Python is. Compare "
    "sys.prefix with sys.base_prefix.",
)
def inspect_machine_by_variable():
    return inspected(in_virtual_environment="VIRTUAL_ENV" in os.environ)


@mistake(
    "setup.inspect_machine",
    caught_by="test_a_virtual_environment_is_where_the_prefix_has_moved",
    says="You have it the wrong way round: equal prefixes mean that Python stands where it was "
    "installed, outside any virtual environment. Compare with !=.",
)
def inspect_machine_the_wrong_way_round():
    return inspected(in_virtual_environment=sys.prefix == sys.base_prefix)


@mistake(
    "setup.inspect_machine",
    caught_by="test_memory_is_the_page_size_times_the_number_of_pages",
    says="You reported the number of pages. Memory is handed out in pages of some thousand bytes: "
    "multiply by SC_PAGE_SIZE to get bytes.",
)
def inspect_machine_in_pages():
    return inspected(memory=os.sysconf("SC_PHYS_PAGES"))


@mistake(
    "setup.inspect_machine",
    caught_by="test_memory_is_the_page_size_times_the_number_of_pages",
    says="You counted the pages that are free at this moment (SC_AVPHYS_PAGES). The size of the "
    "machine's memory is SC_PHYS_PAGES.",
)
def inspect_machine_with_free_memory():
    return inspected(memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES"))


@mistake(
    "setup.inspect_machine",
    caught_by="test_memory_is_none_where_the_system_does_not_tell",
    says="You answered 0 where the size is unknown. Zero is a size, and somebody will divide by "
    "it; None says that nobody knows.",
)
def inspect_machine_with_zero_memory():
    honest = inspected()
    return replace(honest, memory=honest.memory or 0)


@mistake(
    "setup.inspect_machine",
    caught_by="test_only_cores_this_process_may_use_are_counted",
    says="os.cpu_count() counts the cores of the machine. In a container or on a shared server you "
    "are given some of them: ask os.sched_getaffinity(0) where it exists.",
)
def inspect_machine_with_all_cores():
    return inspected(cores=os.cpu_count())


# Find what is missing.


def problem(requirement, installed, spell=tt.setup.normalize_name):
    """The Problem with one requirement, or None."""
    name = re.match(r"\s*([\w.-]+)", requirement)
    if name is None:
        raise ValueError(f"cannot read {requirement!r}: begin with a name, as in numpy>=2.0")
    needed = requirement[name.end() :].strip()
    name = spell(name[1])
    found = installed.get(name)
    meets = tt.setup.satisfies(found or "0", needed)
    if found is not None and meets:
        return None
    remedy = f'Run: python -m pip install "{name}{needed}"'
    if name == "python":
        remedy = f"Install Python {needed} and make a new virtual environment with it."
    return tt.setup.Problem(name, needed, found, remedy)


def problems(requirements, installed, *spell):
    if isinstance(requirements, str):
        raise TypeError(f"requirements are a list of strings: write [{requirements!r}]")
    if installed is None:
        machine = tt.setup.inspect_machine()
        installed = {**machine.packages, "python": machine.python}
    return [found for text in requirements if (found := problem(text, installed, *spell))]


@mistake(
    "setup.check_requirements",
    caught_by="test_all_problems_are_reported_in_the_order_of_the_requirements",
    says="You stopped at the first problem. Whoever mends it would only meet the next one: collect "
    "all of them and return the list after the loop.",
)
def check_requirements_that_stops(requirements, installed=None):
    return problems(requirements, installed)[:1]


@mistake(
    "setup.check_requirements",
    caught_by="test_all_problems_are_reported_in_the_order_of_the_requirements",
    says="You reported what is too old and forgot what is not there at all. A missing package is a "
    "problem too; found is None then.",
)
def check_requirements_without_missing(requirements, installed=None):
    return [found for found in problems(requirements, installed) if found.found is not None]


@mistake(
    "setup.check_requirements",
    caught_by="test_all_problems_are_reported_in_the_order_of_the_requirements",
    says="You reported missing packages only. An installed package that is too old is a problem "
    "too: ask satisfies(version, needed).",
)
def check_requirements_without_versions(requirements, installed=None):
    return [found for found in problems(requirements, installed) if found.found is None]


@mistake(
    "setup.check_requirements",
    caught_by="test_all_spellings_of_a_name_are_one_package",
    says="You looked the name up as it was written. Jupyter_Book and jupyter-book are one package: "
    "pass the name through normalize_name first.",
)
def check_requirements_by_spelling(requirements, installed=None):
    return problems(requirements, installed, str)


@mistake(
    "setup.check_requirements",
    caught_by="test_a_remedy_is_a_command_that_can_be_pasted",
    says="You left out the quotes. A shell reads > as 'write the output to a file', so the pasted "
    "command would make a file named =2.1,<3. Put the requirement in double quotes.",
)
def check_requirements_without_quotes(requirements, installed=None):
    found = problems(requirements, installed)
    return [replace(one, remedy=one.remedy.replace('"', "")) for one in found]


@mistake(
    "setup.check_requirements",
    caught_by="test_a_remedy_is_a_command_that_can_be_pasted",
    says="Your remedy names the package without its versions. pip would be content with what is "
    "installed, and the problem would stay: put the whole requirement into the command.",
)
def check_requirements_with_a_bare_remedy(requirements, installed=None):
    return [
        replace(one, remedy=f'Run: python -m pip install "{one.name}"')
        if one.name != "python"
        else one
        for one in problems(requirements, installed)
    ]


@mistake(
    "setup.check_requirements",
    caught_by="test_another_python_is_not_a_matter_for_pip",
    says="You sent the reader to pip for another Python. pip runs inside a Python and cannot "
    "replace it: give python its own remedy.",
)
def check_requirements_with_pip_for_python(requirements, installed=None):
    return [
        replace(one, remedy=f'Run: python -m pip install "{one.name}{one.needed}"')
        for one in problems(requirements, installed)
    ]


@mistake(
    "setup.check_requirements",
    caught_by="test_an_empty_list_of_packages_is_not_this_machine",
    says="You wrote 'installed or ...', and an empty dict counts as false. Somebody who passes {} "
    "says that nothing is installed: compare with None.",
)
def check_requirements_that_mistakes_empty_for_none(requirements, installed=None):
    return problems(requirements, installed or None)


# Make chance repeat.


def seed_all(seed, generators=("random", "numpy", "default")):
    seed = operator.index(seed)
    if not 0 <= seed < 2**32:
        raise ValueError(f"cannot seed with {seed}: choose a whole number from 0 to 2**32 - 1")
    generator = tt.setup.default_generator()
    if "random" in generators:
        random.seed(seed)
    if "numpy" in generators:
        np.random.seed(seed)
    if "default" in generators:
        generator.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    return generator


@mistake(
    "setup.manual_seed",
    caught_by="test_another_seed_gives_other_numbers",
    says="You seeded with a number of your own, so every seed gives the same numbers. Use the seed "
    "that was asked for.",
)
def manual_seed_with_a_favourite(seed):
    seed_all(seed)
    return seed_all(42)


@mistake(
    "setup.manual_seed",
    caught_by="test_the_default_generator_comes_back",
    says="You returned a new generator. The library goes on drawing from its own, which nobody "
    "seeded: set the state of default_generator() and return it.",
)
def manual_seed_of_a_new_generator(seed):
    seed_all(seed, ("random", "numpy"))
    return np.random.default_rng(seed)


@mistake(
    "setup.manual_seed",
    caught_by="test_the_default_generator_comes_back",
    says="You seeded the generators and returned nothing. Return the default generator, so that "
    "whoever seeds it can go on drawing from it.",
)
def manual_seed_that_returns_nothing(seed):
    seed_all(seed)


@mistake(
    "setup.manual_seed",
    caught_by="test_the_same_seed_gives_the_same_numbers",
    says="You seeded random and np.random, but not the library's generator, from which every "
    "tensor is drawn. Set default_generator().bit_generator.state as well.",
)
def manual_seed_without_the_library(seed):
    return seed_all(seed, ("random", "numpy"))


@mistake(
    "setup.manual_seed",
    caught_by="test_the_same_seed_gives_the_same_numbers",
    says="You seeded NumPy and the library, but not Python's own random module. Code that shuffles "
    "a list with random.shuffle would still change from run to run: random.seed(seed).",
)
def manual_seed_without_python(seed):
    return seed_all(seed, ("numpy", "default"))


@mistake(
    "setup.manual_seed",
    caught_by="test_the_same_seed_gives_the_same_numbers",
    says="You seeded random and the library, but not np.random, from which older code draws with "
    "np.random.rand and its like: np.random.seed(seed).",
)
def manual_seed_without_numpy(seed):
    return seed_all(seed, ("random", "default"))


@mistake(
    "setup.manual_seed",
    caught_by="test_the_same_seed_gives_the_same_numbers",
    says="You called random.seed and left the other two alone. Each library keeps its own "
    "generator: np.random.seed(seed), and default_generator() in place.",
)
def manual_seed_of_python_only(seed):
    return seed_all(seed, ("random",))


@mistake(
    "setup.manual_seed",
    caught_by="test_a_refused_seed_changes_nothing",
    says="random.seed took the seed before np.random refused it, so one generator is seeded and "
    "two are not. Check the seed before you seed anything.",
)
def manual_seed_that_checks_late(seed):
    if isinstance(seed, int):
        random.seed(seed)
    return seed_all(seed)


# Give an environment a fingerprint.


def canonical(environment, **changes):
    options = {
        "sort_keys": True,
        "separators": (",", ":"),
        "ensure_ascii": False,
        "allow_nan": False,
        **changes,
    }
    return json.dumps(environment, **options)


def digest(text):
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@mistake(
    "setup.fingerprint",
    caught_by="test_a_fingerprint_is_the_sha_256_of_canonical_json",
    says="json.dumps puts a space after each colon and comma unless it is told otherwise, and a "
    "space changes every digit. Pass separators=(',', ':').",
)
def fingerprint_with_spaces(environment):
    return digest(canonical(environment, separators=(", ", ": ")))


@mistake(
    "setup.fingerprint",
    caught_by="test_a_fingerprint_is_text_of_64_hexadecimal_digits",
    says="Python's hash() of a text changes with every process, on purpose, so nobody could "
    "compare it with yours tomorrow. Use hashlib.sha256.",
)
def fingerprint_with_hash(environment):
    return hash(canonical(environment))


@mistake(
    "setup.fingerprint",
    caught_by="test_a_fingerprint_is_text_of_64_hexadecimal_digits",
    says="You hashed with MD5, for which two inputs with one fingerprint can be made in seconds. "
    "Use hashlib.sha256.",
)
def fingerprint_with_md5(environment):
    return hashlib.md5(canonical(environment).encode("utf-8")).hexdigest()


@mistake(
    "setup.fingerprint",
    caught_by="test_a_fingerprint_is_text_of_64_hexadecimal_digits",
    says="digest() gives 32 raw bytes, which cannot be printed or pasted. hexdigest() writes the "
    "same bytes as 64 digits.",
)
def fingerprint_in_bytes(environment):
    return hashlib.sha256(canonical(environment).encode("utf-8")).digest()


@mistake(
    "setup.fingerprint",
    caught_by="test_a_fingerprint_is_the_sha_256_of_canonical_json",
    says="You hashed str() of the dict, which is Python's way of writing, with single quotes; no "
    "other language could check it. Hash its JSON.",
)
def fingerprint_of_str(environment):
    return digest(str(environment))


@mistake(
    "setup.fingerprint",
    caught_by="test_the_order_of_entries_does_not_count",
    says="A dict keeps the order in which it was filled, and so does its JSON. Two equal "
    "environments then differ in their fingerprints: pass sort_keys=True.",
)
def fingerprint_in_dict_order(environment):
    return digest(canonical(environment, sort_keys=False))


@mistake(
    "setup.fingerprint",
    caught_by="test_what_has_no_order_is_refused",
    says="default=str turned the set into text in whatever order it had, which changes from "
    "process to process. Let json refuse what it cannot write.",
)
def fingerprint_of_anything(environment):
    return digest(canonical(environment, default=str))


@mistake(
    "setup.fingerprint",
    caught_by="test_any_change_changes_it",
    says="sorted() of a dict is a list of its keys, and the values were lost. Leave the dict whole "
    "and let json.dumps sort: sort_keys=True.",
)
def fingerprint_of_the_keys(environment):
    return digest(canonical(sorted(environment)))


@mistake(
    "setup.fingerprint",
    caught_by="test_known_environments_have_known_fingerprints",
    says="json.dumps wrote the letter with two dots as \\u00eb, six plain characters. Canonical "
    "JSON keeps letters as they are, in UTF-8: pass ensure_ascii=False.",
)
def fingerprint_in_ascii(environment):
    return digest(canonical(environment, ensure_ascii=True))


@mistake(
    "setup.fingerprint",
    caught_by="test_what_equals_nothing_is_refused",
    says="json.dumps writes NaN unless it is told not to, and that is no JSON: another reader will "
    "refuse your record. Pass allow_nan=False.",
)
def fingerprint_with_nan(environment):
    return digest(canonical(environment, allow_nan=True))


# Compare two environments.


def differ(mine, yours):
    return tt.setup.fingerprint(mine) != tt.setup.fingerprint(yours)


def compared(ours, theirs, names=operator.or_, differ=differ):
    found, missing = [], tt.setup.MISSING
    for name in sorted(names(ours.keys(), theirs.keys())):
        mine, yours = ours.get(name, missing), theirs.get(name, missing)
        if isinstance(mine, dict) and isinstance(yours, dict):
            inner = compared(mine, yours, names, differ)
            found += [replace(one, name=f"{name}.{one.name}") for one in inner]
        elif not (name in ours and name in theirs) or differ(mine, yours):
            found.append(tt.setup.Difference(name, mine, yours))
    return found


@mistake(
    "setup.compare_environments",
    caught_by="test_both_directions_are_compared",
    says="You walked over the entries of ours only, and what only theirs has was never seen. Take "
    "the names of both: ours.keys() | theirs.keys().",
)
def compare_environments_one_way(ours, theirs):
    return compared(ours, theirs, names=lambda ours, theirs: ours)


@mistake(
    "setup.compare_environments",
    caught_by="test_both_directions_are_compared",
    says="You compared the entries that both sides have. An entry that one side lacks is a "
    "difference as well: take ours.keys() | theirs.keys(), and MISSING for the side without it.",
)
def compare_environments_in_common(ours, theirs):
    return compared(ours, theirs, names=operator.and_)


@mistake(
    "setup.compare_environments",
    caught_by="test_both_directions_are_compared",
    says="You have the sides the wrong way round: ours is the first argument, theirs the second.",
)
def compare_environments_the_wrong_way_round(ours, theirs):
    return compared(theirs, ours)


@mistake(
    "setup.compare_environments",
    caught_by="test_both_directions_are_compared",
    says="You took dict.get as it is, and it gives None for an entry that is not there. None is "
    "also a value, 'unknown': give get another default, MISSING.",
)
def compare_environments_with_plain_get(ours, theirs):
    found = []
    for name in sorted(ours.keys() | theirs.keys()):
        mine, yours = ours.get(name), theirs.get(name)
        if isinstance(mine, dict) and isinstance(yours, dict):
            inner = compared(mine, yours)
            found += [replace(one, name=f"{name}.{one.name}") for one in inner]
        elif mine != yours:
            found.append(tt.setup.Difference(name, mine, yours))
    return found


@mistake(
    "setup.compare_environments",
    caught_by="test_inner_entries_are_named_by_their_path",
    says="You compared the packages as one value, and the reader must search two long dicts for "
    "what changed. Where both sides are mappings, compare them entry by entry.",
)
def compare_environments_whole(ours, theirs):
    missing = tt.setup.MISSING
    pairs = [
        (name, ours.get(name, missing), theirs.get(name, missing))
        for name in sorted(ours.keys() | theirs.keys())
    ]
    return [tt.setup.Difference(*pair) for pair in pairs if pair[1] != pair[2]]


@mistake(
    "setup.compare_environments",
    caught_by="test_inner_entries_are_named_by_their_path",
    says="You named inner differences without where they are. A package called python and the "
    "Python itself could not be told apart: put the outer name and a dot in front.",
)
def compare_environments_without_path(ours, theirs):
    return [replace(one, name=one.name.rpartition(".")[2]) for one in compared(ours, theirs)]


@mistake(
    "setup.compare_environments",
    caught_by="test_unknown_is_not_the_same_as_missing",
    says="You compared what get returned, with None for what is not there, so an entry that is "
    "None looked like no entry. Ask with 'in', or give get the default MISSING.",
)
def compare_environments_that_drops_none(ours, theirs):
    found = compared(ours, theirs)
    return [one for one in found if not (one.ours is None or one.theirs is None)]


@mistake(
    "setup.compare_environments",
    caught_by="test_values_differ_if_their_fingerprints_do",
    says="You compared with !=, and in Python 1 == True == 1.0. Records with different types have "
    "different fingerprints: compare the fingerprints of the two values.",
)
def compare_environments_by_equality(ours, theirs):
    return compared(ours, theirs, differ=operator.ne)

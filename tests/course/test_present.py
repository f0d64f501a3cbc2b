"""Results as HTML and as plain text: escaped, accessible, and the same in content."""

import subprocess
import sys

import pytest

from tinytorch.course import exercise, present, report
from tinytorch.course.completion import module_result


def shown(toys, answer):
    """What the learner sees of an answer to the step that doubles."""
    return report.show_step(exercise.check_answer(toys.double, answer))


def test_markup_in_a_learners_values_is_text(toys, outline):
    found = shown(toys, lambda number: "<script>alert('x')</script>&amp;")
    assert "<script>" not in found.html
    assert "<script>alert('x')</script>&amp;" in outline(found.html).text


def test_markup_in_errors_and_printing_is_text(toys, outline):
    def double(number):
        print("<img src=x onerror=alert(1)>")
        raise ValueError("<b onclick=alert(1)>`tick` **star**</b>")

    found = shown(toys, double)
    assert "<img" not in found.html
    assert "<b " not in found.html
    assert "<b onclick=alert(1)>`tick` **star**</b>" in outline(found.html).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain <b> & 'quotes'", "<p>plain &lt;b&gt; &amp; &#x27;quotes&#x27;</p>"),
        ("`x < y` is *so* **very** true", "<p><code>x &lt; y</code> is <em>so</em> <strong>very"
         "</strong> true</p>"),
        ("one\nline\n\nanother", "<p>one line</p><p>another</p>"),
        ("- a\n- `b`", "<ul><li>a</li><li><code>b</code></li></ul>"),
        ("2 * 3 * 4 and a*b*c", "<p>2 * 3 * 4 and a*b*c</p>"),
        ("`a * b` and `**kwargs`", "<p><code>a * b</code> and <code>**kwargs</code></p>"),
        ("**3 * 4**", "<p><strong>3 * 4</strong></p>"),
        ("**why `x` is**", "<p><strong>why <code>x</code> is</strong></p>"),
        ("``double`` ticks", "<p><code>double</code> ticks</p>"),
        ("an odd ` tick", "<p>an odd ` tick</p>"),
        ("[a](javascript:alert(1))", "<p>[a](javascript:alert(1))</p>"),
        ("Intro:\n- a\n- b", "<p>Intro:</p><ul><li>a</li><li>b</li></ul>"),
    ],
)  # fmt: skip
def test_light_markdown(text, expected):
    assert present.markdown(text) == expected


def test_attributes_are_escaped():
    made = present.tag("p", _class='"><script>', data_question="a&b")
    assert made == '<p class="&quot;&gt;&lt;script&gt;" data-question="a&amp;b"></p>'


def test_a_result_carries_the_hooks_that_the_page_relies_on(toys, outline):
    for answer, state in ((lambda number: number + number, "failed"), (right, "passed")):
        page = outline(shown(toys, answer).html)
        assert page.first("div") == {
            "class": f"tt-result tt-{state}",
            "data-step": "toys.double",
            "data-state": state,
            "data-provenance": "yours",
            "role": "status",
        }


def right(number):
    """A right answer."""
    if isinstance(number, str):
        raise TypeError(f"cannot double {number!r}")
    return 2 * number


def test_outcomes_are_told_in_words_not_in_color_alone(toys, outline):
    text = outline(shown(toys, lambda number: number * number).html).text
    assert text.count("passed") == 1
    assert text.count("failed") == 1
    assert text.count("waiting") == 1
    assert "Not yet." in text


def test_html_and_text_say_the_same(toys, outline):
    found = shown(toys, lambda number: number * number)
    words = [
        "toys.double",
        "1 of 3 checks pass on your code",
        "squared",
        "twice",
        "1.0",
        "0.25",
        "halves double too",
        "Double a number",
    ]
    flat = " ".join(found.text.split())
    assert [word for word in words if word not in outline(found.html).text] == ["twice"]
    assert [word for word in words if word not in flat] == ["twice"]


def test_a_failure_points_to_where_to_read_again(toys, outline):
    link = outline(shown(toys, lambda number: None).html).first("a")
    assert link == {"href": "#toys-double"}


def test_only_the_first_failure_and_what_is_recognised_are_open(toys, outline):
    def pages(answer):
        page = outline(shown(toys, answer).html)
        return [attributes for name, attributes in page.attributes if name == "details"]

    assert pages(lambda number: None) == [{"open": ""}, {}]
    assert pages(lambda number: number**2 + (number == 2)) == [{"open": ""}, {"open": ""}]


def test_an_error_that_fails_every_check_is_told_once(toys):
    def double(number):
        raise LookupError("once is enough")

    text = " ".join(shown(toys, double).text.split())
    assert text.count("once is enough") == 2  # the message and the line


def test_what_passed_is_brief(toys):
    assert len(shown(toys, right).text.splitlines()) <= 2


def test_a_module_of_references_is_not_the_learners(toys, outline):
    found = report.show_module(module_result("toys"))
    assert "every check passes, but 2 of 2 steps ran the reference" in " ".join(found.text.split())
    assert outline(found.html).first("div")["data-state"] == "unbuilt"


def test_a_module_with_one_step_built_says_which_is_next(toys):
    exercise.check_answer(toys.double, right)
    found = " ".join(report.show_module(module_result("toys")).text.split())
    assert "1 of 2 steps ran the reference" in found
    assert "next: `toys.spin`" in found


def test_a_complete_module_says_what_it_unlocks(toys):
    exercise.check_answer(toys.double, right)
    exercise.check_answer(toys.spin, lambda turns: turns * 360)
    result = module_result("toys")
    assert result.state == "passed"
    found = " ".join(report.show_module(result).text.split())
    assert "Toys is complete, and every step of it is your code." in found
    assert "It opens: Games. Games: what toys are for." in found


def test_a_broken_module_says_which_step_to_mend(toys):
    toys.library.double = lambda number: number
    result = module_result("toys")
    found = " ".join(report.show_module(result).text.split())
    assert result.state == "failed"
    assert "Toys is not complete: 3 of 6 checks fail. Mend `toys.double` first." in found


def test_tables_line_up_and_are_escaped():
    made = present.table(("name", "size"), [("<a>", 1), ("long name", 10)])
    assert made.text == "name       size\n<a>        1\nlong name  10"
    assert "<td>&lt;a&gt;</td>" in made.html


def test_the_style_gives_way_to_any_other_style():
    selectors = present.STYLE.removeprefix("<style>").removesuffix("</style>").split("}")
    assert all(part.startswith(":where(") for part in selectors if part)


def test_the_course_loads_nothing_heavy():
    heavy = ["pytest", "click", "rich", "IPython", "matplotlib", "hypothesis"]
    code = f"import sys, tinytorch.course\nprint([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

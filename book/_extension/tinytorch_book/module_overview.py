"""What a module builds: objectives, time, prerequisites, place in the stack, names elsewhere."""

from html import escape

from sphinx.application import Sphinx

from tinytorch.course.catalog import Module, load_course

from .component import add_component
from .repository import chapter_link

WIDTH, CAPTION, BOX, GAP = 400, 16, 28, 10  # of the figure, in its own units


def hours(minutes: int) -> str:
    whole, rest = divmod(minutes, 60)
    parts = [f"{whole} h" if whole else "", f"{rest} min" if rest else ""]
    return " ".join(part for part in parts if part)


def prerequisites(module: Module) -> str:
    return ", ".join(chapter_link(load_course().module(stem)) for stem in module.requires) or "none"


def box(module: Module, here: Module, left: float, top: float, width: float) -> str:
    """Return one module of the figure: the reader's, one below it, or one still to come."""
    order = [row.stem for row in load_course().modules]
    below = order.index(module.stem) < order.index(here.stem)
    state = "here" if module == here else "below" if below else "above"
    middle = left + width / 2
    return (
        f'<g class="tt-stack-{state}"><rect x="{left + 1:g}" y="{top}" width="{width - 2:g}" '
        f'height="{BOX}" rx="5"/><text x="{middle:g}" y="{top + BOX / 2 + 4:g}" '
        f'text-anchor="middle">{escape(module.title)}</text></g>'
    )


def stack(here: Module) -> str:
    """Return the whole stack as inline SVG, foundations at the bottom, with `here` marked."""
    drawn, top = [], 0
    for part in reversed(load_course().parts):
        row = [module for module in load_course().modules if module.part == part.name]
        drawn.append(f'<text class="tt-stack-part" x="1" y="{top + 11}">{escape(part.name)}</text>')
        width = WIDTH / len(row)
        for place, module in enumerate(row):
            drawn.append(box(module, here, place * width, top + CAPTION, width))
        top += CAPTION + BOX + GAP
    title = escape(here.title)
    label = f"The stack of the course, Tensors at the bottom, Production on top; {title} is marked"
    return (
        f'<figure class="tt-stack"><svg viewBox="0 0 {WIDTH} {top}" role="img" '
        f'aria-label="{label}">{"".join(drawn)}</svg>'
        f"<figcaption>Where {title} sits: what is above stands on it.</figcaption></figure>"
    )


def frameworks(module: Module) -> str:
    shown = {"pytorch": "PyTorch", "tensorflow": "TensorFlow"}
    return "\n".join(
        f"- {shown.get(name, name)}: " + ", ".join(f"`{each}`" for each in names)
        for name, names in module.frameworks.items()
    )


def module_overview(stem: str) -> str:
    module = load_course().module(stem)
    objectives = "\n".join(f"- {objective}" for objective in module.objectives)
    return f"""\
<div class="tt-overview">
<div class="tt-overview-text">

**After this module you can**

{objectives}

**Time**: about {hours(module.minutes)}. **Prerequisites**: {prerequisites(module)}.

</div>
{stack(module)}
<div class="tt-overview-names">

**Its names elsewhere**

{frameworks(module)}

</div>
</div>
"""


def setup_module_overview(app: Sphinx) -> None:
    add_component(app, "module-overview", module_overview)

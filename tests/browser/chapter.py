"""A chapter in the browser, in the words of the one who reads it."""

from playwright.sync_api import Locator, Page, expect


class Cell:
    """One code cell of the page."""

    def __init__(self, page: Page, locator: Locator) -> None:
        self.page = page
        self.locator = locator
        self.printed = locator.locator(".cell_input pre").first
        self.output = locator.locator(".tt-output")
        self.published_output = locator.locator(".cell_output:not(.tt-output)")
        self.result = self.output.locator(".tt-result")

    @property
    def source(self) -> str:
        """What the editor holds."""
        source = self.locator.locator(".CodeMirror").evaluate("e => e.CodeMirror.getValue()")
        return str(source)

    def write(self, source: str) -> None:
        """Replace what is in the editor, as a learner who selects all and pastes."""
        self.locator.locator(".CodeMirror").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def run(self) -> None:
        """Press Run and wait until the cell has run."""
        self.start()
        self.wait()

    def start(self) -> None:
        """Press Run."""
        self.locator.locator(".tt-cell-run").click()

    def wait(self, *states: str) -> None:
        """Wait until the cell has run, whatever came of it."""
        wanted = states or ("done", "failed")
        selectors = ", ".join(f'[data-state="{state}"]' for state in wanted)
        expect(self.locator.and_(self.page.locator(selectors))).to_have_count(1)

    def unfold(self) -> None:
        """Show the source of a cell that hides it."""
        self.locator.locator("details.hide summary").first.click()

    def reset(self) -> None:
        """Press Reset."""
        self.locator.locator(".tt-cell-reset").click()


class Chapter:
    """A page with live cells."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator("#tt-live")
        self.status = page.locator("#tt-live-status")
        self.problem = page.locator("#tt-live-problem")

    def open(self, address: str) -> None:
        """Go to the page."""
        self.page.goto(address)
        expect(self.panel).to_be_visible()

    def launch(self, kernel: str = "browser") -> None:
        """Choose the kernel, press the one button and wait until the page is live."""
        self.page.locator("#tt-live-kernel").select_option(kernel)
        self.page.locator("#tt-live-start").click()
        self.wait("ready")

    def wait(self, state: str, timeout: float | None = None) -> None:
        """Wait until the panel says that the page is in this state."""
        expect(self.panel).to_have_attribute("data-state", state, timeout=timeout)

    def cell(self, number: int) -> Cell:
        """The cell with this number, from 1."""
        return Cell(self.page, self.page.locator(f'div.cell[data-cell="{number}"]'))

    def exercise(self, step: str) -> Cell:
        """The cell in which this step is built."""
        return Cell(self.page, self.page.locator(f'div.cell[data-step="{step}"]'))

    def cell_around(self, selector: str) -> Cell:
        """The first cell whose output holds this element."""
        holding = self.page.locator("div.cell[data-cell]", has=self.page.locator(selector)).first
        return self.cell(int(holding.get_attribute("data-cell") or 0))

    def stop(self) -> None:
        """Press Stop and wait until the page is usable again."""
        self.page.locator("#tt-live-stop").click()
        self.wait("ready")

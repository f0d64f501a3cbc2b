"""`tinytorch doctor`: what is wrong with the installation, and the command that mends it."""

from __future__ import annotations

import sys

import click

STYLES = {"ok": "green", "note": "yellow", "broken": "bold red"}


@click.command()
def doctor() -> None:
    """Look for what breaks installations, and say what mends it."""
    from tinytorch.course import doctor, workspace
    from tinytorch.course.commands.screen import field, line, say

    findings = doctor.findings(workspace.find())
    for finding in findings:
        field(finding.state, finding.what, indent=2, style=STYLES[finding.state])
        if finding.state != "ok":
            field("why", finding.why, indent=12)
            if finding.mend:
                line(f"{'mend':<10}{finding.mend}", indent=12)
    broken = sum(finding.state == "broken" for finding in findings)
    say()
    say(f"{broken} to mend." if broken else "Nothing is in the way.", style="bold")
    sys.exit(1 if broken else 0)

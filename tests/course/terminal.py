"""Somebody at a real terminal, who types the real command and edits files of their own."""

import os
import re
import sys
from pathlib import Path

import pexpect

from tinytorch.course import source
from tinytorch.course.files import write_atomically

COMMAND = Path(sys.executable).with_name("tinytorch")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
PATIENCE = 300  # seconds for a whole module on a busy machine
SAVED = "watching for the next save, Ctrl-C ends"


class Learner:
    """Somebody at a terminal, in a folder of their own."""

    def __init__(self, folder, home):
        self.folder = folder
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "HOME": str(home),
            "TERM": "xterm-256color",
        }
        folder.mkdir()
        home.mkdir(exist_ok=True)

    def begins(self, command, *arguments):
        """Start a program in a terminal of 100 columns."""
        return pexpect.spawn(
            str(command),
            list(map(str, arguments)),
            cwd=self.folder,
            env=self.environment,
            dimensions=(50, 100),
            encoding="utf-8",
            timeout=PATIENCE,
        )

    def types(self, *arguments, code=0):
        """Run `tinytorch` to its end and return what is to be read on the screen."""
        terminal = self.begins(COMMAND, *arguments)
        terminal.expect(pexpect.EOF)
        terminal.close()
        shown = read(terminal.before)
        assert (terminal.exitstatus, terminal.signalstatus) == (code, None), shown
        assert "Traceback" not in shown
        return shown

    def runs(self, program):
        """Run a Python program in the folder."""
        terminal = self.begins(sys.executable, "-c", program)
        terminal.expect(pexpect.EOF)
        terminal.close()
        assert terminal.exitstatus == 0, terminal.before
        return read(terminal.before)

    def file(self, step):
        return self.folder / "tinytorch" / source.locate(step).path

    def writes(self, step, function, *, below=""):
        """Put another function into the file of a step, as an editor saves it."""
        path, name = self.file(step), source.locate(step).qualname
        text = source.replace_function(path.read_text(), name, function)
        write_atomically(path, text + below)

    def solves(self, step):
        place = source.locate(step)
        reference = source.package_files(step.stem)[place.path]
        self.writes(step, source.function_text(reference, place.qualname))

    def watches(self):
        """Start `tinytorch check --watch`, and wait until it has looked once."""
        terminal = self.begins(COMMAND, "check", "--watch")
        terminal.expect(SAVED)
        return terminal


def read(shown):
    """What a person reads: no colours, one blank where the screen has many."""
    return " ".join(COLOURS.sub("", shown).split())

# TinyTorch needs Python >= 3.11, git and make. Everything else goes into .venv.

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
WORKERS := --numprocesses=logical --maxprocesses=8  # one for each processor

# Hundreds of processes import the same files, which only the first of them should compile.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve test test-package test-peers book mutation lock clean

serve: $(INSTALLED)  ## build what changed, then open the course in the browser
	@exec $(PYTHON) -m book._publish.serve

test: $(INSTALLED) book  ## run everything in tests/, browser tests included
	$(PYTHON) -m pytest $(WORKERS)

test-package: $(INSTALLED)  ## run the tests that need no book and no browser
	$(PYTHON) -m pytest $(WORKERS) tests/package tests/modules tests/properties tests/course tests/test_house.py

test-peers: $(INSTALLED)  ## compare with PyTorch, live
	$(PYTHON) -m tests.peers

book: $(INSTALLED)  ## build what changed of the book
	@$(PYTHON) -m book._publish.build

mutation: $(INSTALLED)  ## score the learner-facing checks against generic mutants
	$(PYTHON) -m tests.mutation

lock:  ## resolve every dependency again
	@sh book/_publish/lock.sh

clean:  ## forget every build; keep .venv
	rm -rf _build dist book/_static/live
	find . -name .venv -prune -o -name __pycache__ -type d -print | xargs rm -rf

$(INSTALLED): requirements.lock pyproject.toml book/_publish/install.sh
	@sh book/_publish/install.sh $(VENV)

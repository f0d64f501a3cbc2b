"""Build the book and serve it: `python -m book._publish.build`, `python -m book._publish.serve`."""

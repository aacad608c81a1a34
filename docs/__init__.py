"""Documents that come from the code: `python -m docs.generate` writes them, a test compares."""

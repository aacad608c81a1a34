"""How fast, beside the barest program that does the same: `python -m bench --help`."""

"""`python -m yizhan` is the command line."""

from yizhan.cli import main

main()

"""`python -m services.rewards api|worker`."""

from __future__ import annotations

import os
import sys

from cities.load import CityError
from runtime.process import main

if __name__ == "__main__":
    main(__package__, sys.argv[1:], os.environ, port=8003, wrong=CityError)

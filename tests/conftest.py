"""Shared by all tests: what their processes inherit, however the tests were started."""

from __future__ import annotations

import os
import signal

from hypothesis import settings

# Property tests take their time on a busy machine.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Brokers of tests live for seconds: the second compiler costs them more than it brings.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

# A shell's background jobs ignore it, and their children would too: Ctrl-C is tested.
signal.signal(signal.SIGINT, signal.default_int_handler)

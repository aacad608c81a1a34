"""Shared by all tests: property tests take their time on a busy machine."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# Brokers of tests live for seconds: the second compiler costs them more than it brings.
os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")

"""The operator's dashboard, as code."""

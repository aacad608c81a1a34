"""Speaks Open311 GeoReport v2: POST through intake, reads through tracking; keeps nothing."""

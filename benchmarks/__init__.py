"""Measurements of the program as users run it: `make bench` prints one table."""

"""Publish multi-architecture container images from one YAML spec."""

__version__ = "0.1.0"

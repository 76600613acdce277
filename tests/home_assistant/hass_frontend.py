"""Stands in for Home Assistant's web pages (200 MB), which it does not start without and nobody looks at in a test."""

from pathlib import Path


def where() -> Path:
    return Path(__file__).parent

"""Gatewatch: says in IRC and Matrix rooms what broke in a CI gate, and whether it is known."""

from __future__ import annotations

__version__ = "0.1.0"

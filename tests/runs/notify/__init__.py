"""Tests of conch.runs.notify."""

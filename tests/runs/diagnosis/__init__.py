"""Tests of conch.runs.diagnosis."""

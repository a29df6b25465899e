"""Tests of conch.runs.trackers."""

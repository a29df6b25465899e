"""One script for each claim about speed. Each runs as `python -m benchmarks.NAME` and fails where it doesn't hold."""

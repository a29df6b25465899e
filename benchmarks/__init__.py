"""One script for each claim about speed: `python -m benchmarks.NAME`. Each fails where its claim is wrong."""

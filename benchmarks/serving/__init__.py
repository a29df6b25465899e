"""Servers, clients and the report of `benchmarks.serve_load`."""

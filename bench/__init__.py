"""Benchmarks. `make bench` runs them all; nothing here is asserted in a test."""

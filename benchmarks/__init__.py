"""Measure the promises that have a number in them; run by ``python -m benchmarks`` (``make bench``)."""

"""The judge beside what people use today, on simulated shifts whose truth is known: `python -m benchmarks.judge`."""

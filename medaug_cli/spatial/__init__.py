"""Mappings of patient space and the one place that resamples."""

"""What every layer speaks: errors, values, geometry, samples, seeds."""

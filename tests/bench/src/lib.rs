//! Measurements, as ratios to the ceilings of the same run.

"""What the operations cost, as ratios to references measured in the same run."""

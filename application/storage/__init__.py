"""Where files lie: in folders, or in a bucket."""

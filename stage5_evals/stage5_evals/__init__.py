"""Stage 5, an eval harness whose gate turns red. Not built yet: see README."""

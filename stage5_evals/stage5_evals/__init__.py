"""Stage 5: an eval harness whose gate turns red. Not built yet; the target is in the README."""

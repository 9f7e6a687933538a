"""Stage 6: the production rebuild. Not built yet; the target is in the README."""

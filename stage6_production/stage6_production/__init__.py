"""Stage 6, the production rebuild. Not built yet: see README."""

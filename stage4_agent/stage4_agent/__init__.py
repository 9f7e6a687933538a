"""A research agent with three tools that survives a broken one. Not built yet: see the README beside this folder."""

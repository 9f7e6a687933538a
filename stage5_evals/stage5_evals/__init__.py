"""An eval harness whose gate turns red when quality drops. Not built yet: see the README beside this folder."""

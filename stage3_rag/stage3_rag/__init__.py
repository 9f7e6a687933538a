"""Question answering over a corpus, with citations and refusal. Not built yet: see the README beside this folder."""

"""What the six stages share: one model interface, its price, its limits and its traces.

Read in this order: `messages` (what is said), `errors` (what can go wrong), `settings`, `models`,
`prices`, `schemas`, `providers/` (how it is said on the wire), `budget`, `tracing`, `embeddings`,
`database`, `offline/` (a weak model behind the real wire protocols, so that everything runs
without a key).
"""

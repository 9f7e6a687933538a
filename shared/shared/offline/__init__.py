"""The offline model: a weak model behind the real wire protocols, for work without a key.

Read in this order. How one call travels: `app`, `exchange`, `service`. What the wires look like:
`wire`, then `wire_anthropic_request` and `wire_anthropic`, and their Chat and Responses twins.
What it costs: `billing`, `prompt_cache`, `turn`. What can go wrong on request: `faults`, `spoil`,
`scripts`. What an examiner reads: `log`, `control`. How it runs: `server`, `__main__`. What it
says: `brain` and `skills`.
"""

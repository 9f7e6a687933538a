"""Stage 4: one agent in plain Python, with tools that survive being broken.

Read in this order: `contract` (what an agent is given and must give back), `agent` (the loop, top
to bottom), `toolbox` (what may be called), `session` and `journal` (state and its record),
`memory`, `evidence`, `tools/`, `faults` and `matrix` (broken on purpose), `plan`, `router` and
`two_prompts` (other ways), `tasks`, `score`, `cli`.
"""

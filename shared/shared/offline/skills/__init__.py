"""What the offline model can do, one ability a file; read `brain` first.

Reading the request: `documents`, `examples`, `wishes`. Skills: `glossary`, `answer`, `summarise`,
`classify`, `judge`, `tools` (with `arguments`), `fill` (with `fields`, `lines`, `values`).
"""

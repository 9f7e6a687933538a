"""What the offline model can do, one ability a file; read `brain` first.

Reading a request: `documents`, `examples`, `wishes`; a text: `lines`, `values`; a schema: `fields`.
Skills: `glossary`, `answer` (in JSON: `cited`), `summarise`, `classify`, `judge` (with `claims`),
`tools` (with `arguments`, `spans`, `results`), `fill` (with `task`, `roles`, `labelled`, `lists`,
`rows`, `matching`, `lessons`, `reading`, `choosing`). `mind` is the one or the other size.
"""

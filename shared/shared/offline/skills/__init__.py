"""What the offline model can do, one ability a file; read `brain` first.

Reading a request: `documents`, `examples`, `wishes`; a text: `lines`, `values`, `dates`,
`currencies`; a schema: `fields`. Skills: `glossary`, `answer` (in JSON: `cited`), `summarise`,
`classify`, `judge` (with `claims`), `fill`, and `tools`, which reads on as `scene` (what was
called), `plans` (which tool next), `steps` (several questions and a sum), `arguments`, `spans`,
`result_data`, `results`, and for databases `schema_text`, `sql_words`, `sql_question`,
`sql_conditions`, `sql_read`, `sql_write`.
Filling a form reads on as `task`, `labelled`, then what the prompt says (`phrases`, `lessons`,
`roles`), where values stand (`folding`, `marks`, `grids`, `names`), what is made of it (`offers`,
`bare`, `wanting`, `matching`, `reading`, `choosing`) and lists (`lists`, `rows`, `listing_rows`).
`mind` is the one or the other size.
"""

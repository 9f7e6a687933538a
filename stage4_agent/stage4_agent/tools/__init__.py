"""The tools, one a file: `calculator`, `sql`, `web` and `fetch`, `orders`, `notes`.

`offered` makes the set that an agent gets.
"""

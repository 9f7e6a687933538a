"""The tools, one a file: `calculator`, `sql`, `web` with `fetch`, `orders`, `notes`; `offered` makes the set."""

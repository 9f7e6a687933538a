"""How a request is said on a wire, moved, retried and read back.

Read in this order: `wires` (what a wire format must offer), `anthropic_wire` and `chat_wire` (the
two formats, pure functions on JSON), `failures` (status and code to our errors), `engine_http` and
`engine_sdk` (two ways to move the bytes, each the other's oracle), `provider` (one retry layer, one
time budget), `opening` (from a model to a provider).
"""

"""How a request is said on a wire, moved, retried and read back.

Read in this order: `wires` (what a wire format must offer), `anthropic_wire` and `chat_wire` (the
two formats, pure functions on JSON), `failures` (status and code to our errors), `engine_http` and
`engine_sdk` (two ways to move the bytes, each the other's oracle), `transports` (the HTTP client
under the first, with `transport_httpx2` and `transport_aiohttp`), `call` (one time budget), `retry`
(when to try again), `provider` (all of it together), `opening` (from a model to one).
"""

"""The production rebuild: cache, router, failover, traces, load test. Not built yet: see the README beside this folder."""

"""A PostgreSQL server watched from outside: the CPU it spends, the disk its tables take."""

from __future__ import annotations

import psutil
import psycopg


class Server:
    def __init__(self, url: str) -> None:
        self._url = url
        with psycopg.connect(url) as connection:
            connection.execute("CREATE SCHEMA langchain")
            backend = psutil.Process(connection.info.backend_pid)
            self._postmaster = psutil.Process(backend.ppid())

    def cpu_s(self) -> float:
        """Of all its processes, those that have ended too."""
        spent = sum(self._postmaster.cpu_times()[:4])
        for child in self._postmaster.children():
            try:
                spent += sum(child.cpu_times()[:2])
            except psutil.NoSuchProcess:
                continue  # it is counted with those that ended, next time
        return spent

    def mb(self, schema: str) -> float:
        sql = (
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
            " WHERE relkind = 'r' AND relnamespace = to_regnamespace(%s)"
        )
        with psycopg.connect(self._url) as connection:
            row = connection.execute(sql, (schema,)).fetchone()
        return float(row[0]) / 1e6 if row else 0.0

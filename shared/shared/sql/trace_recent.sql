-- All spans of the :traces traces that were written to last, the newest trace first.
SELECT span.*
FROM span
JOIN (SELECT trace_id, max(id) AS last FROM span GROUP BY trace_id ORDER BY last DESC LIMIT :traces)
     AS recent USING (trace_id)
ORDER BY recent.last DESC, span.start_ns, span.id;

-- All spans of one trace in the order in which they began.
SELECT * FROM span WHERE trace_id = :trace_id ORDER BY start_ns, id;

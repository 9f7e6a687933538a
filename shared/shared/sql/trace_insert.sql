-- Keep one finished span.
INSERT INTO span (trace_id, span_id, parent_id, name, kind, service, start_ns, end_ns, status,
                  status_message, attributes, events)
VALUES (:trace_id, :span_id, :parent_id, :name, :kind, :service, :start_ns, :end_ns, :status,
        :status_message, :attributes, :events);

-- Purpose: log lines → fields, Common and Combined Log Format, in bulk.
-- Reads `landed`; one row means one line of a landing file.
-- Parameters: $pattern (the whole line), $request (the request line), $zone (of times without one).
-- `hit_at`, the instant that `field.time` says, is put in from `times.py`.
-- Most lines never come here: `regular.py` reads them. Those that do are odd in some way.
WITH found AS (
    SELECT file_no, line, raw, regexp_extract(text, $pattern,
        ['host', 'time', 'request', 'status', 'bytes', 'rest', 'referrer', 'agent']) AS field
    FROM landed
),
typed AS (
    SELECT file_no, line, raw, field, {hit_at} AS hit_at,
        regexp_extract(field.request, $request, ['method', 'target', 'protocol', 'bare']) AS request
    FROM found
)
SELECT
    file_no, line, raw,
    CASE WHEN coalesce(field.host, '') = '' THEN 'not_a_log_line' END AS reason,
    hit_at,
    field.host AS address,
    CAST(NULL AS VARCHAR) AS forwarded,
    upper(nullif(request.method, '')) AS method,
    CASE WHEN request.method <> '' THEN request.target || request.bare END AS target,
    field.status AS status,
    field.bytes AS sent,
    CASE WHEN field.rest <> '' THEN field.referrer END AS referrer,
    CASE WHEN field.rest <> '' THEN field.agent END AS agent,
    CAST(NULL AS VARCHAR) AS signals
FROM typed

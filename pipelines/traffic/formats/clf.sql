-- Purpose: log lines → fields, Common and Combined Log Format, in bulk.
-- Reads `landed`; one row means one line of a landing file.
-- Parameters: $pattern (the whole line), $request (the request line).
-- Most lines never come here: `regular.py` reads them. Those that do are odd in some way.
WITH found AS (
    SELECT file_no, line, raw, regexp_extract(text, $pattern,
        ['host', 'time', 'request', 'status', 'bytes', 'rest', 'referrer', 'agent']) AS field
    FROM landed
),
typed AS (
    SELECT file_no, line, raw, field,
        -- the second :60 is a leap second; 'infinity' and 'epoch' never reach strptime
        CASE WHEN regexp_full_match(field.time,
                '[0-3][0-9]/[A-Z][a-z][a-z]/[0-9]{4}:[0-2][0-9]:[0-5][0-9]:([0-5][0-9]|60) [+-](0[0-9]|1[0-4])[0-5][0-9]')
            THEN try_strptime(
                CASE WHEN field.time[18:20] = ':60' THEN field.time[:17] || ':59' || field.time[21:]
                    ELSE field.time END, '%d/%b/%Y:%H:%M:%S %z')
                + to_seconds(CASE WHEN field.time[18:20] = ':60' THEN 1 ELSE 0 END)
        END AS logged_at,
        regexp_extract(field.request, $request, ['method', 'target', 'protocol', 'bare']) AS request
    FROM found
)
SELECT
    file_no, line, raw,
    CASE WHEN coalesce(field.host, '') = '' THEN 'not_a_log_line' END AS reason,
    timezone('UTC', logged_at) AS hit_at,
    field.host AS address,
    CAST(NULL AS VARCHAR) AS forwarded,
    nullif(request.method, '') AS method,
    CASE WHEN request.method <> '' THEN request.target || request.bare END AS target,
    field.status AS status,
    field.bytes AS sent,
    CASE WHEN field.rest <> '' THEN field.referrer END AS referrer,
    CASE WHEN field.rest <> '' THEN field.agent END AS agent
FROM typed

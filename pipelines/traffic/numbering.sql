-- Purpose: hits with their texts → hits with the numbers of the texts that are known, and the texts that are not.
-- Reads {arriving} (one row a line), `callers`, `agents`, `paths`, `queries`, `referrers`. No parameters.
-- One row of `numbering` means one line; of each text, either its number is null or the text is.
CREATE OR REPLACE TEMP TABLE numbering AS
SELECT
    h.file_no, h.line, h.hit_on, h.hit_at, c.caller_no, a.agent_no, p.path_no, q.query_no, r.referrer_no,
    h.method, h.status, h.sent_bytes,
    CASE WHEN c.caller_no IS NULL THEN h.caller END AS caller,
    CASE WHEN a.agent_no IS NULL THEN h.agent END AS agent,
    CASE WHEN p.path_no IS NULL THEN h.raw_path END AS raw_path,
    -- of a query only campaigns are kept, of no referrer nothing
    CASE WHEN q.query_no IS NULL AND contains(h.query, 'utm_') THEN h.query END AS query,
    CASE WHEN r.referrer_no IS NULL AND h.referrer NOT IN ('', '-') THEN h.referrer END AS referrer
FROM {arriving} AS h
LEFT JOIN callers AS c ON c.caller = h.caller
LEFT JOIN agents AS a ON a.agent = h.agent
LEFT JOIN paths AS p ON p.raw_path = h.raw_path
LEFT JOIN queries AS q ON q.query = h.query
LEFT JOIN referrers AS r ON r.referrer = h.referrer

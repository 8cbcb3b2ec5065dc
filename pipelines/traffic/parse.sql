-- Purpose: log lines → fields, Common and Combined Log Format, in bulk.
-- Reads `landed` (file_no, line, raw, text); one row means one line of a landing file.
-- Parameters: $pattern (the whole line, for lines that fail the guard), $request (the request line),
--   $zone (IANA), $latest (last local day accepted), $oldest (earliest local day that is kept).
-- One row of `parsed` means one line: `reason` says why it is refused (null: it is not),
--   `is_expired` that its local day is past the retention period.
-- A line is cut at its quotes. Most lines then pass the guard: 3 or 7 pieces, 5 words before the request,
-- 2 after it, no backslash. Only the others meet the regular expression, which takes 2.1 times as long.
CREATE OR REPLACE TEMP TABLE parsed AS
WITH cut AS (
    SELECT file_no, line, raw, text, string_split(text, '"') AS piece
    FROM landed
),
guarded AS (
    SELECT *,
        string_split(piece[1], ' ') AS word,
        string_split(piece[3], ' ') AS result,
        CASE len(piece)
            WHEN 7 THEN len(result) = 4 AND result[4] = '' AND piece[5] = ' ' AND trim(piece[7], ' ') = ''
            WHEN 3 THEN len(result) = 3 OR (len(result) = 4 AND result[4] = '')
            ELSE false
        END
            AND len(word) = 6 AND word[1] <> '' AND word[2] <> '' AND word[3] <> '' AND word[6] = ''
            AND result[1] = '' AND result[2] <> '' AND result[3] <> ''
            AND starts_with(word[4], '[') AND ends_with(word[5], ']')
            AND NOT contains(text, '\') AS is_regular
    FROM cut
),
fields AS (
    SELECT file_no, line, raw, text,
        CASE WHEN is_regular THEN {
            'host': word[1], 'time': word[4][2:] || ' ' || word[5][:-2], 'request': piece[2],
            'status': result[2], 'bytes': result[3], 'rest': CASE WHEN len(piece) = 7 THEN '"' ELSE '' END,
            'referrer': coalesce(piece[4], ''), 'agent': coalesce(piece[6], '')}
        ELSE regexp_extract(text, $pattern,
            ['host', 'time', 'request', 'status', 'bytes', 'rest', 'referrer', 'agent'])
        END AS field
    FROM guarded
),
typed AS (
    SELECT file_no, line, raw, text, field,
        -- the second :60 is a leap second; 'infinity' and 'epoch' never reach strptime
        CASE WHEN regexp_full_match(field.time,
                '[0-3][0-9]/[A-Z][a-z][a-z]/[0-9]{4}:[0-2][0-9]:[0-5][0-9]:([0-5][0-9]|60) [+-](0[0-9]|1[0-4])[0-5][0-9]')
            THEN try_strptime(
                CASE WHEN field.time[18:20] = ':60' THEN field.time[:17] || ':59' || field.time[21:]
                    ELSE field.time END, '%d/%b/%Y:%H:%M:%S %z')
                + to_seconds(CASE WHEN field.time[18:20] = ':60' THEN 1 ELSE 0 END)
        END AS logged_at,
        regexp_extract(field.request, $request, ['method', 'target', 'protocol', 'bare']) AS request
    FROM fields
),
timed AS (
    SELECT *, timezone('UTC', logged_at) AS hit_at, CAST(timezone($zone, logged_at) AS DATE) AS hit_on
    FROM typed
),
judged AS (
    SELECT *,
        CASE
            WHEN text IS NULL THEN 'line_too_long'
            WHEN trim(text, ' ') = '' THEN 'empty_line'
            WHEN field.host = '' THEN 'not_a_log_line'
            WHEN hit_at IS NULL OR hit_at < TIMESTAMP '1990-01-01' THEN 'bad_time'
            WHEN hit_on > $latest THEN 'future'
            WHEN NOT regexp_full_match(field.status, '[1-5][0-9]{2}') THEN 'bad_status'
            WHEN NOT regexp_full_match(field.bytes, '-|[0-9]{1,15}') THEN 'bad_size'
            WHEN regexp_full_match(field.host, '[0-9.]+') AND NOT regexp_full_match(field.host,
                '((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])') THEN 'bad_address'
        END AS reason
    FROM timed
)
SELECT
    file_no, line, reason,
    CASE WHEN reason IS NOT NULL THEN raw END AS raw,
    reason IS NULL AND hit_on < $oldest AS is_expired,
    CASE WHEN reason IS NULL THEN hit_at END AS hit_at,
    CASE WHEN reason IS NULL THEN hit_on END AS hit_on,
    CASE WHEN reason IS NULL THEN strftime(hit_on, '%Y-%m') END AS month,
    field.host AS host,
    nullif(request.method, '') AS method,
    -- what was asked for, without the query; null where the request line is malformed
    CASE WHEN request.method <> '' THEN split_part(request.target || request.bare, '?', 1) END AS raw_path,
    CASE WHEN request.method <> '' AND contains(request.target || request.bare, '?')
        THEN substr(request.target || request.bare, strpos(request.target || request.bare, '?') + 1) END AS query,
    TRY_CAST(field.status AS SMALLINT) AS status,
    TRY_CAST(field.bytes AS BIGINT) AS sent_bytes,
    CASE WHEN field.rest <> '' AND field.referrer NOT IN ('', '-')
        -- no scheme and host: the unparsable '' becomes "(other)"
        THEN regexp_extract(field.referrer, '^[A-Za-z][A-Za-z0-9+.-]*://([^/?#\\]*)', 1)
            || CASE WHEN contains(field.referrer, '@') AND NOT contains(field.referrer, '://') THEN '@' ELSE '' END
        END AS authority,
    CASE WHEN field.rest <> '' THEN field.agent END AS agent
FROM judged

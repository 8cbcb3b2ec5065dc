-- Purpose: the fields of log lines → what may be staged, or the reason why a line is refused.
-- Reads `fields` (what `Format.fields_sql` selects, one row a line) and `landed` (its lines).
-- Parameters: $objections (what a browser says that is an objection to statistics, in small letters: "dnt: 1",
--   "statistics=no"), $zone (IANA), $latest (last local day accepted), $oldest (earliest local day that is kept), and
--   those of the format.
-- One row of `judged` means one line: `reason` says why it is refused (null: it is not),
--   `is_expired` that its local day is past the retention period.
CREATE OR REPLACE TEMP TABLE judged AS
WITH fields AS ({fields}),
dated AS (
    SELECT
        -- nothing, and what servers write where no answer was sent, are absent
        f.* REPLACE (CASE WHEN f.status NOT IN ('', '-', '0', '000') THEN f.status END AS status, nullif(f.sent, '') AS sent),
        l.text, CAST(timezone($zone, timezone('UTC', f.hit_at)) AS DATE) AS hit_on
    FROM fields AS f JOIN landed AS l ON l.file_no = f.file_no AND l.line = f.line
),
judged AS (
    SELECT *,
        CASE
            WHEN text IS NULL THEN 'line_too_long'
            WHEN trim(text, ' ') = '' THEN 'empty_line'
            WHEN reason IS NOT NULL THEN reason
            WHEN hit_at IS NULL OR hit_at < TIMESTAMP '1990-01-01' THEN 'bad_time'
            WHEN hit_on > $latest THEN 'future'
            WHEN NOT regexp_full_match(coalesce(status, '200'), '[1-5][0-9]{2}') THEN 'bad_status'
            WHEN NOT regexp_full_match(coalesce(sent, '-'), '-|[0-9]{1,15}') THEN 'bad_size'
        END AS why
    FROM dated
)
SELECT
    file_no, line, why AS reason, raw, text,
    why IS NULL AND hit_on < $oldest AS is_expired,
    hit_at, hit_on,
    -- address and what proxies said of it; split again where distinct ones are looked at
    coalesce(address, '') || CASE WHEN coalesce(forwarded, '-') IN ('', '-') THEN '' ELSE chr(10) || forwarded END AS caller,
    method,
    -- what was asked for, without the query; null where the request line is malformed
    split_part(target, '?', 1) AS raw_path,
    CASE WHEN contains(target, '?') THEN substr(target, strpos(target, '?') + 1) END AS query,
    TRY_CAST(status AS SMALLINT) AS status,
    TRY_CAST(sent AS BIGINT) AS sent_bytes,
    referrer, agent,
    signals IS NOT NULL AND list_has_any(
        list_transform(string_split(lower(signals), ';'), lambda said: trim(said, ' "')), $objections
    ) AS is_objecting
FROM judged

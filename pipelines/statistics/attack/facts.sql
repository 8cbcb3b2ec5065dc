-- Purpose: know who could be recognised by what, on one day: the facts that somebody may know of a visitor.
-- Reads: taken (the hits that may be counted). Parameters: $store (traffic/ and the day), $time_zone (IANA name).
-- One row means an address (or visitor, where no address is kept) and a fact about it: the kind of fact, and its value.
-- Written apart from the measures, by an attacker's lights: a page is what was fetched with success and is no file that
-- a page loads. Robots are left out. Local hours are looked up by quarters: time zones are slow.
WITH quarters AS (
    SELECT
        quarter,
        hour(timezone($time_zone, timezone('UTC', make_timestamp(quarter * 900_000_000)))) AS local_hour,
        lpad(local_hour::VARCHAR, 2, '0') AS hour
    FROM (SELECT DISTINCT epoch_us(hit_at) // 900_000_000 AS quarter FROM taken WHERE store = $store)
),
files AS (
    SELECT path, regexp_matches(path, '\.[A-Za-z0-9]{2,11}$') AS is_file
    FROM (SELECT DISTINCT path FROM taken WHERE store = $store)
),
seen AS MATERIALIZED (
    SELECT
        hash(coalesce(address, visitor)) AS person,
        path AS page,
        method = 'GET' AND (status BETWEEN 200 AND 205 OR status BETWEEN 207 AND 299 OR status = 304)
            AND NOT is_file AS is_page,
        hour,
        coalesce(status::VARCHAR, '(unknown)') AS status,
        browser,
        system,
        device,
        coalesce(country, '(unknown)') AS country,
        coalesce(referrer_domain, '(none)') AS origin
    FROM taken
    JOIN quarters ON quarter = epoch_us(hit_at) // 900_000_000
    JOIN files USING (path)
    WHERE store = $store AND NOT is_bot AND coalesce(address, visitor) IS NOT NULL
)
SELECT 'page' AS kind, page AS value, list(person) AS people FROM seen WHERE is_page GROUP BY value
UNION ALL SELECT 'hour', hour, list(person) FROM seen GROUP BY hour
UNION ALL SELECT 'status', status, list(person) FROM seen GROUP BY status
UNION ALL SELECT 'agent', concat_ws(' / ', browser, system, device) AS agent, list(person) FROM seen GROUP BY agent
UNION ALL SELECT 'country', country, list(person) FROM seen GROUP BY country
UNION ALL SELECT 'origin', origin, list(person) FROM seen GROUP BY origin
ORDER BY kind, value

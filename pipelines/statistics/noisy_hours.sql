-- Purpose: when the site is read, with a bound on what one person adds: before noise is drawn, never published.
-- Reads: taken. Parameters: $store (traffic/ and the day), $time_zone (IANA name), $most_rows (hours in which a person
--   counts), $most_hits (requests of a person that count in an hour).
-- One row means a local hour of the day. A person is an address; which of its hours count depends on itself alone.
WITH quarters AS (
    SELECT
        quarter,
        hour(timezone($time_zone, timezone('UTC', make_timestamp(quarter * 900_000_000)))) AS local_hour,
        lpad(local_hour::VARCHAR, 2, '0') AS hour
    FROM (SELECT DISTINCT epoch_us(hit_at) // 900_000_000 AS quarter FROM taken WHERE store = $store)
),
each AS (
    SELECT hash(coalesce(address, visitor)) AS person, hour, least(count(*), $most_hits) AS hits
    FROM taken
    JOIN quarters ON quarter = epoch_us(hit_at) // 900_000_000
    WHERE store = $store AND NOT is_bot AND coalesce(address, visitor) IS NOT NULL
    GROUP BY person, hour
)
SELECT hour, sum(hits)::BIGINT AS hits, count(*) AS people
FROM (FROM each QUALIFY row_number() OVER (PARTITION BY person ORDER BY hash(person, hour)) <= $most_rows)
GROUP BY hour
ORDER BY hour

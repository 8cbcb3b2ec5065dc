-- Purpose: know the local hour of each minute: time zones are slow, and a day has few minutes.
-- Reads: taken. Parameters: $time_zone (IANA name).
-- One row means a minute (since 1970, UTC) with requests, and the hour that it is in locally.
SELECT minute, hour(timezone($time_zone, timezone('UTC', make_timestamp(minute * 60_000_000))))::UTINYINT AS hour
FROM (SELECT DISTINCT epoch_us(hit_at) // 60_000_000 AS minute FROM taken)

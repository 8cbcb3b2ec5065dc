-- Purpose: know whether a day is mostly one address, before anything of it is counted.
-- Reads: taken. Parameters: $most_hits (of one visitor that count).
-- One row means a contributor (the address behind requests) on a day: how many of its requests count. Senders that
-- nobody knows are in no row.
SELECT replace(store, 'traffic/', '')::DATE AS day, contributor, sum(least(hits, $most_hits))::BIGINT AS hits
FROM (
    SELECT store, (hash(coalesce(address, visitor)) >> 1)::BIGINT AS contributor, visitor, count(*) AS hits
    FROM taken
    WHERE visitor IS NOT NULL AND NOT is_bot
    GROUP BY ALL
)
GROUP BY ALL

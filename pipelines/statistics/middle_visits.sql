-- Purpose: say how long a visit lasts without saying how long any one did.
-- Reads: durations (day, contributor, seconds: visits of two requests or more). Parameters: $threshold (people).
-- One row means a day on which twice the threshold of people made such visits: the mean of the `$threshold` people in
-- the middle, each with their own middle visit, to the nearest 5 seconds. An exact median would be somebody's visit.
WITH own AS (
    SELECT day, contributor, median(seconds) AS seconds
    FROM durations
    GROUP BY ALL
),
placed AS (
    SELECT
        day,
        seconds,
        row_number() OVER (PARTITION BY day ORDER BY seconds, contributor) AS place,
        count(*) OVER (PARTITION BY day) AS people
    FROM own
)
SELECT day, (round(avg(seconds) / 5) * 5)::BIGINT AS median_seconds
FROM placed
WHERE people >= 2 * $threshold
    AND place > (people - $threshold) // 2
    AND place <= (people - $threshold) // 2 + $threshold
GROUP BY day

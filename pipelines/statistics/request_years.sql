-- Purpose: find the years whose requests may be measured: all are due to be answered, none is due to be destroyed.
-- Reads: requests (the view of the opened rights store). Parameters: $until (last complete day), $kept_since (first day
--   of which everything is still kept), $answer_days (the longest time to answer).
-- One row means the first day of a local year that has requests.
SELECT DISTINCT date_trunc('year', received_on)::DATE AS year
FROM requests
WHERE date_trunc('year', received_on)::DATE >= $kept_since
    AND last_day(date_trunc('year', received_on)::DATE + INTERVAL 11 MONTH) + $answer_days::INTEGER <= $until
ORDER BY year

-- Purpose: know who came on which days of a week or month.
-- Reads: taken, loads, measured (day, measured_on: the night on which it was). Parameters: $start (first day).
-- One row means a visitor (address and browser) and the days of hits that are not a robot's: bit 0 is the first day.
-- Lines that came after a day was measured are not counted: the difference from the numbers of that day would be them.
WITH late AS (
    SELECT loads.store, loads.load_id
    FROM loads
    JOIN measured ON loads.store = 'traffic/' || measured.day
    WHERE loads.received_on > measured.measured_on
)
SELECT
    (hash(visitor) >> 1)::BIGINT AS person,
    (hash(coalesce(address, visitor)) >> 1)::BIGINT AS contributor,
    bit_or(1::BIGINT << (replace(store, 'traffic/', '')::DATE - $start::DATE)) AS days
FROM taken
ANTI JOIN late USING (store, load_id)
WHERE visitor IS NOT NULL AND NOT is_bot
GROUP BY person, contributor

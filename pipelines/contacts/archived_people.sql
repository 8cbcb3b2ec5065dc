-- archived_people: who belongs into the archive on a day.
-- Parameters: day, time_zone.
-- Reads people and contracts ({prefix} is empty or "new_") and periods.
-- One row means one customer whose last contract is over, and who has not written since, or longer ago than a
-- prospect is kept.
CREATE OR REPLACE TEMP TABLE archived_people AS
WITH ends AS (
    SELECT person_id, max(ended_on) AS last_on
    FROM {prefix}contracts
    GROUP BY person_id
    HAVING count(*) = count(ended_on) AND max(ended_on) < $day
), written AS (
    SELECT person_id, timezone($time_zone, timezone('UTC', last_written_at))::DATE AS last_on FROM {prefix}people
), prospects AS (
    SELECT months, days FROM periods WHERE category = 'prospects'
)
SELECT ends.person_id
FROM ends
JOIN written USING (person_id)
CROSS JOIN prospects
WHERE
    written.last_on IS NULL OR written.last_on <= ends.last_on
    OR CAST(written.last_on + to_months(prospects.months) + to_days(prospects.days) AS DATE) < $day

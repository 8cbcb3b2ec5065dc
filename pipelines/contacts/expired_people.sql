-- expired_people: whose data must be gone on a day.
-- Parameters: day, time_zone; customer_months, customer_days, prospect_months, prospect_days (periods).
-- Reads people, contracts, messages, consents ({prefix} is empty or "new_").
-- One row means one person of whom nothing may be kept: a customer whose last contract ended longer ago
-- than the customers' period and who has not written since, or somebody who never had a contract and
-- whose last contact is longer ago than the prospects' period. An interval in months ends on the last
-- day of a month that lacks the date, like Period.after.
CREATE OR REPLACE TEMP TABLE expired_people AS
WITH ends AS (
    -- one row: one customer; last_on is null while any contract runs
    SELECT person_id, CASE WHEN count(*) = count(ended_on) THEN max(ended_on) END AS last_on
    FROM {prefix}contracts
    GROUP BY person_id
), written AS (
    -- one row: one person who wrote or consented; being opened, or withdrawing, is no contact
    SELECT person_id, max(timezone($time_zone, timezone('UTC', recorded_at))::DATE) AS last_on
    FROM (
        SELECT person_id, recorded_at FROM {prefix}messages
        UNION ALL
        SELECT person_id, recorded_at FROM {prefix}consents WHERE action = 'given'
    )
    GROUP BY person_id
), clocks AS (
    -- one row: one person, with the ends of both their clocks (null: it does not run for them)
    SELECT
        people.person_id,
        ends.person_id IS NOT NULL AS is_customer,
        ends.last_on AS ended_on,
        CASE
            WHEN ends.person_id IS NULL
                THEN timezone($time_zone, timezone('UTC', people.last_contact_at))::DATE
            WHEN written.last_on > ends.last_on THEN written.last_on
        END AS contact_on
    FROM {prefix}people AS people
    LEFT JOIN ends USING (person_id)
    LEFT JOIN written USING (person_id)
)
SELECT
    person_id,
    CASE WHEN is_customer THEN 'customers' ELSE 'prospects' END AS ground,
    CASE WHEN is_customer THEN ended_on ELSE contact_on END AS started_on
FROM clocks
WHERE
    (NOT is_customer OR CAST(ended_on + to_months($customer_months) + to_days($customer_days) AS DATE) < $day)
    AND (
        contact_on IS NULL
        OR CAST(contact_on + to_months($prospect_months) + to_days($prospect_days) AS DATE) < $day
    )

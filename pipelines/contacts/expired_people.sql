-- expired_people: whose data must be gone on a day.
-- Parameters: day, time_zone.
-- Reads people, contracts, consents ({prefix} is empty or "new_") and periods.
-- One row means one person of whom nothing may be kept: a customer whose last contract ended longer ago
-- than the customers' period and who has not written since, or somebody who never had a contract and
-- whose last contact is longer ago than the prospects' period. Of one who is_remembered, a withdrawal or an
-- objection is younger than its own period, and stays. An interval in months ends on the last
-- day of a month that lacks the date, like Period.after.
CREATE OR REPLACE TEMP TABLE expired_people AS
WITH ends AS (
    -- one row: one customer; last_on is null while any contract runs
    SELECT person_id, CASE WHEN count(*) = count(ended_on) THEN max(ended_on) END AS last_on
    FROM {prefix}contracts
    GROUP BY person_id
), refusals AS (
    -- one row: one person who withdrew or objected
    SELECT person_id, max(timezone($time_zone, timezone('UTC', recorded_at))::DATE) AS refused_on
    FROM {prefix}consents
    WHERE action <> 'given'
    GROUP BY person_id
), written AS (
    -- one row: one person; being opened, or withdrawing, is no contact
    SELECT person_id, timezone($time_zone, timezone('UTC', last_written_at))::DATE AS last_on FROM {prefix}people
), clocks AS (
    -- one row: one person, with the ends of their clocks (null: it does not run for them)
    SELECT
        people.person_id,
        ends.person_id IS NOT NULL AS is_customer,
        ends.last_on AS ended_on,
        CASE
            WHEN ends.person_id IS NULL
                THEN timezone($time_zone, timezone('UTC', people.last_contact_at))::DATE
            WHEN written.last_on > ends.last_on THEN written.last_on
        END AS contact_on,
        refusals.refused_on
    FROM {prefix}people AS people
    LEFT JOIN ends USING (person_id)
    LEFT JOIN written USING (person_id)
    LEFT JOIN refusals USING (person_id)
), customers AS (
    SELECT months, days FROM periods WHERE category = 'customers'
), prospects AS (
    SELECT months, days FROM periods WHERE category = 'prospects'
), newsletter AS (
    SELECT months, days FROM periods WHERE category = 'newsletter'
)
SELECT
    person_id,
    CASE WHEN is_customer THEN 'customers' ELSE 'prospects' END AS ground,
    CASE WHEN is_customer THEN ended_on ELSE contact_on END AS started_on,
    ifnull(
        CAST(refused_on + to_months(newsletter.months) + to_days(newsletter.days) AS DATE) >= $day, false
    ) AS is_remembered
FROM clocks, customers, prospects, newsletter
WHERE
    (NOT is_customer OR CAST(ended_on + to_months(customers.months) + to_days(customers.days) AS DATE) < $day)
    AND (
        contact_on IS NULL
        OR CAST(contact_on + to_months(prospects.months) + to_days(prospects.days) AS DATE) < $day
    )

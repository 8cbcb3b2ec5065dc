-- Contracts whose dates cannot be right, or are not known to be any longer.
-- Parameters: $day. Reads contracts, periods (of contacts/clocks.py).
-- One row means: one kind of doubt, and how many contracts there are of it. Nothing of them is destroyed; who
-- reads the plan corrects them at their source.
WITH judged AS (
    SELECT
        CASE
            WHEN ended_on > $day + INTERVAL 50 YEAR THEN 'contracts end more than 50 years from now'
            WHEN started_on > $day + INTERVAL 5 YEAR THEN 'contracts begin more than 5 years from now'
            WHEN ended_on IS NULL AND started_on < $day - INTERVAL 50 YEAR
                THEN 'contracts are said to run since more than 50 years'
            WHEN ended_on IS NULL AND CAST(recorded_at + to_months(months) + to_days(days) AS DATE) < $day
                THEN 'contracts are said to run, and their source has not written them for longer than a customer is kept'
        END AS what
    FROM contracts
    CROSS JOIN (SELECT months, days FROM periods WHERE category = 'customers')
)
SELECT what || ': correct the end at the source', count(*) FROM judged WHERE what IS NOT NULL GROUP BY what ORDER BY what

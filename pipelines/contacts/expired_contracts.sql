-- expired_contracts: which contracts must be gone on a day.
-- Parameters: day.
-- Reads contracts ({prefix} is empty or "new_") and periods.
-- One row means one contract of somebody whose last contract ended longer ago than the customers' period;
-- as long as one of them runs, or ended later, all of them stay.
CREATE OR REPLACE TEMP TABLE expired_contracts AS
SELECT source, contract_ref, person_id
FROM {prefix}contracts
CROSS JOIN (SELECT months, days FROM periods WHERE category = 'customers')
QUALIFY
    count(*) OVER (PARTITION BY person_id) = count(ended_on) OVER (PARTITION BY person_id)
    AND CAST(max(ended_on) OVER (PARTITION BY person_id) + to_months(months) + to_days(days) AS DATE) < $day

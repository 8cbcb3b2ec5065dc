-- Purpose: which rights people exercise, and how soon they are answered, by complete local year.
-- Reads: requests (the view of the opened rights store), privacy_requests_labels. Parameters: $year (its first day),
--   $most_requests (of one person in the year; those after it are left out).
-- One row means a person who exercised a right in the year and was answered within a time. A person is who gave the same
-- e-mail address, else phone number, else name.
WITH asked AS (
    SELECT
        *,
        dense_rank() OVER (ORDER BY coalesce(email, phone, lower(name), request_id)) AS person
    FROM requests
    WHERE date_trunc('year', received_on) = $year
),
bounded AS (
    SELECT * FROM asked
    QUALIFY row_number() OVER (PARTITION BY person ORDER BY received_on, request_id) <= $most_requests
)
SELECT
    $year::DATE AS year,
    cell,
    person,
    person AS contributor,
    count(*)::USMALLINT AS requests,
    requests AS contributors
FROM bounded
JOIN privacy_requests_labels AS labels
    ON labels.requested_right = bounded.requested_right
    AND coalesce(bounded.answered_on - bounded.received_on, -1) BETWEEN labels.least AND labels.most
GROUP BY cell, person

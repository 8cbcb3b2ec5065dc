-- The register with one request changed.
-- Parameters: none; `changed` is staged (request_id, status, identity_checked_on, answered_on).
-- One row means: one request.
SELECT requests.* REPLACE (
    coalesce(changed.status, requests.status) AS status,
    coalesce(requests.identity_checked_on, changed.identity_checked_on) AS identity_checked_on,
    coalesce(requests.answered_on, changed.answered_on) AS answered_on
)
FROM requests LEFT JOIN changed USING (request_id)

-- Who holds, in the store, a verified identifier of tonight's people.
-- Parameters: none. Reads accepted, kept_identifiers.
-- One row means one person of the store to be joined with a record of tonight.
WITH claims AS (
    SELECT 'email' AS kind, email AS value FROM accepted WHERE kind = 'people' AND is_email_verified
    UNION
    SELECT 'phone', phone FROM accepted WHERE kind = 'people' AND is_phone_verified
)
SELECT DISTINCT kind, value, held.person_id
FROM kept_identifiers AS held
JOIN claims USING (kind, value)
WHERE held.is_verified

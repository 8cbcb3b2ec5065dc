-- The verified identifiers of tonight's people.
-- Parameters: none. Reads accepted.
-- One row means one e-mail or phone that a source has proof of.
SELECT source, ref, 'email' AS kind, email AS value
FROM accepted WHERE kind = 'people' AND is_email_verified
UNION ALL
SELECT source, ref, 'phone', phone
FROM accepted WHERE kind = 'people' AND is_phone_verified

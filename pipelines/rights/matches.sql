-- The people that the identifiers of a request lead to.
-- Parameters: $email, $phone (normalised, or null), $name (as given, or null).
-- Reads people and identifiers of the contacts store.
-- One row means: one person; whether a verified identifier matches, and whether the name agrees.
SELECT
    people.person_id,
    bool_or(identifiers.is_verified AND matches.value IS NOT NULL) AS is_verified,
    bool_or(matches.value IS NOT NULL) AS is_identified,
    coalesce(bool_or(lower(nfc_normalize(people.name)) = lower(nfc_normalize($name))), false) AS has_name
FROM people
LEFT JOIN identifiers USING (person_id)
LEFT JOIN (VALUES ('email', $email), ('phone', $phone)) AS matches(kind, value)
    ON identifiers.kind = matches.kind AND identifiers.value = matches.value
GROUP BY people.person_id
HAVING is_identified OR has_name
ORDER BY people.person_id

-- Purpose: find the published texts that tell of somebody in the contacts or the register of requests.
-- Reads: published (nr, text; decoded), people, identifiers, contracts, requests (views of the opened stores).
-- Parameters: $roles, names of mailboxes that are nobody's own (RFC 2142, and their French sisters).
-- One row means a kind of match, and the number of a text that matches. Nothing of a person leaves this query.
-- Words are compared in lower case without accents. A name is its first and last word, in any order and at most two
-- words apart, or written as one word; or its initial and last word. One word alone is nobody: "rose" is a flower.
WITH texts AS (
    SELECT nr, list_filter(
        regexp_split_to_array(lower(strip_accents(text)), '[^\p{L}\p{N}]+'), lambda word: word <> ''
    ) AS words
    FROM published
),
pairs AS (
    SELECT DISTINCT nr, array_to_string(list_sort([words[place], words[place + step]]), ' ') AS word
    FROM texts, range(1, 4) AS steps(step), unnest(range(1, len(words) + 1)) AS places(place)
    WHERE place + step <= len(words)
),
segments AS (
    SELECT nr, regexp_replace(unnest(regexp_split_to_array(lower(strip_accents(text)), '[/?&=\s]+')), '[^\p{L}\p{N}]+', '', 'g') AS word
    FROM published
),
singles AS (
    SELECT nr, unnest(words) AS word FROM texts
    UNION
    FROM segments
),
named AS (
    SELECT regexp_split_to_array(trim(lower(strip_accents(name)), ' .,;'), '[^\p{L}\p{N}]+') AS words
    FROM (SELECT name FROM people UNION SELECT name FROM requests)
    WHERE name IS NOT NULL
),
ends AS (
    SELECT DISTINCT words[1] AS first, words[-1] AS last
    FROM named
    WHERE len(words) > 1 AND len(words[1]) > 0 AND len(words[-1]) > 1
),
mailboxes AS (
    SELECT DISTINCT lower(strip_accents(split_part(value, '@', 1))) AS mailbox
    FROM (
        SELECT value FROM identifiers WHERE kind = 'email'
        UNION SELECT email FROM requests WHERE email IS NOT NULL
    )
),
figures AS (
    SELECT nr, regexp_replace(text, '\D', '', 'g') AS digits
    FROM published
),
runs AS (
    SELECT DISTINCT nr, digits[place:place + 7] AS digits
    FROM figures, unnest(range(1, len(digits) - 6)) AS places(place)
),
numbers AS (
    SELECT DISTINCT right(regexp_replace(value, '\D', '', 'g'), 8) AS digits
    FROM (
        SELECT value FROM identifiers WHERE kind = 'phone'
        UNION SELECT phone FROM requests WHERE phone IS NOT NULL
    )
),
wanted AS (
    SELECT 'the name of a person' AS kind, array_to_string(list_sort([first, last]), ' ') AS word FROM ends WHERE len(first) > 1
    UNION SELECT 'the name of a person', array_to_string(list_sort([first[1], last]), ' ') FROM ends WHERE len(last) > 3
    UNION SELECT 'the name of a person', first || last FROM ends WHERE len(first || last) > 7
    UNION SELECT 'the name of a person', last || first FROM ends WHERE len(first || last) > 7
    UNION SELECT 'the mailbox of a person', regexp_replace(mailbox, '[^\p{L}\p{N}]+', '', 'g') FROM mailboxes
        WHERE len(mailbox) > 5 AND NOT list_contains($roles, mailbox)
    UNION SELECT 'the mailbox of a person', array_to_string(list_sort(regexp_split_to_array(mailbox, '[^\p{L}\p{N}]+')), ' ')
        FROM mailboxes WHERE regexp_matches(mailbox, '^[\p{L}\p{N}]{2,}[^\p{L}\p{N}]+[\p{L}\p{N}]{2,}$')
    UNION SELECT 'the reference of a person', regexp_replace(lower(reference), '[^\p{L}\p{N}]+', '', 'g')
        FROM (SELECT contract_ref AS reference FROM contracts UNION SELECT value FROM identifiers WHERE kind = 'record')
        WHERE len(reference) > 5 AND regexp_matches(reference, '\d')
)
SELECT kind, nr
FROM (
    SELECT kind, nr FROM wanted JOIN pairs USING (word)
    UNION SELECT kind, nr FROM wanted JOIN singles USING (word)
    UNION SELECT 'the phone number of a person', nr FROM numbers JOIN runs USING (digits)
)
ORDER BY kind, nr

-- Purpose: read a part of the opened days' requests for all measures: tell pages from files, replace text by the
--   numbers of labels/.
-- Reads: taken (the hits), minutes, and the labels of pages, sources, technology, countries and statuses.
-- Parameters: $first and $last, the addresses that the part lies between; $part of $parts, for requests without one.
--   A visitor is address and browser together: all requests of one are in one part.
-- One row means one request, by day, person and time, with:
--   day          the local day of its store; no visitor is followed from one day to the next
--   contributor  the address behind it (one household, however many devices and browsers), as a number;
--                below zero, another for each request, where no address is kept ("strip")
--   person       the visitor, address and browser together, as a number; the contributor where none is kept
--   page, source, technology, country  the request's cell of these measures
--   kind         of its status: error, one that a page view may have (viewable), or another
--   goals        bits of the charter's goals that it reaches
-- A request whose outcome the log does not tell (no status) is neither page view nor error.
-- A number is 63 bits of a hash of the pseudonym: two addresses that share one (of a million on a day, once in ten
-- million days) count as one person, which hides more and never less.
WITH part AS (
    SELECT * FROM taken WHERE address BETWEEN $first::UUID AND $last::UUID
    UNION ALL
    SELECT * FROM taken
    WHERE address IS NULL
        AND (CASE WHEN visitor IS NULL THEN hash(load_id, line) ELSE hash(visitor) END % $parts::UBIGINT) = $part
),
counted AS (
    SELECT
        *,
        CASE
            WHEN visitor IS NULL THEN -1 - (hash(load_id, line) >> 1)::BIGINT
            ELSE (hash(coalesce(address, visitor)) >> 1)::BIGINT
        END AS contributor
    FROM part
)
SELECT
    replace(store, 'traffic/', '')::DATE AS day,
    contributor,
    CASE WHEN visitor IS NULL THEN contributor ELSE (hash(visitor) >> 1)::BIGINT END AS person,
    hit_at,
    minutes.hour,
    statuses_labels.cell::SMALLINT AS status,
    statuses_labels.kind,
    coalesce(sent_bytes, 0) AS sent_bytes,
    pages_labels.cell AS page,
    sources_labels.cell AS source,
    sources_labels.origin,
    technology_labels.cell AS technology,
    countries_labels.cell AS country,
    is_bot,
    coalesce(method = 'GET' AND statuses_labels.kind = 'viewable' AND NOT is_asset, false) AS is_page_view,
    CASE
        WHEN is_page_view THEN get_goals
        WHEN method = 'POST' AND counted.status BETWEEN 1 AND 399 THEN post_goals
        ELSE 0
    END AS goals
-- Each finds one row; a left join keeps the few labels on the side that is hashed, whatever DuckDB guesses.
FROM counted
LEFT JOIN minutes ON minutes.minute = epoch_us(counted.hit_at) // 60_000_000
LEFT JOIN statuses_labels ON statuses_labels.cell = coalesce(counted.status, 0)
LEFT JOIN pages_labels USING (path)
LEFT JOIN countries_labels ON countries_labels.looked_up IS NOT DISTINCT FROM counted.country
LEFT JOIN technology_labels
    ON technology_labels.browser = counted.browser
    AND technology_labels.logged_version IS NOT DISTINCT FROM counted.browser_version
    AND technology_labels.system = counted.system
    AND technology_labels.device = counted.device
LEFT JOIN sources_labels
    ON sources_labels.logged_domain IS NOT DISTINCT FROM counted.referrer_domain
    AND sources_labels.campaign_source IS NOT DISTINCT FROM counted.campaign_source
    AND sources_labels.campaign_medium IS NOT DISTINCT FROM counted.campaign_medium
    AND sources_labels.campaign_name IS NOT DISTINCT FROM counted.campaign_name
ORDER BY day, person, hit_at, load_id, line

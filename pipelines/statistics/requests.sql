-- Purpose: prepare the requests of the opened days for all measures: tell pages from files, join requests to
--   visits. Bounds what one person can move: requests after a visitor's `$most_hits` of a day are left out.
-- Reads: hits (the view of the opened days). Writes: the temporary table requests.
-- Parameters: $time_zone (IANA name), $asset_extensions (list of lower-case extensions), $most_hits (per visitor).
-- One row means one request, with:
--   day          the local day of its store; no visitor is followed from one day to the next
--   contributor  the address behind it (one household, however many devices and browsers), as a number;
--                minus the number of the request in its day where no address is kept ("strip")
--   visitor      address and browser together, as a number; null where no address is kept
--   starts_visit first request of a visit: the visitor's request before it, if any, is 30 minutes or more away;
--                a visit over local midnight is one visit on each day
--   is_bounce    on that first request: the visit has exactly one page view
-- A number is 63 bits of the pseudonym's hash: two addresses that share one (of a million on a day, once in ten
-- million days) count as one person, which hides more and never less.
CREATE OR REPLACE TEMP TABLE requests AS
WITH bounded AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY store, visitor ORDER BY hit_at, load_id, line) AS nth,
        hit_at - lag(hit_at) OVER (PARTITION BY store, visitor ORDER BY hit_at, load_id, line) AS pause
    FROM hits
    QUALIFY visitor IS NULL OR nth <= $most_hits
),
marked AS (
    SELECT
        *,
        -- A reader whose browser shows its own copy (304) has seen the page; one piece of a file (206) is no page.
        coalesce(method = 'GET', false)
            AND (status BETWEEN 200 AND 205 OR status BETWEEN 207 AND 299 OR status = 304)
            AND NOT list_contains($asset_extensions, lower(regexp_extract(path, '\.([A-Za-z0-9]+)$', 1))) AS is_page_view,
        visitor IS NOT NULL AND coalesce(pause >= INTERVAL 30 MINUTE, true) AS starts_visit
    FROM bounded
),
visits AS (
    SELECT
        *,
        count(*) FILTER (starts_visit) OVER (PARTITION BY store, visitor ORDER BY nth ROWS UNBOUNDED PRECEDING) AS visit
    FROM marked
),
pages AS (
    SELECT
        *,
        count(*) FILTER (is_page_view) OVER (
            PARTITION BY store, visitor, visit ORDER BY nth ROWS UNBOUNDED PRECEDING
        ) AS page,
        count(*) FILTER (is_page_view) OVER (PARTITION BY store, visitor, visit) AS pages_in_visit
    FROM visits
)
SELECT
    replace(store, 'traffic/', '')::DATE AS day,
    CASE WHEN visitor IS NULL THEN -nth ELSE (hash(coalesce(address, visitor)) >> 1)::BIGINT END AS contributor,
    CASE WHEN visitor IS NOT NULL THEN (hash(visitor) >> 1)::BIGINT END AS visitor,
    strftime(timezone($time_zone, timezone('UTC', hit_at)), '%H') AS hour,
    path,
    status,
    status >= 400 AS is_error,
    coalesce(sent_bytes, 0) AS sent_bytes,
    referrer_domain,
    campaign_source,
    campaign_medium,
    campaign_name,
    browser,
    system,
    device,
    is_bot,
    is_page_view,
    starts_visit,
    starts_visit AND pages_in_visit = 1 AS is_bounce,
    starts_visit AND pages_in_visit = 0 AS is_visit_without_page,
    is_page_view AND pages.visitor IS NOT NULL AND page = 1 AS is_entry,
    is_page_view AND pages.visitor IS NOT NULL AND page = pages_in_visit AS is_exit
FROM pages

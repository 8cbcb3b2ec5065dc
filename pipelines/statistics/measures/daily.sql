-- Purpose: the headline figures of each day; robots apart.
-- Reads: requests. Parameters: none.
-- One row means a person on a day. The groups after the sums say what each adds to a block that a reader could work
-- out: `with_x` to x; `of_…` to the kinds that all hits (page views, files, others, errors) and all visits (of no
-- page, one page, more pages) are divided into. Further views are those after the first of a visit.
SELECT
    day,
    0 AS cell,
    person,
    contributor,
    count(*) FILTER (NOT is_bot)::USMALLINT AS hits,
    count(*) FILTER (NOT is_bot AND is_page_view)::USMALLINT AS page_views,
    count(*) FILTER (NOT is_bot AND starts_visit)::USMALLINT AS visits,
    count(*) FILTER (NOT is_bot AND is_bounce)::USMALLINT AS bounces,
    count(*) FILTER (NOT is_bot AND kind = 'error')::USMALLINT AS errors,
    count(*) FILTER (is_bot)::USMALLINT AS bot_hits,
    coalesce(sum(sent_bytes) FILTER (NOT is_bot), 0)::BIGINT AS sent_bytes,
    hits AS contributors,
    visits AS with_visits,
    bot_hits AS with_bot_hits,
    page_views AS of_page_views,
    count(*) FILTER (NOT is_bot AND kind = 'viewable' AND NOT is_page_view)::USMALLINT AS of_files,
    count(*) FILTER (NOT is_bot AND kind = 'other')::USMALLINT AS of_others,
    errors AS of_errors,
    count(*) FILTER (NOT is_bot AND is_visit_without_page)::USMALLINT AS of_no_page,
    bounces AS of_one_page,
    visits - of_no_page - bounces AS of_more_pages,
    CASE WHEN person > 0 THEN page_views - (visits - of_no_page) ELSE 0 END AS of_further_views
FROM requests
GROUP BY day, person, contributor

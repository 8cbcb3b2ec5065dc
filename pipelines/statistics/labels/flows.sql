-- Purpose: know of each page and section how many people viewed it, and how often they went on from it or came to it.
-- Reads: pages_people, pages_labels. Parameters: none.
-- One row means a page (level 0) or a section (level 1) on a day: its contributors, the page views after which another
-- one followed (went_on), and those that followed another one (came_to).
WITH named AS (
    SELECT day, unnest([path, section]) AS name, unnest([0, 1]) AS level, contributor, views, entries, exits
    FROM pages_people
    JOIN pages_labels USING (cell)
)
SELECT
    day,
    level,
    name,
    count(DISTINCT contributor) AS contributors,
    sum(views - exits)::BIGINT AS went_on,
    sum(views - entries)::BIGINT AS came_to
FROM named
GROUP BY ALL

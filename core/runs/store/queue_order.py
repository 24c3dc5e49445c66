"""The order of the queue and how long it takes, in SQL. Torch-free."""

from core.runs.store.states import IN_WORK, sql

# The queue of every lane in its order. Within one priority: what lost its worker (place 0), then the first waiting
# run of every visitor, then everybody's second, and so on; in a round, whoever was served longest ago comes first.
QUEUE = """
    SELECT id, kind, lane, row_number() OVER (
        PARTITION BY lane ORDER BY priority, place > 0, turn, served, place, created
    ) AS position
    FROM (
        SELECT id, kind, lane, priority, place, created,
            row_number() OVER (PARTITION BY lane, priority, visitor ORDER BY place, created) AS turn,
            (SELECT coalesce(max(started), 0) FROM runs AS other
                WHERE other.visitor = runs.visitor AND other.lane = runs.lane AND other.priority = runs.priority
            ) AS served
        FROM runs WHERE state = 'queued'
    )
"""
# The queue is put in order only where a run waits in it: pages ask for runs that do not far more often.
RUNS = f"""
    SELECT runs.*, CASE state WHEN 'queued' THEN
        (SELECT position FROM ({QUEUE}) AS queue WHERE queue.id = runs.id)
    END AS position FROM runs
"""
_LAST = """
    SELECT kind, avg(seconds) AS seconds FROM (
        SELECT kind, seconds, row_number() OVER (PARTITION BY kind ORDER BY finished DESC) AS age FROM (
            SELECT kind, finished, finished - started AS seconds
            FROM runs WHERE state = 'finished' AND lane = (SELECT lane FROM runs WHERE id = ?1)
            ORDER BY finished DESC LIMIT 100
        )
    ) WHERE age <= 20 GROUP BY kind
"""
WAIT = f"""
    WITH last AS ({_LAST}), queue AS ({QUEUE})
    SELECT total(max(0, last.seconds - worked)) AS seconds, total(last.seconds IS NULL) AS unknown FROM (
        SELECT kind, 0 AS worked FROM queue
        WHERE lane = (SELECT lane FROM runs WHERE id = ?1) AND position < (SELECT position FROM queue WHERE id = ?1)
        UNION ALL
        SELECT kind, ?2 - started FROM runs
        WHERE state IN {sql(IN_WORK)} AND lane = (SELECT lane FROM runs WHERE id = ?1)
    ) AS ahead LEFT JOIN last USING (kind)
"""

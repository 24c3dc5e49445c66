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
# How long a run is expected to take, for those whose pictures nobody has counted: a sweep is long.
EXPECTED = "coalesce({0}.expected, CASE {0}.kind WHEN 'sweep' THEN 600.0 ELSE 30.0 END)"
# A lane's runs, those in work first, then in the order of the queue, with what they have been worked on so far.
_WHAT = """runs.id, visitor, runs.priority, runs.kind, expected,
        json_extract(spec, '$.config.backbone') AS backbone, worked"""
AHEAD = f"""
    SELECT {_WHAT}, 1 AS in_work, max(0, ?2 - started) AS stretch, 0 AS position
    FROM runs WHERE state IN {sql(IN_WORK)} AND lane = ?1
    UNION ALL
    SELECT {_WHAT}, 0, 0, queue.position
    FROM ({QUEUE}) AS queue CROSS JOIN runs ON runs.id = queue.id WHERE queue.lane = ?1
    ORDER BY position
"""
# A lane's last runs, newest first.
LAST = """
    SELECT kind, json_extract(spec, '$.config.backbone') AS backbone, priority, expected,
        worked + finished - started AS seconds
    FROM runs WHERE state = 'finished' AND lane = ?1 ORDER BY finished DESC LIMIT 100
"""

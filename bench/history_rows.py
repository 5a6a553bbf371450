"""A history of any length, made by the database itself in seconds per million."""

import json
from typing import Any, Final

from sqlalchemy import Connection, create_engine, inspect, text

from emosync.database import Database
from emosync.history import filename_key
from emosync.labels import SPEECH_EMOTIONS

OWNERS: Final = ("", "often", "seldom")
# Of a thousand rows; the rest belong to nobody in particular.
_OFTEN, _SELDOM = 300, 1
# One prediction every three seconds is ten million a year.
_STEP_S: Final = 3
_PROBABILITIES: Final = json.dumps({name: 0.0625 for name in SPEECH_EMOTIONS})
_WINDOWS: Final = json.dumps([{"start_s": 0.0, "emotion": "happy", "confidence": 0.5625}])
_OWNER: Final = (
    f"CASE WHEN i % 1000 < {_SELDOM} THEN 'seldom' WHEN i % 1000 <= {_OFTEN} THEN 'often' "
    "ELSE '' END"
)
_SQL: Final = {
    "sqlite": {
        "numbers": "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
        " SELECT i FROM n",
        "token": "printf('20240101-000000-%016x.wav', i)",
        "name": "'recording ' || (i % 100000) || '.wav'",
        "time": f"datetime('2024-01-01', (i * {_STEP_S}) || ' seconds') || '.000000'",
        "key": "filename_key('recording ' || (i % 100000) || '.wav')",
    },
    "postgresql": {
        "numbers": "SELECT i FROM generate_series(0, CAST(:last AS bigint)) AS n(i)",
        "token": "'20240101-000000-' || lpad(to_hex(i), 16, '0') || '.wav'",
        "name": "'recording ' || (i % 100000) || '.wav'",
        "time": f"timestamp '2024-01-01' + i * interval '{_STEP_S} seconds'",
        "key": "left(encode(sha256(convert_to('recording ' || (i % 100000) || '.wav', 'UTF8')),"
        " 'hex'), 32)",
    },
}


def fill(url: str, n_rows: int) -> None:
    """Upgrade an empty database and fill its history.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of SQLite or Postgres.
    n_rows : int
        How many; row i came 3 s after row i - 1.
    """
    database = Database(url)
    database.upgrade()
    database.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        _insert(connection, n_rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE predictions"))
    engine.dispose()


def _insert(connection: Connection, n_rows: int) -> None:
    # Ten times as quick: the keys of names come in no order.
    indexes = inspect(connection).get_indexes("predictions")
    columns = {
        i["name"]: ", ".join(map(str, i["column_names"])) for i in indexes if not i["unique"]
    }
    for name in columns:
        connection.execute(text(f"DROP INDEX {name}"))
    sql = _SQL[connection.dialect.name]
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.create_function("filename_key", 1, filename_key, deterministic=True)
    connection.execute(
        text(
            "INSERT INTO predictions (audio_file, filename, timestamp, task, method, emotion,"
            " confidence, probabilities, duration_s, windows, owner, filename_key)"
            f" SELECT {sql['token']}, {sql['name']}, {sql['time']}, 'speech', 'whisper', 'happy',"
            f" 0.5625, CAST(:probabilities AS {_json(connection)}), 3.0,"
            f" CAST(:windows AS {_json(connection)}), {_OWNER}, {sql['key']}"
            f" FROM ({sql['numbers']}) AS numbers"
        ),
        {"last": n_rows - 1, "probabilities": _PROBABILITIES, "windows": _WINDOWS},
    )
    for name, keys in columns.items():
        connection.execute(text(f"CREATE INDEX {name} ON predictions ({keys})"))


def _json(connection: Connection) -> str:
    return "TEXT" if connection.dialect.name == "sqlite" else "JSON"

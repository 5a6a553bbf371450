import psycopg
import pytest
from servers import LocalServer, Postgres, postgres_server, rabbitmq_process, redis_process


def test_databases_of_postgres_are_apart(postgres: Postgres) -> None:
    first, second = postgres.new_database(), postgres.new_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE things (name text)")
    with psycopg.connect(second) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM things")


@pytest.mark.slow
def test_postgres_keeps_what_was_committed_when_it_is_killed() -> None:
    with postgres_server() as server:
        url = server.new_database()
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE things (name text)")
        server.kill()
        server.start()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT count(*) FROM things").fetchone() == (0,)


def test_redis_answers_again_after_a_restart() -> None:
    with redis_process() as server:
        server.restart()
        server.kill()
        server.start()


@pytest.mark.slow
def test_rabbitmq_answers_again_after_a_restart() -> None:
    with rabbitmq_process() as server:
        server.restart()


def test_each_server_has_a_port_of_its_own(redis_server: LocalServer) -> None:
    with redis_process() as other:
        assert other.port != redis_server.port

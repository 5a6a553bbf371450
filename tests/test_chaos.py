"""Two machines that share SQL, a broker and a bucket, while parts of them die all the time."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest
from answers import multipart
from buckets import CREDENTIALS, fill
from conftest import MakeWav
from servers import LocalServer, Postgres, postgres_server, rabbitmq_process, redis_process
from service import Service, serving
from workers import started_worker

from application.storage.file_stores import make_file_stores
from emosync.config import Config
from emosync.database import Database
from emosync.job_endings import JobEndings

N_SENDERS = 4
LEASE_S = 5.0
DONE = "job_items WHERE state = 'done'"
WAITING = "job_items WHERE due IS NOT NULL"
FORM = "multipart/form-data; boundary=x"


class Worker:
    """A Celery worker of one process, which can be killed in part or as a whole."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        folder.mkdir()
        self._log_path = folder / "log"
        self._environ = {**environ, "DATA_PATH": str(folder)}
        self.process = started_worker(self._environ, self._log_path)

    def kill_child(self) -> None:
        """Kill the process that works; the worker starts another one."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def kill(self) -> None:
        """Kill all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.process = started_worker(self._environ, self._log_path)


@dataclass
class Machines:
    """Everything that runs."""

    postgres: Postgres
    database_url: str
    broker: LocalServer
    workers: list[Worker]
    webs: list[Service]
    bucket: Config
    n_kills: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Ask the database, whenever it is there."""
        while True:
            try:
                with psycopg.connect(self.database_url) as connection:
                    return connection.execute(query).fetchall()
            except psycopg.OperationalError:
                time.sleep(0.2)

    def count(self, query: str) -> int:
        ((count,),) = self.ask(f"SELECT count(*) FROM {query}")
        assert isinstance(count, int)
        return count

    def keep_killing(self, every_s: float) -> None:
        """Kill something every few seconds.

        On a slow machine, where a worker takes seconds to start, not before some work is done.
        """
        for turn in itertools.count():
            n_done = self.count(DONE)
            while not self.is_over.wait(every_s) and self.count(DONE) < n_done + 5:
                self.revive()
            if self.is_over.is_set():
                return
            self._kill(turn)
            self.n_kills += 1

    def _kill(self, turn: int) -> None:
        """Kill a process that works; every fourth time one that serves, or all of a worker."""
        half, quarter = turn // 2 % 2, turn // 4 % 2
        if turn % 4 == 1:
            for pid in self.webs[quarter].server.workers():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        elif turn % 4 == 3:
            self.workers[quarter].restart()
        else:
            self.workers[half].kill_child()

    def revive(self) -> None:
        """Start workers that ended, as whatever runs them does in earnest."""
        for worker in self.workers:
            if worker.process.poll() is not None:
                worker.restart()


@contextmanager
def machines(
    folder: Path, broker: AbstractContextManager[LocalServer], s3_url: str, bucket: str
) -> Iterator[Machines]:
    """Run two web processes and two workers, each with a folder of its own."""
    with ExitStack() as stack:
        postgres, queue = stack.enter_context(postgres_server()), stack.enter_context(broker)
        url = postgres.new_database()
        database = Database(url.replace("postgresql://", "postgresql+psycopg://"))
        database.upgrade()
        database.close()
        fill(s3_url, bucket, [])
        environ = {
            **CREDENTIALS,
            "DATABASE_URL": url,
            "CELERY_BROKER_URL": queue.url,
            "FILES_BUCKET_NAME": bucket,
            "AWS_ENDPOINT_URL": s3_url,
            "JOB_LEASE_S": str(LEASE_S),
            "WEB_CONCURRENCY": "1",
        }
        webs = [
            stack.enter_context(serving(_made(folder / f"web{n}"), **environ)) for n in range(2)
        ]
        workers = [Worker(folder / f"worker{n}", environ) for n in range(2)]
        for worker in workers:
            stack.callback(worker.kill)
        config = Config(files_bucket_name=bucket, aws_endpoint_url=s3_url)
        yield Machines(postgres, url, queue, workers, webs, config)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def send(running: Machines, numbers: range, clip: bytes) -> None:
    """Ask for jobs; again with the same key while nobody answers."""
    with ExitStack() as stack:
        clients = [stack.enter_context(web.client()) for web in running.webs]
        for number in numbers:
            client = clients[number % 2]
            body = multipart(clip, f"{number}.wav", method="random_forest")
            headers = {"Prefer": "respond-async", "Idempotency-Key": f"clip-{number}"}
            while True:
                with suppress(httpx.TransportError):
                    answer = client.post(
                        "/predict", content=body, headers={**headers, "Content-Type": FORM}
                    )
                    if answer.status_code == 202:
                        break
                    assert answer.status_code in (409, 503), answer.text
                time.sleep(0.5)


def wait_until(is_so: Callable[[], bool], *, within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it takes too long"
        time.sleep(0.5)


def check(running: Machines, n_jobs: int) -> None:
    """Every job is in the history once, with its recording, and nothing else is anywhere."""
    rows = running.ask("SELECT filename, audio_file FROM predictions")
    assert sorted(str(name) for name, _ in rows) == sorted(f"{n}.wav" for n in range(n_jobs))
    assert running.ask("SELECT state, count(*) FROM job_items GROUP BY state") == [("done", n_jobs)]
    assert running.count("jobs WHERE finished_at IS NULL") == 0
    # Who was killed, or lost the database, once it had kept a job kept no answer. If that came
    # all the same, nobody asked again.
    assert running.count("first_answers") == n_jobs
    assert running.count("first_answers WHERE status <> 202") == 0
    stores = make_file_stores(running.bucket)
    assert set(stores.uploads.names()) == {str(name) for _, name in rows}
    # Who died between the end of a job and the removal of its body left it for later; so did
    # who died, or lost the database, before its job was there.
    assert len(list(stores.job_bodies.names())) <= running.n_kills * N_SENDERS
    url = running.database_url.replace("postgresql://", "postgresql+psycopg://")
    database = Database(url)
    endings = JobEndings(database, stores.job_bodies)
    while endings.forget(after_s=0):
        pass
    endings.remove_orphans(age_s=0)
    database.close()
    assert list(stores.job_bodies.names()) == []


def survive(running: Machines, n_jobs: int, clip: bytes, *, kill_every_s: float) -> None:
    """Have jobs done while processes are killed, and broker and database once."""
    share = n_jobs // N_SENDERS
    with ThreadPoolExecutor(N_SENDERS + 1) as pool:
        killer = pool.submit(running.keep_killing, kill_every_s)
        try:
            senders = [
                pool.submit(send, running, range(n * share, (n + 1) * share), clip)
                for n in range(N_SENDERS)
            ]
            wait_until(lambda: running.count(DONE) >= n_jobs // 4, within_s=600)
            running.broker.kill()
            running.broker.start()
            wait_until(lambda: running.count(DONE) >= n_jobs // 2, within_s=600)
            running.postgres.kill()
            running.postgres.start()
            for sender in senders:
                sender.result()
            wait_until(lambda: running.count(WAITING) == 0, within_s=600)
            wait_until(lambda: running.count("jobs WHERE finished_at IS NULL") == 0, within_s=120)
        finally:
            running.is_over.set()
        killer.result()


@pytest.mark.slow
def test_a_thousand_jobs_outlive_workers_broker_and_database(
    tmp_path: Path, s3_server: str, credentials: None, make_wav: MakeWav
) -> None:
    with machines(tmp_path, redis_process(), s3_server, "chaos-redis") as running:
        survive(running, 1_000, make_wav(), kill_every_s=4.0)
        assert running.n_kills >= 5
        check(running, 1_000)


@pytest.mark.slow
def test_jobs_outlive_rabbitmq_as_well(
    tmp_path: Path, s3_server: str, credentials: None, make_wav: MakeWav
) -> None:
    with machines(tmp_path, rabbitmq_process(), s3_server, "chaos-rabbitmq") as running:
        survive(running, 100, make_wav(), kill_every_s=4.0)
        check(running, 100)

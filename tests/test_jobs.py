"""Jobs in SQLite and in PostgreSQL, asked for and worked on by many at once."""

import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from emosync.caller import Caller, JobItem, working_for
from emosync.database import Database
from emosync.errors import DatabaseUnavailable, NotFound, StorageUnavailable
from emosync.file_store import FolderStore
from emosync.job_endings import JobEndings
from emosync.job_errors import UnknownJob
from emosync.job_queue import JobQueue, Taken
from emosync.job_tables import JOB_ITEMS, JOBS, now
from emosync.jobs import Jobs, NewItem, NewJob
from emosync.recordings import new_name

LEASE_S = 0.3
ASKER = Caller(owner="key1", scopes=frozenset({"predict", "read"}), request_id="r1")


@dataclass(frozen=True)
class Work:
    """Both sides of the jobs in one database."""

    database: Database
    bodies: FolderStore
    jobs: Jobs
    queue: JobQueue

    def add(self, *names: str, body: bytes = b"", webhook: str | None = None) -> str:
        items = [NewItem(query=f"song_id={name}", name=name) for name in names or ("",)]
        new = NewJob("POST", "/predict", items, body=body, content_type="a/b", webhook=webhook)
        return self.jobs.add(new).id

    def next(self) -> Taken:
        taken = self.queue.take_next()
        assert taken is not None
        return taken

    def state(self, job_id: str) -> str:
        return self.jobs.find(job_id).state


def work_in(database: Database, folder: Path) -> Work:
    bodies = FolderStore(folder)
    jobs = Jobs(database, bodies, lease_s=LEASE_S)
    return Work(database, bodies, jobs, JobQueue(database, bodies, lease_s=LEASE_S))


@pytest.fixture
def work(database: Database, tmp_path: Path) -> Work:
    return work_in(database, tmp_path / "bodies")


def test_a_job_is_taken_with_all_that_its_request_was(work: Work) -> None:
    with working_for(ASKER):
        job_id = work.add("a b", body=b"words")
    taken = work.next()
    assert (taken.job_id, taken.position, taken.attempts) == (job_id, 0, 1)
    assert (taken.verb, taken.path, taken.query) == ("POST", "/predict", "song_id=a b")
    assert (taken.owner, taken.scopes, taken.request_id) == ("key1", ASKER.scopes, "r1")
    assert taken.content_type == "a/b"
    assert work.bodies.read(taken.body_name or "") == b"words"
    with working_for(ASKER):
        assert work.jobs.find(job_id).created_at == taken.created_at


def test_states_follow_the_parts(work: Work) -> None:
    job_id = work.add("a", "b", "c")
    assert work.state(job_id) == "queued"
    first = work.next()
    assert work.state(job_id) == "running"
    work.queue.finish(first, status=404, answer="{}")
    assert work.state(job_id) == "running"
    work.queue.finish(work.next(), status=200, answer="{}")
    assert work.jobs.find(job_id).finished_at is None
    work.queue.finish(work.next(), status=200, answer="{}")
    job = work.jobs.find(job_id)
    assert (job.state, job.finished_at is not None) == ("done", True)
    assert job.counts == {"queued": 0, "running": 0, "done": 2, "failed": 1, "cancelled": 0}


def test_a_job_of_which_every_part_failed_has_failed(work: Work) -> None:
    job_id = work.add()
    work.queue.finish(work.next(), status=500, answer="{}")
    assert work.state(job_id) == "failed"


def test_parts_are_listed_in_order_and_by_pages(work: Work) -> None:
    job_id = work.add(*"abcde")
    work.queue.finish(work.next(), status=200, answer='{"x": 1}')
    first, second = work.jobs.items(job_id, limit=2)
    assert (first.name, first.state, first.status, first.answer) == ("a", "done", 200, '{"x": 1}')
    assert (second.name, second.state, second.answer) == ("b", "queued", None)
    assert [item.name for item in work.jobs.items(job_id, after=1, limit=9)] == ["c", "d", "e"]


def test_a_job_of_another_owner_is_not_found(work: Work) -> None:
    with working_for(ASKER):
        job_id = work.add()
    for ask in (work.jobs.find, work.jobs.cancel, lambda found: work.jobs.items(found, limit=1)):
        with pytest.raises(UnknownJob):
            ask(job_id)


def test_a_part_that_is_taken_is_taken_once(work: Work) -> None:
    job_id = work.add()
    assert work.queue.take((job_id, 0)) is not None
    assert work.queue.take((job_id, 0)) is None
    assert work.queue.take_next() is None


def test_a_part_without_a_sign_of_life_is_taken_over_and_its_first_worker_unheard(
    work: Work,
) -> None:
    job_id = work.add()
    first = work.next()
    time.sleep(LEASE_S)
    second = work.next()
    assert second.attempts == 2
    assert not work.queue.renew(first)
    assert not work.queue.finish(first, status=200, answer="first")
    work.queue.put_back(first, pause_s=0, attempts=0)
    assert work.queue.finish(second, status=200, answer="second")
    assert not work.queue.finish(second, status=200, answer="again")
    assert work.jobs.items(job_id, limit=1)[0].answer == "second"


def test_a_lease_that_is_renewed_does_not_end(work: Work) -> None:
    work.add()
    taken = work.next()
    for _ in range(4):
        time.sleep(LEASE_S / 2)
        assert work.queue.renew(taken)
        assert work.queue.take_next() is None


def test_a_part_that_was_put_back_waits_for_its_pause(work: Work) -> None:
    job_id = work.add()
    work.queue.put_back(work.next(), pause_s=LEASE_S, attempts=1)
    assert work.state(job_id) == "queued"
    assert work.queue.take_next() is None
    assert work.queue.unheard(limit=9) == []
    time.sleep(LEASE_S)
    assert work.queue.unheard(limit=9) == [(job_id, 0)]
    assert work.next().attempts == 2


def test_workers_are_told_less_and_less_often_of_what_they_must_have_heard(work: Work) -> None:
    told_s: list[float] = []
    started_s = time.monotonic()
    job_id = work.add()
    while len(told_s) < 3:
        if work.queue.unheard(limit=9) == [(job_id, 0)]:
            told_s.append(time.monotonic() - started_s)
        time.sleep(LEASE_S / 10)
    for time_s, leases in zip(told_s, (1, 2, 4), strict=True):
        assert time_s >= leases * LEASE_S


def test_workers_are_told_again_of_what_nobody_began_once_in_a_lease(work: Work) -> None:
    job_id = work.add("a", "b", "c")
    assert work.queue.unheard(limit=9) == []
    work.queue.finish(work.next(), status=200, answer="{}")
    work.next()
    time.sleep(LEASE_S)
    assert work.queue.unheard(limit=1) in ([(job_id, 2)], [(job_id, 1)])
    assert len(work.queue.unheard(limit=9)) == 1
    assert work.queue.unheard(limit=9) == []


def test_what_was_cancelled_is_neither_taken_nor_finished(work: Work) -> None:
    job_id = work.add("a", "b", "c")
    work.queue.finish(work.next(), status=200, answer="{}")
    running = work.next()
    work.jobs.cancel(job_id)
    assert not work.queue.finish(running, status=200, answer="{}")
    assert work.queue.take_next() is None
    job = work.jobs.find(job_id)
    assert (job.state, job.counts["done"], job.counts["cancelled"]) == ("cancelled", 1, 2)
    assert job.finished_at is not None


def test_cancelling_what_has_ended_changes_nothing(work: Work) -> None:
    job_id = work.add()
    work.queue.finish(work.next(), status=200, answer="{}")
    before = work.jobs.find(job_id)
    work.jobs.cancel(job_id)
    assert work.jobs.find(job_id) == before


def test_a_body_is_there_until_the_last_part_has_ended(work: Work) -> None:
    work.add("a", "b", body=b"words")
    first, second = work.next(), work.next()
    name = first.body_name or ""
    work.queue.finish(first, status=200, answer="{}")
    assert work.bodies.read(name) == b"words"
    work.queue.finish(second, status=200, answer="{}")
    with pytest.raises(NotFound):
        work.bodies.read(name)


def test_a_job_that_cannot_be_kept_leaves_no_body(tmp_path: Path) -> None:
    nowhere = work_in(Database("sqlite:////proc/none/state.sqlite3"), tmp_path / "bodies")
    with pytest.raises(DatabaseUnavailable):
        nowhere.add(body=b"words")
    assert list((tmp_path / "bodies").iterdir()) == []


def test_a_job_that_is_asked_for_twice_under_one_name_is_kept_once(work: Work) -> None:
    item = JobItem("0" * 32, 0, now())

    def ask(_: int) -> str:
        with working_for(replace(ASKER, item=item)):
            return work.add(body=b"words")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(16))) == {item.job_id}
    taken = work.next()
    assert work.queue.take_next() is None
    assert work.bodies.read(taken.body_name or "") == b"words"
    assert list(work.bodies.names()) == [taken.body_name]


def test_a_body_that_cannot_be_kept_leaves_no_job(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'state.sqlite3'}")
    work = work_in(database, Path("/proc/none"))
    with pytest.raises(StorageUnavailable):
        work.add(body=b"words")
    assert work.queue.take_next() is None


@pytest.mark.parametrize("is_looked_at", [True, False])
def test_a_job_whose_last_worker_died_before_it_ended_it_is_ended(
    work: Work, is_looked_at: bool
) -> None:
    job_id = work.add(body=b"words")
    work.add()
    taken = work.next()
    with work.database.begin() as connection:
        ended = update(JOB_ITEMS).where(JOB_ITEMS.c.job_id == job_id)
        connection.execute(ended.values(due=None, state="done", lease=None))
    if is_looked_at:
        assert work.jobs.find(job_id).finished_at is not None
    else:
        JobEndings(work.database, work.bodies).end_forgotten()
    with work.database.begin() as connection:
        ended_ids = connection.scalars(select(JOBS.c.id).where(JOBS.c.finished_at.is_not(None)))
        assert list(ended_ids) == [job_id]  # the other job has not ended
    with pytest.raises(NotFound):
        work.bodies.read(taken.body_name or "")


def test_jobs_that_ended_long_ago_are_forgotten(work: Work) -> None:
    ended, waiting = work.add("a", "b"), None
    for _ in range(2):
        work.queue.finish(work.next(), status=200, answer="{}")
    waiting = work.add()
    endings = JobEndings(work.database, work.bodies)
    assert endings.forget(after_s=60) == 0
    assert endings.forget(after_s=0) == 1
    with pytest.raises(UnknownJob):
        work.jobs.find(ended)
    assert work.state(waiting) == "queued"


def test_a_body_of_no_job_leaves_and_that_of_a_job_stays(work: Work) -> None:
    work.add(body=b"words")
    body_name = work.next().body_name or ""
    hour_ago = now() - timedelta(hours=1)
    old, young = (new_name(moment, container="body") for moment in (hour_ago, now()))
    for name in (old, young):
        work.bodies.keep(name, b"of a process that was killed before it added the job")
    endings = JobEndings(work.database, work.bodies)
    assert endings.remove_orphans(age_s=1_800) == 1
    assert set(work.bodies.names()) == {body_name, young}
    # As if hours had passed.
    assert endings.remove_orphans(age_s=-10) == 1
    assert list(work.bodies.names()) == [body_name]


def test_half_a_body_leaves_too(work: Work, tmp_path: Path) -> None:
    work.add(body=b"words")
    part = tmp_path / "bodies" / ".0123456789abcdef.part"
    part.touch()
    os.utime(part, (0, 0))
    JobEndings(work.database, work.bodies).remove_orphans(age_s=0)
    assert not part.exists()


def test_a_job_that_has_ended_waits_for_none_that_has_not(work: Work) -> None:
    moment = now()
    job = {"owner": "", "scopes": "", "request_id": "", "created_at": moment, "is_batch": False,
           "verb": "GET", "path": "/predict", "content_type": "",
           "webhook_attempts": 0}  # fmt: skip
    item = {"position": 0, "name": "", "query": "", "state": "queued", "attempts": 0,
            "ring_at": 0.0, "ring_pause_s": 1.0}  # fmt: skip
    ids = [f"{n:032x}" for n in range(600)]
    with work.database.begin() as connection:
        connection.execute(insert(JOBS), [{**job, "id": job_id} for job_id in ids])
        connection.execute(
            insert(JOB_ITEMS),
            [{**item, "job_id": i, "due": None if i == ids[-1] else moment} for i in ids],
        )
    JobEndings(work.database, work.bodies).end_forgotten()
    with work.database.begin() as connection:
        ended_ids = connection.scalars(select(JOBS.c.id).where(JOBS.c.finished_at.is_not(None)))
        assert list(ended_ids) == [ids[-1]]


def test_the_depth_counts_what_has_not_ended(work: Work) -> None:
    assert work.queue.depth() == {"queued": 0, "running": 0}
    work.add("a", "b", "c")
    work.queue.finish(work.next(), status=200, answer="{}")
    work.next()
    assert work.queue.depth() == {"queued": 1, "running": 1}


def test_many_workers_end_every_part_once_though_some_of_them_die(work: Work) -> None:
    n_jobs, n_parts = 20, 5
    ids = [work.add(*(str(n) for n in range(n_parts))) for _ in range(n_jobs)]
    rng = random.Random(5)
    ended: list[tuple[str, int]] = []

    def labour(_: int) -> None:
        idle = 0
        # Twice as long as what is left behind takes to be free again.
        while idle < 4:
            taken = work.queue.take_next()
            idle = idle + 1 if taken is None else 0
            if taken is None:
                time.sleep(LEASE_S / 2)
            elif rng.random() > 0.2 and work.queue.finish(taken, status=200, answer="{}"):
                ended.append((taken.job_id, taken.position))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(labour, range(8)))
    assert Counter(ended) == Counter({(i, n): 1 for i in ids for n in range(n_parts)})
    assert all(work.jobs.find(job_id).finished_at for job_id in ids)
    assert work.queue.depth() == {"queued": 0, "running": 0}


def test_parts_that_end_side_by_side_end_their_job(work: Work) -> None:
    for _ in range(10):
        job_id = work.add("a", "b", "c", "d")
        taken = [work.next() for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda t: work.queue.finish(t, status=200, answer="{}"), taken))
        assert work.jobs.find(job_id).finished_at is not None


def test_looking_for_work_stays_quick_beside_what_has_ended(work: Work) -> None:
    moment = now()
    with work.database.begin() as connection:
        job = {"id": "x", "owner": "", "scopes": "", "request_id": "", "created_at": moment,
               "is_batch": True, "verb": "GET", "path": "/predict", "content_type": "",
               "webhook_attempts": 0, "finished_at": moment}  # fmt: skip
        connection.execute(insert(JOBS), job)
        item = {"job_id": "x", "name": "", "query": "", "state": "done", "attempts": 1,
                "ring_at": 0.0, "ring_pause_s": 1.0, "due": None}  # fmt: skip
        connection.execute(insert(JOB_ITEMS), [{**item, "position": n} for n in range(20_000)])
    started_s = time.perf_counter()
    for _ in range(50):
        assert work.queue.take_next() is None
    assert time.perf_counter() - started_s < 1
    with work.database.begin() as connection:
        assert connection.scalar(select(JOBS.c.id)) == "x"

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from emosync.single_flight import SingleFlight


def wait_until(number: int, running: threading.Event, calls: list[int]) -> None:
    running.wait(5)
    time.sleep(0.05)  # the others arrive
    calls.append(number)


def test_threads_that_ask_for_the_same_share_one_call() -> None:
    flight: SingleFlight[str] = SingleFlight()
    calls: list[int] = []
    running = threading.Event()

    def work() -> str:
        wait_until(1, running, calls)
        return "done"

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(flight.run, "a", work) for _ in range(8)]
        running.set()
        assert {answer.result() for answer in answers} == {"done"}
    assert calls == [1]


def test_an_error_reaches_every_thread() -> None:
    flight: SingleFlight[str] = SingleFlight()
    calls: list[int] = []
    running = threading.Event()

    def work() -> str:
        wait_until(1, running, calls)
        raise ValueError("broken")

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(flight.run, "a", work) for _ in range(4)]
        running.set()
        for answer in answers:
            with pytest.raises(ValueError, match="broken"):
                answer.result()
    assert calls == [1]


def test_different_work_does_not_wait() -> None:
    flight: SingleFlight[str] = SingleFlight()
    assert flight.run("a", lambda: flight.run("b", lambda: "inner")) == "inner"


def test_work_is_done_again_once_it_has_ended() -> None:
    flight: SingleFlight[int] = SingleFlight()
    numbers = iter(range(3))
    assert [flight.run("a", lambda: next(numbers)) for _ in range(3)] == [0, 1, 2]


def test_after_an_error_the_work_is_tried_again() -> None:
    flight: SingleFlight[float] = SingleFlight()
    with pytest.raises(ZeroDivisionError):
        flight.run("a", lambda: 1 / 0)
    assert flight.run("a", lambda: 2.0) == 2.0

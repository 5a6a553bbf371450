import threading

from emosync.caller import Caller, current_caller, set_caller, working_for


def test_nobody_is_asked_for_at_first() -> None:
    assert current_caller() == Caller(owner="", scopes=frozenset(), request_id="", item=None)


def test_a_block_of_work_is_done_for_its_caller_only() -> None:
    with working_for(Caller(owner="k1")):
        with working_for(Caller(owner="k2")):
            assert current_caller().owner == "k2"
        assert current_caller().owner == "k1"
    assert current_caller().owner == ""


def test_threads_do_not_share_a_caller() -> None:
    seen: list[str] = []

    def work() -> None:
        seen.append(current_caller().owner)
        set_caller(Caller(owner="k2"))

    with working_for(Caller(owner="k1")):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert (current_caller().owner, seen) == ("k1", [""])

"""A signal that says to stop is obeyed, whatever Python is doing when it comes."""

import os
import signal
import weakref

import pytest

from adapters import supervisor
from adapters.demo.command import _until_told


class Thing:
    pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_what_is_going_on(number):
    went_on = False

    with _until_told():
        os.kill(os.getpid(), number)
        went_on = True

    assert not went_on


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_while_python_tidies_up_is_obeyed_later():
    """
    What a handler raises in there is swallowed.
    """
    made = []

    def killed(_):
        os.kill(os.getpid(), signal.SIGTERM)

    with _until_told() as ear:
        thing = Thing()
        ref = weakref.ref(thing, killed)
        del thing
        made.extend(ear.obeyed(iter([1, 2, 3])))

    assert ref() is None
    assert [] == made


def test_a_second_signal_does_not_disturb_the_way_out():
    left = False

    with _until_told():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except supervisor.Told:
            os.kill(os.getpid(), signal.SIGTERM)
            left = True
            raise

    assert left

"""A signal stops a demo, whatever Python is doing when it comes."""

import itertools
import signal
import sys
import weakref

import pytest

from adapters.demo.stopping import SIGNALS, until_told
from adapters.supervisor import Signals, Told


class Thing:
    """Something to be forgotten."""


class Dying:
    """Something that has to be cleared up after; a signal comes meanwhile."""

    def __del__(self):
        signal.raise_signal(signal.SIGTERM)


def finalizer():
    Dying()


def callback():
    thing = Thing()
    observed = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
    del thing
    assert observed() is None


@pytest.fixture
def lost(monkeypatch):
    """What was raised and dropped by Python."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: found.append(dropped.exc_type))
    return found


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_interrupts(number):
    with until_told():
        signal.raise_signal(number)
        pytest.fail("it goes on")


@pytest.mark.parametrize("clear_up", [finalizer, callback])
def test_a_signal_whose_interruption_is_lost_is_obeyed_at_the_next_step(clear_up, lost):
    with until_told() as word:
        clear_up()
        assert [Told] == lost
        word.obey()
        pytest.fail("it goes on")


def test_whoever_is_patient_is_not_interrupted_but_obeys():
    steps = []
    with until_told() as word:
        word.patient = True
        for step in word.obeyed(itertools.count(1)):
            steps.append(step)
            if step == 3:
                signal.raise_signal(signal.SIGINT)

    assert [1, 2, 3] == steps


def test_nobody_is_disturbed_on_the_way_out():
    left = False
    with until_told():
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            signal.raise_signal(signal.SIGINT)
            left = True

    assert left


def test_what_was_ignored_stays_ignored_and_everything_is_as_before_in_the_end():
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = [signal.getsignal(number) for number in SIGNALS]
    try:
        with until_told() as word:
            signal.raise_signal(signal.SIGHUP)
            word.obey()

        assert before == [signal.getsignal(number) for number in SIGNALS]
    finally:
        signal.signal(signal.SIGHUP, former)


def test_a_supervisor_has_taken_note_of_a_signal_whose_interruption_is_lost(lost):
    signals = Signals()
    former = signal.signal(signal.SIGTERM, signals.handle)
    try:
        finalizer()
    finally:
        signal.signal(signal.SIGTERM, former)
        signals.close()

    assert ([Told], 1) == (lost, signals.count)

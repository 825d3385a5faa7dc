"""Claims about the taxonomy."""

from soundstrip_crds.job import REASON_OF_EXIT_CODE, ExitCode
from soundstrip_crds.reasons import BLOCKED, PERMANENT, REMEDY, TRANSIENT, WAITING, Reason


def test_each_reason_is_of_exactly_one_kind():
    kinds = [WAITING, BLOCKED, PERMANENT, TRANSIENT, {Reason.SUCCEEDED}]
    for reason in Reason:
        assert sum(reason in kind for kind in kinds) == 1, reason


def test_each_reason_has_a_sentence_that_fits_a_condition():
    assert REMEDY.keys() == set(Reason)
    for reason, sentence in REMEDY.items():
        assert sentence.endswith("."), reason
        assert len(sentence) <= 512, reason


def test_each_exit_code_has_a_reason_that_is_an_end():
    assert REASON_OF_EXIT_CODE.keys() == set(ExitCode)
    assert not (WAITING | BLOCKED) & set(REASON_OF_EXIT_CODE.values())


def test_no_exit_code_is_one_that_python_or_a_signal_makes():
    for code in ExitCode:
        assert code == ExitCode.OK or 3 <= code < 126

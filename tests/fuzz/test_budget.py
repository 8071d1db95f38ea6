"""`make fuzz` ends when it says."""

from tests.fuzz import test_account_life, test_openapi, test_texts

DATABASES = 2


def test_parts_of_all_tests_are_no_more_than_the_time_there_is() -> None:
    of_texts = [name for name in vars(test_texts) if name.startswith("test_any")]
    of_openapi = 3 * test_openapi.PART
    on_each_database = test_account_life.PART + len(of_texts) * test_texts.PART

    assert len(of_texts) == 4
    assert of_openapi + DATABASES * on_each_database <= 1

"""Describes malformed values for operators; pydantic's messages are about strings, parsing and patterns."""

# By the type of pydantic's error.
WORDS = {
    "string_pattern_mismatch": "it does not have the expected form",
    "int_parsing": "it must be a whole number",
    "int_from_float": "it must be a whole number",
    "float_parsing": "it must be a number",
    "bool_parsing": "it must be true or false",
}
REPLACED = {"Value error, ": "", "Input should be": "it must be", "String should have": "it must have"}


def in_words(kind: str, message: str) -> str:
    """Return what an error of pydantic means; `kind` is its type. The value is not repeated: it may be a secret."""
    if words := WORDS.get(kind):
        return words
    for theirs, ours in REPLACED.items():
        message = message.replace(theirs, ours)
    return message

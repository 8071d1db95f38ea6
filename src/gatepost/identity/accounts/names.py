"""User names and e-mail addresses: which are allowed, and when two of them are the same."""

import unicodedata
from dataclasses import dataclass

import regex
from email_validator import EmailNotValidError, validate_email
from precis_i18n import get_profile

LONGEST_USERNAME = 64
LONGEST_EMAIL = 254
# RFC 5321, section 4.5.3.1, and RFC 6531, section 3.1: octets of UTF-8. The part after the @ has at most 253.
LONGEST_LOCAL_OCTETS = 64
NO_ADDRESS = "this is not an e-mail address"
OWN_ADDRESS = "a user name cannot contain @, unless it is the account's own e-mail address"
# The domains that email-validator refuses because no mail arrives there (RFC 6761, RFC 6762, RFC 7686).
RESERVED = regex.compile(r"(@example|[.@](arpa|invalid|local|localhost|onion|test))\Z", regex.IGNORECASE | regex.ASCII)
BELOW = ".com"
# RFC 8266, section 2.1: other space characters become a plain space, and several in a row become one.
SPACES = regex.compile(r"\p{Zs}+")
# RFC 8265, section 3.3 and 3.4.
CASE_MAPPED = get_profile("UsernameCaseMapped")
CASE_PRESERVED = get_profile("UsernameCasePreserved")

# UAX 31, table 5: the scripts in wide use today; and UTS 39, section 5.2: the ones that are used together.
ALONE = [
    "Arabic",
    "Armenian",
    "Bengali",
    "Cyrillic",
    "Devanagari",
    "Ethiopic",
    "Georgian",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Hebrew",
    "Kannada",
    "Khmer",
    "Lao",
    "Latin",
    "Malayalam",
    "Myanmar",
    "Oriya",
    "Sinhala",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
]
TOGETHER = (
    ("Latin", "Han", "Hiragana", "Katakana"),
    ("Latin", "Han", "Bopomofo"),
    ("Latin", "Han", "Hangul"),
)


def _one_script(scripts: tuple[str, ...]) -> str:
    return "[" + "".join(rf"\p{{Script={script}}}" for script in (*scripts, "Common", "Inherited")) + "]+"


UNMIXED = regex.compile("|".join(_one_script(scripts) for scripts in (*((one,) for one in ALONE), *TOGETHER)))


@dataclass(frozen=True, slots=True)
class Name:
    """A name as its owner wrote it, and the canonical form that is compared."""

    display: str
    canonical: str


def parse_username(text: str) -> Name:
    """Read a new user name: parts joined by single spaces (RFC 8265, section 3.5), each of one script.

    Raises:
        ValueError: it cannot be a user name; the message is for its owner.
    """
    name = read_username(text)
    if max(len(name.display), len(name.canonical)) > LONGEST_USERNAME:
        raise ValueError(f"a user name can have at most {LONGEST_USERNAME} characters")
    return name


def read_username(text: str) -> Name:
    """Read a user name that may be older than the limit for canonical forms.

    Raises:
        ValueError: it cannot be a user name; the message is for its owner.
    """
    text = fold_spaces(text)
    if len(text) > LONGEST_USERNAME:
        raise ValueError(f"a user name can have at most {LONGEST_USERNAME} characters")
    parts = text.split(" ")
    try:
        name = Name(
            " ".join(CASE_PRESERVED.enforce(part) for part in parts),
            # Mapping to lower case can produce a sequence that must be composed, which the second pass does.
            " ".join(CASE_MAPPED.enforce(CASE_MAPPED.enforce(part)) for part in parts),
        )
    except UnicodeEncodeError:
        raise ValueError("a user name can have letters, digits and . _ - in words separated by single spaces") from None
    # Checked in the canonical name, in which a full-width @ has become a plain one.
    if "@" in name.canonical:
        raise ValueError(OWN_ADDRESS)
    if not all(UNMIXED.fullmatch(part) for part in name.canonical.split(" ")):
        raise ValueError("each word of a user name must be in one script")
    return name


def parse_wanted_name(text: str) -> Name:
    """Read a new user name, or an address, which `settle_name` only allows as the name of its own account.

    Raises:
        ValueError: it is neither; the message is for its owner.
    """
    # A full-width @ becomes a plain one.
    if "@" not in unicodedata.normalize("NFKC", text):
        return parse_username(text)
    try:
        return parse_existing_email(text)
    except ValueError:
        raise ValueError(OWN_ADDRESS) from None


def settle_name(wanted: Name, *, email: Name) -> Name:
    """Return the user name for the account with an address: the wanted name, or the address as it is spelled.

    Addresses are compared like mailboxes. With somebody else's address as its name, an account would receive their
    sign-ins, or block their sign-up.

    Raises:
        ValueError: the name is an address, but not the account's own; the message is for its owner.
    """
    if not is_address(wanted):
        return wanted
    if mailbox_of(wanted.display) != mailbox_of(email.display):
        raise ValueError(OWN_ADDRESS)
    return email


def is_address(username: Name) -> bool:
    """Whether a user name is the address of its account."""
    return "@" in username.canonical


def fold_spaces(text: str) -> str:
    """Return a user name without surrounding white space, and with single plain spaces between its words."""
    return SPACES.sub(" ", text.strip())


def parse_email(text: str) -> Name:
    """Read a new e-mail address, without network access.

    Two addresses are the same if they only differ in case, width or the spelling of an international domain.

    Raises:
        ValueError: it is not an address, or its canonical form is not one; the message is for its owner.
    """
    name = parse_existing_email(text)
    if is_reserved(name):
        raise ValueError(NO_ADDRESS)
    return name


def is_reserved(email: Name) -> bool:
    """Whether an address has a domain that does not exist on the internet, such as `.test`."""
    return RESERVED.search(email.canonical) is not None


def parse_existing_email(text: str) -> Name:
    """Read the address of an account from another system; it may have a reserved domain.

    Raises:
        ValueError: it is not an address, or its canonical form is not one; the message is for its owner.
    """
    name = read_email(text)
    # Normalization can turn one character into eighteen.
    if any(len(form.rpartition("@")[0].encode()) > LONGEST_LOCAL_OCTETS for form in (name.display, name.canonical)):
        raise ValueError(f"an e-mail address can have at most {LONGEST_LOCAL_OCTETS} bytes before the @")
    if len(name.canonical) > LONGEST_EMAIL:
        raise ValueError(f"an e-mail address can have at most {LONGEST_EMAIL} characters")
    # It can also produce an @ or a space, which are not allowed there.
    if not name.display.isascii() and read_email(name.canonical).canonical != name.canonical:
        raise ValueError(NO_ADDRESS)
    return name


def read_email(text: str) -> Name:
    """Read an e-mail address that an account may have; it may have a reserved domain or be longer than a new one.

    Raises:
        ValueError: it is not an address; the message is for its owner.
    """
    text = text.strip()
    # With another domain appended, a reserved domain is checked like any other.
    below = BELOW if RESERVED.search(text) else ""
    try:
        address = validate_email(text + below, check_deliverability=False)
    except EmailNotValidError:
        raise ValueError(NO_ADDRESS) from None
    local = unicodedata.normalize("NFKC", address.local_part).casefold()
    domain = (address.ascii_domain or address.domain).lower().removesuffix(below)
    return Name(address.normalized.removesuffix(below), f"{unicodedata.normalize('NFC', local)}@{domain}")


def mailbox_of(email: str) -> str:
    """Return what identifies a mailbox for mail servers: the address as written, except for the case of ASCII letters.

    Two addresses that are the same for accounts, such as `ab@` in full and half width, may belong to two people.
    """
    return email.encode().lower().decode()  # lower() of bytes only affects ASCII letters


def canonical_identifier(text: str) -> tuple[str, str] | None:
    """Return what a sign-in names: ("username" or "email", its canonical form); None for text that cannot be a name."""
    try:
        if "@" in text:
            return "email", read_email(text).canonical
        return "username", read_username(text).canonical
    except ValueError:
        return None

"""Every failure a person can cause says what is wrong, where, and the cure.

NextbestError                      anything below; `code`, `field`, message
|-- InvalidInput                   what was given is malformed: exit code 2, HTTP 400
|   |-- InvalidEvent               an event (HTTP 400, per event in a batch)
|   |-- InvalidItem                a catalogue item
|   |-- InvalidMapping             an import mapping, or a file that does not fit it
|   |-- InvalidRule                a segment rule; `problems` lists every fault at once
|   |-- InvalidAction              an entry of the action catalogue
|   `-- InvalidSetting             a NEXTBEST_* variable or a key of nextbest.toml
|-- NotEnoughData                  well-formed, but too little of it: exit code 2, HTTP 409
|-- NotFound                       no such customer, item, segment, model or release: HTTP 404
|-- Conflict                       the name is taken or the state forbids it: HTTP 409
|-- Erased                         of a person who was erased: HTTP 410
|-- NotAuthenticated               no key or an unknown one: HTTP 401
|-- NotAllowed                     a known key without the right: HTTP 403
|-- TooLarge                       over a stated limit: HTTP 413
|-- TooManyRequests                over the rate of a key: HTTP 429
|-- Overloaded                     more waits to be written than may wait: HTTP 503
`-- StoreUnavailable               a disk is full, or a server away: HTTP 503
"""


class NextbestError(Exception):
    """Base of all failures that are answered with a sentence instead of a traceback."""

    code = "error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidInput(NextbestError):
    """What was given is malformed."""

    code = "invalid_input"


class InvalidEvent(InvalidInput):
    """An event that cannot be accepted."""

    code = "invalid_event"


class InvalidItem(InvalidInput):
    """A catalogue item that cannot be accepted."""

    code = "invalid_item"


class InvalidMapping(InvalidInput):
    """An import mapping, or a file that does not fit it."""

    code = "invalid_mapping"


class InvalidRule(InvalidInput):
    """A segment rule with one or more faults, all reported together."""

    code = "invalid_rule"

    def __init__(self, problems: list[str], *, field: str | None = None) -> None:
        super().__init__("; ".join(problems), field=field)
        self.problems = problems


class InvalidAction(InvalidInput):
    """An entry of the action catalogue that cannot be used."""

    code = "invalid_action"


class InvalidSetting(InvalidInput):
    """A NEXTBEST_* variable or a key of nextbest.toml with a value that does not fit."""

    code = "invalid_setting"


class NotEnoughData(NextbestError):
    """Well-formed, but too little of it to give an honest answer."""

    code = "not_enough_data"


class NotFound(NextbestError):
    """No such customer, item, segment, model or release."""

    code = "not_found"


class Conflict(NextbestError):
    """The name is taken, or the present state forbids the request."""

    code = "conflict"


class Erased(NextbestError):
    """It is of a person who was erased, and is not taken in again."""

    code = "erased"


class NotAuthenticated(NextbestError):
    """No key was given, or nobody knows it."""

    code = "not_authenticated"


class NotAllowed(NextbestError):
    """The key is known but does not carry the right."""

    code = "not_allowed"


class TooLarge(NextbestError):
    """Over a stated limit of size or number."""

    code = "too_large"


class TooManyRequests(NextbestError):
    """Over the rate that a key may use; `retry_after_seconds` says when to come back."""

    code = "too_many_requests"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Overloaded(NextbestError):
    """More waits to be written than may wait; `retry_after_seconds` says when to come back."""

    code = "overloaded"

    def __init__(self, message: str, *, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StoreUnavailable(NextbestError):
    """A store cannot be written or reached for now; nothing of what was asked was kept."""

    code = "store_unavailable"
    retry_after_seconds = 5

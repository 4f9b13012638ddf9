"""The one error tree. Every error says which field, which value and what to do about it.

RealTradeError
├── InputError            exit 2   a flag, file, value or strategy that cannot be used as given
│   ├── ConfigError                a configuration key or file
│   ├── MarketDataError            prices or times that cannot be imported or used
│   └── StrategyError              a strategy definition that is wrong
├── JobFailed             exit 1   the job ran and found something wrong (bad data, a refused gap)
├── UnreachableError      exit 3   a venue, server or disk that did not do its part
│   ├── VenueError                 the venue answered with an error or not at all
│   │   └── RateLimited            the venue told us to wait
│   └── StorageError               the store could not be read or written
└── SafetyRefusal         exit 4   refused by a safety rule
"""

from __future__ import annotations

from typing import ClassVar


class RealTradeError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        message: one sentence, what is wrong.
        code: stable machine-readable word; the class supplies a default.
        field: the flag, key, column or argument concerned.
        value: the value found there.
        fix: one sentence, what to do.
    """

    exit_code: ClassVar[int] = 1
    default_code: ClassVar[str] = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        field: str | None = None,
        value: object = None,
        fix: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.field = field
        self.value = value
        self.fix = fix

    def __str__(self) -> str:
        """Return the sentence and, where known, its remedy."""
        return f"{self.message} {self.fix}" if self.fix else self.message

    def to_dict(self) -> dict[str, object]:
        """Return the JSON form: ``code, field, value, message, fix``."""
        value = self.value
        if value is not None and not isinstance(value, str | int | float | bool):
            value = str(value)
        return {
            "code": self.code,
            "field": self.field,
            "value": value,
            "message": self.message,
            "fix": self.fix,
        }


class InputError(RealTradeError):
    """A flag, file or value that cannot be used as given."""

    exit_code = 2
    default_code = "bad_input"


class ConfigError(InputError):
    """A configuration key, value or file that cannot be used."""

    default_code = "bad_config"


class MarketDataError(InputError):
    """Prices, times or rows that cannot be imported or used."""

    default_code = "bad_data"


class StrategyError(InputError):
    """A strategy definition that is wrong, said in a trader's words."""

    default_code = "bad_strategy"


class JobFailed(RealTradeError):
    """The job ran to its end and found something wrong."""

    exit_code = 1
    default_code = "job_failed"


class UnreachableError(RealTradeError):
    """A venue, server or disk that did not do its part."""

    exit_code = 3
    default_code = "unreachable"


class VenueError(UnreachableError):
    """The venue answered with an error, with nonsense, or not at all."""

    default_code = "venue_error"


class RateLimited(VenueError):
    """The venue told us to wait.

    Args:
        message: one sentence.
        retry_after_s: seconds to wait before the next request, as the venue says.
    """

    default_code = "rate_limited"

    def __init__(self, message: str, *, retry_after_s: float) -> None:
        super().__init__(message, fix="Wait and go on; requests are paced automatically.")
        self.retry_after_s = retry_after_s


class StorageError(UnreachableError):
    """The store could not be read or written; what it held before is unharmed."""

    default_code = "storage_error"


class SafetyRefusal(RealTradeError):
    """Refused by a safety rule."""

    exit_code = 4
    default_code = "refused"

"""The one exception tree of Dateline.

Third-party errors are renamed to these at the boundary where they arise, so that callers handle one family::

    DatelineError
    ├── UsageError              the caller asked for something that makes no sense
    │   ├── SettingsError       a DATELINE_* setting is missing, unknown or out of range
    │   ├── FilterError         a date or range that cannot be read, or is empty
    │   └── QuestionError       an empty or over-long question, an unknown model name
    ├── InputError              an article or question file that cannot be read
    ├── NotFoundError           no such article, chunk or job
    ├── HomeError               the home cannot be used
    │   ├── HomeInUseError      another process holds it
    │   ├── HomeVersionError    written by a newer Dateline
    │   └── EmbeddingMismatchError  the home's vectors come from another embedding model
    ├── StoreError              the vector store, lexical index or catalogue failed
    │   ├── StoreUnreachableError   the Chroma server or the database does not answer
    │   └── VectorsDamagedError the vectors cannot be read any more
    └── ModelError              a model failed
        ├── ModelMissingError   weights or a provider package are not installed, or the weights are damaged
        ├── ModelAuthError      the provider refused the key
        ├── ModelRateLimitError 429: too many requests, or the quota is used up
        ├── ModelTimeoutError   no (complete) reply in time
        ├── ModelUnreachableError   no connection
        └── ModelReplyError     the provider answered with an error or with nonsense

Every class carries a stable ``code`` (used in HTTP problems and batch rows), a ``hint`` (what to do) and ``retryable``
(whether it may be gone a moment later), which one error may know better than its class.
"""

from __future__ import annotations

from typing import ClassVar


class DatelineError(Exception):
    """Base of all errors Dateline raises on purpose.

    ``message`` is one sentence for people; ``hint`` says what to do about it and may be empty.
    """

    code: ClassVar[str] = "internal"
    default_hint: ClassVar[str] = ""
    retryable: bool = False

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint


class UsageError(DatelineError):
    """The request itself is wrong; repeating it cannot help."""

    code = "usage"


class SettingsError(UsageError):
    """A setting is missing, unknown or out of range."""

    code = "settings"
    default_hint = "See .env.example for every setting, its unit and its default."


class FilterError(UsageError):
    """A date filter cannot be read or can match nothing."""

    code = "filter"
    default_hint = "Dates are written YYYY-MM-DD; 'from' may not be after 'to'."


class QuestionError(UsageError):
    """The question is empty or too long, or names an unknown model."""

    code = "question"


class InputError(DatelineError):
    """A file or record cannot be read. ``where`` names the file, and the line or field where known."""

    code = "input"

    def __init__(self, message: str, *, where: str = "", hint: str | None = None) -> None:
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.where = where
        self.reason = message


class NotFoundError(DatelineError):
    """Nothing is kept under that name."""

    code = "not_found"


class HomeError(DatelineError):
    """The home directory cannot be used."""

    code = "home"
    default_hint = "Choose another directory with --home or DATELINE_HOME."


class HomeInUseError(HomeError):
    """Another process holds the home."""

    code = "home_in_use"
    retryable = True
    default_hint = "Stop the service first, or speak to it with --server URL."


class HomeVersionError(HomeError):
    """The home was written by a newer Dateline."""

    code = "home_version"
    default_hint = "Upgrade Dateline, or choose another home."


class EmbeddingMismatchError(HomeError):
    """The home's vectors were made by another embedding model."""

    code = "embedding_mismatch"
    default_hint = "Set DATELINE_EMBEDDING_MODEL back, or change over with `dateline ingest --reembed`."


class StoreError(DatelineError):
    """The vector store, the lexical index or the catalogue failed."""

    code = "store"


class StoreUnreachableError(StoreError):
    """A store on another machine does not answer."""

    code = "store_unreachable"
    retryable = True
    default_hint = "Check DATELINE_CHROMA_URL and DATELINE_DATABASE_URL, and that the servers run."


class VectorsDamagedError(StoreError):
    """The vectors cannot be read any more, as when a process was killed in the instant in which Chroma wrote them."""

    code = "vectors_damaged"
    default_hint = "Run `dateline status --repair`; it embeds all passages anew."


class ModelError(DatelineError):
    """A model failed."""

    code = "model"


class ModelMissingError(ModelError):
    """Weights or a provider's package are not installed, or are damaged."""

    code = "model_missing"


class ModelAuthError(ModelError):
    """The provider refused the key."""

    code = "model_auth"
    default_hint = "Set DATELINE_MODEL_API_KEY (or the provider's own variable, such as OPENAI_API_KEY) to a valid key."


class ModelRateLimitError(ModelError):
    """Too many requests, or the quota is used up. ``retry_after`` is in seconds, None when not said."""

    code = "model_rate_limit"
    retryable = True
    default_hint = "Wait and try again, lower --concurrency, or raise the provider's limit."

    def __init__(self, message: str, *, hint: str | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class ModelTimeoutError(ModelError):
    """No complete reply in time."""

    code = "model_timeout"
    retryable = True
    default_hint = "Try again, or raise DATELINE_MODEL_TIMEOUT (seconds)."


class ModelUnreachableError(ModelError):
    """No connection to the model's server."""

    code = "model_unreachable"
    retryable = True
    default_hint = "Check DATELINE_MODEL_BASE_URL and that the model's server is running."


class ModelReplyError(ModelError):
    """The provider answered with an error, or with something that is no answer."""

    code = "model_reply"
    retryable = True

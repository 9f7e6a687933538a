"""Every exception of both SDKs has a row of its own in our tables; a new one fails here.

Found by reading the packages' sources, not by importing them: both hold thousands of modules.
"""

import importlib.util
import re
from pathlib import Path

import httpx2
import pytest

from shared.errors import CallError, OutOfCredit, ProviderError
from shared.providers.engine_sdk import WITHOUT_ANSWER, from_sdk
from shared.providers.failures import BY_STATUS, from_status

ROOTS = {"anthropic": "AnthropicError", "openai": "OpenAIError"}
CLASS = re.compile(r"^class (\w+)\(([^)]*)\):", re.MULTILINE)
# Raised only by parts of the SDKs that are never called here, and outside their own root, so that
# a provider that did meet one would not hide it.
ELSEWHERE = {
    "ToolError",
    "SessionMemoryError",
    "UnsupportedMCPValueError",
    "FileStoreError",
    "BrowserError",
    "_TransientTokenExchangeError",
}


def classes(package: str) -> dict[str, list[str]]:
    """Class name to the names of its parents, for every class in the package's sources."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    found: dict[str, list[str]] = {}
    for path in Path(spec.origin).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "Error" not in text and "Exception" not in text:
            continue
        for name, parents in CLASS.findall(text):
            names = [part.split("[")[0].split(".")[-1].strip() for part in parents.split(",")]
            found.setdefault(name, []).extend(names)
    return found


def ancestors(name: str, known: dict[str, list[str]]) -> set[str]:
    parents = known.get(name, [])
    return set(parents).union(*(ancestors(p, known) for p in parents if p != name))


@pytest.fixture(scope="module", params=sorted(ROOTS))
def sdk(request: pytest.FixtureRequest) -> tuple[str, dict[str, list[str]]]:
    return request.param, classes(request.param)


def unmapped(root: str, known: dict[str, list[str]]) -> set[str]:
    """Exceptions that only the root's own row would catch."""
    generic = {root, "APIError"}
    rows = WITHOUT_ANSWER.keys() - generic
    lost = set()
    for name in known:
        family = {name} | ancestors(name, known)
        if root in family and name not in generic and not family & (rows | {"APIStatusError"}):
            lost.add(name)
    return lost


def test_every_exception_under_the_root_has_a_row(sdk: tuple[str, dict[str, list[str]]]) -> None:
    package, known = sdk
    root = ROOTS[package]
    assert {n for n in known if root in ancestors(n, known)} > {"APIError", "APIStatusError"}
    assert unmapped(root, known) == set()


def test_a_new_exception_would_be_noticed(sdk: tuple[str, dict[str, list[str]]]) -> None:
    package, known = sdk
    root = ROOTS[package]
    assert unmapped(root, known | {"BrandNewError": [root]}) == {"BrandNewError"}
    assert unmapped(root, known | {"BrandNewError": ["APIError"]}) == {"BrandNewError"}
    assert unmapped(root, known | {"BrandNewError": ["APIConnectionError"]}) == set()


def test_no_exception_stands_outside_the_root_unseen(
    sdk: tuple[str, dict[str, list[str]]],
) -> None:
    package, known = sdk
    outside = {
        name
        for name, parents in known.items()
        if name.endswith(("Error", "Exception"))
        and {"Exception", "BaseException"} & set(parents)
        and name not in (ROOTS[package], *WITHOUT_ANSWER)
    }
    assert outside <= ELSEWHERE


def test_every_row_names_a_class_that_exists() -> None:
    names = set().union(*(classes(package) for package in ROOTS))
    assert WITHOUT_ANSWER.keys() <= names


def answer(status: int) -> httpx2.Response:
    request = httpx2.Request("POST", "http://127.0.0.1/x")
    return httpx2.Response(status, request=request, headers={"request-id": "req_1"})


def test_every_status_class_goes_by_its_status() -> None:
    """The status that an SDK class stands for is in our table, and the instance maps to it."""
    import anthropic
    import openai

    seen = 0
    for module in (anthropic, openai):
        for name, cls in vars(module._exceptions).items():
            status = getattr(cls, "status_code", None)
            if not isinstance(status, int) or name == "OAuthError":  # no message, else the same
                continue
            seen += 1
            assert status in BY_STATUS, name
            error = cls("text", response=answer(status), body={"error": {"message": "m"}})
            assert type(from_sdk(error)) is BY_STATUS[status], name
    assert seen > 20


def test_every_error_code_of_anthropic() -> None:
    """Its 99 codes come with a status of our table; a limit on money is never worth a retry."""
    from anthropic._error_classes import ERROR_CLASSES

    money = set()
    for (status, code), cls in ERROR_CLASSES.items():
        details = {"error_code": code} if code else {}
        body = {"error": {"type": "x", "message": "m", "details": details}}
        error = from_sdk(cls("text", response=answer(status), body=body))
        assert error.code == (code or "")
        assert error.status == status
        assert error.request_id == "req_1"
        assert isinstance(error, BY_STATUS[status] | OutOfCredit), code
        if status in (402, 429) and code and ("spend" in code or "billing" in code):
            money.add(code)
            assert type(error) is OutOfCredit, code
            assert not error.retryable
    assert money >= {"enforced_spend_limit_reached", "contract_spend_limit_reached"}


def test_quota_codes_of_openai_are_not_worth_a_retry() -> None:
    import openai

    body = {"message": "You exceeded your quota", "type": "insufficient_quota", "param": None}
    for code in ("insufficient_quota", "billing_hard_limit_reached"):
        error = openai.RateLimitError("text", response=answer(429), body=body | {"code": code})
        assert type(from_sdk(error)) is OutOfCredit


def test_exceptions_without_an_answer() -> None:
    import anthropic
    import openai

    request = httpx2.Request("POST", "http://127.0.0.1/x")
    for module in (anthropic, openai):
        for error in (module.APITimeoutError(request), module.APIConnectionError(request=request)):
            ours = from_sdk(error)
            assert type(ours) is WITHOUT_ANSWER[type(error).__name__]
            assert ours.retryable
    lost = from_sdk(anthropic.CredentialsError("no file"))
    assert not lost.retryable
    assert "no file" in str(lost)


def test_no_status_is_without_a_class() -> None:
    for status in range(400, 600):
        error = from_status(status, {}, "")
        assert type(error) is not CallError
        assert isinstance(error, ProviderError) or not error.retryable
        assert error.retryable >= (status >= 500 and status != 501)

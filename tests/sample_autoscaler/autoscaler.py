"""An autoscaler of a Cloud Foundry process: as many instances as its CPU usage asks for. Never decides while blind."""

import logging
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from math import ceil, inf
from typing import Any

import httpx

log = logging.getLogger(__name__)

LONGEST_WAIT = 3600.0
"""Seconds; an answer that asks for more is not believed."""

MOST_REPEATS = 5.0
EARNED_REPEATS = 0.1
"""What each answer adds to the budget of repeats: in a brownout one request in ten may be a repeat, no more."""

Outcome = Enum("Outcome", ["STAYED", "SCALED", "COOLING", "BLIND", "LIMITED", "CONFLICT", "UNKNOWN", "REFUSED"])


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What is wanted of the autoscaler.

    Attributes:
        target: processor cores that each instance should use.
        tolerance: the part of the target by which usage may be off without a change.
        least, most: instances.
        step: instances that come or go at once, at most.
        gain: how much of the difference is made up at once; 1 is all of it.
        every: seconds between two looks.
        cool_down: seconds after a scale without another one.
        trust: seconds after a scale in which its own answer counts for more than what is read.
        refused: seconds for which a refused direction is not tried again.
        attempts: scales in one look, where they end in a conflict or in no answer.
    """

    target: float = 0.6
    tolerance: float = 0.15
    least: int = 1
    most: int = 10
    step: int = 4
    gain: float = 1.0
    every: float = 15.0
    cool_down: float = 60.0
    trust: float = 60.0
    refused: float = 300.0
    attempts: int = 3

    def wanted(self, cores: float, instances: int) -> int:
        """How many instances there should be, where so many use so many cores together."""
        if instances and abs(cores / instances - self.target) <= self.tolerance * self.target:
            return instances
        change = round(self.gain * (ceil(cores / self.target) - instances))
        return max(self.least, min(self.most, instances + max(-self.step, min(self.step, change))))


class BlindError(Exception):
    """What the process does can't be read."""


class LimitedError(Exception):
    """The API has asked to be left alone for a while."""


class Token(httpx.Auth):
    """A bearer token that is fetched anew, once a request, when it has expired."""

    def __init__(self, fetch: Callable[[], str]) -> None:
        self._fetch = fetch
        self._token = ""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        self._token = self._token or self._fetch()
        request.headers["Authorization"] = f"bearer {self._token}"
        answer = yield request
        if answer.status_code == 401:
            self._token = self._fetch()
            request.headers["Authorization"] = f"bearer {self._token}"
            yield request


class Autoscaler:
    """Looks at one process again and again, and scales it.

    Args:
        client: with the API's address and a token.
        now: seconds since the epoch.
        sleep: lets so many seconds pass.
    """

    def __init__(
        self,
        client: httpx.Client,
        guid: str,
        policy: Policy | None = None,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.policy = policy or Policy()
        self._client, self._now, self._sleep = client, now, sleep
        self._path = f"/v3/processes/{guid}"
        self._repeats = MOST_REPEATS
        self._quiet_until = 0.0
        self._scaled_to, self._scaled_at = 0, -inf
        self._refused_until = {"up": 0.0, "down": 0.0}

    def run(self, seconds: float = inf) -> None:
        """Looks and scales for so long."""
        end = self._now() + seconds
        while self._now() < end:
            log.info("%s: %s", self._path, self.look().name)
            self._sleep(self.policy.every)

    def look(self) -> Outcome:
        """One look, and what follows from it. After a conflict or a lost answer it looks again and decides anew."""
        if self._now() < self._scaled_at + self.policy.cool_down:
            return Outcome.COOLING
        outcome, pause = self._attempt(), 1.0
        for _ in range(self.policy.attempts - 1):
            if outcome not in (Outcome.CONFLICT, Outcome.UNKNOWN) or not self._may_repeat():
                break
            self._sleep(pause)
            outcome, pause = self._attempt(), 2 * pause
        return outcome

    def _attempt(self) -> Outcome:
        try:
            instances, cores = self._measured()
            wanted = self.policy.wanted(cores, instances)
            direction = "up" if wanted > instances else "down"
            if wanted == instances or self._now() < self._refused_until[direction]:
                return Outcome.STAYED
            return self._scale(wanted, direction)
        except BlindError as error:
            log.warning("%s: no decision: %s", self._path, error)
            return Outcome.BLIND
        except LimitedError:
            return Outcome.LIMITED

    def _measured(self) -> tuple[int, float]:
        """How many instances there should be by now, and how many cores the running ones use together."""
        found = self._read(f"{self._path}/stats")["resources"]
        running = [each["usage"] for each in found if each["state"] == "RUNNING"]
        # Usage that is missing is unknown, which is not nought: who takes it for nought scales down a busy app.
        if not running or any("cpu" not in usage for usage in running):
            raise BlindError("nothing is known of what its instances use")
        # What is read may be older than the last scale; its answer was not.
        known = self._now() < self._scaled_at + self.policy.trust
        return self._scaled_to if known else len(found), sum(usage["cpu"] for usage in running)

    def _scale(self, wanted: int, direction: str) -> Outcome:
        try:
            answer = self._send("POST", f"{self._path}/actions/scale", {"instances": wanted})
        except httpx.TransportError:
            return self._found(wanted)
        if answer.status_code == 409:
            return Outcome.CONFLICT
        if answer.status_code >= 500:
            return self._found(wanted)
        if answer.is_success:
            self._scaled_to, self._scaled_at = wanted, self._now()
            return Outcome.SCALED
        log.error("%s: scale to %d refused: %s", self._path, wanted, answer.text)
        self._refused_until[direction] = self._now() + self.policy.refused
        return Outcome.REFUSED

    def _found(self, wanted: int) -> Outcome:
        """What has become of a scale whose answer is lost or worthless, as far as the process shows it."""
        if self._read(self._path)["instances"] != wanted:
            return Outcome.UNKNOWN
        self._scaled_to, self._scaled_at = wanted, self._now()
        return Outcome.SCALED

    def _read(self, path: str) -> Any:
        """What is there; asked for again at once, as far as the budget goes."""
        while True:
            try:
                answer = self._send("GET", path)
            except httpx.TransportError as error:
                failure = str(error)
            else:
                if answer.is_success:
                    return answer.json()
                failure = f"{answer.status_code} {answer.text}"
                if answer.status_code < 500:
                    raise BlindError(failure)
            if not self._may_repeat():
                raise BlindError(failure)

    def _may_repeat(self) -> bool:
        if self._repeats < 1:
            return False
        self._repeats -= 1
        return True

    def _send(self, method: str, path: str, body: dict[str, int] | None = None) -> httpx.Response:
        """An answer that does not ask to wait; nothing is sent before an earlier one's wait is over."""
        if self._quiet_until > self._now():
            self._sleep(self._quiet_until - self._now())
        answer = self._client.request(method, path, json=body)
        now = self._now()
        self._quiet_until = now + asked_wait(answer, now)
        if answer.status_code == 429 or (answer.status_code == 503 and self._quiet_until > now):
            raise LimitedError
        if answer.is_success:
            self._repeats = min(MOST_REPEATS, self._repeats + EARNED_REPEATS)
        return answer


def asked_wait(answer: httpx.Response, now: float) -> float:
    """Seconds that an answer asks to wait before any other request, 0 if it asks for no wait."""
    wait = 0.0
    after = answer.headers.get("Retry-After", "")
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if answer.status_code in (429, 503) and after:
        wait = float(after) if after.isdigit() else until(after, now)
    elif reset.isdigit() and (answer.status_code == 429 or answer.headers.get("X-RateLimit-Remaining") == "0"):
        # It says whole seconds, and the interval may end within that one.
        wait = int(reset) + 1 - now
    return max(0.0, min(wait, LONGEST_WAIT))


def until(date: str, now: float) -> float:
    """Seconds until an HTTP date; 0 if it is not one."""
    try:
        return parsedate_to_datetime(date).timestamp() - now
    except ValueError:
        return 0.0

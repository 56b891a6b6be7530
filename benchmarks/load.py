"""How many visitors the whole server can carry: `python -m benchmarks.load artifacts/mnist --minutes 10`.

A real server answers requests for 16 pictures of /sample, sent over HTTP by this process, which shares its processor.
One run measures: a single request against an empty Gradio event plus the bare model; the slowest of many requests from
8 clients; two processes against one; minutes at 90 % of capacity, with each answer compared byte by byte with pictures
drawn here. Capacity is the highest steady rate that the server keeps up with. Clients who wait for an answer before
they ask again cannot overload it, so their rate is only where the search for it begins. Stored in
benchmarks/results/load.json.
"""

import asyncio
import itertools
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

import httpx
import tyro

from benchmarks import results
from benchmarks.browser import served, started
from benchmarks.served_settings import ServedSettings
from bundle.errors import UserError
from bundle.processors import usable_cores
from bundle.read import read
from bundle.sessions import choose_provider
from bundle.trial_inputs import TrialInputs
from demo.routes.endpoints import drawing
from demo.serving.engine import Engine
from demo.serving.served_bundle import ServedBundle

PICTURES = 16
REQUESTS = 24  # different ones
PATIENCE = 30.0  # seconds for one answer
LATENCY_LIMIT = 0.5  # seconds; a server keeps up while 99 % of the answers are faster
TRIAL_SECONDS = 60.0  # of each rate; in fewer, a rate slightly over capacity is not noticed
REST = 0.05  # seconds; the runtime's threads go on spinning for a while
STEP = 0.95  # between two rates that are tried


@dataclass(frozen=True)
class Settings(ServedSettings):
    """What to measure."""

    minutes: float = 10.0
    """Minutes at 90 % of capacity."""
    share: float = 0.9
    """Share of capacity at which they run."""
    clients: int = 8
    """Clients that send one request after the other, to find capacity and the slowest answers."""
    seconds: float = 20.0
    """For how long they do."""
    rounds: int = 60
    """Requests of a single client."""


@dataclass(frozen=True)
class Request:
    """The arguments of /sample, and the pictures that must come back."""

    seeds: list[int]
    answer: list[str]


def requests(served: ServedBundle) -> list[Request]:
    """Requests for different seeds, and their answers, drawn here by the same engine on the same processor."""
    found, draw = [], drawing({served.info.name: served})["sample"]
    for first in range(0, REQUESTS * PICTURES, PICTURES):
        seeds = list(range(first, first + PICTURES))
        found.append(Request(seeds, draw(seeds)["images"]))
    return found


async def ask(client: httpx.AsyncClient, address: str, seeds: list[int]) -> list[str]:
    """One event, two HTTP requests. Raises httpx.HTTPError, or ValueError for a malformed answer."""
    posted = await client.post(f"{address}/gradio_api/call/sample", json={"data": [seeds, "", "gan", "", 1.0]})
    posted.raise_for_status()
    answer = await client.get(f"{address}/gradio_api/call/sample/{posted.json()['event_id']}")
    answer.raise_for_status()
    event, _, data = answer.text.strip().rpartition("\n")
    if "complete" not in event or not data.startswith("data: "):
        raise ValueError(answer.text[:200])
    return json.loads(data.removeprefix("data: "))[0]["images"]


@dataclass
class Outcome:
    """Seconds that each correct answer took, and how many were wrong or missing."""

    seconds: list[float]
    wrong: int = 0
    failed: int = 0

    @property
    def median(self) -> float:
        """Seconds. Raises UserError when no answer was correct."""
        if not self.seconds:
            raise UserError(f"No answer of the server was right: {self.wrong} were wrong, {self.failed} failed.")
        return statistics.median(self.seconds)

    def quantile(self, share: float) -> float:
        """Of the correct answers; infinite when there are none."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))] if self.seconds else math.inf


async def timed(client: httpx.AsyncClient, address: str, request: Request, outcome: Outcome) -> None:
    """Sends one request; adds its seconds to `outcome`, or counts it as wrong or failed."""
    began = time.perf_counter()
    try:
        found = await ask(client, address, request.seeds)
    except (httpx.HTTPError, ValueError, KeyError):
        outcome.failed += 1
        return
    if found == request.answer:
        outcome.seconds.append(time.perf_counter() - began)
    else:
        outcome.wrong += 1


async def closed_loop(
    addresses: list[str], known: list[Request], clients: int, seconds: float
) -> tuple[Outcome, float]:
    """Clients, divided among the addresses, that ask again as soon as they are answered; requests per second."""
    outcome, turn, until = Outcome([]), itertools.cycle(known), time.perf_counter() + seconds

    async def visit(address: str) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            while time.perf_counter() < until:
                await timed(client, address, next(turn), outcome)

    began = time.perf_counter()
    await asyncio.gather(*(visit(addresses[i % len(addresses)]) for i in range(clients)))
    return outcome, len(outcome.seconds) / (time.perf_counter() - began)


async def at_rate(address: str, known: list[Request], rate: float, seconds: float) -> Outcome:
    """Requests at a steady rate, whether or not the earlier ones have been answered."""
    outcome, turn, tasks = Outcome([]), itertools.cycle(known), set()
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    async with httpx.AsyncClient(timeout=PATIENCE, limits=limits) as client:
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            task = asyncio.create_task(timed(client, address, next(turn), outcome))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)
    return outcome


async def highest_rate(address: str, known: list[Request], rate: float, seconds: float, rest: float = 2) -> float:
    """The highest steady rate, up or down from `rate`, that the server keeps up with: each answer is right, and 99 %
    come within LATENCY_LIMIT. `rest`: seconds between two tries. Raises UserError where there is none above a tenth of
    `rate`."""
    lowest, highest, too_much = rate / 10, 0.0, False
    while rate > lowest and not (highest and too_much):
        found = await at_rate(address, known, rate, seconds)
        if not (found.failed or found.wrong) and found.quantile(0.99) < LATENCY_LIMIT:
            highest, rate = rate, rate / STEP
        else:
            print(f"  {rate:.1f} requests/s are too much", flush=True)
            too_much, rate = True, rate * STEP
        await asyncio.sleep(rest)
    if not highest:
        raise UserError(f"{address} keeps up with no rate of requests.")
    return highest


async def single_client(
    full: str, empty: str, request: Request, model: Callable[[], object], rounds: int
) -> tuple[Outcome, Outcome, Outcome]:
    """A single client at the server and at the empty one, and the model alone here, in turn, so that all three find
    the processor in the same state; the first few do not count."""
    outcomes = Outcome([]), Outcome([]), Outcome([])
    nothing = Request(request.seeds, [])
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        for _ in range(rounds + 5):
            await timed(client, full, request, outcomes[0])
            await timed(client, empty, nothing, outcomes[1])
            await asyncio.sleep(REST)
            began = time.perf_counter()
            model()
            outcomes[2].seconds.append(time.perf_counter() - began)
            await asyncio.sleep(REST)
    full_server, empty_server, alone = (Outcome(o.seconds[5:], o.wrong, o.failed) for o in outcomes)
    return full_server, empty_server, alone


def generator_run(engine: Engine) -> Callable[[], object]:
    """One run of the generator with 16 pictures."""
    feed = TrialInputs.of_bundle(engine.bundle, engine.run).seed_rows("generator", range(PICTURES))
    return lambda: engine.run("generator", feed)


def measure(settings: Settings) -> dict:
    """Measures everything. Raises UserError when the bundle has no GAN."""
    engine = Engine(read(settings.bundle), choose_provider(settings.provider))
    if engine.bundle.info.gan is None:
        raise UserError(f"{settings.bundle} has no GAN, which /sample is measured with.")
    known, found = requests(ServedBundle(engine)), {}
    with ExitStack() as stack:
        addresses = [stack.enter_context(served(settings.bundle, settings.provider)).address for _ in range(2)]
        empty = stack.enter_context(started(["-m", "benchmarks.empty"], "Empty is at")).address
        full, nothing, alone_model = asyncio.run(
            single_client(addresses[0], empty, known[0], generator_run(engine), settings.rounds)
        )
        model = alone_model.median
        ratio = full.median / (nothing.median + model)
        found["single"] = printed(
            f"one client: {full.median * 1e3:.1f} ms; empty event {nothing.median * 1e3:.1f} + model {model * 1e3:.1f} "
            f"ms: {ratio:.2f} times",
            {"ms": full.median * 1e3, "empty_ms": nothing.median * 1e3, "model_ms": model * 1e3, "ratio": ratio},
        )
        many, pace = asyncio.run(closed_loop(addresses[:1], known, settings.clients, settings.seconds))
        slow = many.quantile(0.99) / many.median
        found["clients"] = printed(
            f"{settings.clients} clients: {pace:.1f} requests/s ({pace * PICTURES:.0f} pictures/s), median "
            f"{many.median * 1e3:.0f} ms, 99 % {many.quantile(0.99) * 1e3:.0f} ms: {slow:.2f} times",
            {"clients": settings.clients, "requests_per_second": pace, "median_ms": many.median * 1e3,
             "p99_over_median": slow, "wrong": many.wrong, "failed": many.failed},
        )  # fmt: skip
        _, both = asyncio.run(closed_loop(addresses, known, settings.clients, settings.seconds))
        found["processes"] = printed(
            f"two processes: {both:.1f} requests/s, {both / pace:.2f} times one (on {usable_cores()} cores, with the "
            "clients on the same ones)",
            {"requests_per_second": both, "ratio": both / pace},
        )
        capacity = asyncio.run(highest_rate(addresses[0], known, pace, TRIAL_SECONDS))
        rate = settings.share * capacity
        print(f"{settings.minutes:g} minutes at {rate:.1f} of {capacity:.1f} requests/s …", flush=True)
        long = asyncio.run(at_rate(addresses[0], known, rate, settings.minutes * 60))
        found["steady"] = printed(
            f"  {len(long.seconds)} right, {long.wrong} wrong, {long.failed} failed; median {long.median * 1e3:.0f} "
            f"ms, 99 % {long.quantile(0.99) * 1e3:.0f} ms",
            {"minutes": settings.minutes, "requests_per_second": rate, "capacity": capacity,
             "right": len(long.seconds), "wrong": long.wrong, "failed": long.failed,
             "median_ms": long.median * 1e3, "p99_ms": long.quantile(0.99) * 1e3},
        )  # fmt: skip
    return {"bundle": engine.bundle.info.name, "processor": engine.reason, "hardware": results.hardware(), **found}


def printed(line: str, figures: dict[str, float]) -> dict[str, float]:
    """Prints the line; returns the figures rounded to three digits after the point."""
    print(line, flush=True)
    return {name: round(value, 3) for name, value in figures.items()}


def main(argv: list[str]) -> int:
    settings = tyro.cli(Settings, description=__doc__, args=argv)
    return results.measure_and_store("load", lambda: measure(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

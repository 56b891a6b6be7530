"""Work for a project besides training: whatever goes wrong, the next piece of work can begin."""

import sys
import time
from pathlib import Path

from demo.make import failures
from demo.make.jobs import Jobs
from demo.make.projects import Projects


def test_an_unexpected_fault_ends_the_job_and_not_those_after_it(tmp_path: Path):
    projects = Projects(tmp_path)
    name, jobs = projects.create("Discs"), Jobs(projects)

    def done(then) -> dict:
        jobs.begin(name, "measure", [sys.executable, "-c", ""], then)
        until = time.monotonic() + 60
        while not (facts := jobs.facts(name))["done"]:
            assert time.monotonic() < until
            time.sleep(0.05)
        return facts

    assert done(lambda: {}["gone"])["error"] == failures.UNEXPECTED
    assert done(lambda: None)["error"] == ""

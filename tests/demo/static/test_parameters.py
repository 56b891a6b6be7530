"""The registry of parameters (demo/static/core/parameters.js), in Node."""

import pytest

from tests.support.page_scripts import Scripts

ONE = """
let value = 0.5;
const common = { low: 0, high: 2, get: () => value, set: (v) => (value = v) };
const add = (name, more = {}) => T.parameters.add({ name, label: name, ...common, ...more });
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Scripts:
    return Scripts(tmp_path_factory.mktemp("parameters"), "core/parameters.js")


def test_a_value_stays_within_its_ends_and_the_state_before_can_be_undone_to(page: Scripts):
    found = page(
        ONE + "add('a'); const moved = [T.parameters.move('a', 9), value, T.parameters.move('a', -9), value];"
        "clock.now += 5000; moved.push(T.parameters.moving()); T.parameters.move('a', 1);"
        "return [moved, T.parameters.moving(), events];"
    )
    assert found == [[True, 2, True, 0, False], True, ["remember", "remember"]]


@pytest.mark.parametrize("name, value", [("gone", "1"), ("a", "NaN"), ("a", "Infinity")])
def test_what_is_not_there_or_no_number_moves_nothing(page: Scripts, name: str, value: str):
    code = f"add('a'); return [T.parameters.move('{name}', {value}), value, T.parameters.moving(), events];"
    assert page(ONE + code) == [False, 0.5, False, []]


def test_once_a_performance_is_at_rest_the_document_is_told(page: Scripts):
    code = "add('a'); T.parameters.move('a', 1); await new Promise((done) => setTimeout(done, 5)); return events;"
    assert page(ONE + code) == ["remember", "twofold-rest"]


def test_parameters_that_belong_together_come_and_go_together(page: Scripts):
    code = """
    let told = 0;
    T.parameters.listeners.push(() => (told += 1));
    for (const name of ["class.a", "class.b", "other"]) add(name);
    await null;
    T.parameters.replace("class.", [{ name: "class.c", label: "c", low: 0, high: 1 }]);
    await null;
    return [T.parameters.all().map(({ name }) => name), told, T.parameters.find("class.a") === undefined];
    """
    assert page(ONE + code) == [["other", "class.c"], 2, True]


def test_a_new_mapping_begins_with_the_usual_range(page: Scripts):
    code = """return [{}, { usual: [0.5, 1] }, { usual: () => [-7, 1.5] }].map((more) => {
        add("a", more);
        return T.parameters.usual(T.parameters.find("a"));
    });"""
    assert page(ONE + code) == [[0, 2], [0.5, 1], [0, 1.5]]

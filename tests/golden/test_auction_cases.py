"""Adapters of auctions, troves and bands: how a case finds its adapter, and numbers printed as text."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / ".." / "shared" / "golden" / "lending.json"
sys.path.insert(0, str(HERE))

import run  # noqa: E402
from case import Answer, differences  # noqa: E402

PROTOCOLS = ("MakerDAO Liq 2.0", "Liquity v1", "Liquity v2", "crvUSD LLAMMA")


def _case(protocol, inputs, expected, tolerance=0, rule="told in words"):
    return {"id": "x", "protocol": protocol, "rule": rule, "inputs": inputs, "expected": expected,
            "tolerance": {"abs": tolerance}}  # fmt: skip


RIGHT = [
    # 7 units of a lot of 10 pay the tab of 21 at 3 each
    _case("MakerDAO Liq 2.0", {"lot": 10, "tab": 21, "price": 3, "amt": 8, "chost": 2},
          {"bought": 7, "paid": 21, "returned": 3}),
    _case("MakerDAO Liq 2.0", {"lot": 10, "tab": 21, "price": 2, "amt": 10, "chost": 2},
          {"paid": 20, "bad_debt": 1, "lot_left": 0}),
    _case("MakerDAO Liq 2.0", {"top": 8, "tau": 100, "seconds": [0, 25, 100]}, [8, 6, 0]),
    _case("MakerDAO Liq 2.0", {"top": 8, "cut": "0.5", "seconds": 3}, 1),
    _case("MakerDAO Liq 2.0", {"stopped": 2}, {"kick": False, "redo": False, "take": True}),
    _case("MakerDAO Liq 2.0", {"ink": 10, "art": 30, "price": 5, "liquidation_ratio": 2, "hole": 12,
                               "dust": 3}, {"tab": "12", "art_left": "18000000000000000000"}),
    _case("MakerDAO Liq 2.0", {"lot": 10, "tab": 21, "bids": [[2, 3], {"amt": 8, "price": 2}], "chost": 2},
          {"bought": "9500000000000000000", "paid": 21, "returned": 0.5}),
    _case("MakerDAO Liq 2.0", {"lot": 4, "tab": 21, "amt": 4, "top": 8, "tau": 4, "seconds": 2, "chost": 2},
          {"paid": 16, "bad_debt": 5}),
    # a curve with its limits of a reset: asked whether, or asked for prices
    _case("MakerDAO Liq 2.0", {"top": 8, "tau": 100, "tail": 25, "cusp": "0.3", "seconds": [25, 26]},
          [False, True]),
    _case("MakerDAO Liq 2.0", {"top": 8, "tau": 100, "tail": 25, "cusp": "0.3", "seconds": [0, 25]}, [8, 6]),
    # the pool has a quarter of the debt, so a quarter of the collateral but for half a percent goes to it
    _case("Liquity v1", {"coll": 2, "debt": 2000, "stability_pool": 500, "gas_comp": "0.005"},
          {"offset_debt": 500, "coll_to_sp": "0.4975", "redistributed_coll": "1.4925"}),
    # 9 of 10 debt is offset, so 90 % of the collateral but for half a percent goes to the pool
    _case("Liquity v1", {"events": [["dep", "A", 10], ["liq", 10, 1]], "min_lusd_in_pool": 1},
          {"A": {"lusd": "1000000000000000000", "eth": "895500000000000000"}}, 10),
    _case("Liquity v1", {"events": [["open", "A", 1], ["open", "B", 1], ["liq", "A"]]}, {"B": 1.995}),
    _case("Liquity v1", {"troves": {"A": 1, "B": {"coll": 1, "debt": 150}, "C": [2, 100]}, "liquidate": ["A"]},
          {"B": {"coll": "1331666666666666666"}, "C": "2663333333333333333"}, 2),
    _case("crvUSD LLAMMA", {"collateral": 1, "debt": 1500, "N": 5, "A": 100, "base_price": 3000,
                            "oracle_price": 3000, "loan_discount": "0.05", "liquidation_discount": "0.02"},
          {"max_debt": "2751.493405530582454486", "max_borrowable": "1251.493405530582454486"}, "1e-6"),
    _case("Liquity v1", {"coll": ["200000000000000000001"]}, ["1000000000000000000"]),
    _case("Liquity v2", {"collateral": 2, "debt": 1000, "stability_pool": 0, "price": 1000},
          {"redistributed_coll": 1.1, "surplus_to_owner": "900000000000000000"}),
    _case("crvUSD LLAMMA", {"debt": 100, "stablecoin_in_bands": 60, "collateral_in_bands": 1, "frac": 1},
          {"pay": 40, "collateral_received": "1"}),
    _case("crvUSD LLAMMA", {"base_price": 100, "A": 100, "n": [0, 1]}, ["100", "99"]),
    _case("crvUSD LLAMMA", {"frac": 0.5, "h": "0.1"}, "0.488636363636363636"),
]  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_cases_worked_by_hand(case):
    assert run.run_case(case, RIGHT) == ("passed", [])


def test_numbers_printed_as_text_are_compared_to_the_last_digit():
    wide = 10**30 + 1
    for got, expected, tolerance, count in (
        (wide, str(wide), {"abs": 0}, 0), (wide, str(wide + 1), {"abs": 0}, 1),
        (wide, str(wide + 9), {"abs": 9}, 0), (wide, str(wide + 10), {"abs": 9}, 1),
        (wide, str(wide + 10**20), {"rel": "1e-9"}, 0), (wide, "1.1e30", {"rel": 1e-9}, 1),
    ):  # fmt: skip
        assert len(differences({"a": expected}, Answer({"a": got}), tolerance)) == count


def test_other_protocols_are_left_alone():
    assert run.run_case(_case("Another", {"art": 1}, 1), [])[0] == "unsupported"
    assert run.run_case(_case("Liquity v1", {"nothing": 1}, 1), [])[0] == "unsupported"


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/golden, the published cases")
def test_shared_cases_all_pass():
    cases = [c for c in json.loads(SHARED.read_text()) if c["protocol"] in PROTOCOLS]
    assert len(cases) >= 44
    found = {case["id"]: run.run_case(case, cases) for case in cases}
    assert {name: state for name, state in found.items() if state[0] != "passed"} == {}

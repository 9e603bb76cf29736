"""Pool cases by the words of their rule and the names of their inputs: published ones, and other numbers."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / ".." / "shared" / "golden"
sys.path.insert(0, str(HERE))

from run import run_case  # noqa: E402

ETHER = 10**18


def case(rule, expected, **inputs):
    return {
        "id": "x",
        "rule": rule,
        "inputs": inputs,
        "expected": expected,
        "tolerance": {"abs": 0},
    }


# printed in Uniswap/v2-core UniswapV2Pair.spec.ts, v3-core SqrtPriceMath.spec.ts, SwapMath.spec.ts and
# TickMath.spec.ts, and saddle-contract swap.ts
UNSEEN = [
    case("getAmountOut with 0.3% fee, floor", "2851015155847869602", amount_in=str(2 * ETHER),
         reserve_in=str(5 * ETHER), reserve_out=str(10 * ETHER), fee_bps=30),
    case("getAmountOut with 0.3% fee, floor", "996006981039903216", amount_in=str(ETHER),
         reserve_in=str(1000 * ETHER), reserve_out=str(1000 * ETHER), fee_bps=30),
    case("next sqrt price from input amount", "87150978765690771352898345369",
         sqrt_price="79228162514264337593543950336", liquidity=str(ETHER), amount=str(ETHER // 10),
         zero_for_one=False),
    case("next sqrt price from output amount", "88031291682515930659493278152",
         sqrt_price="79228162514264337593543950336", liquidity=str(ETHER), amount=str(ETHER // 10),
         zero_for_one=False),
    case("next sqrt price from output amount", "71305346262837903834189555302",
         sqrt_price="79228162514264337593543950336", liquidity=str(ETHER), amount=str(ETHER // 10),
         zero_for_one=True),
    case("computeSwapStep", {"amountIn": "999400000000000000", "fee": "600000000000000",
                             "amountOut": "666399946655997866"},
         sqrt_price="79228162514264337593543950336", sqrt_target="792281625142643375935439503360",
         liquidity=str(2 * ETHER), amount_remaining=str(ETHER), fee_pips=600),
    case("getTickAtSqrtRatio (floor)", [-887271, 887271],
         sqrt_ratios=[4295343490, "1461446703485210103287273052203988822378723970341"]),
    case("swap 0.1 token0 -> token1", "99702611562565289", A="50", fee="0.001",
         initial=[str(ETHER)] * 2, i=0, j=1, dx=str(ETHER // 10)),
    # UniswapV2Pair.spec.ts: mint, and a swap that may take what the table says and not one more
    case("mint", "1999999999999999000", amount0=str(ETHER), amount1=str(4 * ETHER)),
    case("swap", {"at": True, "one_more": False}, reserve0=str(5 * ETHER), reserve1=str(10 * ETHER),
         in0=str(ETHER), out1="1662497915624478906"),
    case("told in other words", "1917569901783203986719870431555990", tick_spacing=10),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(UNSEEN)))
def test_other_numbers_of_a_rule(number):
    assert run_case(UNSEEN[number], UNSEEN) == ("passed", [])
    wrong = dict(UNSEEN[number], expected="1")
    assert run_case(wrong, UNSEEN)[0] == "failed"


def test_what_is_no_pool_is_unsupported():
    assert run_case(case("a rule that nobody has", "1", A=1, x=2), [])[0] == "unsupported"
    # in words that say neither, the amount may come in or go out
    given = {"sqrt_price": 2**96, "liquidity": ETHER, "amount": 1, "zero_for_one": True}
    assert run_case(case("next price", "1", **given), [])[0] == "unsupported"


def test_published_cases():
    file = SHARED / "lending.json"
    if not file.exists():
        pytest.skip(f"{file} is not beside the project")
    cases = [
        entry
        for entry in json.loads(file.read_text())
        if entry["protocol"].startswith(("Uniswap", "Curve stableswap"))
    ]
    assert len(cases) >= 66
    assert {entry["id"]: run_case(entry, cases) for entry in cases} == {
        entry["id"]: ("passed", []) for entry in cases
    }

"""Parameters refuse what they are not made for and say what they expected."""

import dataclasses
import math

import pytest

from envs import Parameters


@dataclasses.dataclass(frozen=True, kw_only=True)
class OvenParameters(Parameters):
    heat: float = 180.0
    trays: int = 2
    fan: bool = False

    def __post_init__(self):
        self.check("heat", 0, 250, above=True)
        self.check("trays", 1)


def test_values_left_out_keep_their_defaults():
    assert OvenParameters.from_mapping({"trays": 3}) == OvenParameters(heat=180.0, trays=3, fan=False)


def test_equal_parameters_have_equal_hashes_and_cannot_be_changed():
    assert hash(OvenParameters(trays=3)) == hash(OvenParameters(trays=3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        OvenParameters().trays = 4


def test_a_whole_number_may_stand_for_a_fraction():
    assert OvenParameters(heat=200).heat == 200


@pytest.mark.parametrize("value", [0.1, 250, 250.0])
def test_values_within_the_range_pass(value):
    assert OvenParameters(heat=value).heat == value


@pytest.mark.parametrize("value", [0, -1, 250.1, math.nan, math.inf, -math.inf, "hot", None, True, [180]])
def test_values_outside_the_range_or_of_another_kind_are_refused(value):
    with pytest.raises(ValueError, match=r"Oven heat=.*expected a number above 0 to 250") as error:
        OvenParameters(heat=value)
    assert repr(value) in str(error.value)


@pytest.mark.parametrize("value", [0, 1.0, 2.5, math.nan, math.inf, True, "2"])
def test_a_field_of_whole_numbers_refuses_fractions_and_infinity(value):
    with pytest.raises(ValueError, match=r"Oven trays=.*: expected a whole number from 1$"):
        OvenParameters(trays=value)


def test_an_unknown_name_is_answered_with_the_nearest_and_with_all():
    with pytest.raises(ValueError, match="Oven has no parameter 'tray'; did you mean 'trays'") as error:
        OvenParameters.from_mapping({"tray": 1})
    assert str(error.value).endswith("It takes: heat, trays, fan")


def test_a_name_like_no_other_is_answered_with_all_names():
    with pytest.raises(ValueError, match=r"has no parameter 'colour'\. It takes: heat, trays, fan"):
        OvenParameters.from_mapping({"colour": "red"})

"""Which keys stand where in a typed mapping, and what its three special rules do."""

import math
import re
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from sim.foundation import config
from sim.foundation.config import Config, Refusal, RefusedError, UnknownKeyError, locate


class Cable(Config):
    """A bare value is its length."""

    shorthand = "length"
    not_modelled = {"colour": "it carries the same"}  # noqa: RUF012

    length: float
    """Metres."""
    spare: float = math.inf
    """Metres left over."""


class Radio(Config):
    """Exactly one way to say how it is tuned."""

    alternatives = (("band", "channel"), ("carrier.hertz",))

    product: Literal["radio"] = "radio"
    band: str | None = None
    channel: int = 0
    hertz: float | None = Field(default=None, alias="carrier.hertz")
    cables: list[Cable] = Field(default_factory=list)


class Lamp(Config):
    product: Literal["lamp"] = "lamp"
    watts: int


class House(Config):
    rooms: dict[str, Annotated[Radio | Lamp, Field(discriminator="product")]]


def test_a_bare_value_stands_for_its_key_and_keys_without_effect_are_taken_out():
    assert Cable.model_validate(3) == Cable(length=3.0)
    assert Cable.model_validate({"length": 3, "colour": "red"}) == Cable(length=3.0)
    with pytest.raises(ValidationError, match="Extra inputs"):
        Cable.model_validate({"length": 3, "color": "red"})


def test_what_is_dumped_leaves_out_what_stands_for_not_given():
    assert Cable(length=3.0).model_dump() == {"length": 3.0}
    assert Radio(band="fm").model_dump(by_alias=True) == {
        "product": "radio", "band": "fm", "channel": 0, "cables": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "give exactly one of band+channel, carrier.hertz"),
        ({"channel": 3, "carrier.hertz": 1e6}, "not channel and carrier.hertz"),
    ],
)
def test_of_alternatives_exactly_one_is_given(data, said):
    with pytest.raises(ValidationError, match=re.escape(said)):
        Radio.model_validate(data)
    assert Radio.model_validate({"channel": 3, "band": "fm"}).channel == 3


def test_given_is_what_is_not_the_default_and_asks_by_the_key_that_is_written():
    tuned = Radio.model_validate({"carrier.hertz": 1e6, "channel": 0})
    assert tuned.given("carrier.hertz") and not tuned.given("channel")
    with pytest.raises(KeyError, match="'hertz'"):
        tuned.given("hertz")


def test_of_a_union_the_model_is_that_of_the_product():
    union = Annotated[Radio | Lamp, Field(discriminator="product")]
    assert config.model_of(union, {"product": "lamp"}) is Lamp
    assert config.model_of(union, {"product": "oven"}) is None
    assert config.model_of(Cable | None, None) is Cable
    assert config.names(Cable, {}) == ["length", "spare", "colour"]
    assert config.names(list[Cable], [1, 2]) == ["0", "1"]
    assert config.child(dict[str, Lamp], {}, "kitchen") is Lamp
    assert config.child(int, 3, "x") is None


def test_rivals_are_the_keys_of_the_other_alternatives():
    assert config.rivals(Radio, {}, "band") == {"carrier.hertz"}
    assert config.rivals(Radio, {}, "carrier.hertz") == {"band", "channel"}
    assert config.rivals(Radio, {}, "cables") == set()


def test_a_dotted_name_is_the_longest_key_that_there_is():
    data = {"rooms": {"bath": {"product": "radio", "cables": [{"length": 1}]}}}
    assert locate(House, data, "rooms.bath.carrier.hertz") == ("rooms", "bath", "carrier.hertz")
    assert locate(House, data, "rooms.bath.cables.0.length") == (
        "rooms",
        "bath",
        "cables",
        0,
        "length",
    )
    with pytest.raises(UnknownKeyError) as error:
        locate(House, data, "rooms.bath.watts")
    assert error.value.path == ("rooms", "bath") and error.value.word == "watts"
    assert error.value.candidates == ["product", "band", "channel", "carrier.hertz", "cables"]


def test_a_validator_refuses_at_keys_and_tells_of_all_in_one_text():
    error = RefusedError([Refusal((("a",), ("b", 0)), "a is not b"), Refusal((("c",),), "no c")])
    assert isinstance(error, ValueError)
    assert str(error) == "a is not b; no c"
    assert error.refusals[0].keys == (("a",), ("b", 0))


def test_what_a_key_is_for_stands_under_its_field_and_a_subclass_may_say_otherwise():
    class Wire(Cable):
        """A thin one."""

        length: float
        """Metres; at most ten."""
        gauge: int = 0

    assert config.about(Cable) == {"length": "Metres.", "spare": "Metres left over."}
    assert config.about(Wire) == {"length": "Metres; at most ten.", "spare": "Metres left over."}
    properties = Wire.model_json_schema()["anyOf"][1]["properties"]
    assert properties["length"]["description"] == "Metres; at most ten."
    assert "description" not in properties["gauge"]


def test_a_key_written_otherwise_than_its_field_is_told_of_by_the_key():
    class Band(Config):
        hertz: float = Field(alias="carrier.hertz")
        """How often a second,
        on the air."""

    assert config.about(Band) == {"carrier.hertz": "How often a second,\non the air."}

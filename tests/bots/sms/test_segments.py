"""Segments as the carriers count them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.sms.segments import fit, segments


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("a", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" + "€" * 80, 2),
        ("€" * 152, 2),
        ("€" * 153, 3),  # 76 pairs to a segment of 153: none is cut in two
        ("Çéàèùìòñüäö¿¡ß@£$¥", 1),
        ("á" * 70, 1),
        ("á" * 71, 2),
        ("á" * 134, 2),
        ("á" * 135, 3),
        ("🍺" * 35, 1),
        ("🍺" * 36, 2),
        ("🍺" * 66, 2),
        ("🍺" * 67, 3),
        ("a" * 70 + "ç", 2),
    ],
)
def test_segments_are_counted_as_the_carrier_does(text: str, count: int) -> None:
    assert segments(text) == count


LONG = "Bar do Zé: você é o 3º da fila, faltam uns 15 minutos. "


@pytest.mark.parametrize(
    ("text", "fitted"),
    [
        ("You are number 3.", "You are number 3."),
        ("Você é o 3º da fila.", "Você é o 3º da fila."),
        (
            LONG + "Não vá longe — avisamos já.",
            "Bar do Zé: voce é o 3o da fila, faltam uns 15 minutos. Nao va longe - avisamos ja.",
        ),
        (
            LONG + "“Çédille”…" + "x" * 30,
            'Bar do Zé: voce é o 3o da fila, faltam uns 15 minutos. "Çédille"...' + "x" * 30,
        ),
        (
            LONG + "Cafe\u0301 e\u0301 aqui, ja\u0301 vai.",
            "Bar do Zé: voce é o 3o da fila, faltam uns 15 minutos. Café é aqui, ja vai.",
        ),
        (LONG + "Ana 🍺, não vá longe.", LONG + "Ana 🍺, não vá longe."),
        (LONG + "李小龙, não vá longe.", LONG + "李小龙, não vá longe."),
    ],
)
def test_accents_are_given_up_only_where_that_saves_a_segment(text: str, fitted: str) -> None:
    assert fit(text) == fitted


@given(st.text(max_size=400))
def test_fitting_never_costs_more_and_is_done_at_once(text: str) -> None:
    assert segments(fit(text)) <= segments(text)
    assert fit(fit(text)) == fit(text)


@given(st.text(alphabet="áíóúãõçêâôÁÍÓÚÃÕÊÂÔªº–“”’ abc", min_size=71, max_size=100))
def test_portuguese_of_up_to_a_hundred_letters_fits_one_segment(text: str) -> None:
    assert segments(fit(text)) == 1

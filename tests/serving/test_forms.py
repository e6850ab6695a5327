"""Rules of a form as core/ takes them."""

from seqrec_cli.serving.forms import Person, RecommendForm, as_rules


def test_rules_are_expressions_or_ids() -> None:
    assert as_rules(None) == ()
    assert as_rules("price < 8") == ("price < 8",)
    assert as_rules([1, "b"]) == (("1", "b"),)


def test_one_person_is_many_of_one() -> None:
    assert RecommendForm(user=5).people == [Person(user=5)]
    many = [Person(user=5), Person(history=["a"])]
    assert RecommendForm(many=many).people == many

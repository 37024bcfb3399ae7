from domain.behaviour import DAY_MICROS, Touch
from serving.history import Habits, history_of


def test_a_history_says_how_long_ago_and_what_each_act_was():
    touches = [
        Touch(2 * DAY_MICROS, "m1", 0, "mug", "purchase", None, None),
        Touch(11 * DAY_MICROS, "m2", 0, "bowl", "item-view", None, None),  # by a clock ahead of us
        Touch(9 * DAY_MICROS, "m3", 0, "plate", "remove-from-cart", None, None),
    ]
    history = history_of(touches, ["tray"], 10 * DAY_MICROS, Habits(half_life_days=8))
    assert history.item_ids == ("mug", "bowl", "tray")
    assert history.ages_days == (8.0, 0.0, 0.0)
    assert history.kinds == ("purchase", "interest", "intent")
    assert history.weights == (1.5, 1.0, 2.0)

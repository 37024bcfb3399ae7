"""The words of an item, and what each is worth: TF-IDF that serving can do without scikit-learn.

Words are runs of letters and digits of the title and of the text attributes, in lower case, and the
category, the brand and each `name_value` attribute as one word each. Words of fewer than two
characters, and words that only one item has, say nothing about likeness and are left out.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from models.facts import ItemFacts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_WORD = re.compile(r"\w\w+")
_WHOLE = {"category": 2, "brand": 1}  # how often each counts; a title has many words, these are one


class Vocabulary:
    """The known words with their inverse document frequency; both (words,), words sorted."""

    def __init__(self, words: np.ndarray, idf: np.ndarray) -> None:
        self.words = words
        self.idf = idf
        self._code_of = {word: code for code, word in enumerate(words.tolist())}

    def weigh(self, facts: ItemFacts) -> "csr_matrix":
        """Return tf * idf in rows of length 1, (items, words) float32; unknown words are left out.

        tf is 1 + ln(count), so that a word said five times does not drown the others.
        """
        from scipy.sparse import csr_matrix

        codes: list[int] = []
        counts: list[int] = []
        bounds = [0]
        for words in words_of_items(facts):
            known = [(self._code_of[word], n) for word, n in words.items() if word in self._code_of]
            codes += [code for code, _ in known]
            counts += [n for _, n in known]
            bounds.append(len(codes))
        columns = np.array(codes, dtype=np.int32)
        data = (1 + np.log(np.array(counts, dtype=np.float64))) * self.idf[columns]
        row_of = np.repeat(np.arange(len(facts)), np.diff(bounds))
        lengths = np.sqrt(np.bincount(row_of, weights=data**2, minlength=len(facts)))
        data = (data / lengths[row_of]).astype(np.float32)
        return csr_matrix((data, columns, bounds), shape=(len(facts), len(self.words)))


def learn_vocabulary(facts: ItemFacts, max_words: int) -> Vocabulary:
    """Return the words that two or more items have, at most the `max_words` commonest.

    idf is ln((1 + items) / (1 + items with the word)) + 1, as in scikit-learn.
    """
    found: Counter[str] = Counter()
    for words in words_of_items(facts):
        found.update(words.keys())
    shared = sorted((-n, word) for word, n in found.items() if n > 1)[:max_words]
    kept = sorted(word for _, word in shared)
    holding = np.array([found[word] for word in kept], dtype=np.float64)
    return Vocabulary(np.array(kept, dtype=np.str_), np.log((1 + len(facts)) / (1 + holding)) + 1)


def words_of_items(facts: ItemFacts) -> Iterator[Counter[str]]:
    """Yield the words of each item with their counts."""
    columns = (facts.titles, facts.attributes, facts.categories, facts.brands)
    for title, attributes, category, brand in zip(*(c.tolist() for c in columns), strict=True):
        words = Counter(_WORD.findall(f"{title} {attributes}".lower()))
        for name, value in (("category", category), ("brand", brand)):
            if value:
                words[f"{name}={value.lower()}"] = _WHOLE[name]
        yield words
